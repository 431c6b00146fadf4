// Shrinks a failing random graph: applies simplifications greedily while it still fails.
#include "random_graphs/shrink.hpp"

#include <algorithm>
#include <array>

namespace wengert::random_graphs {
namespace {

// Returns the graph without value `gone`; its readers take `instead`, which precedes it.
Graph without(const Graph& graph, std::size_t gone, std::size_t instead) {
  Graph result = graph;
  const std::size_t leaves = graph.leaves.size();
  if (gone < leaves)
    result.leaves.erase(result.leaves.begin() + static_cast<std::ptrdiff_t>(gone));
  else
    result.steps.erase(result.steps.begin() + static_cast<std::ptrdiff_t>(gone - leaves));
  const auto renamed = [&](std::size_t value) {
    if (value == gone) value = instead;
    return value > gone ? value - 1 : value;
  };
  for (Step& step : result.steps)
    for (std::size_t& value : step.takes) value = renamed(value);
  for (std::size_t& value : result.outputs) value = renamed(value);
  return result;
}

// Returns all graphs that are one simplification away.
std::vector<Graph> smaller(const Graph& graph) {
  std::vector<Graph> result;
  const auto changed = [&](auto change) {
    Graph other = graph;
    change(other);
    if (!(other == graph)) result.push_back(std::move(other));
  };
  const std::size_t leaves = graph.leaves.size();
  if (graph.replays > 1) changed([](Graph& g) { g.replays = 1; });
  if (graph.replays > 2) changed([](Graph& g) { g.replays = 2; });
  for (std::size_t i = 0; i < graph.outputs.size() && graph.outputs.size() > 1; ++i) {
    changed([&](Graph& g) { g.outputs = {graph.outputs[i]}; });
    changed([&](Graph& g) { g.outputs.erase(g.outputs.begin() + static_cast<std::ptrdiff_t>(i)); });
  }
  for (std::size_t k = graph.steps.size(); k-- > 0;) {
    result.push_back(without(graph, leaves + k, graph.steps[k].takes[0]));
    result.push_back(without(graph, leaves + k, 0));
  }
  for (std::size_t leaf = leaves; leaf-- > 1;) result.push_back(without(graph, leaf, 0));
  for (std::size_t k = 0; k < graph.steps.size(); ++k) {
    for (std::size_t i = 0; i < graph.steps[k].takes.size(); ++i) changed([&](Graph& g) { g.steps[k].takes[i] = 0; });
    const auto& choices = graph.steps[k].choices;
    if (!choices.empty()) changed([&](Graph& g) { g.steps[k].choices.pop_back(); });
    for (std::size_t i = 0; i < choices.size(); ++i) {
      changed([&](Graph& g) { g.steps[k].choices[i] = 0; });
      changed([&](Graph& g) { g.steps[k].choices[i] %= 24; });
      if (choices[i] <= 24 && choices[i] > 0) changed([&](Graph& g) { --g.steps[k].choices[i]; });
    }
  }
  for (std::size_t i = 0; i < leaves; ++i) {
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{2}, Shape{2, 2}})
      if (shape.elements() < graph.leaves[i].shape.elements()) changed([&](Graph& g) { g.leaves[i].shape = shape; });
    changed([&](Graph& g) { g.leaves[i].edges = false; });
    changed([&](Graph& g) { g.leaves[i].ties = false; });
    if (i > 0 && graph.leaves[i].kind != LeafKind::constant)
      changed([&](Graph& g) { g.leaves[i].kind = LeafKind::input; });
  }
  return result;
}

}  // namespace

Graph shrink(Graph graph, const std::function<bool(const Graph&)>& fails) {
  for (bool progress = true; progress;) {
    progress = false;
    for (Graph& other : smaller(graph))
      if (fails(other)) {
        graph = std::move(other);
        progress = true;
        break;
      }
  }
  return graph;
}

}  // namespace wengert::random_graphs
