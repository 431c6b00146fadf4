// Call: one node of a graph with its inputs, as the functions that compute ONNX's ops see it.
#pragma once

#include "onnx/graph.hpp"
#include <wengert/onnx/value.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert::onnx::detail {

/// The outputs of a node: one Var (of the type of the first input), one Value, or several.
template <class T>
class Outputs {
 public:
  Outputs(Var<T> y) : var_(y) {}                                     // NOLINT(google-explicit-constructor)
  Outputs(Value<T> y) : values_{std::move(y)} {}                     // NOLINT(google-explicit-constructor)
  Outputs(std::vector<Value<T>> all) : values_(std::move(all)) {}    // NOLINT(google-explicit-constructor)

  /// The outputs; a bare Var becomes a Value of `type`.
  std::vector<Value<T>> values(ElementType type) && {
    if (!var_.empty()) return {Value<T>(var_, type)};
    return std::move(values_);
  }

 private:
  Var<T> var_{};
  std::vector<Value<T>> values_;
};

template <class T>
class Run;

/// One application of an op. Errors thrown by its functions become errors that name the node.
template <class T>
class Call {
 public:
  Call(const Node& a_node, std::span<const Value<T>> inputs, Run<T>& run, Tape<T>& a_tape, const Location& line)
      : node(a_node), tape(a_tape), where(line), inputs_(inputs), run_(run) {}

  const Node& node;
  Tape<T>& tape;
  const Location& where;  // the caller's line, passed to every op

  // ---- inputs
  std::size_t size() const { return inputs_.size(); }
  bool has(std::size_t i) const { return i < inputs_.size() && !inputs_[i].absent(); }
  const Value<T>& value(std::size_t i) const;          // throws for an input that is absent
  ElementType type(std::size_t i) const { return value(i).type(); }
  bool integral(std::size_t i) const { return is_integral(type(i)); }
  Shape shape(std::size_t i) const { return value(i).shape(); }
  std::size_t rank(std::size_t i) const { return shape(i).size(); }
  Var<T> x(std::size_t i) const { return value(i).var(tape, where); }
  IndexVar<T> indices(std::size_t i) const { return value(i).indices(tape, where); }
  /// An input whose elements are read; throws HandleError for a Parameter that is trained, in a recording for a Program.
  const Value<T>& readable(std::size_t i) const;
  /// The elements of an input that must be known, such as a shape: integers, as a flat list, or numbers.
  std::vector<std::ptrdiff_t> integers(std::size_t i) const;
  std::vector<double> numbers(std::size_t i) const;
  std::ptrdiff_t integer(std::size_t i) const;  // its only element
  double number(std::size_t i) const;           // its only element

  // ---- attributes
  bool has(std::string_view attribute) const { return node.attributes.contains(attribute); }
  std::int64_t integer(std::string_view attribute, std::int64_t otherwise) const;
  double number(std::string_view attribute, double otherwise) const;
  std::string text(std::string_view attribute, std::string_view otherwise) const;
  std::vector<std::ptrdiff_t> integers(std::string_view attribute) const;  // empty if absent
  std::vector<double> numbers(std::string_view attribute) const;           // empty if absent
  std::vector<std::string> texts(std::string_view attribute) const;        // empty if absent
  const TensorData& tensor(std::string_view attribute) const;              // throws if absent
  const Graph& graph(std::string_view attribute) const;                    // throws if absent
  std::int64_t opset() const { return node.opset; }

  /// The axis `axis` counted from the front, for a tensor of this rank; throws if out of range.
  std::size_t axis(std::ptrdiff_t axis, std::size_t rank) const;
  /// A scalar constant on the tape.
  Var<T> constant(double value) const { return tape.constant(static_cast<T>(value), where); }

  // ---- control flow
  /// The outputs of a body, run with these inputs; its nodes see the values of the graph around it.
  std::vector<Value<T>> run(const Graph& body, std::span<const Value<T>> inputs) const;

  /// Throws ValueError: what the node cannot do.
  [[noreturn]] void fail(const std::string& message) const;

 private:
  std::span<const Value<T>> inputs_;
  Run<T>& run_;
};

/// How an op of ONNX is computed. An op whose inputs are all constant is computed at once on a tape of double, so an entry
/// serves the integers of shapes as well; entries that compute with known values themselves set `known`.
template <class T>
struct Entry {
  std::string_view op;
  Outputs<T> (*compute)(const Call<T>& call);
  bool known = false;              ///< computes with constants itself, so nothing is folded around it
  std::string_view domain = "";    ///< "" for ONNX's own
};

/// The entries of one family, each defined in its source `ops_….cpp`.
///@{
template <class T> std::span<const Entry<T>> elementwise_entries();
template <class T> std::span<const Entry<T>> activation_entries();
template <class T> std::span<const Entry<T>> comparison_entries();
template <class T> std::span<const Entry<T>> shape_entries();
template <class T> std::span<const Entry<T>> reduction_entries();
template <class T> std::span<const Entry<T>> linear_entries();
template <class T> std::span<const Entry<T>> index_entries();
template <class T> std::span<const Entry<T>> network_entries();
template <class T> std::span<const Entry<T>> pooling_entries();
template <class T> std::span<const Entry<T>> normalisation_entries();
template <class T> std::span<const Entry<T>> recurrent_entries();
template <class T> std::span<const Entry<T>> loss_entries();
template <class T> std::span<const Entry<T>> resize_entries();
template <class T> std::span<const Entry<T>> sampling_entries();
template <class T> std::span<const Entry<T>> control_entries();
template <class T> std::span<const Entry<T>> data_dependent_entries();
template <class T> std::span<const Entry<T>> training_entries();
template <class T> std::span<const Entry<T>> constant_entries();
template <class T> std::span<const Entry<T>> scatter_entries();
template <class T> std::span<const Entry<T>> signal_entries();
///@}
/// All of them.
template <class T>
std::vector<std::span<const Entry<T>>> all_entries();

extern template class Call<float>;
extern template class Call<double>;

}  // namespace wengert::onnx::detail
