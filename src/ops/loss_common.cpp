#include "ops/loss_common.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

namespace wengert::losses {
namespace {

// The index of the first element of a row-major value that is bad, written as `element (2, 3) is …`.
template <class T, class Bad>
std::optional<std::string> first_bad(Var<T> x, const Bad& bad) {
  const Tensor<T> value = x.value();
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!bad(value.data()[i])) continue;
    Shape index = x.shape();
    for (std::size_t axis = index.rank(), rest = i; axis-- > 0;) {
      const std::size_t extent = index[axis];
      index[axis] = rest % extent;
      rest /= extent;
    }
    return fmt::format("element {} is {}", to_string(index), value.data()[i]);
  }
  return std::nullopt;
}

}  // namespace

template <class T>
void check_handle(std::string_view loss, std::string_view operand, Var<T> x, const Tape<T>& tape) {
  if (x.empty())
    throw HandleError(loss, fmt::format("the {} is an empty handle: it was never recorded on a tape", operand));
  if (&x.tape() != &tape)
    throw HandleError(loss, fmt::format("the {} belongs to another tape: record all operands on one tape", operand));
}

template <class T>
Var<T> equal_shaped(std::string_view loss, Var<T> prediction, const Operand<T>& target) {
  const Var<T> y = target.on(prediction.tape());
  check_handle(loss, "target", y, prediction.tape());
  if (y.shape() != prediction.shape())
    throw ShapeError(loss,
                     fmt::format("prediction {} and target {}: losses do not broadcast, both must have the same shape",
                                 to_string(prediction.shape()), to_string(y.shape())));
  return y;
}

template <class T>
Var<T> reduced(std::string_view loss, Var<T> costs, Reduction reduction, double samples, const Location& where) {
  if (reduction == Reduction::none) return costs;
  if (reduction == Reduction::sum) return sum(costs, {}, {}, where);
  const double count = reduction == Reduction::mean ? static_cast<double>(costs.size()) : samples;
  if (count == 0)
    throw ValueError(
        loss, fmt::format("costs of shape {}: the mean over no elements is not defined", to_string(costs.shape())));
  return divide(Operand<T>(sum(costs, {}, {}, where), where), Operand<T>(count, where));
}

template <class T>
Var<T> not_nan(std::string_view loss, Var<T> cost, std::span<const Named<T>> operands) {
  if (!cost.tape().computes_values()) return cost;
  const Node<T>& node = cost.tape().node(cost, loss);
  const auto is_nan = [](T v) { return std::isnan(v); };
  const bool bad = node.layout->contiguous ? std::any_of(node.data, node.data + node.layout->size, is_nan)
                                           : first_bad(cost, is_nan).has_value();
  if (!bad) return cost;
  const auto is_infinite = [](T v) { return std::isinf(v); };
  const auto no_probability = [&](T v) { return loss == "binary_cross_entropy" && (v < 0 || v > 1); };
  for (const auto& [name, value] : operands)
    if (const auto at = first_bad(value, is_nan)) throw ValueError(loss, fmt::format("{}: {}", name, *at));
  if (const auto at = first_bad(operands.front().value, no_probability))
    throw ValueError(loss, fmt::format("{}: {}: must be a probability in [0, 1]; for logits use "
                                       "binary_cross_entropy_with_logits",
                                       operands.front().name, *at));
  for (const auto& [name, value] : operands)
    if (const auto at = first_bad(value, is_infinite))
      throw ValueError(loss, fmt::format("the cost is NaN; {}: {}", name, *at));
  throw ValueError(loss, fmt::format("the cost is NaN, though no {} is",
                                     operands.size() == 2 ? "prediction and no target" : "operand"));
}

void check_parameter(std::string_view loss, std::string_view parameter, double value, bool zero_allowed,
                     const Location& where) {
  if (std::isfinite(value) && (value > 0 || (zero_allowed && value == 0))) return;
  throw ValueError(loss, fmt::format("{} is {}: must be {}", parameter, value, zero_allowed ? "at least 0" : "above 0"),
                   where);
}

#define WENGERT_INSTANTIATE(T)                                                            \
  template void check_handle(std::string_view, std::string_view, Var<T>, const Tape<T>&); \
  template Var<T> equal_shaped(std::string_view, Var<T>, const Operand<T>&);              \
  template Var<T> reduced(std::string_view, Var<T>, Reduction, double, const Location&);  \
  template Var<T> not_nan(std::string_view, Var<T>, std::span<const Named<T>>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::losses
