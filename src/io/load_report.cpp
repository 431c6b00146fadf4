// The report of a load as a table.
#include <wengert/io/parameters.hpp>

#include <ostream>

#include <fmt/format.h>

namespace wengert::io {
namespace {

template <class Item, class Text>
void add_rows(std::string& table, std::string_view kind, const std::vector<Item>& items, const Text& text) {
  constexpr std::size_t most = 20;
  for (std::size_t i = 0; i < std::min(most, items.size()); ++i)
    table += fmt::format("\n{:<12}{}", kind, text(items[i]));
  if (items.size() > most) table += fmt::format("\n{:<12}… and {} more", "", items.size() - most);
}

}  // namespace

std::string to_string(const LoadReport& report) {
  std::string table = fmt::format("{} loaded", report.loaded.size());
  const auto add_count = [&](std::size_t count, std::string_view what) {
    if (count > 0) table += fmt::format(", {} {}", count, what);
  };
  add_count(report.renamed.size(), "renamed");
  add_count(report.converted.size(), "converted");
  add_count(report.skipped.size(), "skipped");
  add_count(report.missing.size(), "missing");
  add_count(report.unexpected.size(), "unexpected");
  add_count(report.mismatched.size(), "mismatched");
  const auto name = [](const std::string& text) { return text; };
  add_rows(table, "renamed", report.renamed,
           [](const LoadReport::Renamed& r) { return fmt::format("{} → {}", r.in_file, r.name); });
  add_rows(table, "converted", report.converted,
           [](const LoadReport::Converted& c) { return fmt::format("{} from {}", c.name, c.in_file); });
  add_rows(table, "skipped", report.skipped, name);
  add_rows(table, "missing", report.missing, name);
  add_rows(table, "unexpected", report.unexpected, name);
  add_rows(table, "mismatched", report.mismatched, [](const LoadReport::Mismatch& m) {
    return fmt::format("{} has shape {}, expected {}", m.name, to_string(m.in_file), to_string(m.expected));
  });
  return table;
}

std::ostream& operator<<(std::ostream& out, const LoadReport& report) { return out << to_string(report); }

}  // namespace wengert::io
