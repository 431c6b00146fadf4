// Graphs and schedules as text.
#include "base/line_of.hpp"
#include "program/passes.hpp"
#include "program/tiles.hpp"

#include <fmt/format.h>

namespace wengert::program {
namespace {

template <class T>
std::string name_of(const Graph<T>& graph, std::uint32_t k) {
  const Entry<T>& entry = graph.entries[k];
  switch (entry.source) {
    case Source::input:
      return entry.number < graph.inputs.size() ? fmt::format("input {}", entry.number) : "borrowed";
    case Source::parameter: {
      const std::string& name = graph.parameters[entry.number].name();
      return name.empty() ? fmt::format("parameter {}", entry.number) : fmt::format("parameter '{}'", name);
    }
    case Source::constant:
      return "constant";
    default:
      return std::string(entry.op->name);
  }
}

template <class T>
std::string line(const Graph<T>& graph, std::uint32_t k) {
  const Entry<T>& entry = graph.entries[k];
  std::string text = fmt::format("%{} = {}", k, name_of(graph, k));
  const auto inputs = graph.inputs_of(k);
  for (std::size_t i = 0; i < inputs.size(); ++i) text += fmt::format("{}%{}", i == 0 ? "(" : ", ", inputs[i]);
  if (!inputs.empty()) text += ")";
  text += fmt::format(" {}", to_string(entry.layout.shape));
  if (entry.accumulates)
    text += fmt::format(", written as {}{} · result + {} · previous value", entry.alpha,
                        entry.factor == none ? "" : fmt::format(" · '{}'", graph.parameters[entry.factor].name()),
                        entry.beta);
  if (entry.target != none) {
    const std::string& name = graph.parameters[entry.target].name();
    text += name.empty() ? fmt::format(" → parameter {}", entry.target) : fmt::format(" → parameter '{}'", name);
  }
  if (entry.op != nullptr) text += fmt::format("  {}", line_of(entry.where));
  return text + "\n";
}

}  // namespace

template <class T>
std::string to_string(const Graph<T>& graph) {
  std::string text;
  for (std::uint32_t k = 0; k < graph.entries.size(); ++k) text += line(graph, k);
  for (const std::uint32_t k : graph.outputs) text += fmt::format("output %{}\n", k);
  for (const Update& update : graph.updates)
    text += fmt::format("update parameter {} '{}' ← %{}\n", update.parameter, graph.parameters[update.parameter].name(),
                        update.value);
  return text;
}

template <class T>
std::string to_string(const Graph<T>& graph, const Schedule& schedule, const MemoryPlan& plan) {
  std::string text;
  for (std::size_t g = 0; g < schedule.groups.size(); ++g) {
    text += fmt::format("{}:", g);
    if (schedule.groups[g].entries.size() > 1) {
      const TileLoops loops = loops_of(graph, schedule.groups[g]);
      text += fmt::format(" {} entries fused over {} × {}", schedule.groups[g].entries.size(),
                          loops.planes() * loops.rows(), loops.columns());
    }
    text += "\n";
    for (const std::uint32_t k : schedule.groups[g].entries) {
      std::string entry = line(graph, k);
      entry.pop_back();
      text += fmt::format("  {}", entry);
      if (plan.offsets[k] != MemoryPlan::nowhere)
        text += fmt::format("  @{}+{}", plan.offsets[k], graph.entries[k].bytes());
      text += "\n";
    }
  }
  for (const Update& update : schedule.copies)
    text += fmt::format("copy %{} → parameter {}\n", update.value, update.parameter);
  return text + fmt::format("{} bytes\n", plan.bytes);
}

template std::string to_string(const Graph<float>&);
template std::string to_string(const Graph<double>&);
template std::string to_string(const Graph<float>&, const Schedule&, const MemoryPlan&);
template std::string to_string(const Graph<double>&, const Schedule&, const MemoryPlan&);

}  // namespace wengert::program
