// matmul: stacked matrix products with broadcasting; transposed and strided operands are read in place where possible.
#include "base/odometer.hpp"
#include "kernel/gemm_packed.hpp"
#include "ops/linear_ops.hpp"
#include "ops/matrices.hpp"
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>
#include <cstring>
#include <optional>

#include <fmt/format.h>

namespace wengert {
namespace {

using detail::batch_layout;
using detail::leading;
using detail::readable;

struct Matmul {
  static constexpr std::string_view name = "matmul";
  static constexpr std::string_view notation = "A·B";
  static constexpr std::size_t arity = 2;
  static constexpr bool takes_strides = true;
  static constexpr bool accumulates = true;

  static Text text(const Text& a, const Text& b) { return Text::infix(a, "@", "\\,", b, Text::Binding::product); }
  Shape shape(const Shape& a, const Shape& b) const {
    const std::size_t inner_a = a.back(), inner_b = b[b.rank() - 2];
    if (inner_a != inner_b)
      throw ShapeError(name, fmt::format("shapes {} and {}: inner sizes {} and {} differ{}", to_string(a), to_string(b),
                                         inner_a, inner_b, hint(a, b)));
    std::optional<Shape> result = broadcast_shapes(leading(a), leading(b));
    if (!result)
      throw ShapeError(name, fmt::format("shapes {} and {}: the leading axes {} and {} do not broadcast", to_string(a),
                                         to_string(b), to_string(leading(a)), to_string(leading(b))));
    result->push_back(a[a.rank() - 2]);
    result->push_back(b.back());
    return *result;
  }
  double flops(const Shape& a, const Shape& b) const {
    return 2.0 * static_cast<double>(shape(a, b).elements()) * static_cast<double>(a.back());
  }
  static std::string_view hint(const Shape& a, const Shape& b) {
    const std::size_t rows_a = a[a.rank() - 2], rows_b = b[b.rank() - 2];
    const bool matrices = a.rank() == 2 && b.rank() == 2;
    if (a.back() == b.back()) return matrices ? "; did you mean transpose(b)?" : "; did you mean swapaxes(b, -2, -1)?";
    if (rows_a == rows_b) return matrices ? "; did you mean transpose(a)?" : "; did you mean swapaxes(a, -2, -1)?";
    return rows_a == b.back() ? "; did you swap the operands?" : "";
  }
  // Copies an operand whose matrices gemm cannot read in place; `matmul` makes such operands contiguous beforehand.
  template <class T>
  static Value<const T> as_matrices(Value<const T> x, std::vector<T>& copy, Layout& layout) {
    if (readable(x.data, *x.layout)) return x;
    copy.resize(x.size());
    copy_elements(x, copy.data());
    layout = contiguous_layout(x.shape());
    return {copy.data(), &layout};
  }
  // C = alpha·A·B + beta·C.
  template <class T>
  void forward(Value<const T> a, Value<const T> b, Value<T> c, T alpha = 1, T beta = 0) const {
    const std::size_t m = c.shape()[c.shape().rank() - 2], n = c.shape().back(), k = a.shape().back();
    if (c.size() == 0) return;
    if (k == 0) {
      for (T& element : c.span()) element = beta == 0 ? T(0) : beta * element;
      return;
    }
    std::vector<T> copy_a, copy_b;
    Layout layout_a, layout_b;
    a = as_matrices(a, copy_a, layout_a);
    b = as_matrices(b, copy_b, layout_b);
    const auto left = *readable(a.data, *a.layout), right = *readable(b.data, *b.layout);
    if (c.shape().rank() == 2) return kernel::gemm<T>(m, n, k, left, right, c.data, alpha, beta);
    const Shape batch = leading(c.shape());
    const Layout over_a = batch_layout(*a.layout, batch), over_b = batch_layout(*b.layout, batch);
    const Layout* const layouts[] = {&over_a, &over_b};
    const Loops loops = merge_loops(layouts);
    const std::size_t inner = loops.rank - 1, count = loops.extents[inner];
    T* to = c.data;
    std::ptrdiff_t at_a = 0, at_b = 0;
    const auto move = [&](std::size_t loop, std::ptrdiff_t steps) {
      at_a += steps * loops.strides[0][loop];
      at_b += steps * loops.strides[1][loop];
    };
    for (Odometer outer(loops.outer(1)); !outer.done(); outer.next(move), to += count * m * n) {
      const kernel::Batch<T> these{{a.data + at_a, left.stride, left.transposed}, loops.strides[0][inner]};
      const kernel::Batch<T> those{{b.data + at_b, right.stride, right.transposed}, loops.strides[1][inner]};
      if (alpha == 1 && beta == 0)
        kernel::gemm_batch<T>(count, m, n, k, these, those, to);
      else
        for (std::size_t e = 0; e < count; ++e)
          kernel::gemm<T>(m, n, k, these.entry(e), those.entry(e), to + e * m * n, alpha, beta);
    }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> a, Var<T> b) const {
    return std::tuple([=] { return sum_to(matmul(g, swapaxes(b, -2, -1)), a.shape()); },
                      [=] { return sum_to(matmul(swapaxes(a, -2, -1), g), b.shape()); });
  }
  static std::vector<StructuralExample<Matmul>> examples() {
    return {{{}, {{3, 4}, {4, 5}}},          {{}, {{1, 4}, {4, 5}}},    {{}, {{3, 4}, {4, 1}}},
            {{}, {{3, 1}, {1, 5}}},          {{}, {{1, 1}, {1, 1}}},    {{}, {{2, 3, 4}, {2, 4, 2}}},
            {{}, {{2, 1, 2, 3}, {3, 3, 2}}}, {{}, {{2, 3}, {2, 3, 2}}}, {{}, {{2, 2, 3}, {1, 3, 2}}}};
  }
};

// A·B of matrices, where B is constant and packed: the attributes are its number of columns.
template <class T>
void packed_matmul(const void*, std::span<const Value<const T>> inputs, Value<T> c) {
  const Shape shape = inputs[0].shape();
  std::vector<T> copy;
  Layout layout;
  Value<const T> a = inputs[0];
  if (const auto matrix = readable(a.data, *a.layout); !matrix || matrix->transposed) {
    copy.resize(a.size());
    copy_elements(a, copy.data());
    layout = contiguous_layout(shape);
    a = {copy.data(), &layout};
  }
  kernel::gemm_packed<T>(shape[0], c.shape()[1], shape[1], a.data, readable(a.data, *a.layout)->stride, inputs[1].data,
                         c.data);
}
template <class T>
constexpr Op<T> packed_matmul_op{.name = "packed_matmul",
                                 .forward = packed_matmul<T>,
                                 .takes_strides = true,
                                 .attribute_bytes = sizeof(std::size_t),
                                 .flops = [](const void* columns, std::span<const Shape* const> inputs) {
                                   return 2.0 * static_cast<double>(inputs[0]->elements()) *
                                          static_cast<double>(*static_cast<const std::size_t*>(columns));
                                 }};

template <class T>
std::optional<PreparedOp<T>> pack_weight(const void*, const Shape& x, const Shape& y, Value<const T> weight) {
  if (x.rank() != 2 || weight.shape().rank() != 2) return std::nullopt;
  const auto b = readable(weight.data, *weight.layout);
  const std::size_t m = x[0], k = x[1], n = y[1];
  if (!b || !kernel::packing_pays<T>(m, n, k, *b)) return std::nullopt;
  PreparedOp<T> prepared{.op = &packed_matmul_op<T>};
  prepared.attributes.resize(sizeof n);
  std::memcpy(prepared.attributes.data(), &n, sizeof n);
  prepared.weight.resize(kernel::packed_size<T>(k, n));
  kernel::pack<T>(k, n, *b, prepared.weight.data());
  return prepared;
}

template <class T>
bool enter_matmul() {
  return LinearOps<T>::enter({&StructuralTable<T, Matmul>::table, -1, -1, pack_weight<T>});
}
[[maybe_unused]] const bool matmul_entered = enter_matmul<float>() && enter_matmul<double>();

// If there is a single matrix on the right, all rows of the stack on the left form one product, in the gradient too.
template <class T>
Var<T> product(Var<T> a, Var<T> b, const Location& where) {
  const Shape from_a = a.shape(), from_b = b.shape();
  const bool one_right = from_a.rank() > 2 && from_a.rank() >= from_b.rank() && leading(from_b).elements() == 1 &&
                         from_a.back() == from_b[from_b.rank() - 2];
  if (one_right) {
    const Shape rows = Shape(std::span(from_a.begin(), from_a.rank() - 1));
    a = reshape(a, {rows.elements(), from_a.back()}, where);
    if (from_b.rank() > 2) b = reshape(b, {from_b[from_b.rank() - 2], from_b.back()}, where);
  }
  const auto as_it_can_be_read = [&](Var<T> x) {
    const Layout& layout = *x.tape().node(x, Matmul::name).layout;
    return readable<T>(nullptr, layout) ? x : contiguous(x, where);
  };
  const Var<T> c = record(Matmul{}, where, as_it_can_be_read(a), as_it_can_be_read(b));
  if (!one_right) return c;
  Shape result = from_a;
  result[result.rank() - 1] = from_b.back();
  return reshape(c, result, where);
}

}  // namespace

template <class T>
Var<T> matmul(Var<T> a, Var<T> b, Location where) {
  return atomically(detail::tape_of(Matmul::name, where, a, b), where, [&] {
    const Shape from_a = a.shape(), from_b = b.shape();
    if (from_a.rank() == 0 || from_b.rank() == 0)
      throw ShapeError(
          Matmul::name,
          fmt::format(
              "shapes {} and {}: both operands must be matrices or vectors, or stacks of matrices; use * for a scalar",
              to_string(from_a), to_string(from_b)));
    const bool row = from_a.rank() == 1, column = from_b.rank() == 1;
    if ((row || column) && from_a.back() != from_b[column ? 0 : from_b.rank() - 2])
      throw ShapeError(Matmul::name,
                       fmt::format("shapes {} and {}: inner sizes {} and {} differ", to_string(from_a),
                                   to_string(from_b), from_a.back(), from_b[column ? 0 : from_b.rank() - 2]));
    const Var<T> c =
        product(row ? reshape(a, {1, from_a[0]}, where) : a, column ? reshape(b, {from_b[0], 1}, where) : b, where);
    if (!row && !column) return c;
    Shape result = leading(c.shape());  // a vector's axis is dropped
    if (!row) result.push_back(from_a[from_a.rank() - 2]);
    if (!column) result.push_back(from_b.back());
    return reshape(c, result, where);
  });
}

template Var<float> matmul(Var<float>, Var<float>, Location);
template Var<double> matmul(Var<double>, Var<double>, Location);

}  // namespace wengert
