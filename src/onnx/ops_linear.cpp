// ONNX's matrix products, determinants and triangles.
#include "onnx/call.hpp"
#include "onnx/operand.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <xtensor/xbuilder.hpp>

namespace wengert::onnx::detail {
namespace {

template <class T>
Outputs<T> einsum_of(const Call<T>& c) {
  const std::string equation = c.text("equation", "");
  std::vector<Var<T>> operands;
  for (std::size_t i = 0; i < c.size(); ++i) operands.push_back(c.x(i));
  return einsum(Subscripts(equation, c.where), operands);
}

template <class T>
Outputs<T> eye_like_of(const Call<T>& c) {
  const Shape shape = c.shape(0);
  if (shape.rank() != 2) c.fail("input 0 of shape " + to_string(shape) + ": expected a matrix");
  const auto diagonal = static_cast<std::ptrdiff_t>(c.integer("k", 0));
  const auto type = static_cast<ElementType>(c.integer("dtype", static_cast<std::int64_t>(c.type(0))));
  if (!is_floating(type) && !is_integral(type))
    c.fail("attribute dtype = " + std::to_string(static_cast<int>(type)) + ": expected a type of numbers");
  const Var<T> ones = c.tape.constant(xt::ones<T>(xt::dynamic_shape<std::size_t>(shape)), c.where);
  return Value<T>(triu(tril(ones, diagonal, c.where), diagonal, c.where), type);
}

template <class T>
Outputs<T> gemm_of(const Call<T>& c) {
  const auto matrix = [&](std::size_t i, const char* transposed) {
    if (c.rank(i) != 2)
      c.fail("input " + std::to_string(i) + " of shape " + to_string(c.shape(i)) + ": expected a matrix");
    return c.integer(transposed, 0) != 0 ? transpose(c.x(i), {}, c.where) : c.x(i);
  };
  const auto scaled = [&](Var<T> x, double factor) { return factor == 1 ? x : multiply(at(c, x), at(c, factor)); };
  const Var<T> product = matmul(matrix(0, "transA"), matrix(1, "transB"), c.where);
  const Var<T> y = scaled(product, c.number("alpha", 1));
  if (!c.has(2)) return y;
  return add(at(c, y), at(c, scaled(c.x(2), c.number("beta", 1))));
}

template <class T>
Outputs<T> trilu_of(const Call<T>& c) {
  const std::ptrdiff_t diagonal = c.has(1) ? c.integer(1) : 0;
  return c.integer("upper", 1) != 0 ? triu(c.x(0), diagonal, c.where) : tril(c.x(0), diagonal, c.where);
}

}  // namespace

template <class T>
std::span<const Entry<T>> linear_entries() {
  using C = const Call<T>&;
  using Y = Outputs<T>;
  static constexpr Entry<T> entries[] = {
      {"Det", [](C c) -> Y { return det(c.x(0), c.where); }},
      {"Einsum", einsum_of<T>},
      {"EyeLike", eye_like_of<T>},
      {"Gemm", gemm_of<T>},
      {"MatMul", [](C c) -> Y { return matmul(c.x(0), c.x(1), c.where); }},
      {"Trilu", trilu_of<T>},
  };
  return entries;
}

template std::span<const Entry<float>> linear_entries<float>();
template std::span<const Entry<double>> linear_entries<double>();

}  // namespace wengert::onnx::detail
