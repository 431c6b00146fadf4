// Tells whether this thread records a Program: a function that returns tensors would return the recording's at each
// replay.
#pragma once

#include <cstddef>

namespace wengert::program {

/// During its lifetime, its thread records a Program without computing values.
class RecordingScope {
 public:
  /// Begins the scope if `on` is set.
  explicit RecordingScope(bool on) : on_(on) { depth_ += on_ ? 1 : 0; }
  ~RecordingScope() { depth_ -= on_ ? 1 : 0; }
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;
  /// Whether this thread is in such a scope.
  static bool under_way() { return depth_ != 0; }

 private:
  inline static thread_local std::size_t depth_ = 0;
  bool on_;
};

}  // namespace wengert::program
