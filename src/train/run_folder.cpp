// RunFolder: creates and locks the run folder, and writes config.json and history.csv.
#include "train/run_folder.hpp"

#include "io/json_string.hpp"
#include "train/files.hpp"

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

namespace wengert::train {
namespace {

// Whether a text is a number in JSON.
bool is_number(const std::string& text) {
  if (text.empty() || text.size() > 24) return false;
  if (text[0] == '0' && text.size() > 1 && text[1] != '.') return false;
  if (std::isdigit(static_cast<unsigned char>(text[0])) == 0 ||
      std::isdigit(static_cast<unsigned char>(text.back())) == 0)
    return false;
  if (text.find_first_not_of("0123456789.e-+") != std::string::npos) return false;
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  return *end == '\0';
}

}  // namespace

RunFolder::RunFolder(std::filesystem::path path, const Location& where) : path_(std::move(path)) {
  if (path_.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error || !std::filesystem::is_directory(path_, error))
    throw FileError("fit", fmt::format("{}: the run folder cannot be made", path_.string()), where);
  lock_ = RunLock(path_, where);
}

void RunFolder::write_config(const Settings& settings) const {
  if (!exists()) return;
  std::string text = "{";
  for (const auto& [name, value] : settings)
    text += fmt::format("{}\n  {}: {}", text.size() == 1 ? "" : ",", json_string(name),
                        is_number(value) || value == "true" || value == "false" ? value : json_string(value));
  write_whole("fit", file("config.json"), text + "\n}\n");
}

void RunFolder::write_history(const History& history) const {
  if (exists()) write_whole("fit", file("history.csv"), history.to_csv());
}

void RunFolder::append_history(const History& history) const {
  if (!exists()) return;
  const History last{history.metric_names, history.parameter_paths, {history.epochs.back()}};
  const std::string text = last.to_csv();
  std::ofstream out(file("history.csv"), std::ios::binary | std::ios::app);
  out << text.substr(text.find('\n') + 1);
  if (!out.flush()) throw FileError("fit", fmt::format("{}: cannot be written", file("history.csv").string()));
}

}  // namespace wengert::train
