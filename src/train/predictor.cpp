// The pool of Programs behind a Predictor.
#include "base/heap.hpp"
#include "base/located.hpp"
#include "program/frozen_constants.hpp"
#include <wengert/tape/op.hpp>
#include <wengert/train/predictor.hpp>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/format.h>

namespace wengert::train::detail {
namespace {

template <class T>
struct PooledProgram {
  Program<T> program;
  std::vector<bool> integers;
  std::shared_ptr<const void> structure;
  std::thread::id last;  // the thread that ran it last, in whose caches its memory is
  std::size_t bytes;
};

// The leaf nodes of the inputs of a call.
template <class T>
std::vector<ProgramVar<T>> call_leaves(Tape<T>& tape, std::span<const ProgramInput<T>> inputs) {
  std::vector<ProgramVar<T>> leaves;
  for (const ProgramInput<T>& input : inputs)
    if (input.indices) {
      auto numbers = Indices::from_shape(xt::dynamic_shape<std::size_t>(input.shape));
      std::copy_n(static_cast<const std::int64_t*>(input.data), numbers.size(), numbers.data());
      leaves.emplace_back(tape.indices(numbers));
    } else {
      leaves.emplace_back(tape.borrow({static_cast<const T*>(input.data), input.shape.elements()}, input.shape));
    }
  return leaves;
}

// Throws ValueError if a recorded network cannot be shared by threads, or has parameters that are not its own.
template <class T>
void check_recording(const Tape<T>& tape, const std::vector<Parameter<T>>& own) {
  for (std::size_t k = 0; k < tape.size(); ++k) {
    const Node<T>& node = tape.node(k);
    if (node.op != nullptr && node.op->draw != nullptr)
      throw ValueError("Predictor",
                       fmt::format("the network draws random numbers in evaluation mode (op '{}'), which threads would "
                                   "share: make the numbers an input of the network",
                                   node.op->subject()),
                       node.where);
    if (node.op != nullptr) continue;
    if (const auto parameter = tape.parameter(k); parameter && std::ranges::find(own, *parameter) == own.end())
      throw ValueError(
          "Predictor",
          fmt::format("the network reads the Parameter '{}' of shape {}, which is not among its members, so "
                      "that it was not copied with it: make the network a struct that holds it",
                      parameter->name(), to_string(parameter->shape())),
          node.where);
  }
}

// The numbers of rows of the inputs if they differ; otherwise empty.
template <class T>
std::string differing_rows(std::span<const ProgramInput<T>> inputs) {
  std::vector<std::size_t> rows;
  for (const ProgramInput<T>& input : inputs)
    if (!input.shape.empty()) rows.push_back(input.shape[0]);
  if (std::ranges::adjacent_find(rows, std::not_equal_to{}) == rows.end()) return {};
  return fmt::format("inputs of {} rows: expected one for each sample in each of them", fmt::join(rows, ", "));
}

}  // namespace

template <class T>
struct ProgramPool<T>::State {
  using Pooled = std::unique_ptr<PooledProgram<T>>;

  std::shared_ptr<const PredictorNetwork<T>> network;
  CompileOptions options;
  std::size_t max_threads, max_programs;
  std::mutex recording;  // held while a Program is compiled: the network may keep state of its own

  mutable std::mutex mutex;  // of what follows
  std::condition_variable returned;
  std::vector<Pooled> idle;  // least recently used first
  std::size_t running = 0, most_running = 0, waiting = 0, held = 0, compilations = 0, program_bytes = 0;

  // Takes an idle Program that accepts the inputs, best the one that this thread used last; null if there is none.
  Pooled take(std::span<const ProgramInput<T>> inputs) {
    auto best = idle.end();
    const std::thread::id self = std::this_thread::get_id();
    for (auto candidate = idle.end(); candidate-- != idle.begin();) {
      if (!(*candidate)->program.accepts(inputs)) continue;
      if (best == idle.end()) best = candidate;
      if ((*candidate)->last != self) continue;
      best = candidate;
      break;
    }
    if (best == idle.end()) return nullptr;
    Pooled taken = std::move(*best);
    idle.erase(best);
    taken->last = self;
    return taken;
  }
  // Makes room for one more Program; returns the evicted one, to be destroyed without the lock.
  Pooled evict() {
    if (held / most_running < max_programs || idle.empty()) return nullptr;  // max_programs · most_running may overflow
    Pooled evicted = std::move(idle.front());
    idle.erase(idle.begin());
    --held;
    program_bytes -= evicted->bytes;
    return evicted;
  }
  Pooled compile(std::span<const ProgramInput<T>> inputs) {
    typename PredictorNetwork<T>::Recording recording_of_call;
    std::unique_lock one_at_a_time(recording);
    Program<T> program = compile_recorded<T>(
        [&](Tape<T>& tape, std::vector<ProgramVar<T>>& leaves) {
          leaves = call_leaves(tape, inputs);
          try {
            recording_of_call = network->record(leaves);
          } catch (ShapeError& error) {
            if (const std::string rows = differing_rows(inputs); !rows.empty()) error.prefix("Predictor", rows);
            throw;
          }
          check_recording(tape, network->parameters);
          return recording_of_call.outputs.vars;
        },
        options, Location());
    one_at_a_time.unlock();
    const std::size_t bytes = program.memory().total_bytes();
    return std::make_unique<PooledProgram<T>>(PooledProgram<T>{std::move(program), recording_of_call.outputs.integers,
                                                               recording_of_call.structure, std::this_thread::get_id(),
                                                               bytes});
  }
};

// A Program for one call, returned to the pool at the end.
template <class T>
struct ProgramPool<T>::Lease {
  State& pool;
  typename State::Pooled pooled{};

  Lease(State& of, std::span<const ProgramInput<T>> inputs) : pool(of) {
    typename State::Pooled evicted;
    {
      std::unique_lock lock(pool.mutex);
      ++pool.waiting;
      pool.returned.wait(lock, [&] { return pool.running < pool.max_threads; });
      --pool.waiting;
      ++pool.running;
      pool.most_running = std::max(pool.most_running, pool.running);
      pooled = pool.take(inputs);
      if (pooled != nullptr) return;
      evicted = pool.evict();
      ++pool.held;
    }
    if (evicted != nullptr) {
      evicted.reset();
      return_free_memory();
    }
    try {
      pooled = pool.compile(inputs);
      const std::scoped_lock lock(pool.mutex);
      pool.idle.reserve(pool.held);
      ++pool.compilations;
      pool.program_bytes += pooled->bytes;
    } catch (...) {
      const std::scoped_lock lock(pool.mutex);
      --pool.held;
      leave();
      throw;
    }
  }
  ~Lease() {
    const std::scoped_lock lock(pool.mutex);
    pool.idle.push_back(std::move(pooled));  // into reserved memory
    leave();
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  void leave() {
    --pool.running;
    if (pool.waiting != 0) pool.returned.notify_one();
  }
};

template <class T>
ProgramPool<T>::ProgramPool(std::shared_ptr<const PredictorNetwork<T>> network, const PredictorOptions& options,
                            const Location& where)
    : state_(std::make_unique<State>()) {
  if (options.max_programs == 0) throw ValueError("Predictor", "max_programs is 0: expected at least 1", where);
  state_->network = std::move(network);
  state_->options.apply_updates = false;
  state_->options.frozen = std::make_shared<FrozenConstants>(options.fold, options.prepare);
  state_->max_threads =
      options.max_threads != 0 ? options.max_threads : std::max(std::thread::hardware_concurrency(), 1U);
  state_->max_programs = options.max_programs;
}
template <class T>
ProgramPool<T>::~ProgramPool() = default;

template <class T>
void ProgramPool<T>::run(std::span<const ProgramInput<T>> inputs, const Visit& visit, const Location& where) {
  located("Predictor", where, [&] {
    const Lease lease(*state_, inputs);
    PooledProgram<T>& pooled = *lease.pooled;
    pooled.program.run(inputs);
    visit({pooled.program, pooled.integers, pooled.structure.get()});
  });
}

template <class T>
std::vector<Array<T>> ProgramPool<T>::Results::values() const {
  std::vector<Array<T>> all;
  for (std::size_t i = 0; i < integers.size(); ++i) {
    if (integers[i])
      all.emplace_back(program.indices(i));
    else
      all.emplace_back(program.value(i));
  }
  return all;
}

template <class T>
std::size_t ProgramPool<T>::compilations() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->compilations;
}

template <class T>
PredictorMemory ProgramPool<T>::memory() const {
  const std::scoped_lock lock(state_->mutex);
  PredictorMemory memory{state_->held, state_->program_bytes, state_->options.frozen->bytes(), 0};
  for (const Parameter<T>& parameter : state_->network->parameters)
    memory.parameter_bytes += parameter.value().size() * sizeof(T);
  return memory;
}

template <class T>
static std::vector<ProgramInput<T>>& inputs_of_thread() {
  static thread_local std::vector<ProgramInput<T>> inputs;
  return inputs;
}
template <class T>
CallInputs<T>::CallInputs() : all(std::move(inputs_of_thread<T>())) {
  all.clear();
}
template <class T>
CallInputs<T>::~CallInputs() {
  all.clear();
  inputs_of_thread<T>() = std::move(all);
}

template class ProgramPool<float>;
template class ProgramPool<double>;
template class CallInputs<float>;
template class CallInputs<double>;

}  // namespace wengert::train::detail
