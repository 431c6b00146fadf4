#include "program/executable.hpp"
#include "program/passes.hpp"
#include "program/profile.hpp"
#include <wengert/program.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>

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
  bool fused = true;
  bool measuring = false;
  std::vector<double> seconds;  // by instruction
  std::size_t replays = 0;

  void find_draws();
  void set_draws();
  std::string refusal(std::span<const ProgramInput<T>> inputs) const;
  void require_equal(const std::string& what, Value<const T> got, const Tensor<T>& expected) const;
  void run_measured(const program::Instruction*& current);
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
  state->fused = options.fuse;
  program::Graph<T>& graph = state->graph;
  const auto passed = [&](const char* name) {
    if (options.keep_passes) state->passes.emplace_back(name, to_string(graph));
  };
  try {
    graph = program::capture<T>(tape, handles_of<T>(inputs), handles_of<T>(outputs),
                                options.apply_updates ? tape.updates() : std::span<const typename Tape<T>::Update>());
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
  graph = drop_unused_operands(std::move(graph));
  passed("drop_unused_operands");
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
Program<T> compile_recorded(const std::type_identity_t<ProgramRecorder<T>>& record, const CompileOptions& options,
                            Location where) {
  Tape<T> tape;
  tape.compute_values(options.allow_value_dependence);
  std::vector<ProgramVar<T>> inputs;
  const auto restart = [&] {
    for (const program::Stream& stream : program::streams_of(tape).streams) stream.state->counter = stream.first;
  };
  try {
    const std::vector<ProgramVar<T>> outputs = record(tape, inputs);
    Program<T> program = compile(tape, inputs, outputs, options, where);
    restart();
    return program;
  } catch (...) {
    restart();
    throw;
  }
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

// Why these inputs do not fit; empty if they do.
template <class T>
std::string Program<T>::State::refusal(std::span<const ProgramInput<T>> inputs) const {
  if (inputs.size() != graph.inputs.size())
    return fmt::format("{} inputs given: it was compiled for {}", inputs.size(), graph.inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const program::Entry<T>& entry = graph.entries[graph.inputs[i]];
    const auto kind = [](bool indices) { return indices ? "whole numbers" : "numbers"; };
    if (inputs[i].indices != entry.holds_indices)
      return fmt::format("input {} is of {}: it was compiled for {}", i + 1, kind(inputs[i].indices),
                         kind(entry.holds_indices));
    if (inputs[i].shape != entry.layout.shape)
      return fmt::format("input {} has shape {}: it was compiled for {}; compile again for another shape", i + 1,
                         wengert::to_string(inputs[i].shape), wengert::to_string(entry.layout.shape));
  }
  return {};
}

template <class T>
void Program<T>::State::run_measured(const program::Instruction*& current) {
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    current = &executable.instructions[i];
    const auto start = std::chrono::steady_clock::now();
    executable.run(*current);
    seconds[i] += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  ++replays;
}

template <class T>
typename Program<T>::State& Program<T>::state() const {
  if (state_ == nullptr) throw HandleError("program", "it was moved from");
  return *state_;
}

template <class T>
void Program<T>::run(std::span<const ProgramInput<T>> inputs) {
  State& s = state();
  if (const std::string reason = s.refusal(inputs); !reason.empty()) throw ShapeError("program", reason);
  for (std::uint32_t i = 0; i < inputs.size(); ++i) s.executable.bind(i, inputs[i].data);
  s.set_draws();
  const program::Instruction* current = nullptr;
  try {
    if (s.measuring)
      s.run_measured(current);
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

template <class T>
bool Program<T>::accepts(std::span<const ProgramInput<T>> inputs) const {
  return state().refusal(inputs).empty();
}

template <class T>
void Program<T>::restart_streams() {
  for (const program::Stream& stream : state().graph.streams) stream.state->counter = stream.first;
}

// ---- checked replays -----------------------------------------------------------------------------------------------

// Fused, results may differ by some ulp an op; what a tenth of the digits leave is no rounding.
template <class T>
void Program<T>::State::require_equal(const std::string& what, Value<const T> got, const Tensor<T>& expected) const {
  std::vector<T> values(got.size());
  copy_elements<T>(got, values.data());
  double largest = 0;
  for (const T e : expected) largest = std::isfinite(e) ? std::max(largest, std::abs(static_cast<double>(e))) : largest;
  const double tolerance = fused ? largest * std::pow(static_cast<double>(std::numeric_limits<T>::epsilon()), 0.75) : 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T a = values[i], b = expected.data()[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (std::abs(static_cast<double>(a) - static_cast<double>(b)) <= tolerance) continue;
    throw ValueError("program", fmt::format("checked replay: element {} of {} is {}, recorded again it is {}",
                                            wengert::to_string(unravel(i, got.shape())), what, a, b));
  }
}

template <class T>
void Program<T>::run_checked(std::span<const ProgramInput<T>> inputs, const ProgramRecorder<T>& record) {
  State& s = state();
  Tape<T> tape;
  std::vector<ProgramVar<T>> leaves;
  std::vector<std::uint64_t> counters;
  for (const program::Stream& stream : s.graph.streams) counters.push_back(stream.state->counter);
  const std::vector<ProgramVar<T>> outputs = record(tape, leaves);
  for (std::size_t i = 0; i < counters.size(); ++i) s.graph.streams[i].state->counter = counters[i];
  std::vector<std::pair<Parameter<T>, Tensor<T>>> updates;
  for (const auto& queued : tape.updates()) updates.emplace_back(queued.parameter, queued.value.value());
  std::vector<Tensor<T>> results;  // before updates are written: a result may lie in a parameter
  for (const ProgramVar<T>& output : outputs) {
    const bool whole = tape.node(output.handle(), "program").holds_indices;
    results.push_back(whole ? Tensor<T>() : output.handle().value());
  }
  run(inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (!tape.node(outputs[i].handle(), "program").holds_indices)
      s.require_equal(fmt::format("output {}", i), result(i), results[i]);
    else if (indices(i) != IndexVar<T>(outputs[i].handle()).value())
      throw ValueError("program", fmt::format("checked replay: output {} differs from recording again", i));
  for (const auto& [parameter, expected] : updates) {
    const Layout layout = contiguous_layout(parameter.shape());
    s.require_equal(fmt::format("parameter '{}'", parameter.name()), {parameter.value().data(), &layout}, expected);
  }
}

// ---- results -------------------------------------------------------------------------------------------------------

template <class T>
ProgramInput<T>::ProgramInput(std::span<const T> elements, const Shape& of) : data(elements.data()), shape(of) {
  if (elements.size() != of.elements())
    throw ShapeError("program", fmt::format("{} elements for shape {}", elements.size(), to_string(of)));
}

template <class T>
Value<const T> Program<T>::result(std::size_t i) const {
  const State& s = state();
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
  const State& s = state();
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
  return state().graph.inputs.size();
}
template <class T>
std::size_t Program<T>::output_count() const {
  return state().graph.outputs.size();
}
template <class T>
const Shape& Program<T>::input_shape(std::size_t i) const {
  if (i >= input_count()) throw ValueError("program", fmt::format("input {}: it has {}", i, input_count()));
  return state().graph.entries[state().graph.inputs[i]].layout.shape;
}

template <class T>
ProgramMemory Program<T>::memory() const {
  const State& s = state();
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
                              const CompileOptions&, Location);                                               \
  template Program<T> compile_recorded<T>(const ProgramRecorder<T>&, const CompileOptions&, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
