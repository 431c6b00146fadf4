// The pass that lets elementwise updates write their results directly to the parameters' memory.
#include "program/passes.hpp"

#include <algorithm>

namespace wengert::program {
namespace {

// Whether entry k can overwrite the parameter: an elementwise op that reads it in the order in which it writes.
template <class T>
bool reads_as_it_lies(const Graph<T>& graph, std::uint32_t k, std::span<const Place> place, std::uint32_t parameter) {
  const Entry<T>& entry = graph.entries[k];
  for (const std::uint32_t input : graph.inputs_of(k)) {
    const Entry<T>& base = graph.entries[place[input].base];
    if (base.source != Source::parameter || base.number != parameter) continue;
    if (entry.op->kernels[0] == nullptr) return false;
    if (!graph.entries[input].layout.contiguous || graph.entries[input].layout.size != entry.layout.size) return false;
  }
  return true;
}

}  // namespace

// For elementwise values only: other ops may throw after they have written part of the result.
template <class T>
Graph<T> update_in_place(Graph<T> graph) {
  const std::vector<Place> place = places(graph);
  std::vector<std::uint32_t> updates_of(graph.entries.size());  // one value may update two parameters
  for (const Update& update : graph.updates) ++updates_of[update.value];
  for (const Update& update : graph.updates) {
    Entry<T>& value = graph.entries[update.value];
    const bool is_output = std::any_of(graph.outputs.begin(), graph.outputs.end(),
                                       [&](std::uint32_t output) { return place[output].base == update.value; });
    if (value.source != Source::computed || value.target != none || is_output || updates_of[update.value] > 1) continue;
    if (value.op->kernels[0] == nullptr) continue;
    if (reads_as_it_lies(graph, update.value, place, update.parameter)) value.target = update.parameter;
  }
  return graph;
}

template Graph<float> update_in_place(Graph<float>);
template Graph<double> update_in_place(Graph<double>);

}  // namespace wengert::program
