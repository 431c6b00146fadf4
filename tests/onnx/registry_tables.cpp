// The lists of ops of docs/onnx.md: those that are imported, and what the ops of the registry become in an export.
#include "registry_tables.hpp"

#include "onnx/call.hpp"
#include "onnx/emit.hpp"
#include "registry_examples.hpp"
#include "testing.hpp"

#include <set>
#include <stdexcept>

namespace wengert::testing {

namespace {

// `a`, `b`, …, in lines of at most 150 columns.
std::string listed(const std::set<std::string>& names) {
  std::string text, line;
  for (const std::string& name : names) {
    const std::string item = "`" + name + "`" + (name == *names.rbegin() ? "" : ",");
    if (!line.empty() && line.size() + 1 + item.size() > 150) {
      text += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + item;
  }
  return text + line + "\n";
}

std::string imported_ops() {
  std::set<std::string> names;
  for (const auto entries : onnx::detail::all_entries<float>())
    for (const auto& entry : entries)
      names.insert((entry.domain.empty() ? "" : std::string(entry.domain) + ".") + std::string(entry.op));
  return listed(names);
}

std::string exported_ops() {
  const auto& mappings = onnx::detail::mappings<float>();
  std::set<std::string> expanded, composed;
  for (const OpRow& row : op_registry()) {
    if (of_a_test(row) || mappings.contains(row.name) || not_exported().contains(row.name)) continue;
    (row.table != nullptr ? expanded : composed).insert(std::string(row.name));
  }
  std::string text = "| op | ONNX |\n|---|---|\n";
  for (const auto& [name, mapping] : mappings) text += fmt::format("| `{}` | {} |\n", name, mapping.becomes);
  text += "\nElementwise ops that are expanded by their formulas:\n\n" + listed(expanded);
  text += "\nFunctions that record ops above:\n\n" + listed(composed);
  text += "\nNot exported:\n\n| op | reason |\n|---|---|\n";
  for (const auto& [name, reason] : not_exported()) text += fmt::format("| `{}` | {} |\n", name, reason);
  return text;
}

// Replaces the text between the comments `<!-- NAME: … -->` and `<!-- end of NAME -->`.
void replace_between(std::string& page, const std::string& name, const std::string& text) {
  const std::size_t opening = page.find("<!-- " + name + ":"), begin = page.find("-->\n", opening);
  const std::size_t end = page.find("<!-- end of " + name + " -->", opening);
  if (opening == std::string::npos || begin == std::string::npos || end == std::string::npos || end < begin)
    throw std::runtime_error("docs/onnx.md has no list of " + name + " between comments");
  page.replace(begin + 4, end - begin - 4, "\n" + text + "\n");
}

}  // namespace

std::string with_op_tables(std::string page) {
  replace_between(page, "imported ops", imported_ops());
  replace_between(page, "exported ops", exported_ops());
  return page;
}

}  // namespace wengert::testing
