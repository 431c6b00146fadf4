// Whether this thread records a Program: what gives tensors then would give those of the recording for ever.
#pragma once

#include <cstddef>

namespace wengert::program {

/// While one lives, its thread records a Program that computes no values.
class RecordingScope {
 public:
  /// Begins it, if `on`.
  explicit RecordingScope(bool on) : on_(on) { depth_ += on_ ? 1 : 0; }
  ~RecordingScope() { depth_ -= on_ ? 1 : 0; }
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;
  /// Whether this thread is within one.
  static bool under_way() { return depth_ != 0; }

 private:
  inline static thread_local std::size_t depth_ = 0;
  bool on_;
};

}  // namespace wengert::program
