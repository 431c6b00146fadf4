// A random graph as data: leaves and steps, which can be printed, recorded on any tape, and shrunk.
#pragma once

#include <wengert/base/layout.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace wengert::random_graphs {

/// How a leaf comes onto the tape.
enum class LeafKind : std::uint8_t { input, parameter, constant, borrowed };

/// A value that is not computed.
struct Leaf {
  LeafKind kind = LeafKind::input;
  Shape shape;
  bool ties = false;   ///< values are multiples of ½, so that they tie
  bool edges = false;  ///< some values are zeros of either sign, infinite, NaN, huge or tiny

  bool operator==(const Leaf&) const = default;
};

/// A function applied to earlier values, with small integers that choose its variant; missing ones are 0.
struct Step {
  std::string function;
  std::vector<std::size_t> takes;
  std::vector<std::size_t> choices;

  bool operator==(const Step&) const = default;
};

/// Value k is leaf k, then the results of the steps in order. Value 0 is an input.
struct Graph {
  std::uint64_t seed = 0;  ///< of the leaves' elements
  std::vector<Leaf> leaves;
  std::vector<Step> steps;
  std::vector<std::size_t> outputs;  ///< values
  std::size_t replays = 3;

  bool operator==(const Graph&) const = default;
};

/// One line a leaf, step and output.
std::string to_string(const Graph& graph);

/// The graph of a seed. `big` graphs have values that are shared out among threads.
Graph generate(std::uint64_t seed, bool big);

}  // namespace wengert::random_graphs
