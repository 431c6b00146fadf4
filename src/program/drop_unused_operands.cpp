// The pass that detaches elementwise ops, such as derivatives, from operands that their kernels do not read.
#include "program/passes.hpp"

namespace wengert::program {

template <class T>
Graph<T> drop_unused_operands(Graph<T> graph) {
  for (const Entry<T>& entry : graph.entries) {
    if (entry.source != Source::computed || entry.op->kernels[0] == nullptr) continue;
    std::uint32_t* inputs = graph.edges.data() + entry.first_edge;
    const auto is_read = [&](std::uint32_t i) { return (entry.op->reads >> i & 1) != 0; };
    std::uint32_t used = 0;
    while (used < entry.arity && !is_read(used)) ++used;
    if (used == entry.arity) continue;  // a constant, whose operands give its shape
    for (std::uint32_t i = 0; i < entry.arity; ++i)
      if (!is_read(i)) inputs[i] = inputs[used];
  }
  return eliminate_dead_code(graph);
}

template Graph<float> drop_unused_operands(Graph<float>);
template Graph<double> drop_unused_operands(Graph<double>);

}  // namespace wengert::program
