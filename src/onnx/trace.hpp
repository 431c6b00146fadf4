// Trace: a recorded network as a graph whose extents are formulas of its dynamic axes.
#pragma once

#include <wengert/onnx/save.hpp>
#include <wengert/tape/op.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace wengert::onnx::detail {

/// An extent, or another integer of a graph, as a function of the extents of the dynamic axes:
/// constant + Σ factors[k] · (extent of axis k).
struct Extent {
  std::ptrdiff_t constant = 0;
  std::vector<std::ptrdiff_t> factors{};  // empty: fixed

  bool fixed() const;
  friend bool operator==(const Extent&, const Extent&) = default;
};
using Extents = std::vector<Extent>;

/// A node of a tape; `Node` is that of an ONNX graph.
template <class T>
using TapeNode = wengert::Node<T>;

/// One node that the outputs need.
template <class T>
struct TracedNode {
  enum class Kind { input, parameter, constant, op };
  Kind kind = Kind::op;
  std::uint32_t index = 0;              // its node on each tape
  std::uint32_t number = 0;             // of the input or the parameter
  std::vector<std::uint32_t> operands;  // positions in Trace::nodes
  std::vector<Shape> shapes;            // by recording
};

/// Recordings of one network at several extents of its dynamic axes, with equal nodes.
///
/// The first has the sample's extents. In recording 1 + k, axis k is one longer, which gives the linear functions; in the
/// others, one axis each is much longer, and last all are, which must confirm them.
template <class T>
class Trace {
 public:
  /// Records the network. Throws ValueError, naming op and line, if the recordings differ in more than extents.
  Trace(const Recording<T>& recording, std::size_t axes, const Location& where);
  /// Records a part of a network, whose inputs do not show the sample's extents of the dynamic axes.
  Trace(const Recording<T>& recording, const std::vector<std::size_t>& sizes, const Location& where);

  const std::vector<TracedNode<T>>& nodes() const { return nodes_; }
  const RecordedCall<T>& call() const { return calls_.front(); }
  /// The positions of the outputs in `nodes`.
  const std::vector<std::uint32_t>& outputs() const { return outputs_; }
  std::size_t recordings() const { return tapes_.size(); }
  /// The node of a recording.
  const TapeNode<T>& node(const TracedNode<T>& n, std::size_t recording = 0) const {
    return tapes_[recording]->node(std::size_t{n.index});
  }
  const Op<T>& op(const TracedNode<T>& n) const { return *node(n).op; }
  /// The parameters of an elementwise op.
  std::span<const double> parameters(const TracedNode<T>& n, std::size_t recording = 0) const {
    return {static_cast<const double*>(node(n, recording).attributes), op(n).parameters};
  }
  /// The first element of a leaf.
  const T* value_of(const TracedNode<T>& n, std::size_t recording = 0) const {
    return tapes_[recording]->value_of(n.index).data;
  }
  Tape<T>& tape() const { return *tapes_.front(); }
  /// The function that has these values in the recordings. Throws ValueError if none has: `subject` is an op.
  Extent extent(const std::vector<std::ptrdiff_t>& by_recording, std::string_view subject, const Location& where) const;
  /// The same for the axes of a node's value.
  Extents extents(const TracedNode<T>& n) const;

  /// The sample's extents of the dynamic axes.
  const std::vector<std::size_t>& sizes() const { return sizes_; }

 private:
  void record(const Recording<T>& recording);
  void collect(const Location& where);
  void measure_axes(const Location& where);
  void compare(std::uint32_t index, std::size_t recording, const Location& where) const;

  std::size_t axes_;
  std::vector<std::vector<std::size_t>> grown_;  // by recording, then by axis: how much longer it is
  std::vector<std::size_t> sizes_;               // the sample's extent of each dynamic axis
  std::vector<std::unique_ptr<Tape<T>>> tapes_;  // one for each recording; they hold the attributes of the nodes
  std::vector<RecordedCall<T>> calls_;
  std::vector<TracedNode<T>> nodes_;
  std::vector<std::uint32_t> outputs_;
};

extern template class Trace<float>;
extern template class Trace<double>;

}  // namespace wengert::onnx::detail
