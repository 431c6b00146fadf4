// The graph that a Program is compiled from: copies of a tape's nodes, which the passes rewrite.
#pragma once

#include "program/frozen_constants.hpp"
#include <wengert/base/storage.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/tape/op.hpp>
#include <wengert/tape/parameter.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace wengert::program {

inline constexpr std::uint32_t none = 0xffffffff;

/// Where an entry's elements come from.
enum class Source : std::uint8_t {
  computed,   ///< an op's result, in its own memory
  view,       ///< in its first input's memory
  input,      ///< in the caller's memory, bound at each replay: an input of the Program, or a borrowed tensor
  parameter,  ///< the parameter's own memory
  constant    ///< copied when the Program was compiled
};

/// One node of the graph.
template <class T>
struct Entry {
  Source source = Source::constant;
  bool holds_indices = false;
  bool repeated = false;       // not to be merged with an equal entry (checkpoint)
  const Op<T>* op = nullptr;   // of computed entries and views
  void* attributes = nullptr;  // of the op
  Layout layout{.shape = {}, .strides = {}, .size = 0};
  std::ptrdiff_t offset = 0;       // views: in elements, from the start of the input
  const void* elements = nullptr;  // constants: as many as the layout has, without gaps
  std::uint32_t number = none;     // of the input, parameter or generator's stream; borrowed tensors follow the inputs
  std::uint32_t first_edge = 0;    // its inputs are edges[first_edge … first_edge + arity)
  std::uint32_t arity = 0;
  Location where{};             // the line that recorded it
  std::uint32_t target = none;  // the parameter whose memory the result is written to
  bool accumulates = false;     // target ← alpha · op(inputs) + beta · target
  double alpha = 1, beta = 0;
  std::uint32_t factor = none;  // the parameter of one element that multiplies alpha

  std::size_t bytes() const { return layout.size * (holds_indices ? sizeof(std::int64_t) : sizeof(T)); }
};

/// A parameter and the entry that is its next value.
struct Update {
  std::uint32_t parameter = 0;
  std::uint32_t value = 0;
};

/// A random generator that the graph draws from, and the blocks [first, end) of its stream that the draws cover.
struct Stream {
  std::shared_ptr<Generator::State> state;
  std::uint64_t first = 0;
  std::uint64_t end = 0;
};

/// A tensor of the caller, read in place at each replay.
template <class T>
struct Borrowed {
  const Tensor<T>* tensor = nullptr;
  Shape shape{};
  Location where{};
};

/// Entries in topological order, with the inputs, outputs and updates. Copies share attributes and constants.
template <class T>
struct Graph {
  std::vector<Entry<T>> entries;
  std::vector<std::uint32_t> edges;
  std::vector<std::uint32_t> inputs;   // entries
  std::vector<std::uint32_t> outputs;  // entries
  std::vector<Update> updates;
  std::vector<Borrowed<T>> borrowed;
  std::vector<Parameter<T>> parameters;
  std::vector<Stream> streams;
  std::shared_ptr<Arena> memory = std::make_shared<Arena>();
  std::shared_ptr<FrozenConstants> frozen{};            // if parameters are constants
  std::vector<std::shared_ptr<const void>> shared;      // the constants in it that the entries refer to
  std::vector<std::shared_ptr<const void>> referenced;  // what attributes refer to

  /// A copy of a constant's elements that lives as long as the graph.
  const void* keep(const void* elements, std::size_t bytes);

  std::span<const std::uint32_t> inputs_of(std::size_t k) const {
    return {edges.data() + entries[k].first_edge, entries[k].arity};
  }
};

/// The generators from which a tape draws, and the leaf nodes that keep them alive.
template <class T>
struct TapeStreams {
  std::vector<Stream> streams;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> keepers;  // leaf node, number of its stream
};
template <class T>
TapeStreams<T> streams_of(const Tape<T>& tape);

/// Where an entry's elements lie: in the memory of `base`, which is not a view, from element `offset` on.
struct Place {
  std::uint32_t base = 0;
  std::ptrdiff_t offset = 0;
};
template <class T>
std::vector<Place> places(const Graph<T>& graph);

/// How often each entry is read: by other entries, as an output, as an update.
template <class T>
std::vector<std::uint32_t> use_counts(const Graph<T>& graph);

/// The nodes of a tape that a Program of these inputs, outputs and updates needs. Throws HandleError for an invalid
/// handle, an input that is computed, a parameter or named twice, and borrowed elements that a replay cannot locate.
template <class T>
Graph<T> capture(Tape<T>& tape, std::span<const Var<T>> inputs, std::span<const Var<T>> outputs,
                 std::span<const wengert::Update<T>> updates);

}  // namespace wengert::program
