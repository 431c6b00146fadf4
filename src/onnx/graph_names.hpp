// The names in a graph that was written.
#pragma once

#include "onnx/graph.hpp"

namespace wengert::onnx::detail {

/// Moves each Constant before the first node that uses it, and numbers nodes, their results and stored integers in the
/// order of the file, so that the file only depends on what the graph computes. Inputs, outputs and stored numbers keep
/// their names.
void number_names(Graph& graph);

}  // namespace wengert::onnx::detail
