// The pass that lets max pooling compute its maxima without their positions, where these serve no gradient.
#include "ops/pooling_ops.hpp"
#include "program/passes.hpp"

namespace wengert::program {

template <class T>
Graph<T> drop_positions(Graph<T> graph) {
  const std::vector<std::uint32_t> uses = use_counts(graph);
  for (Entry<T>& entry : graph.entries) {
    if (entry.source != Source::computed || entry.op != PoolingOps<T>::max_pool) continue;
    const std::uint32_t x = graph.edges[entry.first_edge], positions = graph.edges[entry.first_edge + 1];
    const Entry<T>& found = graph.entries[positions];
    if (found.source != Source::computed || found.op != PoolingOps<T>::positions || uses[positions] != 1 ||
        graph.edges[found.first_edge] != x)
      continue;
    entry.op = PoolingOps<T>::values;
    entry.attributes = found.attributes;
    entry.arity = 1;
  }
  return eliminate_dead_code(graph);
}

template Graph<float> drop_positions(Graph<float>);
template Graph<double> drop_positions(Graph<double>);

}  // namespace wengert::program
