// What a graph that is being written holds so far: ops that one node of ONNX covers are found in it.
#pragma once

#include "onnx/emit.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace wengert::onnx::detail {

/// The inputs of the node that computes a value, if it is this op.
template <class T>
std::optional<std::vector<std::string>> inputs_of(const Emit<T>& e, std::string_view onnx_op,
                                                  const std::string& value) {
  const Node* const node = e.graph.node_of(value);
  return node != nullptr && node->op == onnx_op ? std::optional(node->inputs) : std::nullopt;
}

/// The value that `x` is rounded from towards 0; x itself if it is not rounded.
template <class T>
std::string before_rounding(const Emit<T>& e, const std::string& x) {
  const auto factors = inputs_of(e, "Mul", x);  // sign(a) · ⌊|a|⌋
  const auto of_sign = factors ? inputs_of(e, "Sign", factors->front()) : std::nullopt;
  const auto of_floor = of_sign ? inputs_of(e, "Floor", factors->back()) : std::nullopt;
  const auto of_size = of_floor ? inputs_of(e, "Abs", of_floor->front()) : std::nullopt;
  return of_size && of_size->front() == of_sign->front() ? of_sign->front() : x;
}

/// The shape of a value that is stored in the file.
template <class T>
std::optional<Shape> stored_shape(const Emit<T>& e, const std::string& value) {
  const TensorData* const stored = e.graph.initialiser_of(value);
  return stored != nullptr ? std::optional(stored->shape) : std::nullopt;
}

/// A scalar number that is written as a constant.
template <class T>
std::optional<double> stored_number(const Emit<T>& e, const std::string& value) {
  const Node* const node = e.graph.node_of(value);
  if (node == nullptr || node->op != "Constant") return std::nullopt;
  const auto* const tensor = std::get_if<TensorData>(&node->attributes.at("value"));
  if (tensor == nullptr || tensor->shape.rank() != 0) return std::nullopt;
  return *tensor->numbers<double>().begin();
}

/// x·Wᵀ + b as one Gemm for a sum of matrices whose first operand is x·Wᵀ, where W and b are stored; otherwise empty.
template <class T>
std::string gemm(const Emit<T>& e);
/// x + elements scattered to zeros as elements scattered to x, for a sum whose second operand is such a node; otherwise
/// empty.
template <class T>
std::string scattered_onto(const Emit<T>& e);

}  // namespace wengert::onnx::detail
