// RunFolder: creates and locks the run folder, and writes config.json and history.csv.
#include "train/run_folder.hpp"

#include "io/json_string.hpp"
#include "train/files.hpp"

#include <algorithm>
#include <fstream>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace wengert::train {
namespace {

// Whether a text is a JSON number (RFC 8259, section 6).
bool is_number(std::string_view text) {
  if (text.size() > 24) return false;
  const auto digits = [&] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count;
  };
  const auto take = [&](std::string_view any) {
    const bool found = !text.empty() && any.find(text.front()) != std::string_view::npos;
    if (found) text.remove_prefix(1);
    return found;
  };
  take("-");
  const bool zero = text.starts_with('0');
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (take(".") && digits() == 0) return false;
  if (take("eE")) {
    take("+-");
    if (digits() == 0) return false;
  }
  return text.empty();
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
