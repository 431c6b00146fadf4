// solve, inv and triangular_solve. Derivatives: Giles 2008, "Collected matrix derivative results", section 2.
#include "kernel/lapack.hpp"
#include "ops/attributes/linalg.hpp"
#include "ops/matrices.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/tape/structural.hpp>

#include <fmt/format.h>

namespace wengert {
namespace {

using namespace detail;

// The shape of A⁻¹·B; the leading axes broadcast.
Shape shape_of_solution(std::string_view name, const Shape& a, const Shape& b) {
  require_square(name, a);
  require_matrices(name, b);
  if (rows_of(b) != rows_of(a))
    throw ShapeError(name,
                     fmt::format("shapes {} and {}: the matrix has {} rows, the right-hand side {}{}", to_string(a),
                                 to_string(b), rows_of(a), rows_of(b),
                                 columns_of(b) == rows_of(a)
                                     ? "; a right-hand side has the shape (…, n, k); only one of rank 1 is a vector"
                                     : ""));
  const std::optional<Shape> batch = broadcast_shapes(leading(a), leading(b));
  if (!batch)
    throw ShapeError(name, fmt::format("shapes {} and {}: the leading axes {} and {} do not broadcast", to_string(a),
                                       to_string(b), to_string(leading(a)), to_string(leading(b))));
  return with_axes(*batch, {rows_of(b), columns_of(b)});
}

[[noreturn]] void refuse_singular(std::string_view name, const Shape& batch, std::size_t entry, std::size_t pivot,
                                  std::size_t n) {
  throw ValueError(name, fmt::format("{} is singular: pivot {} of {} is zero", matrix_at(batch, entry), pivot + 1, n));
}

// ---- inv -----------------------------------------------------------------------------------------------------------

struct Inv {
  static constexpr std::string_view name = "inv";
  static constexpr std::string_view notation = "A⁻¹";
  static constexpr std::string_view convention = "a singular matrix throws ValueError";
  static constexpr std::size_t arity = 1;
  static constexpr bool takes_strides = true;

  Shape shape(const Shape& a) const {
    require_square(name, a);
    return a;
  }
  template <class T>
  void forward(Value<const T> a, Value<T> y) const {
    const std::size_t n = rows_of(a.shape());
    const Shape batch = leading(a.shape());
    Entries<T> entries(a, batch);
    kernel::LapackScratch<T> scratch;
    std::vector<int> pivots(n);
    for (std::size_t e = 0; e * n * n < y.size(); ++e, entries.next()) {
      const std::span<T> inverse(y.data + e * n * n, n * n);
      entries.copy_to(inverse.data());
      if (const std::size_t pivot = kernel::lu<T>(inverse, n, pivots); pivot < n)
        refuse_singular(name, batch, e, pivot, n);
      kernel::lu_invert<T>(inverse, pivots, n, scratch);
    }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T>) const {
    const Var<T> yt = transposed(y);
    return -matmul(matmul(yt, g), yt);
  }
  static std::vector<StructuralExample<Inv>> examples() {
    const auto example = [](const Shape& shape) {
      return StructuralExample<Inv>{.op = {}, .shapes = {shape}, .prepare = dominant_diagonal};
    };
    return {example({3, 3}), example({1, 1}), example({2, 2, 2})};
  }
};

// ---- solve ---------------------------------------------------------------------------------------------------------

struct Solve {
  static constexpr std::string_view name = "solve";
  static constexpr std::string_view notation = "X with A·X = B";
  static constexpr std::string_view convention =
      "only a right-hand side of rank 1 is a vector (NumPy 2's rule); a singular matrix throws ValueError";
  static constexpr std::size_t arity = 2;
  static constexpr bool takes_strides = true;

  Shape shape(const Shape& a, const Shape& b) const { return shape_of_solution(name, a, b); }
  template <class T>
  void forward(Value<const T> a, Value<const T> b, Value<T> x) const {
    const std::size_t n = rows_of(a.shape()), m = columns_of(b.shape());
    const Shape batch = leading(x.shape());
    Entries<T> matrices(a, batch), sides(b, batch);
    std::vector<T> factors(n * n), rows(n * m);
    std::vector<int> pivots(n);
    const T* factored = nullptr;
    for (std::size_t e = 0; e * n * m < x.size(); ++e, matrices.next(), sides.next()) {
      if (factored != matrices.data()) {  // a repeated matrix is factored once
        matrices.copy_to(factors.data());
        if (const std::size_t pivot = kernel::lu<T>(factors, n, pivots); pivot < n)
          refuse_singular(name, batch, e, pivot, n);
        factored = matrices.data();
      }
      sides.copy_transposed_to(rows.data());
      kernel::lu_solve<T>(factors, pivots, n, rows);
      T* to = x.data + e * n * m;
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < m; ++j) *to++ = rows[j * n + i];
    }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T> x, Var<T> a, Var<T> b) const {
    const Var<T> of_b = solve(transposed(a), g);
    return std::tuple([=] { return sum_to(-matmul(of_b, transposed(x)), a.shape()); },
                      [=] { return sum_to(of_b, b.shape()); });
  }
  static std::vector<StructuralExample<Solve>> examples() {
    const auto example = [](const Shape& a, const Shape& b) {
      return StructuralExample<Solve>{.op = {}, .shapes = {a, b}, .prepare = dominant_diagonal};
    };
    return {example({3, 3}, {3, 2}), example({2, 2, 2}, {2, 2, 1}), example({2, 2}, {3, 2, 1}),
            example({2, 1, 2, 2}, {3, 2, 1})};
  }
};

// ---- triangular_solve ----------------------------------------------------------------------------------------------

struct TriangularSolve : attributes::TriangularSolve {
  static constexpr std::string_view name = "triangular_solve";
  static constexpr std::string_view notation = "X with A·X = B, A triangular";
  static constexpr std::string_view convention =
      "the other triangle of A is not read and has no gradient; a zero on the diagonal throws ValueError";
  static constexpr std::size_t arity = 2;
  static constexpr bool any_extents = true;
  static constexpr bool takes_strides = true;

  Shape shape(const Shape& a, const Shape& b) const { return shape_of_solution(name, a, b); }
  template <class T>
  void forward(Value<const T> a, Value<const T> b, Value<T> x) const {
    const std::size_t n = rows_of(a.shape()), m = columns_of(b.shape());
    const Shape batch = leading(x.shape());
    const auto as_it_lies = readable(a.data, *a.layout);
    Entries<T> matrices(a, batch), sides(b, batch);
    std::vector<T> copy(as_it_lies ? 0 : n * n);
    for (std::size_t e = 0; e * n * m < x.size(); ++e, matrices.next(), sides.next()) {
      kernel::Matrix<T> matrix{copy.data(), n, false};
      if (as_it_lies)
        matrix = {matrices.data(), as_it_lies->stride, as_it_lies->transposed};
      else
        matrices.copy_to(copy.data());
      if (unit == UnitDiagonal::no)
        for (std::size_t i = 0; i < n; ++i)
          if (matrix.data[i * (matrix.stride + 1)] == 0) refuse_singular(name, batch, e, i, n);
      T* to = x.data + e * n * m;
      sides.copy_to(to);
      kernel::solve_triangular<T>(matrix, triangle == Triangle::upper, unit == UnitDiagonal::yes, n, m, to);
    }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T> x, Var<T> a, Var<T> b) const {
    const Var<T> of_b =
        triangular_solve(transposed(a), g, triangle == Triangle::lower ? Triangle::upper : Triangle::lower, unit);
    const double lower = triangle == Triangle::lower ? 1 : 0, diagonal = unit == UnitDiagonal::yes ? 0 : 1;
    return std::tuple(
        [=] { return weigh_triangles(sum_to(-matmul(of_b, transposed(x)), a.shape()), lower, diagonal, 1 - lower); },
        [=] { return sum_to(of_b, b.shape()); });
  }
  static std::vector<StructuralExample<TriangularSolve>> examples() {
    const auto example = [](Triangle half, UnitDiagonal ones, const Shape& a, const Shape& b) {
      return StructuralExample<TriangularSolve>{.op = {half, ones}, .shapes = {a, b}, .prepare = dominant_diagonal};
    };
    return {example(Triangle::lower, UnitDiagonal::no, {3, 3}, {3, 2}),
            example(Triangle::upper, UnitDiagonal::no, {3, 3}, {2, 3, 1}),
            example(Triangle::lower, UnitDiagonal::yes, {2, 3, 3}, {3, 1}),
            example(Triangle::upper, UnitDiagonal::yes, {3, 3}, {3, 2})};
  }
};

// A right-hand side of rank 1 is treated as a matrix of one column, whose axis is dropped from the result.
template <class S, class T>
Var<T> solve_with(const S& op, Var<T> a, Var<T> b, const Location& where) {
  return atomically(tape_of(S::name, where, a, b), where, [&] {
    if (b.rank() != 1) return record(op, where, a, b);
    const Var<T> x = record(op, where, a, reshape(b, {b.size(), 1}, where));
    const Shape shape = x.shape();
    return reshape(x, Shape(std::span(shape.begin(), shape.rank() - 1)), where);
  });
}

}  // namespace

template <class T>
Var<T> inv(Var<T> a, Location where) {
  return record(Inv{}, where, a);
}

template <class T>
Var<T> solve(Var<T> a, Var<T> b, Location where) {
  return solve_with(Solve{}, a, b, where);
}

template <class T>
Var<T> triangular_solve(Var<T> a, Var<T> b, Triangle triangle, UnitDiagonal unit, Location where) {
  return solve_with(TriangularSolve{{triangle, unit}}, a, b, where);
}

#define WENGERT_INSTANTIATE(T)                     \
  template Var<T> inv(Var<T>, Location);           \
  template Var<T> solve(Var<T>, Var<T>, Location); \
  template Var<T> triangular_solve(Var<T>, Var<T>, Triangle, UnitDiagonal, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
