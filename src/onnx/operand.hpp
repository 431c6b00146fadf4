// Operands of elementwise ops, with the line that called the model.
#pragma once

#include "onnx/call.hpp"
#include <wengert/ops/shape.hpp>
#include <wengert/tape/var.hpp>

#include <cstddef>
#include <cstdint>

#include <fmt/format.h>

namespace wengert::onnx::detail {

/// Input i of a node as an operand.
template <class T>
Operand<T> operand(const Call<T>& c, std::size_t i) {
  return Operand<T>(c.x(i), c.where);
}
/// A Var or a number as an operand.
///@{
template <class T>
Operand<T> at(const Call<T>& c, Var<T> x) {
  return Operand<T>(x, c.where);
}
template <class T>
Operand<T> at(const Call<T>& c, double number) {
  return Operand<T>(number, c.where);
}
///@}

/// Input 1 of an op of two operands that broadcast. Before opset 7, attributes say how: not at all, or the axes of
/// input 1 are consecutive axes of input 0, from `axis` on or the last ones.
template <class T>
Operand<T> second_operand(const Call<T>& c) {
  if (c.opset() >= 7) return operand(c, 1);
  const Shape a = c.shape(0), b = c.shape(1);
  if (c.integer("broadcast", 0) == 0) {
    if (a != b)
      c.fail(fmt::format("shapes {} and {} without the attribute broadcast = 1: expected equal ones", to_string(a),
                         to_string(b)));
    return operand(c, 1);
  }
  const auto spare = static_cast<std::int64_t>(a.rank()) - static_cast<std::int64_t>(b.rank());
  const std::int64_t given = c.integer("axis", spare),
                     axis = given < 0 ? given + static_cast<std::int64_t>(a.rank()) : given;
  if (axis < 0 || axis > spare)
    c.fail(fmt::format("shape {} with axis = {} for shape {}: expected consecutive axes of it", to_string(b), given,
                       to_string(a)));
  Shape to = b;
  for (std::int64_t i = axis; i < spare; ++i) to.push_back(1);
  const Operand<T> y = to == b ? operand(c, 1) : at(c, reshape(c.x(1), to, c.where));
  if (broadcast_shapes(a, to) != a)
    c.fail(fmt::format("shape {} does not broadcast to shape {} from axis {} on", to_string(b), to_string(a), axis));
  return y;
}

}  // namespace wengert::onnx::detail
