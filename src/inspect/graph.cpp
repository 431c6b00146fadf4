// Prints a tape: to_dot writes Graphviz, to_string a table of nodes with shapes, bytes and source lines.
#include "base/line_of.hpp"
#include <wengert/inspect/graph.hpp>
#include <wengert/tape/op.hpp>

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert {
namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

template <class T>
std::string label(const Tape<T>& tape, std::size_t index) {
  const Node<T>& n = tape.node(index);
  if (n.op != nullptr) return std::string(n.op->name);
  return tape.name(index).empty() ? "constant" : std::string(tape.name(index));
}

}  // namespace

template <class T>
std::string to_dot(const std::vector<Var<T>>& roots, Location where) {
  std::string text = "digraph tape {\n  rankdir=BT;\n  node [fontname=\"Helvetica\", fontsize=11];\n";
  if (roots.empty()) return text + "}\n";
  const Tape<T>& tape = roots.front().tape("to_dot", where);
  std::set<std::size_t> reached;
  for (const Var<T>& root : roots) {
    tape.node(root, "to_dot", where);
    reached.insert(root.index());
  }
  for (auto k = reached.rbegin(); k != reached.rend(); ++k)  // inputs precede the node, so they are visited later
    for (const std::uint32_t input : tape.inputs(*k)) reached.insert(input);
  for (const std::size_t k : reached) {
    const Node<T>& n = tape.node(k);
    text += fmt::format("  n{} [shape={}, label=\"{}\\n{}\"];\n", k, n.op == nullptr ? "box" : "ellipse",
                        escaped(label(tape, k)), to_string(n.layout->shape));
    for (const std::uint32_t input : tape.inputs(k)) text += fmt::format("  n{} -> n{};\n", input, k);
  }
  return text + "}\n";
}

template <class T>
std::string to_string(const Tape<T>& tape) {
  std::string text =
      fmt::format("{:>6}  {:<24} {:<16} {:<20} {:>12}  {}\n", "node", "op", "inputs", "shape", "bytes", "line");
  std::size_t total = 0;
  for (std::size_t k = 0; k < tape.size(); ++k) {
    const Node<T>& n = tape.node(k);
    const bool view = n.op != nullptr && n.op->view != nullptr;
    const std::size_t bytes =
        view || n.released ? 0 : n.layout->size * (n.holds_indices ? sizeof(std::int64_t) : sizeof(T));
    total += bytes;
    text += fmt::format("{:>6}  {:<24} {:<16} {:<20} {:>12}  {}\n", k, label(tape, k),
                        fmt::format("{}", fmt::join(tape.inputs(k), ", ")), to_string(n.layout->shape),
                        view         ? "view"
                        : n.released ? "released"
                                     : fmt::format("{}", bytes),
                        line_of(n.where));
  }
  return text +
         fmt::format("{} nodes, {} bytes of values, {} bytes reserved\n", tape.size(), total, tape.reserved_bytes());
}

#define WENGERT_INSTANTIATE(T)                                       \
  template std::string to_dot(const std::vector<Var<T>>&, Location); \
  template std::string to_string(const Tape<T>&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
