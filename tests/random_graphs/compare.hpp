// Comparison of random graphs on the tape and in Programs.
#pragma once

#include "random_graphs/record.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace wengert::random_graphs {

/// A difference between tape and Program.
struct Difference {
  enum class Kind : std::uint8_t { refusal, compilation, error, unfused, fused };
  Kind kind;
  std::string text;
};

/// Counts over all compared graphs.
struct Statistics {
  std::size_t graphs = 0;
  std::size_t elements = 0, finite = 0;
  std::size_t rounded = 0;                     ///< elements of fused results that differ from the tape's
  std::size_t ill_conditioned = 0;             ///< those of them that only perturbed recordings explain
  std::size_t refused_values = 0;              ///< replays that the tape refused for their values
  std::size_t refused_steps = 0;               ///< steps that were refused while recording
  std::set<std::string_view> recorded;         ///< names of the ops on tapes
  std::map<std::string, std::size_t> applied;  ///< by function: steps that were not refused
};

/// Records a graph on the tape and as Programs, fused and unfused, and replays it. Returns nothing if all results
/// agree. `mutation` is injected into the recordings of the Programs.
template <class T>
std::optional<Difference> compare(const Graph& graph, Statistics& statistics, Mutation mutation = Mutation::none);

}  // namespace wengert::random_graphs
