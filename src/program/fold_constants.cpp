// The constant folding pass: evaluates ops on constants, unless the result would take more memory.
#include "program/compute.hpp"
#include "program/executable.hpp"
#include "program/passes.hpp"

#include <algorithm>

namespace wengert::program {
namespace {

constexpr std::size_t always_worth = 1024;  // bytes

}  // namespace

template <class T>
Graph<T> fold_constants(Graph<T> graph) {
  const std::vector<Place> place = places(graph);  // stays valid: folding leaves views as they are
  const auto is_constant = [&](std::uint32_t k) { return graph.entries[place[k].base].source == Source::constant; };
  for (std::uint32_t k = 0; k < graph.entries.size(); ++k) {
    Entry<T>& entry = graph.entries[k];
    const auto inputs = graph.inputs_of(k);
    if (entry.source != Source::computed || entry.op->draw != nullptr || inputs.empty()) continue;
    if (!std::all_of(inputs.begin(), inputs.end(), is_constant)) continue;
    std::size_t stored = always_worth;
    for (const std::uint32_t input : inputs) stored = std::max(stored, graph.entries[place[input].base].bytes());
    if (entry.bytes() > stored) continue;

    std::vector<Value<const T>> values;
    for (const std::uint32_t input : inputs)
      values.push_back({element<T>(static_cast<const T*>(graph.entries[place[input].base].elements),
                                   place[input].offset, graph.entries[input].holds_indices),
                        &graph.entries[input].layout});
    const Memory result = allocate(std::max<std::size_t>(entry.bytes(), 1));
    try {
      compute<T>(*entry.op, entry.attributes, values, {reinterpret_cast<T*>(result.get()), &entry.layout});
    } catch (const Error&) {
      continue;  // left to the replay, which throws it with the line that recorded the op
    }
    entry.source = Source::constant;
    entry.op = nullptr;
    entry.elements = graph.keep(result.get(), entry.bytes());
    entry.arity = 0;
  }
  return eliminate_dead_code(graph);
}

template Graph<float> fold_constants(Graph<float>);
template Graph<double> fold_constants(Graph<double>);

}  // namespace wengert::program
