// The folder that a training run writes its files to.
#pragma once

#include "train/run_lock.hpp"
#include <wengert/report/report.hpp>
#include <wengert/train/options.hpp>

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
  /// Creates the folder and locks it for the lifetime of this object. Throws FileError if that fails.
  RunFolder(std::filesystem::path path, const Location& where);

  bool exists() const { return !path_.empty(); }
  std::filesystem::path file(const char* name) const { return path_ / name; }
  void write_config(const Settings& settings) const;

 private:
  std::filesystem::path path_;
  RunLock lock_;
};

}  // namespace wengert::train
