// Compares what a random graph gives on the tape and in Programs.
#pragma once

#include "random_graphs/record.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace wengert::random_graphs {

/// How tape and Program differ.
struct Difference {
  enum class Kind : std::uint8_t { refusal, compilation, error, unfused, fused };
  Kind kind;
  std::string text;
};

/// What was compared, added up over graphs.
struct Statistics {
  std::size_t graphs = 0;
  std::size_t elements = 0, finite = 0;
  std::size_t rounded = 0;                     ///< elements of fused results that differ from the tape's
  std::size_t ill_conditioned = 0;             ///< of these, those which only a perturbed recording explains
  std::size_t refused_values = 0;              ///< replays that both refused for the values they met
  std::size_t refused_steps = 0;               ///< steps that both refused
  std::set<std::string_view> recorded;         ///< the ops of nodes on tapes
  std::map<std::string, std::size_t> applied;  ///< by function: steps that none refused
};

/// Records a graph on the tape and as Programs, fused and not, and replays it. Nothing if they agree. The Programs'
/// recordings may be given a mutation.
template <class T>
std::optional<Difference> compare(const Graph& graph, Statistics& statistics, Mutation mutation = Mutation::none);

}  // namespace wengert::random_graphs
