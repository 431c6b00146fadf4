// RunFolder: creates and locks the run folder, and writes config.json.
#include "train/run_folder.hpp"

#include "io/files.hpp"
#include "io/json.hpp"

#include <system_error>

#include <fmt/format.h>

namespace wengert::train {
RunFolder::RunFolder(std::filesystem::path path, const Location& where) : path_(std::move(path)) {
  if (path_.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error || !std::filesystem::is_directory(path_, error))
    throw FileError("fit", fmt::format("{}: the run folder cannot be created", path_.string()), where);
  lock_ = RunLock(path_, where);
}

void RunFolder::write_config(const Settings& settings) const {
  if (!exists()) return;
  io::JsonWriter json(io::JsonWriter::Layout::lines);
  json.begin_object();
  for (const auto& [name, value] : settings) json.key(name).literal_or_string(value);
  io::write_whole("fit", file("config.json"), json.end_object().text() + "\n");
}

}  // namespace wengert::train
