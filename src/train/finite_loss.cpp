// The op finite_loss: the identity, which throws if the loss is not finite.
#include "train/finite_loss.hpp"

#include <wengert/tape/structural.hpp>

#include <cmath>

#include <fmt/format.h>

namespace wengert::train {
namespace {

struct FiniteLoss {
  static constexpr std::string_view name = "finite_loss";
  static constexpr std::string_view notation = "y = x";
  static constexpr std::size_t arity = 1;
  Shape shape(const Shape& x) const {
    if (x.elements() != 1)
      throw ShapeError(name, fmt::format("a loss of shape {}: expected one number, such as a mean", to_string(x)));
    return x;
  }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    if (!std::isfinite(*x.data)) throw ValueError(name, fmt::format("the loss is {}", *x.data));
    *y.data = *x.data;
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return g;
  }
  static std::vector<StructuralExample<FiniteLoss>> examples() { return {{{}, {{}}}}; }
};

}  // namespace

template <class T>
Var<T> finite_loss(Var<T> loss, Location where) {
  return record(FiniteLoss{}, where, loss);
}
template Var<float> finite_loss(Var<float>, Location);
template Var<double> finite_loss(Var<double>, Location);

}  // namespace wengert::train
