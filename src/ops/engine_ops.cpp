// The table of ops that the engine itself records.
#include "ops/engine_ops.hpp"

#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/engine_ops.hpp>

namespace wengert {
namespace {

template <class T>
Var<T> reshape_to(Var<T> x, const Shape& shape, Location where) {
  return reshape(x, shape, where);
}

template <class T>
constexpr EngineOps<T> engine_ops() {
  return {.add = add,
          .subtract = subtract,
          .multiply = multiply,
          .divide = divide,
          .less = less,
          .less_equal = less_equal,
          .greater = greater,
          .greater_equal = greater_equal,
          .equal = equal,
          .masked_product = masked_product,
          .negate = negate,
          .where = where,
          .sum = detail::sum_of_two<T>,
          .contiguous = contiguous<T>,
          .broadcast_to = broadcast_to<T>,
          .reshape = reshape_to<T>};
}

}  // namespace

template <>
constinit const EngineOps<float> EngineOps<float>::table = engine_ops<float>();
template <>
constinit const EngineOps<double> EngineOps<double>::table = engine_ops<double>();

}  // namespace wengert
