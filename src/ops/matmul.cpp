#include "kernel/gemm.hpp"
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/structural.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace wengert {
namespace {

// Whether a product can read this matrix as it lies: one of its strides is 1 and the other at least a row's length.
bool readable(const Layout& x) {
  const auto rows = static_cast<std::ptrdiff_t>(x.shape[0]);
  const auto columns = static_cast<std::ptrdiff_t>(x.shape[1]);
  return (x.strides[1] == 1 && x.strides[0] >= columns) || (x.strides[0] == 1 && x.strides[1] >= rows);
}

struct Matmul {
  static constexpr std::string_view name = "matmul";
  static constexpr std::string_view notation = "A·B";
  static constexpr std::size_t arity = 2;
  static constexpr bool takes_strides = true;

  static Text text(const Text& a, const Text& b) { return Text::infix(a, "@", "\\,", b, Text::Binding::product); }
  Shape shape(const Shape& a, const Shape& b) const {
    if (a.rank() != 2 || b.rank() != 2)
      throw ShapeError(
          name, fmt::format("shapes {} and {}: both operands must be matrices or vectors", to_string(a), to_string(b)));
    if (a[1] != b[0])
      throw ShapeError(name, fmt::format("shapes {} and {}: inner sizes {} and {} differ{}", to_string(a), to_string(b),
                                         a[1], b[0], hint(a, b)));
    return {a[0], b[1]};
  }
  static std::string_view hint(const Shape& a, const Shape& b) {
    if (a[1] == b[1]) return "; did you mean transpose(b)?";
    if (a[0] == b[0]) return "; did you mean transpose(a)?";
    return a[0] == b[1] ? "; did you swap the operands?" : "";
  }
  template <class T>
  void forward(Value<const T> a, Value<const T> b, Value<T> c) const {
    kernel::gemm<T>(a.shape()[0], b.shape()[1], a.shape()[1], matrix(a), matrix(b), c.data);
  }
  template <class T>
  static kernel::Matrix<T> matrix(Value<const T> x) {
    const bool transposed = !x.layout->contiguous && x.layout->strides[1] != 1;
    const std::ptrdiff_t stride =
        x.layout->contiguous ? static_cast<std::ptrdiff_t>(x.shape()[1]) : x.layout->strides[transposed ? 1 : 0];
    return {x.data, static_cast<std::size_t>(std::max<std::ptrdiff_t>(stride, 1)), transposed};
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> a, Var<T> b) const {
    return std::tuple([=] { return matmul(g, transpose(b)); }, [=] { return matmul(transpose(a), g); });
  }
  static std::vector<StructuralExample<Matmul>> examples() {
    return {{{}, {{3, 4}, {4, 5}}},
            {{}, {{1, 4}, {4, 5}}},
            {{}, {{3, 4}, {4, 1}}},
            {{}, {{3, 1}, {1, 5}}},
            {{}, {{1, 1}, {1, 1}}}};
  }
};

}  // namespace

template <class T>
Var<T> matmul(Var<T> a, Var<T> b, Location where) {
  const bool row = a.rank() == 1;
  const bool column = b.rank() == 1;
  if (row && column && a.size() != b.size())
    throw ShapeError(Matmul::name,
                     fmt::format("shapes {} and {}: inner sizes {} and {} differ", to_string(a.shape()),
                                 to_string(b.shape()), a.size(), b.size()),
                     where);
  return atomically(a.tape(), where, [&] {
    if (row) a = reshape(a, {1, a.size()}, where);
    if (column) b = reshape(b, {b.size(), 1}, where);
    const auto as_matrix = [&](Var<T> x) {
      const Layout& layout = *x.tape().node(x, Matmul::name).layout;
      return layout.contiguous || layout.rank() != 2 || readable(layout) ? x : contiguous(x, where);
    };
    const Var<T> c = record(Matmul{}, where, as_matrix(a), as_matrix(b));
    if (!row && !column) return c;
    return reshape(c, row && column ? Shape{} : Shape{c.size()}, where);
  });
}

template Var<float> matmul(Var<float>, Var<float>, Location);
template Var<double> matmul(Var<double>, Var<double>, Location);

}  // namespace wengert
