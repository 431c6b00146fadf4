// The Programs of one function, one per signature of shapes; a new one evicts the least recently used one.
#pragma once

#include <wengert/program/program.hpp>

#include <cstddef>
#include <memory>
#include <span>

namespace wengert {

/// The cache in which `compiled` functions and `train::fit` keep their Programs, at most
/// `CompileOptions::max_programs`. Only one thread can use it at a time, like a Program.
template <class T>
class ProgramCache {
 public:
  /// An empty cache. Errors that name no other line name `where`. Throws ValueError if `max_programs` is 0.
  explicit ProgramCache(const CompileOptions& options = {}, Location where = Location::current());
  /// Moved, not copied.
  ///@{
  ProgramCache(ProgramCache&&) noexcept;
  ProgramCache& operator=(ProgramCache&&) noexcept;
  ///@}
  ~ProgramCache();

  /// Replays the Program for the shapes of these inputs; if there is none, first compiles what `record`, a
  /// ProgramRecorder, records. Results stay valid until the next call, the reference as long as the cache; an evicted
  /// Program throws HandleError. Throws what recording or a replay throws, and HandleError during another call.
  template <class F>
  Program<T>& run(std::span<const ProgramInput<T>> inputs, const F& record) {
    return run_recorded(inputs, std::cref(record));  // std::function holds a reference without allocation
  }

  /// The number of Programs held.
  std::size_t size() const;
  /// The number of compilations so far.
  std::size_t compilations() const;
  /// The number of compilations for shapes whose Program had been evicted.
  std::size_t recompilations() const;

 private:
  struct State;
  Program<T>& run_recorded(std::span<const ProgramInput<T>> inputs, const ProgramRecorder<T>& record);

  std::unique_ptr<State> state_;
};

extern template class ProgramCache<float>;
extern template class ProgramCache<double>;

}  // namespace wengert
