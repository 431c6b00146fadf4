// Trace: a recorded network as a graph whose extents are formulas of its dynamic axes.
#pragma once

#include <wengert/onnx/save.hpp>
#include <wengert/tape/op.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
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
/// The first has the sample's extents. In recording 1 + k, axis k is one longer, which gives the linear functions; in
/// the others, one axis each is much longer, and last all are, which must confirm them.
template <class T>
class Trace {
 public:
  /// Records the network, its recurrent layers step by step or as wholes. Throws ValueError, naming axis, layer, op and
  /// line, if the recordings differ in more than extents, and NeedsSteps for the gradient of a whole layer. What
  /// `recording` refers to must outlive the trace.
  Trace(const Recording<T>& recording, const std::vector<DynamicAxis>& axes, bool step_by_step, const Location& where);
  /// Records the replacement of a node of another trace, which must outlive this one.
  Trace(const Recording<T>& recording, const Trace& outer, const TracedNode<T>& node, const Location& where);

  const std::vector<TracedNode<T>>& nodes() const { return nodes_; }
  const RecordedCall<T>& call() const { return calls_.front(); }
  /// The positions of the outputs in `nodes`.
  const std::vector<std::uint32_t>& outputs() const { return outputs_; }
  std::size_t recordings() const { return tapes_.size(); }
  /// The number of dynamic axes.
  std::size_t axes() const { return axes_.size(); }
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
  /// The function that has these values in the recordings. Throws ValueError about the node if none has: `subject` is
  /// an op.
  Extent extent(const std::vector<std::ptrdiff_t>& by_recording, const TracedNode<T>& n, std::string_view subject,
                const Location& where) const;
  /// The same for the axes of a node's value.
  Extents extents(const TracedNode<T>& n) const;
  /// A recording in which dynamic axis k is 1,024 longer, or as long as the network allows. It is made on first use.
  const Tape<T>& longest(std::size_t k) const;

  // ---- errors
  /// The function that was called: `onnx::save` or `onnx::save_step`.
  std::string_view caller() const { return call().caller; }
  /// The axes that are longer in a recording: "the dynamic axis 'batch' (axis 0 of 'x')".
  std::string longer_axes(std::size_t recording) const;
  /// "leave this axis fixed (SaveOptions::axes)", of the axes that are longer in a recording.
  std::string advice(std::size_t recording) const;
  /// Throws ValueError about a node, which names its layer.
  [[noreturn]] void fail(std::uint32_t index, const std::string& reason, const Location& where) const;

 private:
  void record();
  RecordedCall<T> record_on(Tape<T>& tape, const std::vector<std::size_t>& grown) const;
  void record_at(const std::vector<std::size_t>& grown);
  std::unique_ptr<Tape<T>> alike_tape(const std::vector<std::size_t>& grown) const;
  bool is_alike(const Tape<T>& tape) const;
  bool is_end(std::vector<std::size_t> grown, std::size_t k) const;
  std::string are_longer(std::size_t recording) const;
  std::string layer_of(std::uint32_t index) const;
  void collect(const Location& where);
  void measure_axes(const Location& where);
  bool is_same(std::uint32_t index, const Tape<T>& tape) const;
  void compare(std::uint32_t index, std::size_t recording, const Location& where) const;

  Recording<T> recording_;
  std::vector<DynamicAxis> axes_;
  bool step_by_step_ = true;
  const Trace* outer_ = nullptr;                 // the trace of which a node is replaced
  std::uint32_t outer_index_ = 0;                // that node
  std::vector<std::vector<std::size_t>> grown_;  // by recording, then by axis: how much longer it is
  std::vector<std::size_t> sizes_;               // the sample's extent of each dynamic axis
  std::vector<std::unique_ptr<Tape<T>>> tapes_;  // one for each recording; they hold the attributes of the nodes
  std::vector<RecordedCall<T>> calls_;
  std::vector<TracedNode<T>> nodes_;
  std::vector<std::uint32_t> outputs_;
  mutable std::map<std::size_t, std::unique_ptr<Tape<T>>> longest_;  // by axis
};

extern template class Trace<float>;
extern template class Trace<double>;

}  // namespace wengert::onnx::detail
