// summary: counts parameters, FLOPs and bytes by layer, and prints them as a table.
#include "nn/tape_layers.hpp"
#include <wengert/nn/summary.hpp>
#include <wengert/tape/op.hpp>

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert::nn {
namespace {

template <class T>
double flops_of(const Tape<T>& tape, std::size_t k) {
  const Node<T>& node = tape.node(k);
  if (node.op->flops == nullptr) return 0;
  std::vector<const Shape*> shapes;
  for (const std::uint32_t input : tape.inputs(k)) shapes.push_back(&tape.node(input).layout->shape);
  return node.op->flops(node.attributes, shapes);
}

template <class T>
std::size_t bytes_of(const Node<T>& node) {
  if (node.op->view != nullptr || node.released) return 0;
  return node.layout->size * (node.holds_indices ? sizeof(std::int64_t) : sizeof(T));
}

// 1234567 as 1.23 M.
std::string in_units(double value, double thousand, const std::vector<const char*>& units) {
  std::size_t i = 0;
  while (value >= thousand && i + 1 < units.size()) {
    value /= thousand;
    ++i;
  }
  if (i == 0) return fmt::format("{:.0f}{}{}", value, units[0][0] == 0 ? "" : " ", units[0]);
  return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : value < 100 ? 1 : 0, units[i]);
}
std::string as_bytes(std::size_t bytes) {
  return in_units(static_cast<double>(bytes), 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
}
std::string as_flops(double flops) { return flops == 0 ? "" : in_units(flops, 1000, {"", "k", "M", "G", "T"}); }

// 1234567 as 1,234,567.
std::string with_commas(std::size_t number) {
  if (number < 1000) return std::to_string(number);
  return fmt::format("{},{:03}", with_commas(number / 1000), number % 1000);
}

}  // namespace

namespace detail {

template <class T>
Summary summarise(const Tape<T>& tape, std::size_t first, const std::vector<Var<T>>& results,
                  const ModuleTrace<T>& trace) {
  Summary summary;
  std::map<const void*, std::size_t> uncounted;  // parameters not counted yet: their indices by address
  for (std::size_t i = 0; i < trace.parameters.size(); ++i) {
    const Parameter<T>& parameter = trace.parameters[i].parameter;
    uncounted.emplace(parameter.value().data(), i);
    summary.parameters += parameter.value().size();
    summary.trainable += parameter.trainable() ? parameter.value().size() : 0;
    summary.parameter_bytes += parameter.value().size() * sizeof(T);
  }
  std::vector<std::size_t> last_reader(tape.size(), 0);
  for (std::size_t k = first; k < tape.size(); ++k)
    for (const std::uint32_t input : tape.inputs(k)) last_reader[input] = k;
  for (const Var<T>& result : results) {
    tape.node(result, "summary", Location{});  // of this tape, and not rewound
    last_reader[result.index()] = tape.size();
  }

  for (const TapeLayer& layer : layers_of(tape, first, trace)) {
    SummaryRow row{layer.path, layer.type, {}};
    std::size_t result = layer.nodes.back();
    for (const std::size_t k : layer.nodes) {
      row.flops += flops_of(tape, k);
      row.bytes += bytes_of(tape.node(k));
      if (last_reader[k] > layer.nodes.back()) result = k;
      for (const std::uint32_t input : tape.inputs(k)) {
        const auto parameter = tape.node(input).op == nullptr ? uncounted.find(tape.address(input)) : uncounted.end();
        if (parameter == uncounted.end()) continue;
        row.parameters += trace.parameters[parameter->second].parameter.value().size();
        uncounted.erase(parameter);
      }
    }
    row.output = tape.node(result).layout->shape;
    summary.flops += row.flops;
    summary.bytes += row.bytes;
    summary.rows.push_back(std::move(row));
  }
  std::set<std::size_t> unread;  // in the order of the members
  for (const auto& [data, i] : uncounted) unread.insert(i);
  for (const std::size_t i : unread) summary.unread.push_back(trace.parameters[i].name);
  return summary;
}

template Summary summarise(const Tape<float>&, std::size_t, const std::vector<Var<float>>&, const ModuleTrace<float>&);
template Summary summarise(const Tape<double>&, std::size_t, const std::vector<Var<double>>&,
                           const ModuleTrace<double>&);

}  // namespace detail

std::string Summary::to_string() const {
  std::vector<std::vector<std::string>> table{{"Layer", "Output", "Parameters", "FLOPs", "Bytes"}};
  for (const SummaryRow& row : rows)
    table.push_back({row.path.empty() ? row.type : fmt::format("{} ({})", row.path, row.type),
                     wengert::to_string(row.output), row.parameters == 0 ? "" : with_commas(row.parameters),
                     as_flops(row.flops), as_bytes(row.bytes)});
  table.push_back({"Total", "", with_commas(parameters), as_flops(flops), as_bytes(bytes)});
  std::vector<std::size_t> widths(5);
  for (const auto& line : table)
    for (std::size_t i = 0; i < 5; ++i) widths[i] = std::max(widths[i], line[i].size());
  std::size_t total = 8;
  for (const std::size_t width : widths) total += width;
  const std::string rule(total, '-');
  std::string text;
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (i == 1 || i + 1 == table.size()) text += rule + "\n";
    const auto& line = table[i];
    text += fmt::format("{:<{}}  {:<{}}  {:>{}}  {:>{}}  {:>{}}\n", line[0], widths[0], line[1], widths[1], line[2],
                        widths[2], line[3], widths[3], line[4], widths[4]);
  }
  text += rule + "\n";
  text += fmt::format("{} of the parameters are trainable; all parameters take {}\n", with_commas(trainable),
                      as_bytes(parameter_bytes));
  if (!unread.empty()) text += fmt::format("not read by this call: {}\n", fmt::join(unread, ", "));
  return text;
}

std::ostream& operator<<(std::ostream& out, const Summary& summary) { return out << summary.to_string(); }

}  // namespace wengert::nn
