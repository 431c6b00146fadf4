// ONNX's arithmetic and elementwise functions.
#include "onnx/call.hpp"
#include "onnx/operand.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/shape.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace wengert::onnx::detail {
namespace {

// ---- functions of one input

template <class T>
Outputs<T> clip_of(const Call<T>& c) {
  const bool has_low = c.has("min") || c.has(1), has_high = c.has("max") || c.has(2);
  if (!has_low && !has_high) return c.value(0);
  const auto known = [&](std::size_t input) { return !c.has(input) || c.value(input).constant(); };
  const auto limit = [&](std::size_t input, const char* attribute, double otherwise) {
    if (!c.has(input)) return at(c, c.number(attribute, otherwise));
    if (c.value(input).constant()) return at(c, c.number(input));
    return at(c, reshape(c.x(input), {}, c.where));
  };
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (known(1) && known(2)) {
    const double low = c.has(1) ? c.number(1) : c.number("min", -infinity);
    const double high = c.has(2) ? c.number(2) : c.number("max", infinity);
    if (low <= high) return clip(operand(c, 0), low, high);
  }
  return clip(operand(c, 0), limit(1, "min", -infinity), limit(2, "max", infinity));
}

// ---- functions of two inputs

template <class T>
Outputs<T> divide_of(const Call<T>& c) {
  const Var<T> quotient = divide(operand(c, 0), second_operand(c));
  return c.integral(0) ? trunc(at(c, quotient)) : quotient;
}

template <class T>
Outputs<T> mod_of(const Call<T>& c) {
  const Operand<T> divisor = operand(c, 1);
  const Var<T> remainder = fmod(operand(c, 0), divisor);
  if (c.integer("fmod", 0) != 0) return remainder;
  if (!c.integral(0))
    c.fail("attribute 'fmod' is 0 for inputs of a floating type: expected 1; export the model with fmod = 1");
  const Operand<T> r = at(c, remainder);
  const Var<T> opposite = less(at(c, multiply(r, divisor)), at(c, 0.0));
  return wengert::where(at(c, opposite), at(c, add(r, divisor)), r);
}

template <class T>
Outputs<T> power_of(const Call<T>& c) {
  const Operand<T> base = operand(c, 0);
  const Value<T>& given = c.value(1);
  const bool is_number = given.constant() && given.shape().elements() == 1 && given.rank() <= c.rank(0);
  const double number = is_number ? c.number(1) : 0;
  if (number == 2) return square(base);
  const Operand<T> exponent = is_number ? at(c, number) : second_operand(c);
  const Operand<T> power = at(c, pow(base, exponent));
  if (!c.integral(0)) return power.handle();
  // The computed power may be slightly less than the integer that it stands for, so trunc alone would lose 1.
  const Operand<T> b = operand(c, 1);
  const Var<T> is_whole = equal(b, at(c, trunc(b)));
  return wengert::where(at(c, is_whole), at(c, round(power)), at(c, trunc(power)));
}

template <class T>
unsigned width_of(const Call<T>& c) {
  switch (c.type(0)) {
    case ElementType::uint8:
      return 8;
    case ElementType::uint16:
      return 16;
    case ElementType::uint32:
      return 32;
    case ElementType::uint64:
      return 64;
    default:
      c.fail("input 0 is of type " + std::string(name_of(c.type(0))) + ": expected an unsigned integer type; cast it");
  }
}

template <class T>
Outputs<T> bit_shift_of(const Call<T>& c) {
  const std::string direction = c.text("direction", "");
  const Operand<T> factor = at(c, round(at(c, exp2(operand(c, 1)))));
  if (direction == "RIGHT") return floor(at(c, divide(operand(c, 0), factor)));
  if (direction != "LEFT") c.fail("attribute 'direction' is '" + direction + "': expected 'LEFT' or 'RIGHT'");
  const Var<T> product = multiply(operand(c, 0), factor);
  return fmod(at(c, product), at(c, std::exp2(width_of(c))));
}

// ---- functions of any number of inputs

template <class T, class F>
Outputs<T> fold_of(const Call<T>& c, const F& combine) {
  if (c.size() == 1) return c.value(0);
  Var<T> y = c.x(0);
  for (std::size_t i = 1; i < c.size(); ++i) y = combine(at(c, y), operand(c, i));
  return y;
}

template <class T>
Outputs<T> sum_of(const Call<T>& c) {
  return fold_of(c, [](const Operand<T>& a, const Operand<T>& b) { return add(a, b); });
}

template <class T>
Outputs<T> mean_of(const Call<T>& c) {
  const Value<T> total = sum_of(c).values(c.type(0)).front();
  return divide(at(c, total.var(c.tape, c.where)), at(c, static_cast<double>(c.size())));
}

template <class T>
Outputs<T> max_of(const Call<T>& c) {
  return fold_of(c, [](const Operand<T>& a, const Operand<T>& b) { return maximum(a, b); });
}

template <class T>
Outputs<T> min_of(const Call<T>& c) {
  return fold_of(c, [](const Operand<T>& a, const Operand<T>& b) { return minimum(a, b); });
}

}  // namespace

template <class T>
std::span<const Entry<T>> elementwise_entries() {
  using C = const Call<T>&;
  using Y = Outputs<T>;
  static constexpr Entry<T> entries[] = {
      {"Abs", [](C c) -> Y { return abs(operand(c, 0)); }},
      {"Acos", [](C c) -> Y { return acos(operand(c, 0)); }},
      {"Acosh", [](C c) -> Y { return acosh(operand(c, 0)); }},
      {"Add", [](C c) -> Y { return add(operand(c, 0), second_operand(c)); }},
      {"Asin", [](C c) -> Y { return asin(operand(c, 0)); }},
      {"Asinh", [](C c) -> Y { return asinh(operand(c, 0)); }},
      {"Atan", [](C c) -> Y { return atan(operand(c, 0)); }},
      {"Atanh", [](C c) -> Y { return atanh(operand(c, 0)); }},
      {"BitShift", bit_shift_of<T>},
      {"Ceil", [](C c) -> Y { return ceil(operand(c, 0)); }},
      {"Clip", clip_of<T>},
      {"Cos", [](C c) -> Y { return cos(operand(c, 0)); }},
      {"Cosh", [](C c) -> Y { return cosh(operand(c, 0)); }},
      {"Div", divide_of<T>},
      {"Erf", [](C c) -> Y { return erf(operand(c, 0)); }},
      {"Exp", [](C c) -> Y { return exp(operand(c, 0)); }},
      {"Floor", [](C c) -> Y { return floor(operand(c, 0)); }},
      {"Log", [](C c) -> Y { return log(operand(c, 0)); }},
      {"Max", max_of<T>},
      {"Mean", mean_of<T>},
      {"Min", min_of<T>},
      {"Mod", mod_of<T>},
      {"Mul", [](C c) -> Y { return multiply(operand(c, 0), second_operand(c)); }},
      {"Neg", [](C c) -> Y { return negate(operand(c, 0)); }},
      {"Pow", power_of<T>},
      {"Reciprocal", [](C c) -> Y { return reciprocal(operand(c, 0)); }},
      {"Round", [](C c) -> Y { return round(operand(c, 0)); }},
      {"Sign", [](C c) -> Y { return sign(operand(c, 0)); }},
      {"Sin", [](C c) -> Y { return sin(operand(c, 0)); }},
      {"Sinh", [](C c) -> Y { return sinh(operand(c, 0)); }},
      {"Sqrt", [](C c) -> Y { return sqrt(operand(c, 0)); }},
      {"Sub", [](C c) -> Y { return subtract(operand(c, 0), second_operand(c)); }},
      {"Sum", sum_of<T>},
      {"Tan", [](C c) -> Y { return tan(operand(c, 0)); }},
      {"Tanh", [](C c) -> Y { return tanh(operand(c, 0)); }},
  };
  return entries;
}

template std::span<const Entry<float>> elementwise_entries<float>();
template std::span<const Entry<double>> elementwise_entries<double>();

}  // namespace wengert::onnx::detail
