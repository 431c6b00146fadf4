// The ops that average weights within a step.
#include "optim/weight_average.hpp"

#include "optim/averages.hpp"
#include "optim/checks.hpp"
#include <wengert/formula/elementwise.hpp>
#include <wengert/tape/structural.hpp>

namespace wengert::optim {
namespace {

constexpr auto moved_average_op = elementwise<"moved_average">(
    [](auto average, auto w, auto fraction) {
      return where(fraction <= 0, average, where(fraction >= 1, w, average + fraction * (w - average)));
    },
    notation<"average + fraction · (w − average)">);

struct WithWeights {
  static constexpr std::string_view name = "with_weights";
  static constexpr std::string_view notation = "y = x, unless swapped";
  static constexpr std::size_t arity = 2;
  static constexpr bool differentiable = false;
  Shape shape(const Shape& step, const Shape&) const { return step; }
  template <class T>
  void forward(Value<const T> step, Value<const T> swapped, Value<T> y) const {
    if (*swapped.data != T(0)) throw ValueError("Optimizer", network_holds_averages);
    *y.data = *step.data;
  }
  template <class T>
  auto vjp(Var<T>, Var<T>, Var<T>, Var<T>) const {
    return std::tuple{no_gradient, no_gradient};
  }
  static std::vector<StructuralExample<WithWeights>> examples() { return {}; }
};

}  // namespace

void check(const Average& average, const Location& where) {
  const bool exponential = average.kind == Average::Kind::exponential;
  const char* name = exponential ? "EMA" : "SWA";
  if (exponential) require_decay(name, "decay", average.decay, where);
  if (average.start < 0)
    throw ValueError(name, fmt::format("start {}: expected a number of steps", average.start), where);
  if (average.every < 1) throw ValueError(name, fmt::format("every {}: expected at least 1", average.every), where);
}

std::string described(const Average& average) {
  std::string text = "none";
  if (average.kind == Average::Kind::equal) text = "SWA";
  if (average.kind == Average::Kind::exponential)
    text = fmt::format("EMA, decay {:.9g}{}", average.decay, average.bias_correction ? ", bias-corrected" : "");
  if (average.start != 0) text += fmt::format(", start {}", average.start);
  if (average.every != 1) text += fmt::format(", every {}", average.every);
  return text;
}

template <class T>
Var<T> is_averaged(const Average& average, Var<T> step) {
  const Var<T> since = step - static_cast<double>(average.start);
  if (average.every == 1) return since > 0;
  return logical_and(since > 0, equal(fmod(since, static_cast<double>(average.every)), 0));
}

template <class T>
Var<T> average_fraction(const Average& average, Var<T> n, Var<T> active) {
  n = maximum(n, 1);  // without an averaged step, the fraction must not be NaN
  if (average.kind == Average::Kind::equal) return active / n;
  const double share = 1 - average.decay;
  if (average.bias_correction && average.decay > 0)
    return active * where(n <= 1, 1, share / bias_correction(n, average.decay));
  return active * where(n <= 1, 1, share);
}

template <class T>
Var<T> moved_average(Var<T> average, Var<T> w, Var<T> fraction) {
  return moved_average_op(average, w, fraction);
}

template <class T>
Var<T> with_weights(Var<T> step, Var<T> swapped, const Location& where) {
  return record(WithWeights{}, where, step, swapped);
}

#define WENGERT_INSTANTIATE(T)                                      \
  template Var<T> is_averaged(const Average&, Var<T>);              \
  template Var<T> average_fraction(const Average&, Var<T>, Var<T>); \
  template Var<T> moved_average(Var<T>, Var<T>, Var<T>);            \
  template Var<T> with_weights(Var<T>, Var<T>, const Location&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::optim
