// The ops that the engine itself records: the operators of Var, the sum of two cotangents, broadcasting, and the
// derivatives of formulas.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/tape/fwd.hpp>

namespace wengert {

/// The table through which the tape records ops. The ops, a higher layer, fill it (src/ops/engine_ops.cpp).
template <class T>
struct EngineOps {
  using Unary = Var<T>(const Operand<T>&);
  using Binary = Var<T>(const Operand<T>&, const Operand<T>&);
  Binary *add, *subtract, *multiply, *divide, *less, *less_equal, *greater, *greater_equal, *equal, *masked_product;
  Unary* negate;
  Var<T> (*where)(const Operand<T>& mask, const Operand<T>& a, const Operand<T>& b);
  Var<T> (*sum)(Var<T>, Var<T>);  ///< the sum of two cotangents: `add` without conversion to operands
  Var<T> (*contiguous)(Var<T>, Location);
  Var<T> (*broadcast_to)(Var<T>, const Shape&, Location);
  Var<T> (*reshape)(Var<T>, const Shape&, Location);

  static const EngineOps table;  ///< the table itself
};
template <>
const EngineOps<float> EngineOps<float>::table;
template <>
const EngineOps<double> EngineOps<double>::table;

}  // namespace wengert
