// Common subexpression elimination: merges entries of equal op, attributes and inputs, by hashing.
#include "program/passes.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>
#include <unordered_map>

namespace wengert::program {
namespace {

constexpr std::size_t largest_constant = 64;  // bytes: comparing more would cost more than it saves

std::string_view bytes_of(const void* data, std::size_t count) {
  return count == 0 ? std::string_view() : std::string_view(static_cast<const char*>(data), count);
}

template <class T>
std::string_view attributes_of(const Entry<T>& entry) {
  return entry.op == nullptr ? std::string_view()
                             : bytes_of(entry.attributes, entry.op->attribute_size(entry.attributes));
}

template <class T>
bool can_merge(const Entry<T>& entry) {
  if (entry.repeated || (entry.op != nullptr && entry.op->draw != nullptr)) return false;
  if (entry.source == Source::input) return false;
  return entry.source != Source::constant || (entry.bytes() <= largest_constant && entry.layout.size > 0);
}

template <class T>
std::size_t hash(const Graph<T>& graph, std::uint32_t k) {
  const Entry<T>& entry = graph.entries[k];
  std::size_t h = std::hash<const void*>{}(entry.op) + static_cast<std::size_t>(entry.source) + entry.number;
  const auto mix = [&h](std::size_t value) { h = (h ^ value) * 0x9e3779b97f4a7c15U + (h >> 29); };
  mix(std::hash<std::string_view>{}(attributes_of(entry)));
  if (entry.source == Source::constant) mix(std::hash<std::string_view>{}(bytes_of(entry.elements, entry.bytes())));
  for (const std::uint32_t input : graph.inputs_of(k)) mix(input);
  return h;
}

// Inputs are compared by index: merged ones have been replaced already.
template <class T>
bool equal(const Graph<T>& graph, std::uint32_t i, std::uint32_t j) {
  const Entry<T>&a = graph.entries[i], &b = graph.entries[j];
  const auto of_a = graph.inputs_of(i), of_b = graph.inputs_of(j);
  return a.source == b.source && a.op == b.op && a.number == b.number && a.offset == b.offset &&
         a.holds_indices == b.holds_indices && a.layout.shape == b.layout.shape &&
         a.layout.strides == b.layout.strides && std::equal(of_a.begin(), of_a.end(), of_b.begin(), of_b.end()) &&
         attributes_of(a) == attributes_of(b) &&
         (a.source != Source::constant || bytes_of(a.elements, a.bytes()) == bytes_of(b.elements, b.bytes()));
}

}  // namespace

template <class T>
Graph<T> eliminate_common_subexpressions(Graph<T> graph) {
  std::unordered_multimap<std::size_t, std::uint32_t> known;
  std::vector<std::uint32_t> replacement(graph.entries.size());
  for (std::uint32_t k = 0; k < graph.entries.size(); ++k) {
    replacement[k] = k;
    const Entry<T>& entry = graph.entries[k];
    for (std::uint32_t e = entry.first_edge; e < entry.first_edge + entry.arity; ++e)
      graph.edges[e] = replacement[graph.edges[e]];
    if (!can_merge(entry)) continue;
    const std::size_t h = hash(graph, k);
    const auto [first, last] = known.equal_range(h);
    const auto same = std::find_if(first, last, [&](const auto& other) { return equal(graph, other.second, k); });
    if (same != last)
      replacement[k] = same->second;
    else
      known.emplace(h, k);
  }
  for (std::uint32_t& k : graph.outputs) k = replacement[k];
  for (Update& update : graph.updates) update.value = replacement[update.value];
  return eliminate_dead_code(graph);
}

template Graph<float> eliminate_common_subexpressions(Graph<float>);
template Graph<double> eliminate_common_subexpressions(Graph<double>);

}  // namespace wengert::program
