// A Program's results, shapes, memory, profile and text.
#include "program/profile.hpp"
#include "program/state.hpp"

#include <algorithm>
#include <type_traits>
#include <unordered_set>

#include <fmt/format.h>

namespace wengert {

// ---- results -------------------------------------------------------------------------------------------------------

template <class T>
ProgramInput<T>::ProgramInput(std::span<const T> elements, const Shape& of) : data(elements.data()), shape(of) {
  if (elements.size() != of.elements())
    throw ShapeError("program", fmt::format("{} elements for shape {}", elements.size(), to_string(of)));
}

template <class T>
Value<const T> Program<T>::State::result(std::size_t i, bool indices) const {
  if (i >= executable.outputs.size())
    throw ValueError("program", fmt::format("there is no output {}: the Program has {}", i, executable.outputs.size()));
  if (failed) throw ValueError("program", "its last replay threw, so there are no results");
  if (graph.entries[graph.outputs[i]].holds_indices != indices)
    throw ValueError("program", indices ? fmt::format("output {} does not hold indices: use value({})", i, i)
                                        : fmt::format("output {} holds indices: use indices({})", i, i));
  return executable.outputs[i];
}

template <class T>
Value<const T> Program<T>::result(std::size_t i, const Location& where) const {
  return located("program", where, [&] {
    const program::InUse::Reading reading(*state().in_use, "program");
    return state().result(i, false);
  });
}

template <class T>
Tensor<T> Program<T>::value(std::size_t i, Location where) const {
  return located("program", where, [&] {
    const program::InUse::Reading reading(*state().in_use, "program");
    const Value<const T> from = state().result(i, false);
    auto copy = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(from.shape()));
    copy_elements<T>(from, copy.data());
    return copy;
  });
}

template <class T>
T Program<T>::item(std::size_t i, Location where) const {
  return located("program", where, [&] {
    const program::InUse::Reading reading(*state().in_use, "program");
    const Value<const T> from = state().result(i, false);
    if (from.size() != 1)
      throw ShapeError("program", fmt::format("output {} has shape {}: expected a value of size 1; use value()", i,
                                              wengert::to_string(from.shape())));
    return *from.data;
  });
}

template <class T>
Indices Program<T>::indices(std::size_t i, Location where) const {
  return located("program", where, [&] {
    const program::InUse::Reading reading(*state().in_use, "program");
    return numbers_of(state().result(i, true));
  });
}

template <class T>
template <class A>
void Program<T>::copy_result(std::size_t i, A& to, const Location& where) const {
  using E = typename A::value_type;
  located("program", where, [&] {
    const program::InUse::Reading reading(*state().in_use, "program");
    const Value<const T> from = state().result(i, std::is_same_v<A, Indices>);
    // An array that was moved from has the shape of a scalar, but no memory.
    if (!std::ranges::equal(to.shape(), from.shape()) || to.storage().size() != from.size())
      to.resize(xt::dynamic_shape<std::size_t>(from.shape()), true);
    copy_elements<E>({reinterpret_cast<const E*>(from.data), from.layout}, to.data());
  });
}
template <class T>
void Program<T>::copy_to(std::size_t i, Tensor<T>& to, Location where) const {
  copy_result(i, to, where);
}
template <class T>
void Program<T>::copy_to(std::size_t i, Indices& to, Location where) const {
  copy_result(i, to, where);
}

// ---- inspection ----------------------------------------------------------------------------------------------------

template <class T>
std::size_t Program<T>::input_count() const {
  return state().graph.inputs.size();
}
template <class T>
std::size_t Program<T>::output_count() const {
  return state().graph.outputs.size();
}
template <class T>
const Shape& Program<T>::input_shape(std::size_t i, Location where) const {
  const std::size_t count = state(where).graph.inputs.size();
  if (i >= count) throw ValueError("program", fmt::format("there is no input {}: the Program has {}", i, count), where);
  return state().graph.entries[state().graph.inputs[i]].layout.shape;
}

template <class T>
ProgramMemory Program<T>::memory() const {
  const State& s = state();
  ProgramMemory memory;
  memory.arena_bytes = s.executable.arena_bytes;
  memory.tile_bytes = s.executable.tile_bytes;
  std::unordered_set<const void*> shared;
  for (const auto& elements : s.graph.shared) shared.insert(elements.get());
  for (const program::Entry<T>& entry : s.graph.entries)
    if (entry.source == program::Source::constant && entry.number == program::none)
      (shared.contains(entry.elements) ? memory.frozen_bytes : memory.constant_bytes) += entry.bytes();
  for (const Parameter<T>& parameter : s.graph.parameters)
    memory.parameter_bytes += parameter.value().size() * sizeof(T);
  return memory;
}

template <class T>
void Program<T>::measure(bool on) {
  state().measuring = on;
  if (!on) return;
  state().seconds.assign(state().executable.instructions.size(), 0);
  state().replays = 0;
}

template <class T>
Profile Program<T>::profile() const {
  const State& s = state();
  return program::profile_of(s.graph, s.executable.instructions, s.seconds, s.replays);
}

template <class T>
std::string Program<T>::to_string() const {
  return program::to_string(state().graph, state().schedule, state().plan);
}

template <class T>
const std::vector<std::pair<std::string, std::string>>& Program<T>::passes() const {
  return state().passes;
}

#define WENGERT_INSTANTIATE(T)                                                    \
  template struct ProgramInput<T>;                                                \
  template Value<const T> Program<T>::State::result(std::size_t, bool) const;     \
  template Value<const T> Program<T>::result(std::size_t, const Location&) const; \
  template Tensor<T> Program<T>::value(std::size_t, Location) const;              \
  template T Program<T>::item(std::size_t, Location) const;                       \
  template Indices Program<T>::indices(std::size_t, Location) const;              \
  template void Program<T>::copy_to(std::size_t, Tensor<T>&, Location) const;     \
  template void Program<T>::copy_to(std::size_t, Indices&, Location) const;       \
  template std::size_t Program<T>::input_count() const;                           \
  template std::size_t Program<T>::output_count() const;                          \
  template const Shape& Program<T>::input_shape(std::size_t, Location) const;     \
  template ProgramMemory Program<T>::memory() const;                              \
  template void Program<T>::measure(bool);                                        \
  template Profile Program<T>::profile() const;                                   \
  template std::string Program<T>::to_string() const;                             \
  template const std::vector<std::pair<std::string, std::string>>& Program<T>::passes() const;
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
