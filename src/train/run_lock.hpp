// A lock on a run folder: one training run at a time writes there.
#pragma once

#include <wengert/base/error.hpp>

#include <filesystem>
#include <string>

namespace wengert::train {

/// Holds the lock of a folder during its lifetime.
///
/// The file `lock` in the folder names the holder: process, host and start time. The lock itself is an flock, which the
/// system releases when the holder ends, even by a crash. On file systems without locks, nothing is held.
class RunLock {
 public:
  RunLock() = default;
  /// Throws FileError, naming the holder, if the folder is locked.
  RunLock(const std::filesystem::path& folder, const Location& where);
  ~RunLock();
  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&& other) noexcept;

 private:
  void release();

  std::filesystem::path path_;
  int file_ = -1;
};

}  // namespace wengert::train
