#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/loss.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/ops/reduce.hpp>

#include <cmath>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert {
namespace {

constexpr auto binary_cross_entropy_op = elementwise<"binary_cross_entropy">(
    [](auto p, auto y) { return -(y * maximum(log(p), -100) + (1 - y) * maximum(log1p(-p), -100)); },
    derivative([](auto p, auto y, auto) { return (p - y) / maximum(p * (1 - p), 1e-12); },
               [](auto p, auto, auto) { return maximum(log1p(-p), -100) - maximum(log(p), -100); }),
    input_domain([] {
      return Domain{0.2, 0.8};
    }),
    notation<"−[y ln p + (1 − y) ln(1 − p)]">);

// The branches meet smoothly at 0, so that all derivatives there are right, too.
constexpr auto binary_cross_entropy_with_logits_op = elementwise<"binary_cross_entropy_with_logits">(
    [](auto z, auto y) {
      auto u = where(z > 0, -z, z);  // −|z|
      return where(z > 0, z, 0) - z * y + log1p(exp(u));
    },
    notation<"ln(1 + eᶻ) − z y">);

// ---- what the losses share -----------------------------------------------------------------------------------------

template <class T>
Var<T> equal_shaped(std::string_view loss, Var<T> prediction, const Operand<T>& target) {
  const Var<T> y = target.on(prediction.tape());
  if (y.shape() != prediction.shape())
    throw ShapeError(loss,
                     fmt::format("prediction {} and target {}: losses do not broadcast, both must have the same shape",
                                 to_string(prediction.shape()), to_string(y.shape())));
  return y;
}

// The index of the first element of a row-major value that is bad, written as `(2, 3)`.
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

template <class T>
Var<T> not_nan(std::string_view loss, Var<T> cost, Var<T> prediction, Var<T> target) {
  if (!std::isnan(cost.item())) return cost;
  const auto is_nan = [](T v) { return std::isnan(v); };
  const auto is_infinite = [](T v) { return std::isinf(v); };
  const auto no_probability = [&](T v) { return loss == "binary_cross_entropy" && (v < 0 || v > 1); };
  if (const auto at = first_bad(prediction, is_nan)) throw ValueError(loss, "prediction: " + *at);
  if (const auto at = first_bad(target, is_nan)) throw ValueError(loss, "target: " + *at);
  if (const auto at = first_bad(prediction, no_probability))
    throw ValueError(loss, "prediction: " + *at +
                               ": must be a probability in [0, 1]; for logits use binary_cross_entropy_with_logits");
  if (const auto at = first_bad(prediction, is_infinite)) throw ValueError(loss, "the cost is NaN; prediction: " + *at);
  throw ValueError(loss, "the cost is NaN, though no prediction and no target is");
}

// A loss that fails, for whatever reason, leaves nothing on the tape.
template <class T, class F>
Var<T> loss_of(std::string_view name, Var<T> prediction, const Operand<T>& target, const Location& where,
               const F& cost) {
  if (prediction.empty())
    throw HandleError(name, "the prediction is an empty handle: it was never recorded on a tape", where);
  return atomically(prediction.tape(), where, [&] {
    const Var<T> y = equal_shaped(name, prediction, target);
    return not_nan(name, cost(y), prediction, y);
  });
}

template <class T>
double samples(Var<T> x) {
  return x.rank() == 0 ? 1.0 : static_cast<double>(x.shape()[0]);
}

}  // namespace

template <class T>
Var<T> squared_error(Var<T> prediction, std::type_identity_t<Operand<T>> target, Location where) {
  return loss_of("squared_error", prediction, target, where,
                 [&](Var<T> y) { return sum(square(prediction - y)) / (2 * samples(y)); });
}

template <class T>
Var<T> binary_cross_entropy(Var<T> probability, std::type_identity_t<Operand<T>> target, Location where) {
  return loss_of("binary_cross_entropy", probability, target, where,
                 [&](Var<T> y) { return sum(binary_cross_entropy_op(probability, y)) / samples(y); });
}

template <class T>
Var<T> binary_cross_entropy_with_logits(Var<T> logits, std::type_identity_t<Operand<T>> target, Location where) {
  return loss_of("binary_cross_entropy_with_logits", logits, target, where,
                 [&](Var<T> y) { return sum(binary_cross_entropy_with_logits_op(logits, y)) / samples(y); });
}

template <class T>
Var<T> cross_entropy_with_logits(Var<T> logits, std::type_identity_t<Operand<T>> target, Location where) {
  return loss_of("cross_entropy_with_logits", logits, target, where, [&](Var<T> y) {
    const double rows = y.rank() == 1 ? 1.0 : samples(y);
    return sum(y * log_softmax(logits)) / -rows;
  });
}

#define WENGERT_INSTANTIATE(T)                                                    \
  template Var<T> squared_error(Var<T>, Operand<T>, Location);                    \
  template Var<T> binary_cross_entropy(Var<T>, Operand<T>, Location);             \
  template Var<T> binary_cross_entropy_with_logits(Var<T>, Operand<T>, Location); \
  template Var<T> cross_entropy_with_logits(Var<T>, Operand<T>, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
