#include "program/executable.hpp"
#include "program/passes.hpp"
#include <wengert/program.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>

#include <fmt/format.h>

namespace wengert {

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
  bool measuring = false;
  std::vector<double> seconds;  // by instruction
  std::size_t replays = 0;

  void find_draws();
  void set_draws();
  void check(std::span<const ProgramInput<T>> inputs) const;
  void run_measured();
};

// ---- compiling -----------------------------------------------------------------------------------------------------

namespace {

template <class T>
std::vector<Var<T>> handles_of(const std::vector<ProgramVar<T>>& vars) {
  std::vector<Var<T>> result;
  for (const ProgramVar<T>& var : vars) result.push_back(var.handle());
  return result;
}

}  // namespace

template <class T>
Program<T> compile(Tape<T>& tape, const std::vector<ProgramVar<std::type_identity_t<T>>>& inputs,
                   const std::vector<ProgramVar<std::type_identity_t<T>>>& outputs, const CompileOptions& options,
                   Location where) {
  if (const Location* read = tape.value_dependence(); read != nullptr && !options.allow_value_dependence)
    throw ValueError(
        "compile",
        fmt::format("a value was read at {}:{} before all was recorded, so what was recorded may depend on "
                    "it; read values after recording, or set allow_value_dependence",
                    read->file_name(), read->line()),
        where);
  auto state = std::make_unique<typename Program<T>::State>();
  program::Graph<T>& graph = state->graph;
  const auto passed = [&](const char* name) {
    if (options.keep_passes) state->passes.emplace_back(name, to_string(graph));
  };
  try {
    graph = program::capture<T>(tape, handles_of<T>(inputs), handles_of<T>(outputs));
  } catch (Error& error) {
    error.locate(where);
    throw;
  }
  passed("capture");
  graph = slice(graph);
  passed("slice");
  graph = fold_constants(std::move(graph));
  passed("fold_constants");
  graph = merge_equal(std::move(graph));
  passed("merge_equal");
  if (options.fuse) {
    graph = accumulate_updates(std::move(graph));
    passed("accumulate_updates");
  }
  graph = update_in_place(std::move(graph));
  passed("update_in_place");
  state->schedule = program::schedule(graph, options.fuse);
  state->plan = plan_memory(graph, state->schedule);
  if (options.keep_passes) state->passes.emplace_back("schedule", to_string(graph, state->schedule, state->plan));
  state->executable = link(graph, state->schedule, state->plan);
  state->find_draws();
  return Program<T>(std::move(state));
}

template <class T>
void Program<T>::State::find_draws() {
  for (program::Entry<T>& entry : graph.entries) {
    if (entry.source != program::Source::computed || entry.op->draw == nullptr) continue;
    Draw& draw = entry.op->draw(entry.attributes);
    const program::Entry<T>& keeper = graph.entries[graph.edges[entry.first_edge + entry.arity - 1]];
    for (std::uint32_t s = 0; s < graph.streams.size(); ++s)
      if (keeper.number == s) {
        draws.push_back(&draw);
        draw_offsets.push_back(draw.counter - graph.streams[s].first);
        draw_streams.push_back(s);
      }
  }
}

// ---- replaying -----------------------------------------------------------------------------------------------------

template <class T>
void Program<T>::State::set_draws() {
  for (std::size_t i = 0; i < draws.size(); ++i) {
    const Generator::State& generator = *graph.streams[draw_streams[i]].state;
    draws[i]->key = generator.key;
    draws[i]->counter = generator.counter + draw_offsets[i];
  }
}

template <class T>
void Program<T>::State::check(std::span<const ProgramInput<T>> inputs) const {
  if (inputs.size() != graph.inputs.size())
    throw ShapeError("program",
                     fmt::format("{} inputs given: it was compiled for {}", inputs.size(), graph.inputs.size()));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const program::Entry<T>& entry = graph.entries[graph.inputs[i]];
    if (inputs[i].indices != entry.holds_indices)
      throw ShapeError("program", fmt::format("input {} is of {}: it was compiled for {}", i + 1,
                                              inputs[i].indices ? "whole numbers" : "numbers",
                                              entry.holds_indices ? "whole numbers" : "numbers"));
    if (inputs[i].shape != entry.layout.shape)
      throw ShapeError("program",
                       fmt::format("input {} has shape {}: it was compiled for {}; compile again for another "
                                   "shape",
                                   i + 1, wengert::to_string(inputs[i].shape), wengert::to_string(entry.layout.shape)));
  }
}

template <class T>
void Program<T>::State::run_measured() {
  seconds.resize(executable.instructions.size());
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    const auto start = std::chrono::steady_clock::now();
    executable.run(executable.instructions[i]);
    seconds[i] += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  ++replays;
}

template <class T>
void Program<T>::run(std::span<const ProgramInput<T>> inputs) {
  State& s = *state_;
  s.check(inputs);
  for (std::uint32_t i = 0; i < inputs.size(); ++i) s.executable.bind(i, inputs[i].data);
  s.set_draws();
  const program::Instruction* current = nullptr;
  try {
    if (s.measuring)
      s.run_measured();
    else
      for (const program::Instruction& instruction : s.executable.instructions) {
        current = &instruction;
        s.executable.run(instruction);
      }
  } catch (Error& error) {
    if (current != nullptr) error.locate(s.graph.entries[current->entries.front()].where);
    throw;
  }
  for (const program::Update& update : s.graph.updates) ++s.graph.parameters[update.parameter].state_->version;
  for (const program::Stream& stream : s.graph.streams) stream.state->counter += stream.end - stream.first;
}

// ---- results -------------------------------------------------------------------------------------------------------

template <class T>
ProgramInput<T>::ProgramInput(std::span<const T> elements, const Shape& of) : data(elements.data()), shape(of) {
  if (elements.size() != of.elements())
    throw ShapeError("program", fmt::format("{} elements for shape {}", elements.size(), to_string(of)));
}

template <class T>
Value<const T> Program<T>::result(std::size_t i) const {
  const State& s = *state_;
  if (i >= s.executable.outputs.size())
    throw ValueError("program", fmt::format("output {}: it has {}", i, s.executable.outputs.size()));
  if (s.graph.entries[s.graph.outputs[i]].holds_indices)
    throw ValueError("program", fmt::format("output {} is of whole numbers: use indices({})", i, i));
  return s.executable.outputs[i];
}

template <class T>
Tensor<T> Program<T>::value(std::size_t i) const {
  const Value<const T> from = result(i);
  auto copy = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(from.shape()));
  copy_elements<T>(from, copy.data());
  return copy;
}

template <class T>
T Program<T>::item(std::size_t i) const {
  const Value<const T> from = result(i);
  if (from.size() != 1)
    throw ShapeError("program", fmt::format("output {} has shape {}: only a value of size 1 is one number; use value()",
                                            i, wengert::to_string(from.shape())));
  return *from.data;
}

template <class T>
Indices Program<T>::indices(std::size_t i) const {
  const State& s = *state_;
  if (i >= s.executable.outputs.size())
    throw ValueError("program", fmt::format("output {}: it has {}", i, s.executable.outputs.size()));
  if (!s.graph.entries[s.graph.outputs[i]].holds_indices)
    throw ValueError("program", fmt::format("output {} is not of whole numbers: use value({})", i, i));
  const Value<const T> from = s.executable.outputs[i];
  auto copy = Indices::from_shape(xt::dynamic_shape<std::size_t>(from.shape()));
  copy_elements<std::int64_t>({reinterpret_cast<const std::int64_t*>(from.data), from.layout}, copy.data());
  return copy;
}

// ---- looking at it -------------------------------------------------------------------------------------------------

template <class T>
std::size_t Program<T>::input_count() const {
  return state_->graph.inputs.size();
}
template <class T>
std::size_t Program<T>::output_count() const {
  return state_->graph.outputs.size();
}
template <class T>
const Shape& Program<T>::input_shape(std::size_t i) const {
  if (i >= input_count()) throw ValueError("program", fmt::format("input {}: it has {}", i, input_count()));
  return state_->graph.entries[state_->graph.inputs[i]].layout.shape;
}

template <class T>
ProgramMemory Program<T>::memory() const {
  const State& s = *state_;
  ProgramMemory memory;
  memory.arena_bytes = s.executable.arena_bytes;
  memory.tile_bytes = s.executable.tile_bytes;
  for (const program::Entry<T>& entry : s.graph.entries)
    if (entry.source == program::Source::constant) memory.constant_bytes += entry.bytes();
  for (const Parameter<T>& parameter : s.graph.parameters)
    memory.parameter_bytes += parameter.value().size() * sizeof(T);
  return memory;
}

template <class T>
std::string Program<T>::to_string() const {
  return program::to_string(state_->graph, state_->schedule, state_->plan);
}

template <class T>
const std::vector<std::pair<std::string, std::string>>& Program<T>::passes() const {
  return state_->passes;
}

template <class T>
Program<T>::Program(std::unique_ptr<State> state) : state_(std::move(state)) {}
template <class T>
Program<T>::Program(Program&&) noexcept = default;
template <class T>
Program<T>& Program<T>::operator=(Program&&) noexcept = default;
template <class T>
Program<T>::~Program() = default;

#define WENGERT_INSTANTIATE(T)                                                                                \
  template struct ProgramInput<T>;                                                                            \
  template class Program<T>;                                                                                  \
  template Program<T> compile(Tape<T>&, const std::vector<ProgramVar<T>>&, const std::vector<ProgramVar<T>>&, \
                              const CompileOptions&, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
