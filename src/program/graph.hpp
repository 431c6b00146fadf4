// What a Program is compiled from: the nodes of a tape without the tape, which the passes rewrite.
#pragma once

#include <wengert/op.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/parameter.hpp>
#include <wengert/pool.hpp>

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
  computed,   ///< an op's result, in memory of its own
  view,       ///< in its first input's memory
  input,      ///< the caller's, new at each replay: an input of the Program, or a borrowed tensor
  parameter,  ///< the parameter's own memory
  constant    ///< copied when the Program was compiled
};

/// One node of the graph.
template <class T>
struct Entry {
  Source source = Source::constant;
  bool holds_indices = false;
  bool repeated = false;       // never merged with what computes the same (checkpoint)
  const Op<T>* op = nullptr;   // of what is computed, and of views
  void* attributes = nullptr;  // of the op
  Layout layout{.shape = {}, .strides = {}, .size = 0};
  std::ptrdiff_t offset = 0;       // views: elements after where the input starts
  const void* elements = nullptr;  // constants: in the order of their layout, which is contiguous
  std::uint32_t number = none;     // which input or parameter; borrowed tensors count on after the inputs
  std::uint32_t first_edge = 0;    // its inputs are edges[first_edge … first_edge + arity)
  std::uint32_t arity = 0;
  Location where{};             // the line that recorded it
  std::uint32_t target = none;  // the parameter whose memory the result is written to
  bool accumulates = false;     // target ← alpha · op(inputs) + beta · target
  double alpha = 1, beta = 0;
  std::uint32_t factor = none;  // the parameter of one element that alpha is multiplied by

  std::size_t bytes() const { return layout.size * (holds_indices ? sizeof(std::int64_t) : sizeof(T)); }
};

/// A parameter and the entry that is its next value.
struct Update {
  std::uint32_t parameter = 0;
  std::uint32_t value = 0;
};

/// A random generator that the graph draws from: where its stream stood, and how far all draws together moved it.
struct Stream {
  std::shared_ptr<Generator::State> state;
  std::uint64_t first = 0;
  std::uint64_t end = 0;
};

/// A tensor of the caller's, read where it is at each replay.
template <class T>
struct Borrowed {
  const Tensor<T>* tensor = nullptr;
  Shape shape{};
  Location where{};
};

/// Entries in topological order, and what is asked of them. Copies share attributes and constants.
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

  std::span<const std::uint32_t> inputs_of(std::size_t k) const {
    return {edges.data() + entries[k].first_edge, entries[k].arity};
  }
};

/// The generators that the draws of a tape moved, with how far, and the leaves that keep them.
template <class T>
struct TapeStreams {
  std::vector<Stream> streams;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> keepers;  // a leaf, the number of its stream
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

/// The nodes of a tape that a Program of these inputs, outputs and updates needs.
/// Throws HandleError for a bad handle, and for an input that is not a leaf.
template <class T>
Graph<T> capture(Tape<T>& tape, std::span<const Var<T>> inputs, std::span<const Var<T>> outputs,
                 std::span<const typename Tape<T>::Update> updates);

}  // namespace wengert::program
