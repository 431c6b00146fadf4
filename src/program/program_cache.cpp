// A bounded cache of Programs, the most recently used first.
#include "base/heap.hpp"
#include "program/in_use.hpp"
#include "program/state.hpp"
#include <wengert/program/program_cache.hpp>

#include <algorithm>
#include <deque>
#include <unordered_set>
#include <vector>

namespace wengert {

namespace {

// A hash of the kinds and shapes of inputs.
template <class T>
std::size_t signature_of(std::span<const ProgramInput<T>> inputs) {
  std::size_t hash = inputs.size();
  const auto mix = [&](std::size_t part) { hash = (hash ^ part) * 0x9e3779b97f4a7c15U ^ hash >> 29; };
  for (const ProgramInput<T>& input : inputs) {
    mix(input.indices ? 1 : 2);
    mix(input.shape.rank());
    for (const std::size_t extent : input.shape) mix(extent);
  }
  return hash;
}

}  // namespace

template <class T>
struct ProgramCache<T>::State {
  CompileOptions options;
  Location where;
  program::InUse in_use;
  // Callers may hold references to any of these, so none is destroyed; an evicted one is empty.
  std::deque<Program<T>> made;
  struct Held {
    Program<T>* program;
    std::size_t signature;
  };
  std::vector<Held> recent;                 // most recently used first
  std::unordered_set<std::size_t> evicted;  // signatures of evicted Programs
  std::size_t recompilations = 0;

  Program<T>* find(std::span<const ProgramInput<T>> inputs) {
    std::erase_if(recent, [](const Held& held) { return held.program->state_ == nullptr; });  // moved from
    const auto found =
        std::ranges::find_if(recent, [&](const Held& held) { return held.program->state_->fits(inputs); });
    if (found == recent.end()) return nullptr;
    std::rotate(recent.begin(), found, found + 1);
    return recent.front().program;
  }
  Program<T>& compile(std::span<const ProgramInput<T>> inputs, const ProgramRecorder<T>& record) {
    Program<T>& program = made.emplace_back(compile_recorded<T>(record, options, where));
    program.state_->in_use = &in_use;
    const std::size_t signature = signature_of(inputs);
    recent.insert(recent.begin(), {&program, signature});
    if (evicted.contains(signature)) ++recompilations;
    return program;
  }
  void evict_oldest() {
    if (recent.size() <= options.max_programs) return;
    for (; recent.size() > options.max_programs; recent.pop_back()) {
      recent.back().program->state_.reset();
      evicted.insert(recent.back().signature);
    }
    return_free_memory();
  }
};

template <class T>
ProgramCache<T>::ProgramCache(const CompileOptions& options, Location where) : state_(std::make_unique<State>()) {
  if (options.max_programs == 0) throw ValueError("compiled", "max_programs is 0: expected at least 1", where);
  state_->options = options;
  state_->where = where;
}
template <class T>
ProgramCache<T>::ProgramCache(ProgramCache&&) noexcept = default;
template <class T>
ProgramCache<T>& ProgramCache<T>::operator=(ProgramCache&&) noexcept = default;
template <class T>
ProgramCache<T>::~ProgramCache() = default;

template <class T>
Program<T>& ProgramCache<T>::run_recorded(std::span<const ProgramInput<T>> inputs, const ProgramRecorder<T>& record) {
  if (state_ == nullptr) throw HandleError("compiled", "it was moved from");
  State& s = *state_;
  return located("compiled", s.where, [&]() -> Program<T>& {
    const program::InUse::Call call(s.in_use, "compiled");
    Program<T>* program = s.find(inputs);
    if (program == nullptr) program = &s.compile(inputs, record);
    try {
      if (s.options.checked)
        program->replay_checked(inputs, record);
      else
        program->replay(inputs);
    } catch (...) {
      s.evict_oldest();
      throw;
    }
    s.evict_oldest();  // only now: the inputs may be results of an older Program
    return *program;
  });
}

template <class T>
std::size_t ProgramCache<T>::size() const {
  return state_ == nullptr ? 0 : state_->recent.size();
}
template <class T>
std::size_t ProgramCache<T>::compilations() const {
  return state_ == nullptr ? 0 : state_->made.size();
}
template <class T>
std::size_t ProgramCache<T>::recompilations() const {
  return state_ == nullptr ? 0 : state_->recompilations;
}

template class ProgramCache<float>;
template class ProgramCache<double>;

}  // namespace wengert
