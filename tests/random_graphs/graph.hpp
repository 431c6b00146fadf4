// A random graph as data: leaves and steps that can be printed, recorded on any tape, and shrunk.
#pragma once

#include <wengert/base/layout.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace wengert::random_graphs {

/// The way in which a leaf is recorded on the tape.
enum class LeafKind : std::uint8_t { input, parameter, constant, borrowed };

/// A value that is not computed.
struct Leaf {
  LeafKind kind = LeafKind::input;
  Shape shape;
  bool ties = false;   ///< values are multiples of ½, so that they tie
  bool edges = false;  ///< some values are zeros of either sign, infinite, NaN, huge or tiny

  bool operator==(const Leaf&) const = default;
};

/// A function applied to earlier values. Small integers choose its variant; missing ones are 0.
struct Step {
  std::string function;
  std::vector<std::size_t> takes;
  std::vector<std::size_t> choices;

  bool operator==(const Step&) const = default;
};

/// Leaves and steps: value k is leaf k, and after the leaves follow the results of the steps. Value 0 is an input.
struct Graph {
  std::uint64_t seed = 0;  ///< seed of the leaves' elements
  std::vector<Leaf> leaves;
  std::vector<Step> steps;
  std::vector<std::size_t> outputs;  ///< indices of values
  std::size_t replays = 3;

  bool operator==(const Graph&) const = default;
};

/// Returns the graph as text, with one line per leaf and step, and one line for the outputs.
std::string to_string(const Graph& graph);

/// Returns the graph of a seed. `big` graphs have values that are shared out among threads.
Graph generate(std::uint64_t seed, bool big);

}  // namespace wengert::random_graphs
