// Shrinking of random graphs that fail.
#pragma once

#include "random_graphs/graph.hpp"

#include <functional>

namespace wengert::random_graphs {

/// Returns a graph that still fails, but not after any further simplification.
Graph shrink(Graph graph, const std::function<bool(const Graph&)>& fails);

}  // namespace wengert::random_graphs
