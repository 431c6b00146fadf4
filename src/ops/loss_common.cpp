// Checks of the losses' operands and values.
#include "ops/loss_common.hpp"

#include <wengert/ops/elementwise.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace wengert::losses {
namespace {

template <class T>
struct Found {
  std::size_t position;
  T value;
};

// The first element of a value for which `bad` holds.
template <class T, class Bad>
std::optional<Found<T>> first(Value<const T> x, const Bad& bad) {
  std::vector<T> copy;
  if (!x.layout->contiguous) {
    copy.resize(x.size());
    copy_elements(x, copy.data());
    x.data = copy.data();
  }
  const T* const end = x.data + x.size();
  const T* const at = std::find_if(x.data, end, bad);
  if (at == end) return std::nullopt;
  return Found<T>{static_cast<std::size_t>(at - x.data), *at};
}

// The same as text: `element (2, 3) is …`.
template <class T, class Bad>
std::optional<std::string> first_bad(Value<const T> x, const Bad& bad) {
  const auto found = first(x, bad);
  if (!found) return std::nullopt;
  return fmt::format("element {} is {}", to_string(unravel(found->position, x.shape())), found->value);
}

template <class T>
bool is_nan(T v) {
  return std::isnan(v);
}
template <class T>
bool is_infinite(T v) {
  return std::isinf(v);
}

// Checks the loss, its first input; the others are the operands of the loss. As an op, it is repeated at each replay of
// a Program. Nothing reads its result, so it does not prevent fusion.
struct LossCheck {
  static constexpr std::string_view name = "loss_check";
  static constexpr std::string_view notation = "0";
  static constexpr std::size_t arity = any_number;
  static constexpr bool takes_strides = true;
  static constexpr bool guards = true;
  static constexpr std::size_t most_operands = 4;
  std::string_view loss;
  std::array<std::string_view, most_operands> operands{};
  std::size_t never_negative = most_operands;  // which operand, if any

  Shape shape(std::span<const Shape* const>) const { return {}; }
  template <class T>
  void forward(std::span<const Value<const T>> inputs, Value<T> out) const {
    if (never_negative < most_operands) {
      const auto at = first(inputs[never_negative + 1], [](T v) { return v < 0; });
      if (at)
        throw ValueError(loss, fmt::format("a {} is {}: must not be negative", operands[never_negative], at->value));
    }
    if (first(inputs[0], is_nan<T>)) refuse(inputs.subspan(1));
    *out.data = 0;
  }
  template <class T>
  void vjp(Pullback<T>&) const {}
  static std::vector<StructuralExample<LossCheck>> examples() { return {}; }

 private:
  template <class T>
  [[noreturn]] void refuse(std::span<const Value<const T>> values) const {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (const auto at = first_bad(values[i], is_nan<T>))
        throw ValueError(loss, fmt::format("{}: {}", operands[i], *at));
    const auto no_probability = [&](T v) { return loss == "binary_cross_entropy" && (v < 0 || v > 1); };
    if (const auto at = first_bad(values.front(), no_probability))
      throw ValueError(loss, fmt::format("{}: {}: must be a probability in [0, 1]; for logits use "
                                         "binary_cross_entropy_with_logits",
                                         operands[0], *at));
    for (std::size_t i = 0; i < values.size(); ++i)
      if (const auto at = first_bad(values[i], is_infinite<T>))
        throw ValueError(loss, fmt::format("the loss is NaN; {}: {}", operands[i], *at));
    throw ValueError(loss, fmt::format("the loss is NaN, though no {} is",
                                       values.size() == 2 ? "prediction and no target" : "operand"));
  }
};

}  // namespace

template <class T>
Var<T> equal_shaped(std::string_view loss, Var<T> prediction, const Operand<T>& target) {
  const Var<T> y = target.on(prediction.tape());
  check_operand(prediction.tape(), y, loss, {}, "the target");
  if (y.shape() != prediction.shape())
    throw ShapeError(loss, fmt::format("prediction {} and target {}: losses do not broadcast; expected equal shapes",
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
        loss, fmt::format("losses of shape {}: the mean over no elements is undefined", to_string(costs.shape())));
  return divide(Operand<T>(sum(costs, {}, {}, where), where), Operand<T>(count, where));
}

template <class T>
Var<T> checked(std::string_view loss, Var<T> cost, std::span<const Named<T>> operands, const Location& where,
               std::string_view never_negative) {
  LossCheck check{loss};
  std::array<Var<T>, LossCheck::most_operands + 1> inputs{cost};
  for (std::size_t i = 0; i < operands.size(); ++i) {
    check.operands[i] = operands[i].name;
    inputs[i + 1] = operands[i].value;
    if (operands[i].name == never_negative) check.never_negative = i;
  }
  cost.tape().record(StructuralTable<T, LossCheck>::table, &check, sizeof(check),
                     std::span<const Var<T>>(inputs).first(operands.size() + 1), where);
  return cost;
}

void check_parameter(std::string_view loss, std::string_view parameter, double value, bool zero_allowed,
                     const Location& where) {
  if (std::isfinite(value) && (value > 0 || (zero_allowed && value == 0))) return;
  throw ValueError(loss, fmt::format("{} is {}: must be {}", parameter, value, zero_allowed ? "at least 0" : "above 0"),
                   where);
}

#define WENGERT_INSTANTIATE(T)                                                           \
  template Var<T> equal_shaped(std::string_view, Var<T>, const Operand<T>&);             \
  template Var<T> reduced(std::string_view, Var<T>, Reduction, double, const Location&); \
  template Var<T> checked(std::string_view, Var<T>, std::span<const Named<T>>, const Location&, std::string_view);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::losses
