// ONNX's comparisons, logic, selection and conversions between types.
#include "onnx/call.hpp"
#include "onnx/operand.hpp"
#include <wengert/ops/elementwise.hpp>

#include <limits>
#include <string>

namespace wengert::onnx::detail {
namespace {

template <class T>
Outputs<T> truth(Var<T> mask) {
  return Value<T>(mask, ElementType::boolean);
}

template <class T>
Outputs<T> is_inf_of(const Call<T>& c) {
  const bool negative = c.integer("detect_negative", 1) != 0, positive = c.integer("detect_positive", 1) != 0;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Operand<T> x = operand(c, 0);
  if (negative && positive) return truth(equal(at(c, abs(x)), at(c, infinity)));
  if (negative) return truth(equal(x, at(c, -infinity)));
  if (positive) return truth(equal(x, at(c, infinity)));
  return truth(greater(x, at(c, infinity)));  // false for every x
}

template <class T>
Outputs<T> where_of(const Call<T>& c) {
  return Value<T>(wengert::where(operand(c, 0), operand(c, 1), operand(c, 2)), c.type(1));
}

// ---- conversions

template <class T>
Value<T> converted(const Call<T>& c, ElementType to) {
  const ElementType from = c.type(0);
  const bool to_number = is_floating(to) || is_integral(to);
  if (!to_number || !(is_floating(from) || is_integral(from)))
    c.fail("a conversion from " + std::string(name_of(from)) + " to " + std::string(name_of(to)) +
           ": expected types of numbers or truth values");
  if (to == ElementType::boolean && from != to) return {not_equal(operand(c, 0), at(c, 0.0)), to};
  if (is_integral(to) && is_floating(from)) return {trunc(operand(c, 0)), to};
  if (is_floating(to) && is_integral(from)) return {c.x(0), to};
  return c.value(0).as(to);
}

template <class T>
Outputs<T> cast_of(const Call<T>& c) {
  return converted(c, static_cast<ElementType>(c.integer("to", 0)));
}

template <class T>
Outputs<T> cast_like_of(const Call<T>& c) {
  return converted(c, c.type(1));
}

}  // namespace

template <class T>
std::span<const Entry<T>> comparison_entries() {
  using C = const Call<T>&;
  using Y = Outputs<T>;
  static constexpr Entry<T> entries[] = {
      {"And", [](C c) -> Y { return truth(logical_and(operand(c, 0), second_operand(c))); }},
      {"Cast", cast_of<T>},
      {"CastLike", cast_like_of<T>},
      {"Equal", [](C c) -> Y { return truth(equal(operand(c, 0), second_operand(c))); }},
      {"Greater", [](C c) -> Y { return truth(greater(operand(c, 0), second_operand(c))); }},
      {"GreaterOrEqual", [](C c) -> Y { return truth(greater_equal(operand(c, 0), second_operand(c))); }},
      {"IsInf", is_inf_of<T>},
      {"IsNaN", [](C c) -> Y { return truth(isnan(operand(c, 0))); }},
      {"Less", [](C c) -> Y { return truth(less(operand(c, 0), second_operand(c))); }},
      {"LessOrEqual", [](C c) -> Y { return truth(less_equal(operand(c, 0), second_operand(c))); }},
      {"Not", [](C c) -> Y { return truth(logical_not(operand(c, 0))); }},
      {"Or", [](C c) -> Y { return truth(logical_or(operand(c, 0), second_operand(c))); }},
      {"Where", where_of<T>},
      {"Xor", [](C c) -> Y { return truth(not_equal(operand(c, 0), second_operand(c))); }},
  };
  return entries;
}

template std::span<const Entry<float>> comparison_entries<float>();
template std::span<const Entry<double>> comparison_entries<double>();

}  // namespace wengert::onnx::detail
