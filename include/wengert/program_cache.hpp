// The Programs of one function: one for each signature of shapes, the least recently used given up for a new one.
#pragma once

#include <wengert/program.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

namespace wengert {

/// What `compiled` functions and `train::fit` keep their Programs in, at most `CompileOptions::max_programs` of them.
/// One thread at a time, like a Program.
template <class T>
class ProgramCache {
 public:
  /// Empty. Throws ValueError if `max_programs` is 0. Errors of its calls that name no other line name this one.
  explicit ProgramCache(const CompileOptions& options = {}, Location where = Location::current());
  /// Moved, not copied.
  ///@{
  ProgramCache(ProgramCache&&) noexcept;
  ProgramCache& operator=(ProgramCache&&) noexcept;
  ///@}
  ~ProgramCache();

  /// Replays the Program of these inputs' shapes, compiled from what `record` records (see ProgramRecorder) if there is
  /// none. Its results stay until the next call. The reference stays good as long as the cache; a Program that was
  /// given up since throws HandleError. Throws what recording or a replay throws; HandleError if a call is under way.
  template <class F>
  Program<T>& run(std::span<const ProgramInput<T>> inputs, const F& record) {
    return run_recorded(inputs, std::cref(record));  // a reference is kept without allocation
  }

  /// How many Programs it holds.
  std::size_t size() const;
  /// How many it has compiled.
  std::size_t compilations() const;
  /// How many of these were compiled again: their shapes came back after their Program was given up.
  std::size_t recompilations() const;

 private:
  struct State;
  Program<T>& run_recorded(std::span<const ProgramInput<T>> inputs, const ProgramRecorder<T>& record);

  std::unique_ptr<State> state_;
};

extern template class ProgramCache<float>;
extern template class ProgramCache<double>;

}  // namespace wengert
