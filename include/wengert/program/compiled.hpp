// compiled(f): a function of tensors that is recorded and compiled automatically, once per signature of input shapes.
#pragma once

#include <wengert/program/program_cache.hpp>

#include <array>
#include <cstddef>
#include <iterator>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert {

namespace detail {

template <class T>
void append_outputs(std::vector<ProgramVar<T>>& all, const Var<T>& output) {
  all.push_back(output);
}
template <class T>
void append_outputs(std::vector<ProgramVar<T>>& all, const IndexVar<T>& output) {
  all.push_back(output);
}
template <class T, class Outputs>
requires requires(const Outputs& outputs) { std::begin(outputs); }
void append_outputs(std::vector<ProgramVar<T>>& all, const Outputs& outputs) {
  for (const auto& output : outputs) append_outputs<T>(all, output);
}
template <class T, class... V>
void append_outputs(std::vector<ProgramVar<T>>& all, const std::tuple<V...>& outputs) {
  std::apply([&](const auto&... output) { (append_outputs<T>(all, output), ...); }, outputs);
}

// Whether an input holds integers.
template <class Input>
inline constexpr bool is_whole = false;
template <class Input>
requires requires { typename Input::value_type; }
inline constexpr bool is_whole<Input> = std::is_integral_v<typename Input::value_type>;

template <class T, class Input>
auto record_input(Tape<T>& tape, const Input& input, const ProgramInput<T>& bound) {
  if constexpr (is_whole<Input>)
    return tape.indices(input);
  else
    return tape.borrow(std::span(static_cast<const T*>(bound.data), bound.shape.elements()), bound.shape);
}

}  // namespace detail

/// A function that is recorded and compiled at its first call for each signature of shapes; made by `compiled`.
template <class T, class F>
class Compiled {
 public:
  /// Wraps `f`; see `compiled`.
  Compiled(F f, const CompileOptions& options, const Location& where) : f_(std::move(f)), programs_(options, where) {}

  /// Runs the Program for these shapes; for new shapes, records and compiles it first. Returns the Program, whose
  /// results stay valid until the next call. Throws what recording or a replay throws, which then changes no parameter,
  /// and HandleError if two threads call it at once or `f` calls it.
  ///
  /// The reference stays valid as long as this object. A Program that was evicted (see CompileOptions::max_programs)
  /// throws HandleError.
  template <class... Inputs>
  Program<T>& operator()(const Inputs&... inputs) {
    const std::array<ProgramInput<T>, sizeof...(Inputs)> bound{ProgramInput<T>(inputs)...};
    const auto record = [&](Tape<T>& tape, std::vector<ProgramVar<T>>& leaves) {
      const auto vars = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return std::tuple{detail::record_input<T>(tape, inputs, bound[I])...};
      }
      (std::index_sequence_for<Inputs...>{});
      std::vector<ProgramVar<T>> outputs;
      std::apply(
          [&](const auto&... var) {
            leaves = {ProgramVar<T>(var)...};
            detail::append_outputs<T>(outputs, f_(tape, var...));
          },
          vars);
      return outputs;
    };
    return programs_.run(bound, record);
  }
  /// The number of Programs held: one per signature of shapes, at most `CompileOptions::max_programs`.
  std::size_t size() const { return programs_.size(); }
  /// The number of compilations so far.
  std::size_t compilations() const { return programs_.compilations(); }
  /// The number of compilations for shapes whose Program had been evicted. If it keeps growing, raise `max_programs` or
  /// use fewer distinct shapes (pad sequences to a few lengths).
  std::size_t recompilations() const { return programs_.recompilations(); }

 private:
  F f_;
  ProgramCache<T> programs_;
};

/// Makes a function that compiles itself: `auto step = wg::compiled<float>([&](auto& tape, auto x, auto y) { … });`.
///
/// `f` takes a tape and a Var or IndexVar for each input, and returns a Var or IndexVar, or a tuple or range of them.
/// Updates that it queues on the tape become part of the Program. `step(X, Y)` replays, and records again for new
/// shapes. Recording computes no values, so reading one throws (see CompileOptions::allow_value_dependence). Errors
/// that do not belong to a single op, such as inputs that do not fit, name the line of this call.
template <class T, class F>
Compiled<T, F> compiled(F f, const CompileOptions& options = {}, Location where = Location::current()) {
  return Compiled<T, F>(std::move(f), options, where);
}

}  // namespace wengert
