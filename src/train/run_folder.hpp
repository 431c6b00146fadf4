// The folder a training leaves behind.
#pragma once

#include "train/run_lock.hpp"
#include <wengert/train/options.hpp>
#include <wengert/train/report.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace wengert::train {

using Settings = std::vector<std::pair<std::string, std::string>>;

/// The files of a run; without a path, none are written.
class RunFolder {
 public:
  RunFolder() = default;
  /// Makes the folder, and locks it as long as this lives. Throws FileError if that fails.
  RunFolder(std::filesystem::path path, const Location& where);

  bool exists() const { return !path_.empty(); }
  std::filesystem::path file(const char* name) const { return path_ / name; }
  void write_config(const Settings& settings) const;
  /// Writes all epochs.
  void write_history(const History& history) const;
  /// Appends the last epoch; what follows a crash is mended by `write_history`.
  void append_history(const History& history) const;

 private:
  std::filesystem::path path_;
  RunLock lock_;
};

}  // namespace wengert::train
