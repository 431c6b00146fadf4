// RecordingScope: marks that this thread records a Program, for functions that return tensors instead of recording ops.
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
