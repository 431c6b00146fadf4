// Records random graphs, on a tape that computes and for a Program alike.
#pragma once

#include "random_graphs/functions.hpp"

#include <random>

namespace wengert::random_graphs {

/// What a recording gave.
template <class T>
struct Recording {
  std::vector<ProgramVar<T>> inputs, outputs;
  std::vector<std::string> refused;  // by step: the error, or nothing
};

/// Error of a step that was refused for the values it met, when only those may matter.
struct RefusedValue {
  std::size_t step;
  std::string message;
};

template <class T>
struct RecordOptions {
  /// The steps that a recording without values refused: what is refused beyond these throws RefusedValue.
  const std::vector<std::string>* refused = nullptr;
  /// Moves each value at random, by some ulp.
  std::mt19937_64* noise = nullptr;
};

/// Records a graph. A step that is refused stands for its first operand.
template <class T>
Recording<T> record(const Graph& graph, World<T>& world, Tape<T>& tape, const RecordOptions<T>& options = {});

}  // namespace wengert::random_graphs
