// Queries on a Program's graph: the base and offset that each entry views, and how often each entry is used.
#include "program/graph.hpp"

#include <cstring>

namespace wengert::program {

template <class T>
const void* Graph<T>::keep(const void* elements, std::size_t bytes) {
  if (bytes == 0) return Pool::no_elements;
  if (frozen == nullptr) return std::memcpy(memory->allocate(bytes), elements, bytes);
  shared.push_back(frozen->share(elements, bytes));
  return shared.back().get();
}

template <class T>
std::vector<Place> places(const Graph<T>& graph) {
  std::vector<Place> result(graph.entries.size());
  for (std::uint32_t k = 0; k < result.size(); ++k) {
    const Entry<T>& entry = graph.entries[k];
    result[k] = {k, 0};
    if (entry.source != Source::view) continue;
    const Place& input = result[graph.inputs_of(k).front()];
    result[k] = {input.base, input.offset + entry.offset};
  }
  return result;
}

template <class T>
std::vector<std::uint32_t> use_counts(const Graph<T>& graph) {
  std::vector<std::uint32_t> result(graph.entries.size());
  for (std::size_t k = 0; k < graph.entries.size(); ++k)
    for (const std::uint32_t input : graph.inputs_of(k)) ++result[input];
  for (const std::uint32_t output : graph.outputs) ++result[output];
  for (const Update& update : graph.updates) ++result[update.value];
  return result;
}

template const void* Graph<float>::keep(const void*, std::size_t);
template const void* Graph<double>::keep(const void*, std::size_t);
template std::vector<Place> places(const Graph<float>&);
template std::vector<Place> places(const Graph<double>&);
template std::vector<std::uint32_t> use_counts(const Graph<float>&);
template std::vector<std::uint32_t> use_counts(const Graph<double>&);

}  // namespace wengert::program
