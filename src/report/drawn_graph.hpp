// Graphs drawn by Graphviz.
#pragma once

#include <string>

namespace wengert::report {

/// The graph as inline SVG; empty if `dot` is not installed, fails, or takes more than 10 seconds, or if the graph has
/// more than 128 KiB.
std::string drawn_graph(const std::string& dot);

}  // namespace wengert::report
