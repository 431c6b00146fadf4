// Graphs drawn by Graphviz.
#pragma once

#include <string>

namespace wengert::train {

/// The graph as inline SVG; empty if `dot` is not installed, fails, or takes longer than a few seconds.
std::string drawn_graph(const std::string& dot);

}  // namespace wengert::train
