// Emit: what the function that exports an op sees of its node, and how it writes nodes of ONNX.
#pragma once

#include "onnx/graph.hpp"
#include "onnx/trace.hpp"

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert::onnx::detail {

/// Attributes of an ONNX node, by name.
using Attributes = std::map<std::string, Attribute, std::less<>>;

/// The graph that is being written. Names of values are unique; equal constants are written once.
template <class T>
class GraphWriter {
 public:
  /// Writes everything that the trace needs and returns the file's content.
  /// `parameters`: with the names that they get; `buffers`: those that are Buffers.
  GraphWriter(const Trace<T>& trace, const std::vector<NamedParameter<T>>& parameters,
              const std::vector<Parameter<T>>& buffers);
  ModelFile write(const SaveOptions& options);

  /// Appends a node with new outputs and returns their names.
  std::vector<std::string> nodes(std::string op, std::vector<std::string> inputs, Attributes attributes,
                                 std::size_t outputs);
  /// A name that no other value has.
  std::string new_name(std::string_view stem);
  /// The name of an initialiser with these elements.
  ///@{
  std::string constant(const Tensor<T>& value);
  std::string integers(const std::vector<std::ptrdiff_t>& values);  // a vector of int64
  std::string integer(std::ptrdiff_t value);                        // a scalar of int64
  ///@}
  /// The name of a vector of int64: a shape, computed from the inputs where extents are not fixed.
  std::string shape_tensor(const Extents& extents);
  /// The name of a bool tensor for a mask of zeros and ones: the comparison that the mask was converted from, if any.
  std::string boolean(const std::string& mask);
  /// The name of zeros and ones of T for a bool tensor.
  std::string mask(const std::string& boolean);
  /// The node that computes a value so far, or the initialiser that it is; null if there is none. Valid until the next.
  ///@{
  const Node* node_of(const std::string& value) const;
  const TensorData* initialiser_of(const std::string& value) const;
  ///@}

 private:
  std::string expand(const Trace<T>& trace, const TracedNode<T>& node, std::span<const std::string> operands,
                     const Location& where);
  std::string export_node(const Trace<T>& trace, const TracedNode<T>& node, const std::vector<std::string>& names,
                          const Location& where);
  std::vector<std::string> operands_of(const Trace<T>& trace, const TracedNode<T>& node,
                                       const std::vector<std::string>& names) const;
  void drop_unused();
  std::string parameter(const TracedNode<T>& node);
  void add_parameter(const std::string& name, const Parameter<T>& parameter);
  std::string constant(const TracedNode<T>& node);
  std::string triangle(const TracedNode<T>& node);
  std::string axis_extent(std::size_t k);  // a vector of one int64
  std::string initialiser(TensorData tensor);

  const Trace<T>& trace_;
  const std::vector<NamedParameter<T>>& parameters_;
  const std::vector<Parameter<T>>& buffers_;
  std::vector<std::string> buffer_names_;  // of those in the graph
  Graph graph_;
  std::vector<std::string> names_;                   // of the traced nodes
  std::map<std::string, std::string> by_content_;    // initialisers by type, shape and elements
  std::map<std::string, std::string> booleans_;      // by the mask made of them
  std::map<std::size_t, std::string> axis_extents_;  // the vectors of one element that hold a dynamic axis's extent
  std::set<std::string> used_;
};

/// One node of the trace.
template <class T>
class Emit {
 public:
  Emit(GraphWriter<T>& writer, const Trace<T>& trace, const TracedNode<T>& traced, std::vector<std::string> operands,
       const Location& where)
      : graph(writer), trace_(trace), traced_(traced), operands_(std::move(operands)), where_(where) {}

  GraphWriter<T>& graph;

  // ---- the node
  std::size_t size() const { return operands_.size(); }                   // the number of operands
  const std::string& x(std::size_t i = 0) const { return operands_[i]; }  // the name of an operand
  /// The shapes in the first recording, and extents as functions of the dynamic axes (throws where there is none).
  Shape shape() const { return traced_.shapes.front(); }
  Shape shape(std::size_t i) const { return operand(i).shapes.front(); }
  std::size_t rank() const { return shape().size(); }
  std::size_t rank(std::size_t i) const { return shape(i).size(); }
  Extents extents() const { return trace_.extents(traced_); }
  Extents extents(std::size_t i) const { return trace_.extents(operand(i)); }
  /// Whether an extent differs between recordings.
  bool dynamic(std::size_t axis) const;
  /// Whether this node has the shape of the value x(i), whatever the dynamic axes are; false if it is not known,
  /// because x(i) may stand for a value that was broadcast.
  bool has_shape_of(std::size_t i) const {
    const TracedNode<T>& node = operand(i);
    const bool may_be_broadcast = node.kind == TracedNode<T>::Kind::op && trace_.op(node).name == "broadcast_to";
    return !may_be_broadcast && traced_.shapes == node.shapes;
  }
  /// Whether operand i is what `op` computes from operand j, its first.
  bool is_result_of(std::size_t i, std::string_view op, std::size_t j) const;
  const Op<T>& op() const { return part_ != nullptr ? *part_ : trace_.op(traced_); }
  const Location& where() const { return where_; }  // the user's line
  /// The attributes, which must not depend on the dynamic axes; `A` is the op's struct or its base in
  /// src/ops/attributes, and has no padding: `fixed` compares members of others.
  template <class A>
  const A& attributes() const {
    static_assert(std::has_unique_object_representations_v<A>);
    check_attributes(sizeof(A));
    return *static_cast<const A*>(attributes_in(0));
  }
  /// An integer of the attributes as a function of the dynamic axes: `f(attributes)` of each recording.
  template <class A, class F>
  Extent extent(const F& f) const {
    std::vector<std::ptrdiff_t> values;
    for (std::size_t r = 0; r < trace_.recordings(); ++r)
      values.push_back(static_cast<std::ptrdiff_t>(f(*static_cast<const A*>(attributes_in(r)))));
    return trace_.extent(values, traced_, op().name, where());
  }
  /// A part of the attributes, which must not depend on the dynamic axes: `f(attributes)`.
  template <class A, class F>
  auto fixed(const F& f) const {
    const auto value = f(*static_cast<const A*>(attributes_in(0)));
    for (std::size_t r = 1; r < trace_.recordings(); ++r)
      if (!(f(*static_cast<const A*>(attributes_in(r))) == value)) fail_as_dynamic("attributes", r);
    return value;
  }
  /// Whether `f(attributes)` of any recording.
  template <class A, class F>
  bool any(const F& f) const {
    for (std::size_t r = 0; r < trace_.recordings(); ++r)
      if (f(*static_cast<const A*>(attributes_in(r)))) return true;
    return false;
  }
  /// A term of this node's sum as a node of its own: its op, and where its attributes and operands begin in this
  /// node's.
  Emit part(const Op<T>& op, std::size_t attributes, std::size_t first, std::size_t arity) const {
    Emit term = *this;
    term.part_ = &op;
    term.attributes_ += attributes;
    term.first_ += first;
    term.operands_.assign(operands_.begin() + static_cast<std::ptrdiff_t>(first),
                          operands_.begin() + static_cast<std::ptrdiff_t>(first + arity));
    return term;
  }
  /// The number that `f(recording)` is, if all recordings agree or if it is an integer that follows from the extents.
  template <class F>
  std::optional<Extent> number_by_recording(const F& f) const {
    constexpr double most_exact = 0x1p53;
    std::vector<std::ptrdiff_t> values;
    for (std::size_t r = 0; r < trace_.recordings(); ++r) {
      const double value = f(r);
      if (!(std::abs(value) <= most_exact) || std::trunc(value) != value) return std::nullopt;
      values.push_back(static_cast<std::ptrdiff_t>(value));
    }
    return trace_.extent(values, traced_, "a number", where());
  }
  std::size_t recordings() const { return trace_.recordings(); }
  double parameter_in(std::size_t recording, std::size_t i) const { return trace_.parameters(traced_, recording)[i]; }
  /// The scalar parameter of an elementwise op.
  double parameter(std::size_t i = 0) const;

  // ---- writing
  std::string node(std::string onnx_op, std::vector<std::string> inputs, Attributes attributes = {}) const {
    return graph.nodes(std::move(onnx_op), std::move(inputs), std::move(attributes), 1).front();
  }
  std::vector<std::string> nodes(std::string onnx_op, std::vector<std::string> inputs, Attributes attributes,
                                 std::size_t outputs) const {
    return graph.nodes(std::move(onnx_op), std::move(inputs), std::move(attributes), outputs);
  }
  std::string scalar(double value) const { return graph.constant(Tensor<T>(static_cast<T>(value))); }
  std::string integers(const std::vector<std::ptrdiff_t>& values) const { return graph.integers(values); }
  std::string boolean(const std::string& mask) const { return graph.boolean(mask); }
  std::string mask(const std::string& boolean) const { return graph.mask(boolean); }
  /// x reshaped to the shape of this node.
  std::string reshape(const std::string& x) const;
  std::string transpose(const std::string& x, const std::vector<std::ptrdiff_t>& order) const;

  /// Throws ValueError: why the node cannot be exported.
  [[noreturn]] void fail(const std::string& reason) const;
  /// The same: `what` differs between the sample and a recording with longer axes.
  [[noreturn]] void fail_as_dynamic(std::string_view what, std::size_t recording) const;

 private:
  const TracedNode<T>& operand(std::size_t i) const { return trace_.nodes()[traced_.operands[first_ + i]]; }
  const void* attributes_in(std::size_t recording) const {
    return static_cast<const std::byte*>(trace_.node(traced_, recording).attributes) + attributes_;
  }
  void check_attributes(std::size_t bytes) const;

  const Trace<T>& trace_;
  const TracedNode<T>& traced_;
  std::vector<std::string> operands_;
  const Location& where_;
  const Op<T>* part_ = nullptr;             // the op, if it is a term of the node's
  std::size_t attributes_ = 0, first_ = 0;  // where its attributes and operands begin
};

/// How an op of Wengert is exported: the ops of ONNX that it becomes, for the reference, and the function that writes
/// them and returns the name of the result. An empty name asks for the op to be expanded by its formula.
template <class T>
struct Mapping {
  std::string_view op;
  std::string_view becomes;
  std::string (*emit)(const Emit<T>& e);
};

/// The mappings of one family, each defined in its source `export_….cpp`.
///@{
template <class T>
std::span<const Mapping<T>> elementwise_mappings();
template <class T>
std::span<const Mapping<T>> shape_mappings();
template <class T>
std::span<const Mapping<T>> index_mappings();
template <class T>
std::span<const Mapping<T>> cumulative_mappings();
template <class T>
std::span<const Mapping<T>> reduction_mappings();
template <class T>
std::span<const Mapping<T>> normalisation_mappings();
template <class T>
std::span<const Mapping<T>> linear_mappings();
template <class T>
std::span<const Mapping<T>> network_mappings();
template <class T>
std::span<const Mapping<T>> pooling_mappings();
template <class T>
std::span<const Mapping<T>> recurrent_mappings();
template <class T>
std::span<const Mapping<T>> loss_mappings();
template <class T>
std::span<const Mapping<T>> optimiser_mappings();
///@}
/// All mappings, by op.
template <class T>
const std::map<std::string_view, Mapping<T>>& mappings();

extern template class GraphWriter<float>;
extern template class GraphWriter<double>;
extern template class Emit<float>;
extern template class Emit<double>;

}  // namespace wengert::onnx::detail
