// A bounded cache of Programs, the last used first.
#include "program/in_use.hpp"
#include "program/state.hpp"
#include <wengert/program_cache.hpp>

#include <algorithm>
#include <deque>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace wengert {

template <class T>
struct ProgramCache<T>::State {
  CompileOptions options;
  program::InUse in_use;
  // Callers may hold references to any of these, so none is destroyed: one that was given up is empty.
  std::deque<Program<T>> made;
  std::vector<Program<T>*> recent;  // held, the last used first

  Program<T>* find(std::span<const ProgramInput<T>> inputs) {
    std::erase_if(recent, [](const Program<T>* program) { return program->state_ == nullptr; });  // moved from
    const auto found =
        std::ranges::find_if(recent, [&](const Program<T>* program) { return program->state_->fits(inputs); });
    if (found == recent.end()) return nullptr;
    std::rotate(recent.begin(), found, found + 1);
    return recent.front();
  }
  Program<T>& compile(const ProgramRecorder<T>& record) {
    Program<T>& program = made.emplace_back(compile_recorded<T>(record, options, Location{}));
    program.state_->in_use = &in_use;
    recent.insert(recent.begin(), &program);
    return program;
  }
  void give_up_oldest() {
    if (recent.size() <= options.max_programs) return;
    for (; recent.size() > options.max_programs; recent.pop_back()) recent.back()->state_.reset();
#if defined(__GLIBC__)
    malloc_trim(0);  // compiling leaves a heap of holes, which would grow with every new shape
#endif
  }
};

template <class T>
ProgramCache<T>::ProgramCache(const CompileOptions& options) : state_(std::make_unique<State>()) {
  if (options.max_programs == 0)
    throw ValueError("compiled", "max_programs is 0: room for at least 1 Program is needed");
  state_->options = options;
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
  const program::InUse::Call call(s.in_use, "compiled");
  Program<T>* program = s.find(inputs);
  if (program == nullptr) program = &s.compile(record);
  if (s.options.checked)
    program->replay_checked(inputs, record);
  else
    program->replay(inputs);
  s.give_up_oldest();  // only now: the inputs may be an older one's results
  return *program;
}

template <class T>
std::size_t ProgramCache<T>::size() const {
  return state_ == nullptr ? 0 : state_->recent.size();
}
template <class T>
std::size_t ProgramCache<T>::compilations() const {
  return state_ == nullptr ? 0 : state_->made.size();
}

template class ProgramCache<float>;
template class ProgramCache<double>;

}  // namespace wengert
