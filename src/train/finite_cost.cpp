// The op finite_cost: the identity, which throws if the loss is not finite.
#include "train/finite_cost.hpp"

#include <wengert/tape/structural.hpp>

#include <cmath>

#include <fmt/format.h>

namespace wengert::train {
namespace {

struct FiniteCost {
  static constexpr std::string_view name = "finite_cost";
  static constexpr std::string_view notation = "y = x";
  static constexpr std::size_t arity = 1;
  Shape shape(const Shape& x) const {
    if (x.elements() != 1)
      throw ShapeError(name, fmt::format("a loss of shape {}: expected one number, such as a mean", to_string(x)));
    return x;
  }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    if (!std::isfinite(*x.data)) throw ValueError(name, fmt::format("the cost is {}", *x.data));
    *y.data = *x.data;
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return g;
  }
  static std::vector<StructuralExample<FiniteCost>> examples() { return {{{}, {{}}}}; }
};

}  // namespace

template <class T>
Var<T> finite_cost(Var<T> cost, Location where) {
  return record(FiniteCost{}, where, cost);
}
template Var<float> finite_cost(Var<float>, Location);
template Var<double> finite_cost(Var<double>, Location);

}  // namespace wengert::train
