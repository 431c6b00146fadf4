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

/// Thrown where a step is refused for the values that it met.
struct RefusedValue {
  std::size_t step;
  std::string message;
};
/// Thrown where a step is refused otherwise than it was without values.
struct RefusedOtherwise {
  std::string message;
};

/// Faults that a recording for a Program can be given, to check that they are found.
enum class Mutation : std::uint8_t {
  none,
  equal_parameters,   ///< a derivative goes without what its formula does not read if all parameters are equal
  constant_borrowed,  ///< borrowed memory is kept as it was
  kept_losses,        ///< losses are read while recording, and kept
  kept_gradients,     ///< gradients are
  kept_draws,         ///< random numbers are
  early_updates,      ///< what reads a parameter after its update was queued reads the new value
  reversed_updates,   ///< the first update of a parameter counts
  lost_update         ///< the last one is lost
};
inline constexpr std::array mutation_names{"none",
                                           "unread operands told with equal parameters",
                                           "borrowed memory kept as a constant",
                                           "losses read while recording",
                                           "gradients read while recording",
                                           "draws read while recording",
                                           "updates too early",
                                           "updates reversed",
                                           "an update lost"};

template <class T>
struct RecordOptions {
  /// The steps that a recording without values refused, with which this recording is compared.
  const std::vector<std::string>* refused = nullptr;
  /// Moves each value at random, by some ulp.
  std::mt19937_64* noise = nullptr;
  Mutation mutation = Mutation::none;
};

/// Records a graph. A step that is refused stands for its first operand.
template <class T>
Recording<T> record(const Graph& graph, World<T>& world, Tape<T>& tape, const RecordOptions<T>& options = {});

}  // namespace wengert::random_graphs
