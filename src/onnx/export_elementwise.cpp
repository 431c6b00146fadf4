// How elementwise ops are exported. Those that are missing here are expanded by their formulas.
#include "onnx/emit.hpp"
#include "onnx/extent_values.hpp"
#include "onnx/written.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace wengert::onnx::detail {

namespace {

// One node of the same operands.
template <class T>
std::string same(const Emit<T>& e, const char* onnx_op) {
  std::vector<std::string> operands;
  for (std::size_t i = 0; i < e.size(); ++i) operands.push_back(e.x(i));
  return e.node(onnx_op, std::move(operands));
}
template <class T>
std::string add(const Emit<T>& e, const std::string& a, const std::string& b) {
  return e.node("Add", {a, b});
}
template <class T>
std::string subtract(const Emit<T>& e, const std::string& a, const std::string& b) {
  return e.node("Sub", {a, b});
}
template <class T>
std::string multiply(const Emit<T>& e, const std::string& a, const std::string& b) {
  return e.node("Mul", {a, b});
}
template <class T>
std::string divide(const Emit<T>& e, const std::string& a, const std::string& b) {
  return e.node("Div", {a, b});
}
template <class T>
std::string select(const Emit<T>& e, const std::string& boolean, const std::string& a, const std::string& b) {
  return e.node("Where", {boolean, a, b});
}

// A comparison as a mask of T.
template <class T>
std::string compared(const Emit<T>& e, const char* onnx_op) {
  return e.mask(e.node(onnx_op, {e.x(0), e.x(1)}));
}
template <class T>
std::string logical(const Emit<T>& e, const char* onnx_op) {
  return e.mask(e.node(onnx_op, {e.boolean(e.x(0)), e.boolean(e.x(1))}));
}

// ln(1 + x), accurate for small x too: with u = 1 + x rounded, ln u · x / (u − 1) (Kahan).
template <class T>
std::string log1p_of(const Emit<T>& e) {
  const std::string one = e.scalar(1), u = add(e, e.x(), one), log_u = e.node("Log", {u});
  const std::string small = e.node("Equal", {u, one}), difference = subtract(e, u, one);
  const std::string safe = select(e, small, one, difference);
  const std::string large = e.node("IsInf", {e.x()});
  return select(e, e.node("Or", {small, large}), select(e, small, e.x(), log_u),
                multiply(e, log_u, divide(e, e.x(), safe)));
}

// eˣ − 1, accurate for small x too: with u = eˣ rounded, (u − 1) · x / ln u (Kahan); u − 1 where |x| ≥ 1.
template <class T>
std::string expm1_of(const Emit<T>& e) {
  const std::string one = e.scalar(1), u = e.node("Exp", {e.x()}), difference = subtract(e, u, one);
  const std::string small = e.node("Equal", {u, one});
  const std::string far = e.node("GreaterOrEqual", {e.node("Abs", {e.x()}), one});
  const std::string log_u = select(e, e.node("Or", {small, far}), one, e.node("Log", {u}));
  const std::string near = multiply(e, difference, divide(e, e.x(), log_u));
  return select(e, small, e.x(), select(e, far, difference, near));
}

// sign(x) · ⌊|x|⌋
template <class T>
std::string trunc_of(const Emit<T>& e) {
  return multiply(e, e.node("Sign", {e.x()}), e.node("Floor", {e.node("Abs", {e.x()})}));
}

// sign(x) · |x|^(1/3)
template <class T>
std::string cbrt_of(const Emit<T>& e) {
  const std::string root = e.node("Pow", {e.node("Abs", {e.x()}), e.scalar(1.0 / 3)});
  return multiply(e, e.node("Sign", {e.x()}), root);
}

// The angle of (b, a): arctan(a / b), corrected by ±π where b < 0, and ±π/2 where b = 0.
template <class T>
std::string atan2_of(const Emit<T>& e) {
  const std::string &a = e.x(0), &b = e.x(1), zero = e.scalar(0), pi = e.scalar(std::numbers::pi);
  const std::string on_axis = e.node("Equal", {b, zero});
  const std::string angle = e.node("Atan", {divide(e, a, select(e, on_axis, e.scalar(1), b))});
  const std::string below = e.node("Less", {a, zero});
  const std::string turned = add(e, angle, select(e, below, e.node("Neg", {pi}), pi));
  const std::string folded = select(e, e.node("Less", {b, zero}), turned, angle);
  return select(e, on_axis, multiply(e, e.node("Sign", {a}), e.scalar(std::numbers::pi / 2)), folded);
}

// The largest of |a| and |b| times √(1 + (smaller / larger)²), which does not overflow.
template <class T>
std::string hypot_of(const Emit<T>& e) {
  const std::string a = e.node("Abs", {e.x(0)}), b = e.node("Abs", {e.x(1)}), one = e.scalar(1);
  const std::string large = e.node("Max", {a, b}), small = e.node("Min", {a, b});
  const std::string both_zero = e.node("Equal", {large, e.scalar(0)});
  const std::string ratio = divide(e, small, select(e, both_zero, one, large));
  return multiply(e, large, e.node("Sqrt", {add(e, one, multiply(e, ratio, ratio))}));
}

template <class T>
std::string nan_to_num_of(const Emit<T>& e) {
  const auto infinite = [&](std::int64_t positive) {
    return e.node("IsInf", {e.x()}, {{"detect_positive", positive}, {"detect_negative", 1 - positive}});
  };
  const std::string finite =
      select(e, infinite(1), e.scalar(e.parameter(1)), select(e, infinite(0), e.scalar(e.parameter(2)), e.x()));
  return select(e, e.node("IsNaN", {e.x()}), e.scalar(e.parameter(0)), finite);
}

template <class T>
std::string sum_of_operands(const Emit<T>& e) {
  for (const auto merged : {gemm<T>, scattered_onto<T>})
    if (std::string y = merged(e); !y.empty()) return y;
  return same(e, "Add");
}

// a ≠ b as a mask. A conversion to bool is imported as x ≠ 0.
template <class T>
std::string not_equal_of(const Emit<T>& e) {
  if (stored_number(e, e.x(1)) == 0.0) return e.mask(e.boolean(e.x(0)));
  return e.mask(e.node("Not", {e.node("Equal", {e.x(0), e.x(1)})}));
}

// A function of β x, divided by β.
template <class T>
std::string softplus_of(const Emit<T>& e) {
  const double beta = e.parameter();
  if (beta == 1) return e.node("Softplus", {e.x()});
  const std::string scale = e.scalar(beta);
  return divide(e, e.node("Softplus", {multiply(e, e.x(), scale)}), scale);
}

// Φ(x) = (1 + erf(x / √2)) / 2
template <class T>
std::string normal_distribution(const Emit<T>& e) {
  const std::string erf = e.node("Erf", {divide(e, e.x(), e.scalar(std::numbers::sqrt2))});
  return multiply(e, add(e, erf, e.scalar(1)), e.scalar(0.5));
}

// Φ(x) + x Φ'(x), where |x| of the second term is limited, because 0 times an infinity would be NaN.
template <class T>
std::string gelu_slope_of(const Emit<T>& e) {
  const std::string c = e.node("Clip", {e.x(), e.scalar(-40), e.scalar(40)});
  const std::string density = e.node("Exp", {multiply(e, multiply(e, c, c), e.scalar(-0.5))});
  const std::string factor = multiply(e, c, e.scalar(std::numbers::inv_sqrtpi / std::numbers::sqrt2));
  return add(e, normal_distribution(e), multiply(e, factor, density));
}

// y (1 − y), and for x > 4, where that is inexact, σ(x) σ(−x).
template <class T>
std::string sigmoid_slope_of(const Emit<T>& e) {
  const std::string &x = e.x(0), &y = e.x(1);
  const std::string far = multiply(e, e.node("Sigmoid", {x}), e.node("Sigmoid", {e.node("Neg", {x})}));
  const std::string near = multiply(e, y, subtract(e, e.scalar(1), y));
  return select(e, e.node("Greater", {x, e.scalar(4)}), far, near);
}

// 1 − y², and for |x| > 2, where that is inexact, 4 σ(2x) σ(−2x).
template <class T>
std::string tanh_slope_of(const Emit<T>& e) {
  const std::string &x = e.x(0), &y = e.x(1), twice = add(e, x, x);
  const std::string product = multiply(e, e.node("Sigmoid", {twice}), e.node("Sigmoid", {e.node("Neg", {twice})}));
  const std::string near = subtract(e, e.scalar(1), multiply(e, y, y));
  return select(e, e.node("Greater", {e.node("Abs", {x}), e.scalar(2)}), multiply(e, product, e.scalar(4)), near);
}

// An activation with attributes, which are floats in ONNX: one that float cannot hold exactly is expanded in double.
template <class T>
std::string with(const Emit<T>& e, const char* onnx_op, const Attributes& attributes) {
  if constexpr (std::is_same_v<T, double>)
    for (const auto& [name, value] : attributes)
      if (const double number = std::get<double>(value); static_cast<double>(static_cast<float>(number)) != number)
        return {};
  return e.node(onnx_op, {e.x()}, attributes);
}

// An activation that is defined for floats, or that ONNX Runtime computes in float: expanded in double.
template <class T>
std::string in_float(const Emit<T>& e, const char* onnx_op, const Attributes& attributes) {
  return std::is_same_v<T, float> ? e.node(onnx_op, {e.x()}, attributes) : std::string();
}

// ONNX Runtime fuses x · σ(x) to an op that it does not have in double.
template <class T>
std::string silu_of(const Emit<T>& e) {
  if constexpr (std::is_same_v<T, float>) return multiply(e, e.x(), same(e, "Sigmoid"));
  return divide(e, e.x(), add(e, e.scalar(1), e.node("Exp", {e.node("Neg", {e.x()})})));
}

}  // namespace

template <class T>
std::span<const Mapping<T>> elementwise_mappings() {
  using E = const Emit<T>&;
  static constexpr Mapping<T> all[] = {
      // arithmetic
      {"add", "Add; Gemm for x·Wᵀ + b; ScatterElements or ScatterND", sum_of_operands<T>},
      {"subtract", "Sub", [](E e) { return same(e, "Sub"); }},
      {"multiply", "Mul", [](E e) { return same(e, "Mul"); }},
      {"divide", "Div", [](E e) { return same(e, "Div"); }},
      {"negate", "Neg", [](E e) { return same(e, "Neg"); }},
      {"add_scalar", "Add", [](E e) { return add(e, e.x(), scalar_parameter(e)); }},
      {"subtract_scalar", "Sub", [](E e) { return subtract(e, e.x(), scalar_parameter(e)); }},
      {"scalar_subtract", "Sub", [](E e) { return subtract(e, scalar_parameter(e), e.x()); }},
      {"multiply_scalar", "Mul", [](E e) { return multiply(e, e.x(), scalar_parameter(e)); }},
      {"divide_scalar", "Div", [](E e) { return divide(e, e.x(), scalar_parameter(e)); }},
      {"scalar_divide", "Div", [](E e) { return divide(e, scalar_parameter(e), e.x()); }},
      {"fmod", "Mod",
       [](E e) {
         return e.node("Mod", {e.x(0), e.x(1)}, {{"fmod", std::int64_t{1}}});
       }},
      {"maximum", "Max", [](E e) { return same(e, "Max"); }},
      {"minimum", "Min", [](E e) { return same(e, "Min"); }},
      {"pow", "Pow", [](E e) { return same(e, "Pow"); }},
      {"square", "Mul", [](E e) { return multiply(e, e.x(), e.x()); }},
      {"reciprocal", "Reciprocal", [](E e) { return same(e, "Reciprocal"); }},
      {"hypot", "Abs, Max, Min, Div, Sqrt, …", hypot_of<T>},
      // comparisons: masks are zeros and ones
      {"less", "Less, Cast", [](E e) { return compared(e, "Less"); }},
      {"less_equal", "LessOrEqual, Cast", [](E e) { return compared(e, "LessOrEqual"); }},
      {"greater", "Greater, Cast", [](E e) { return compared(e, "Greater"); }},
      {"greater_equal", "GreaterOrEqual, Cast", [](E e) { return compared(e, "GreaterOrEqual"); }},
      {"equal", "Equal, Cast", [](E e) { return compared(e, "Equal"); }},
      {"not_equal", "Equal, Not, Cast; Cast for x ≠ 0", not_equal_of<T>},
      {"logical_and", "And, Cast", [](E e) { return logical(e, "And"); }},
      {"logical_or", "Or, Cast", [](E e) { return logical(e, "Or"); }},
      {"logical_not", "Not, Cast", [](E e) { return e.mask(e.node("Not", {e.boolean(e.x())})); }},
      {"isnan", "IsNaN, Cast", [](E e) { return e.mask(e.node("IsNaN", {e.x()})); }},
      {"isfinite", "IsInf, IsNaN, Or, Not, Cast",
       [](E e) {
         return e.mask(e.node("Not", {e.node("Or", {e.node("IsInf", {e.x()}), e.node("IsNaN", {e.x()})})}));
       }},
      {"where", "Where", [](E e) { return select(e, e.boolean(e.x(0)), e.x(1), e.x(2)); }},
      {"masked_product", "Where, Mul",  // 0 where the slope is 0, whatever the cotangent
       [](E e) {
         const std::string zero = e.scalar(0);
         return select(e, e.node("Equal", {e.x(1), zero}), zero, multiply(e, e.x(0), e.x(1)));
       }},
      {"nan_to_num", "IsNaN, IsInf, Where", nan_to_num_of<T>},
      {"clip", "Clip",
       [](E e) {
         return e.node("Clip", {e.x(), e.scalar(e.parameter(0)), e.scalar(e.parameter(1))});
       }},
      {"clip_between", "Max, Min",
       [](E e) {
         return e.node("Min", {e.node("Max", {e.x(0), e.x(1)}), e.x(2)});
       }},
      // functions
      {"abs", "Abs", [](E e) { return same(e, "Abs"); }},
      {"sign", "Sign", [](E e) { return same(e, "Sign"); }},
      {"floor", "Floor", [](E e) { return same(e, "Floor"); }},
      {"ceil", "Ceil", [](E e) { return same(e, "Ceil"); }},
      {"round", "Round", [](E e) { return same(e, "Round"); }},
      {"trunc", "Abs, Floor, Sign, Mul", trunc_of<T>},
      {"exp", "Exp", [](E e) { return same(e, "Exp"); }},
      {"exp2", "Pow",
       [](E e) {
         return e.node("Pow", {e.scalar(2), e.x()});
       }},
      {"expm1", "Exp, Log, Where, …", expm1_of<T>},
      {"log", "Log", [](E e) { return same(e, "Log"); }},
      {"log2", "Log, Mul", [](E e) { return multiply(e, same(e, "Log"), e.scalar(std::numbers::log2e)); }},
      {"log10", "Log, Mul", [](E e) { return multiply(e, same(e, "Log"), e.scalar(std::numbers::log10e)); }},
      {"log1p", "Log, Where, …", log1p_of<T>},
      {"sqrt", "Sqrt", [](E e) { return same(e, "Sqrt"); }},
      {"rsqrt", "Sqrt, Reciprocal", [](E e) { return e.node("Reciprocal", {same(e, "Sqrt")}); }},
      {"cbrt", "Abs, Pow, Sign, Mul", cbrt_of<T>},
      {"sin", "Sin", [](E e) { return same(e, "Sin"); }},
      {"cos", "Cos", [](E e) { return same(e, "Cos"); }},
      {"tan", "Tan", [](E e) { return same(e, "Tan"); }},
      {"asin", "Asin", [](E e) { return same(e, "Asin"); }},
      {"acos", "Acos", [](E e) { return same(e, "Acos"); }},
      {"atan", "Atan", [](E e) { return same(e, "Atan"); }},
      {"atan2", "Div, Atan, Where, …", atan2_of<T>},
      {"sinh", "Sinh", [](E e) { return same(e, "Sinh"); }},
      {"cosh", "Cosh", [](E e) { return same(e, "Cosh"); }},
      {"tanh", "Tanh", [](E e) { return same(e, "Tanh"); }},
      {"asinh", "Asinh", [](E e) { return same(e, "Asinh"); }},
      {"acosh", "Acosh", [](E e) { return same(e, "Acosh"); }},
      {"atanh", "Atanh", [](E e) { return same(e, "Atanh"); }},
      {"erf", "Erf", [](E e) { return same(e, "Erf"); }},
      {"erfc", "Erf, Sub", [](E e) { return subtract(e, e.scalar(1), same(e, "Erf")); }},
      // activations
      {"relu", "Relu", [](E e) { return same(e, "Relu"); }},
      {"relu6", "Clip",
       [](E e) {
         return e.node("Clip", {e.x(), e.scalar(0), e.scalar(6)});
       }},
      {"sigmoid", "Sigmoid", [](E e) { return same(e, "Sigmoid"); }},
      {"softplus", "Softplus", softplus_of<T>},
      {"softplus_slope", "Sigmoid", [](E e) { return same(e, "Sigmoid"); }},
      {"sigmoid_slope", "Sigmoid, Mul, Where, …", sigmoid_slope_of<T>},
      {"tanh_slope", "Sigmoid, Mul, Where, …", tanh_slope_of<T>},
      {"tanh_with_operand", "Tanh", [](E e) { return same(e, "Tanh"); }},
      {"gelu", "Div, Erf, Add, Mul", [](E e) { return multiply(e, e.x(), normal_distribution(e)); }},
      {"gelu_slope", "Erf, Exp, Mul, Add, …", gelu_slope_of<T>},
      {"silu", "Sigmoid, Mul; Exp, Add, Div in double", silu_of<T>},
      {"log_sigmoid", "Neg, Softplus",
       [](E e) { return e.node("Neg", {e.node("Softplus", {e.node("Neg", {e.x()})})}); }},
      {"softsign", "Softsign", [](E e) { return same(e, "Softsign"); }},
      {"leaky_relu", "LeakyRelu",
       [](E e) {
         return with(e, "LeakyRelu", {{"alpha", e.parameter()}});
       }},
      {"elu", "Elu",
       [](E e) {
         return with(e, "Elu", {{"alpha", e.parameter()}});
       }},
      {"celu", "Celu; its formula in double",
       [](E e) {
         return in_float(e, "Celu", {{"alpha", e.parameter()}});
       }},
      {"prelu", "PRelu; its formula for slopes that broadcast x",
       [](E e) { return e.has_shape_of(0) ? same(e, "PRelu") : std::string(); }},
      {"selu", "Selu",
       [](E e) {
         return with(e, "Selu", {{"alpha", 1.6732632423543772}, {"gamma", 1.0507009873554805}});
       }},
      {"hard_sigmoid", "HardSigmoid",
       [](E e) {
         return with(e, "HardSigmoid", {{"alpha", 1.0 / 6}, {"beta", 0.5}});
       }},
      {"hard_tanh", "Clip",
       [](E e) {
         return e.node("Clip", {e.x(), e.scalar(-1), e.scalar(1)});
       }},
      {"hardshrink", "Shrink; its formula in double",
       [](E e) {
         return in_float(e, "Shrink", {{"lambd", e.parameter()}, {"bias", 0.0}});
       }},
      {"softshrink", "Shrink; its formula in double",
       [](E e) {
         return in_float(e, "Shrink", {{"lambd", e.parameter()}, {"bias", e.parameter()}});
       }},
  };
  return all;
}

template std::span<const Mapping<float>> elementwise_mappings<float>();
template std::span<const Mapping<double>> elementwise_mappings<double>();

}  // namespace wengert::onnx::detail
