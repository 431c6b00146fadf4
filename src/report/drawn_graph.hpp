// Graphs drawn by Graphviz.
#pragma once

#include <string>

namespace wengert::report {

/// A drawing, or why there is none.
struct DrawnGraph {
  std::string svg{};         ///< inline SVG; empty if there is none
  std::string no_drawing{};  ///< the reason, as a phrase; empty if there is one
};

/// The graph as inline SVG. There is none if Graphviz's `dot` cannot be run or takes more than 2 seconds, or if the
/// graph has more than 1,000 edges.
DrawnGraph drawn_graph(const std::string& dot);

}  // namespace wengert::report
