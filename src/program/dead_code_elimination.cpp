// Dead code elimination: keeps only what inputs, outputs, updates and guards need.
#include "program/passes.hpp"

#include <unordered_set>

namespace wengert::program {

// A guard is kept if the value that it checks is live, or if any parameter is written.
template <class T>
static bool is_guard(const Entry<T>& entry) {
  return entry.source == Source::computed && entry.op->guards;
}

template <class T>
Graph<T> eliminate_dead_code(const Graph<T>& graph) {
  std::vector<bool> live(graph.entries.size());
  for (const std::uint32_t k : graph.inputs) live[k] = true;  // they keep their numbers
  for (const std::uint32_t k : graph.outputs) live[k] = true;
  for (const Update& update : graph.updates) live[update.value] = true;
  for (std::size_t k = live.size(); k-- > 0;) {
    if (is_guard(graph.entries[k]) && (!graph.updates.empty() || live[graph.inputs_of(k).front()])) live[k] = true;
    if (live[k])
      for (const std::uint32_t input : graph.inputs_of(k)) live[input] = true;
  }

  Graph<T> result = graph;
  result.entries.clear();
  result.edges.clear();
  std::vector<std::uint32_t> moved(graph.entries.size(), none);
  for (std::size_t k = 0; k < live.size(); ++k) {
    if (!live[k]) continue;
    moved[k] = static_cast<std::uint32_t>(result.entries.size());
    result.entries.push_back(graph.entries[k]);
    result.entries.back().first_edge = static_cast<std::uint32_t>(result.edges.size());
    for (const std::uint32_t input : graph.inputs_of(k)) result.edges.push_back(moved[input]);
  }
  for (std::uint32_t& k : result.inputs) k = moved[k];
  for (std::uint32_t& k : result.outputs) k = moved[k];
  for (Update& update : result.updates) update.value = moved[update.value];
  std::unordered_set<const void*> read;
  for (const Entry<T>& entry : result.entries) read.insert(entry.elements);
  std::erase_if(result.shared, [&](const auto& elements) { return !read.contains(elements.get()); });
  return result;
}

template Graph<float> eliminate_dead_code(const Graph<float>&);
template Graph<double> eliminate_dead_code(const Graph<double>&);

}  // namespace wengert::program
