// Sends what is written to stderr to another file.
#pragma once

#include <cstdio>
#include <unistd.h>

namespace wengert::testing {

/// While it lives, stderr is an open file.
class RedirectedStderr {
 public:
  explicit RedirectedStderr(int file) : kept_(flushed_copy()) { dup2(file, STDERR_FILENO); }
  RedirectedStderr(const RedirectedStderr&) = delete;
  RedirectedStderr& operator=(const RedirectedStderr&) = delete;
  ~RedirectedStderr() {
    std::fflush(stderr);
    dup2(kept_, STDERR_FILENO);
    close(kept_);
  }

 private:
  static int flushed_copy() {
    std::fflush(stderr);
    return dup(STDERR_FILENO);
  }
  int kept_;
};

}  // namespace wengert::testing
