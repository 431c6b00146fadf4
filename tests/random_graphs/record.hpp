// Recording of random graphs, both on a tape that computes and for a Program.
#pragma once

#include "random_graphs/functions.hpp"

#include <random>

namespace wengert::random_graphs {

/// The result of a recording.
template <class T>
struct Recording {
  std::vector<ProgramVar<T>> inputs, outputs;
  std::vector<std::string> refused;  // by step: the error, or empty
};

/// Thrown if a step is refused for its values.
struct RefusedValue {
  std::size_t step;
  std::string message;
};
/// Thrown if a step is refused otherwise than without values.
struct RefusedOtherwise {
  std::string message;
};

/// Faults injected into the recording of a Program, to check that they are found.
enum class Mutation : std::uint8_t {
  none,
  equal_parameters,   ///< derivatives drop operands that their formulas do not read for equal parameters
  constant_borrowed,  ///< borrowed memory becomes a constant
  kept_losses,        ///< losses become constants
  kept_gradients,     ///< gradients become constants
  kept_draws,         ///< random numbers become constants
  early_updates,      ///< readers of a parameter after a queued update read the new value
  reversed_updates,   ///< updates are reversed: the first one of a parameter wins
  lost_update         ///< the last update is lost
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
  /// Errors of the steps in a recording without values, with which this recording is compared.
  const std::vector<std::string>* refused = nullptr;
  /// Moves each value at random by some ulp.
  std::mt19937_64* noise = nullptr;
  Mutation mutation = Mutation::none;
};

/// Records a graph. The first operand replaces the result of a refused step.
template <class T>
Recording<T> record(const Graph& graph, World<T>& world, Tape<T>& tape, const RecordOptions<T>& options = {});

}  // namespace wengert::random_graphs
