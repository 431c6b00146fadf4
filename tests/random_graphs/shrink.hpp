// Makes a graph that fails smaller, as long as it fails.
#pragma once

#include "random_graphs/graph.hpp"

#include <functional>

namespace wengert::random_graphs {

/// A graph from which nothing can be left out without it ceasing to fail.
Graph shrink(Graph graph, const std::function<bool(const Graph&)>& fails);

}  // namespace wengert::random_graphs
