// Compiles a tape into a Program, and replays it.
#include "program/state.hpp"
#include "tape/recording_scope.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <span>

#include <fmt/format.h>

namespace wengert {

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
    throw ValueError("compile",
                     fmt::format("a value was read at {}:{} before the end of the recording, which may depend on it; "
                                 "read values after recording, or set allow_value_dependence",
                                 read->file_name(), read->line()),
                     where);
  auto state = std::make_unique<typename Program<T>::State>();
  state->fused = options.fuse;
  state->where = where;
  program::Graph<T>& graph = state->graph;
  const auto passed = [&](const char* name) {
    if (options.keep_passes) state->passes.emplace_back(name, to_string(graph));
  };
  try {
    graph = program::capture<T>(tape, handles_of<T>(inputs), handles_of<T>(outputs),
                                options.apply_updates ? tape.updates() : std::span<const wengert::Update<T>>());
  } catch (Error& error) {
    error.locate(where);
    throw;
  }
  passed("capture");
  graph = eliminate_dead_code(graph);
  passed("eliminate_dead_code");
  if (options.frozen != nullptr) {
    graph.frozen = options.frozen;
    state->find_frozen();
    graph = freeze_parameters(std::move(graph));
    passed("freeze_parameters");
  }
  graph = fold_constants(std::move(graph));
  passed("fold_constants");
  if (options.frozen != nullptr && options.fuse && options.frozen->folds_scales()) {
    graph = fold_scales(std::move(graph));
    passed("fold_scales");
  }
  graph = eliminate_common_subexpressions(std::move(graph));
  passed("eliminate_common_subexpressions");
  graph = drop_unused_operands(std::move(graph));
  passed("drop_unused_operands");
  graph = drop_positions(std::move(graph));
  passed("drop_positions");
  if (options.frozen != nullptr && options.fuse && options.frozen->prepares_weights()) {
    graph = prepare_weights(graph);
    passed("prepare_weights");
  }
  if (options.fuse) {
    graph = accumulate_updates(std::move(graph));
    passed("accumulate_updates");
  }
  graph = update_in_place(std::move(graph));
  passed("update_in_place");
  state->schedule = program::schedule(graph, options.fuse);
  state->plan = plan_memory(graph, state->schedule);
  if (options.keep_passes) state->passes.emplace_back("schedule", to_string(graph, state->schedule, state->plan));
  state->executable = lower(graph, state->schedule, state->plan);
  state->find_draws();
  if (options.apply_updates) tape.update_queue().note_compiled();
  return Program<T>(std::move(state));
}

template <class T>
Program<T> compile_recorded(const std::type_identity_t<ProgramRecorder<T>>& record, const CompileOptions& options,
                            Location where) {
  Tape<T> tape;
  tape.record_for_program(true);
  tape.compute_values(options.allow_value_dependence);
  std::vector<ProgramVar<T>> inputs;
  const auto restart = [&] {
    for (const program::Stream& stream : program::streams_of(tape).streams) stream.state->counter = stream.first;
  };
  try {
    const program::RecordingScope scope(!options.allow_value_dependence);
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

template <class T>
void Program<T>::State::find_frozen() {
  for (std::uint32_t k = 0; k < graph.parameters.size(); ++k)
    if (std::ranges::none_of(graph.updates, [&](const program::Update& update) { return update.parameter == k; }))
      frozen.emplace_back(k, graph.parameters[k].state_->version);
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
bool Program<T>::State::fits(std::span<const ProgramInput<T>> inputs) const {
  const auto fit = [&](const ProgramInput<T>& input, std::uint32_t k) {
    const program::Entry<T>& entry = graph.entries[k];
    return input.indices == entry.holds_indices && input.shape == entry.layout.shape;
  };
  return std::ranges::equal(inputs, graph.inputs, fit);
}

// Why these inputs do not fit.
template <class T>
std::string Program<T>::State::refusal(std::span<const ProgramInput<T>> inputs) const {
  if (inputs.size() != graph.inputs.size())
    return fmt::format("{} inputs given: it was compiled for {}", inputs.size(), graph.inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const program::Entry<T>& entry = graph.entries[graph.inputs[i]];
    const auto kind = [](bool indices) { return indices ? "indices" : "numbers"; };
    if (inputs[i].indices != entry.holds_indices)
      return fmt::format("input {} holds {}: it was compiled for {}", i + 1, kind(inputs[i].indices),
                         kind(entry.holds_indices));
    if (inputs[i].shape != entry.layout.shape)
      return fmt::format("input {} has shape {}: it was compiled for {}; compile again for another shape", i + 1,
                         wengert::to_string(inputs[i].shape), wengert::to_string(entry.layout.shape));
  }
  return {};
}

// The memory that an input overlaps and a replay writes while it may still read the input; empty if there is none.
template <class T>
std::string Program<T>::State::overwritten(const ProgramInput<T>& input) const {
  const auto begin = reinterpret_cast<std::uintptr_t>(input.data);
  const auto end = begin + input.shape.elements() * (input.indices ? sizeof(std::int64_t) : sizeof(T));
  const auto meets = [&](const void* memory, std::size_t bytes) {
    const auto from = reinterpret_cast<std::uintptr_t>(memory);
    return begin < from + bytes && from < end;
  };
  if (meets(executable.arena.get(), executable.arena_bytes)) return "a result of this Program";
  for (const program::Update& update : graph.updates)
    if (const Parameter<T>& parameter = graph.parameters[update.parameter];
        meets(parameter.value().data(), parameter.value().size() * sizeof(T)))
      return fmt::format("the value of parameter '{}', which the Program updates", parameter.name());
  return {};
}

template <class T>
void Program<T>::State::check_frozen() const {
  for (const auto& [k, version] : frozen)
    if (graph.parameters[k].state_->version != version)
      throw HandleError("program",
                        fmt::format("parameter '{}' of shape {} has changed since the Program was compiled with "
                                    "`frozen`: compile again, or without it",
                                    graph.parameters[k].name(), wengert::to_string(graph.parameters[k].shape())));
}

// Binds the caller's inputs, and the current data of borrowed tensors, to the instructions.
template <class T>
void Program<T>::State::bind(std::span<const ProgramInput<T>> inputs) {
  if (!fits(inputs)) throw ShapeError("program", refusal(inputs));
  for (const program::Borrowed<T>& borrowed : graph.borrowed)
    if (!std::ranges::equal(borrowed.tensor->shape(), borrowed.shape))
      throw ShapeError(
          "program",
          fmt::format("the borrowed tensor has shape {}: it was compiled for {}; make it an input if its shape changes",
                      wengert::to_string(Shape(borrowed.tensor->shape())), wengert::to_string(borrowed.shape)),
          borrowed.where);
  std::uint32_t number = 0;
  for (const ProgramInput<T>& input : inputs) {
    if (executable.bound[number] != input.data)
      if (const std::string what = overwritten(input); !what.empty())
        throw ValueError(
            "program",
            fmt::format("input {} overlaps {}: it would be read while it is written; pass a copy", number + 1, what));
    executable.bind(number++, input.data);
  }
  for (const program::Borrowed<T>& borrowed : graph.borrowed) executable.bind(number++, borrowed.tensor->data());
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

// Throws the error that a tape would throw, that of the op recorded first. The schedule may run a later op earlier, so
// the remaining instructions recorded before the op that failed still run, except those that write to parameters.
template <class T>
void Program<T>::State::rethrow_first(const program::Instruction& refused, std::exception_ptr first) {
  std::uint32_t recorded = refused.entries.front();
  const std::size_t next = static_cast<std::size_t>(&refused - executable.instructions.data()) + 1;
  for (const program::Instruction& instruction : std::span(executable.instructions).subspan(next)) {
    const bool writes =
        instruction.kind == program::Instruction::Kind::copy ||
        std::ranges::any_of(instruction.entries, [&](auto k) { return graph.entries[k].target != program::none; });
    if (writes || instruction.entries.front() > recorded) continue;
    try {
      executable.run(instruction);
    } catch (Error& error) {
      recorded = instruction.entries.front();
      error.locate(graph.entries[recorded].where);
      first = std::current_exception();
    }
  }
  std::rethrow_exception(first);
}

template <class T>
typename Program<T>::State& Program<T>::state(const Location& where) const {
  if (state_ == nullptr)
    throw HandleError("program",
                      "it was moved from, or evicted by a compiled function, which keeps max_programs of them", where);
  return *state_;
}

template <class T>
void Program<T>::run(std::span<const ProgramInput<T>> inputs) {
  located("program", state().where, [&] {
    const program::InUse::Call call(*state().in_use, "program");
    replay(inputs);
  });
}

template <class T>
void Program<T>::replay(std::span<const ProgramInput<T>> inputs) {
  State& s = *state_;
  s.check_frozen();
  s.bind(inputs);
  s.set_draws();
  s.failed = true;
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
    if (current == nullptr) throw;
    error.locate(s.graph.entries[current->entries.front()].where);
    s.rethrow_first(*current, std::current_exception());
  }
  s.failed = false;
  for (const program::Update& update : s.graph.updates) ++s.graph.parameters[update.parameter].state_->version;
  for (const program::Stream& stream : s.graph.streams) stream.state->counter += stream.end - stream.first;
}

template <class T>
bool Program<T>::accepts(std::span<const ProgramInput<T>> inputs) const {
  return state().fits(inputs);
}

template <class T>
void Program<T>::restart_streams() {
  for (const program::Stream& stream : state().graph.streams) stream.state->counter = stream.first;
}

// ---- checked replays -----------------------------------------------------------------------------------------------

// Fused results may differ by some ulp per op. The tolerance is epsilon^0.75, relative to the largest element.
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
    throw ValueError("program", fmt::format("checked replay: element {} of {} is {}, but {} when recorded again",
                                            wengert::to_string(unravel(i, got.shape())), what, a, b));
  }
}

template <class T>
void Program<T>::run_checked(std::span<const ProgramInput<T>> inputs, const ProgramRecorder<T>& record) {
  located("program", state().where, [&] {
    const program::InUse::Call call(*state().in_use, "program");
    replay_checked(inputs, record);
  });
}

template <class T>
void Program<T>::replay_checked(std::span<const ProgramInput<T>> inputs, const ProgramRecorder<T>& record) {
  State& s = *state_;
  Tape<T> tape;
  tape.record_for_program(true);
  std::vector<ProgramVar<T>> leaves;
  std::vector<std::uint64_t> counters;
  for (const program::Stream& stream : s.graph.streams) counters.push_back(stream.state->counter);
  const std::vector<ProgramVar<T>> outputs = record(tape, leaves);
  for (std::size_t i = 0; i < counters.size(); ++i) s.graph.streams[i].state->counter = counters[i];
  std::vector<std::pair<Parameter<T>, Tensor<T>>> updates;
  for (const auto& queued : tape.updates()) updates.emplace_back(queued.parameter, queued.value.value());
  std::vector<Tensor<T>> results;  // taken before updates are written: a result may lie in a parameter
  for (const ProgramVar<T>& output : outputs) {
    const bool whole = tape.node(output.handle(), "program").holds_indices;
    results.push_back(whole ? Tensor<T>() : output.handle().value());
  }
  replay(inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const bool whole = tape.node(outputs[i].handle(), "program").holds_indices;
    const Value<const T> got = s.result(i, whole);
    if (!whole)
      s.require_equal(fmt::format("output {}", i), got, results[i]);
    else if (numbers_of(got) != IndexVar<T>(outputs[i].handle()).value())
      throw ValueError("program", fmt::format("checked replay: output {} differs when recorded again", i));
  }
  for (const auto& [parameter, expected] : updates) {
    const Layout layout = contiguous_layout(parameter.shape());
    s.require_equal(fmt::format("parameter '{}'", parameter.name()), {parameter.value().data(), &layout}, expected);
  }
}

template <class T>
Program<T>::Program(std::unique_ptr<State> state) : state_(std::move(state)) {}
// A Program that was moved out of a cache uses its own in-use flag.
template <class T>
Program<T>::Program(Program&& other) noexcept : state_(std::move(other.state_)) {
  if (state_ != nullptr) state_->in_use = &state_->own;
}
template <class T>
Program<T>& Program<T>::operator=(Program&& other) noexcept {
  state_ = std::move(other.state_);
  if (state_ != nullptr) state_->in_use = &state_->own;
  return *this;
}
template <class T>
Program<T>::~Program() = default;

#define WENGERT_INSTANTIATE(T)                                                                                \
  template class Program<T>;                                                                                  \
  template Program<T> compile(Tape<T>&, const std::vector<ProgramVar<T>>&, const std::vector<ProgramVar<T>>&, \
                              const CompileOptions&, Location);                                               \
  template Program<T> compile_recorded<T>(const ProgramRecorder<T>&, const CompileOptions&, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
