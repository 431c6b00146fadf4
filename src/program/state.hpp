// The state of a Program.
#pragma once

#include "base/located.hpp"
#include "program/executable.hpp"
#include "program/in_use.hpp"
#include "program/passes.hpp"
#include <wengert/program/program.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace wengert {

/// Copies integers to an array.
template <class T>
Indices numbers_of(Value<const T> from) {
  auto numbers = Indices::from_shape(xt::dynamic_shape<std::size_t>(from.shape()));
  copy_elements<std::int64_t>({reinterpret_cast<const std::int64_t*>(from.data), from.layout}, numbers.data());
  return numbers;
}

template <class T>
struct Program<T>::State {
  program::Graph<T> graph;
  program::Schedule schedule;
  program::MemoryPlan plan;
  program::Executable<T> executable;
  std::vector<std::pair<std::string, std::string>> passes;
  std::vector<Draw*> draws;                 // patched at each replay
  std::vector<std::uint64_t> draw_offsets;  // in their streams
  std::vector<std::uint32_t> draw_streams;
  std::vector<std::pair<std::uint32_t, Version>> frozen;  // parameters that are constants, and their versions then
  bool fused = true;
  Location where;       // the line that compiled it
  bool failed = false;  // whether the last replay threw
  bool measuring = false;
  std::vector<double> seconds;  // by instruction
  std::size_t replays = 0;
  program::InUse own;
  program::InUse* in_use = &own;  // that of the cache, if the Program is in one

  void find_draws();
  void find_frozen();
  void check_frozen() const;
  void set_draws();
  std::string refusal(std::span<const ProgramInput<T>> inputs) const;
  bool fits(std::span<const ProgramInput<T>> inputs) const;
  std::string overwritten(const ProgramInput<T>& input) const;
  void bind(std::span<const ProgramInput<T>> inputs);
  Value<const T> result(std::size_t i, bool indices) const;
  void require_equal(const std::string& what, Value<const T> got, const Tensor<T>& expected) const;
  void run_measured(const program::Instruction*& current);
  [[noreturn]] void rethrow_first(const program::Instruction& refused, std::exception_ptr first);
};

}  // namespace wengert
