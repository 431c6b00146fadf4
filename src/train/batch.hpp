// Batches as inputs of recordings and of replays.
#pragma once

#include <wengert/program/program.hpp>
#include <wengert/train/samples.hpp>

#include <vector>

namespace wengert::train {

/// Records arrays as leaf nodes, which read them in place.
template <class T>
std::vector<ProgramVar<T>> leaf_nodes(Tape<T>& tape, const std::vector<Array<T>>& arrays);

/// Appends arrays as inputs of a replay, which reads them in place.
template <class T>
void append_inputs(const std::vector<Array<T>>& arrays, std::vector<ProgramInput<T>>& inputs);

}  // namespace wengert::train
