// cholesky, qr, eigh and svd. qr, eigh and svd are one node each, whose value holds all factors one after another.
#include "kernel/lapack.hpp"
#include "ops/matrices.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/tape/structural.hpp>

#include <cmath>

#include <fmt/format.h>

namespace wengert {
namespace {

using namespace detail;

// Vectors along the last axis as rows, or as columns, to broadcast against matrices.
template <class T>
Var<T> as_row(Var<T> x) {
  const Shape s = x.shape();
  return reshape(x, with_axes(Shape(std::span(s.begin(), s.rank() - 1)), {1, s.back()}));
}
template <class T>
Var<T> as_column(Var<T> x) {
  return reshape(x, with_axes(x.shape(), {1}));
}

// LAPACK's iterations cannot handle NaNs and infinities.
template <class T>
void require_finite(std::string_view name, std::span<const T> a, const Shape& batch, std::size_t entry) {
  for (const T element : a)
    if (!std::isfinite(element))
      throw ValueError(name,
                       fmt::format("{} contains {}: all elements must be finite", matrix_at(batch, entry), element));
}
[[noreturn]] void refuse_unconverged(std::string_view name, const Shape& batch, std::size_t entry) {
  throw ValueError(name, fmt::format("{}: the iteration did not converge", matrix_at(batch, entry)));
}

// ---- cholesky ------------------------------------------------------------------------------------------------------

struct Cholesky {
  static constexpr std::string_view name = "cholesky";
  static constexpr std::string_view notation = "L with A = L·Lᵀ";
  static constexpr std::string_view convention = "the lower triangle is read; the gradient is symmetric";
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
    for (std::size_t e = 0; e * n * n < y.size(); ++e, entries.next()) {
      const std::span<T> factor(y.data + e * n * n, n * n);
      entries.copy_to(factor.data());
      if (const std::size_t minor = kernel::cholesky<T>(factor, n); minor > 0)
        throw ValueError(name, fmt::format("{} is not positive definite: its leading minor of order {} is not positive",
                                           matrix_at(batch, e), minor));
    }
  }
  // Seeger et al. 2017, "Auto-differentiating linear algebra": L⁻ᵀ · sym(Φ(Lᵀ·g)) · L⁻¹, where Φ takes the lower
  // triangle with half the diagonal.
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T>) const {
    const Var<T> yt = transposed(y);
    const Var<T> phi = weigh_triangles(matmul(yt, g), 1, 0.5, 0);
    const Var<T> left = triangular_solve(yt, (phi + transposed(phi)) * 0.5, Triangle::upper);
    return triangular_solve(yt, transposed(left), Triangle::upper);
  }
  static std::vector<StructuralExample<Cholesky>> examples() {
    const auto example = [](const Shape& shape) {
      return StructuralExample<Cholesky>{.op = {}, .shapes = {shape}, .prepare = positive_definite};
    };
    return {example({3, 3}), example({1, 1}), example({2, 2, 2})};
  }
};

// ---- qr ------------------------------------------------------------------------------------------------------------

// Packed: q, then r.
struct PackedQr {
  static constexpr std::string_view name = "qr";
  static constexpr std::string_view notation = "Q, R with A = Q·R";
  static constexpr std::string_view convention =
      "reduced; the diagonal of R has LAPACK's signs; the gradient needs independent (leading) columns";
  static constexpr std::size_t arity = 1;
  static constexpr bool takes_strides = true;

  static Place q(const Shape& a) { return Place::matrix(0, rows_of(a), std::min(rows_of(a), columns_of(a))); }
  static Place r(const Shape& a) {
    const std::size_t k = std::min(rows_of(a), columns_of(a));
    return Place::matrix(rows_of(a) * k, k, columns_of(a));
  }
  Shape shape(const Shape& a) const {
    require_matrices(name, a);
    const std::size_t m = rows_of(a), n = columns_of(a), k = std::min(m, n);
    return with_axes(leading(a), {m * k + k * n});
  }
  template <class T>
  void forward(Value<const T> a, Value<T> y) const {
    const std::size_t m = rows_of(a.shape()), n = columns_of(a.shape());
    Entries<T> entries(a, leading(a.shape()));
    kernel::LapackScratch<T> scratch;
    std::vector<T> copy(m * n);
    for (T* to = y.data; to != y.data + y.size(); to += y.shape().back(), entries.next()) {
      entries.copy_to(copy.data());
      kernel::qr<T>(copy, m, n, to, to + r(a.shape()).offset, scratch);
    }
  }
  // Walter & Lehmann 2018, "Algorithmic differentiation of linear algebra functions", for independent columns:
  // (gQ + Q · sym₂(R·gRᵀ − gQᵀ·Q)) · R⁻ᵀ, where sym₂ mirrors the lower triangle.
  template <class T>
  static Var<T> tall(Var<T> gq, Var<T> gr, Var<T> q, Var<T> r) {
    const Var<T> lower = weigh_triangles(matmul(r, transposed(gr)) - matmul(transposed(gq), q), 1, 0.5, 0);
    const Var<T> b = gq + matmul(q, lower + transposed(lower));
    return transposed(triangular_solve(r, transposed(b), Triangle::upper));
  }
  // A wide matrix [X Y] has R = [U V] with X = Q·U and V = Qᵀ·Y: Roberts & Roberts 2020, "QR and LQ decomposition
  // matrix backpropagation algorithms".
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T> a) const {
    const Shape s = a.shape();
    const std::size_t m = rows_of(s), n = columns_of(s);
    const Var<T> gq = unpack(g, q(s)), q_part = unpack(y, q(s));
    if (m >= n) return tall(gq, unpack(g, r(s)), q_part, unpack(y, r(s)));
    const std::size_t r_begin = r(s).offset;
    const Place u = Place::matrix(r_begin, m, m, n), v = Place::matrix(r_begin + m, m, n - m, n);
    const Place left = Place::matrix(0, m, m, n), right = Place::matrix(m, m, n - m, n);
    const Var<T> gv = unpack(g, v);
    const Var<T> y_part = unpack(reshape(a, with_axes(leading(s), {m * n})), right);
    const Var<T> of_x = tall(gq + matmul(y_part, transposed(gv)), unpack(g, u), q_part, unpack(y, u));
    return reshape(pack(of_x, left, m * n) + pack(matmul(q_part, gv), right, m * n), s);
  }
  static std::vector<StructuralExample<PackedQr>> examples() {
    const auto example = [](const Shape& shape) {
      return StructuralExample<PackedQr>{.op = {}, .shapes = {shape}, .prepare = dominant_diagonal};
    };
    return {example({3, 3}), example({4, 2}), example({2, 3}), example({2, 3, 2})};
  }
};

// ---- eigh ----------------------------------------------------------------------------------------------------------

// Packed: the eigenvalues, then the matrix of eigenvectors.
struct PackedEigh {
  static constexpr std::string_view name = "eigh";
  static constexpr std::string_view notation = "w, V with A·V = V·diag(w), A symmetric";
  static constexpr std::string_view convention =
      "the lower triangle is read; the gradient is symmetric; that of eigenvectors of a repeated eigenvalue is not "
      "finite";
  static constexpr std::size_t arity = 1;
  static constexpr bool takes_strides = true;

  static Place values(const Shape& a) { return Place::vector(0, rows_of(a)); }
  static Place vectors(const Shape& a) { return Place::matrix(rows_of(a), rows_of(a), rows_of(a)); }

  Shape shape(const Shape& a) const {
    require_square(name, a);
    return with_axes(leading(a), {rows_of(a) * (rows_of(a) + 1)});
  }
  template <class T>
  void forward(Value<const T> a, Value<T> y) const {
    const std::size_t n = rows_of(a.shape());
    const Shape batch = leading(a.shape());
    Entries<T> entries(a, batch);
    kernel::LapackScratch<T> scratch;
    std::vector<T> rows(n * n);
    for (std::size_t e = 0; e * n * (n + 1) < y.size(); ++e, entries.next()) {
      T* to = y.data + e * n * (n + 1);
      entries.copy_to(rows.data());
      for (std::size_t i = 0; i < n; ++i)  // mirrors the lower triangle: the upper one may hold anything, even a NaN
        for (std::size_t j = i + 1; j < n; ++j) rows[i * n + j] = rows[j * n + i];
      require_finite<T>(name, rows, batch, e);
      if (!kernel::symmetric_eigen<T>(rows, n, {to, n}, scratch)) refuse_unconverged(name, batch, e);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) to[n + i * n + j] = rows[j * n + i];
    }
  }
  // Giles 2008, section 3.1: V · (diag(gw) + skew(Vᵀ·gV) / E) · Vᵀ with Eᵢⱼ = wⱼ − wᵢ.
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T> a) const {
    const Shape s = a.shape();
    const Var<T> w = unpack(y, values(s)), v = unpack(y, vectors(s));
    const Var<T> turned = matmul(transposed(v), unpack(g, vectors(s)));
    const Var<T> middle = quotient_or_zero((turned - transposed(turned)) * 0.5, as_row(w) - as_column(w)) +
                          as_diagonal(unpack(g, values(s)));
    return matmul(matmul(v, middle), transposed(v));
  }
  static std::vector<StructuralExample<PackedEigh>> examples() {
    const auto example = [](const Shape& shape) {
      return StructuralExample<PackedEigh>{.op = {}, .shapes = {shape}, .prepare = symmetric_separated};
    };
    return {example({3, 3}), example({1, 1}), example({2, 2, 2})};
  }
};

// ---- svd -----------------------------------------------------------------------------------------------------------

// Packed: u, s, vh.
struct PackedSvd {
  static constexpr std::string_view name = "svd";
  static constexpr std::string_view notation = "U, s, Vᵀ with A = U·diag(s)·Vᵀ";
  static constexpr std::string_view convention =
      "reduced; the gradient of singular vectors of a repeated or zero singular value is not finite";
  static constexpr std::size_t arity = 1;
  static constexpr bool takes_strides = true;

  static std::size_t smaller(const Shape& a) { return std::min(rows_of(a), columns_of(a)); }
  static Place u(const Shape& a) { return Place::matrix(0, rows_of(a), smaller(a)); }
  static Place values(const Shape& a) { return Place::vector(rows_of(a) * smaller(a), smaller(a)); }
  static Place vh(const Shape& a) { return Place::matrix((rows_of(a) + 1) * smaller(a), smaller(a), columns_of(a)); }

  Shape shape(const Shape& a) const {
    require_matrices(name, a);
    return with_axes(leading(a), {(rows_of(a) + 1 + columns_of(a)) * smaller(a)});
  }
  template <class T>
  void forward(Value<const T> a, Value<T> y) const {
    const Shape s = a.shape(), batch = leading(s);
    const std::size_t m = rows_of(s), n = columns_of(s), packed = y.shape().back();
    Entries<T> entries(a, batch);
    kernel::LapackScratch<T> scratch;
    std::vector<T> copy(m * n);
    for (std::size_t e = 0; e * packed < y.size(); ++e, entries.next()) {
      T* to = y.data + e * packed;
      entries.copy_to(copy.data());
      require_finite<T>(name, copy, batch, e);
      if (!kernel::svd<T>(copy, m, n, to, to + values(s).offset, to + vh(s).offset, scratch))
        refuse_unconverged(name, batch, e);
    }
  }
  // Giles 2008, section 3.2, and Seeger et al. 2017, with E = sⱼ² − sᵢ²:
  //   U · (skew₂(Uᵀ·gU)/E · S + S · skew₂(Vᵀ·gV)/E + diag(gs)) · Vᵀ
  // plus, outside the vectors' span, (1 − U·Uᵀ) · gU · S⁻¹ · Vᵀ + U · S⁻¹ · gVᵀ · (1 − V·Vᵀ).
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T> a) const {
    const Shape shape = a.shape();
    const std::size_t m = rows_of(shape), n = columns_of(shape);
    const Var<T> u_part = unpack(y, u(shape)), vh_part = unpack(y, vh(shape));
    const Var<T> gu = unpack(g, u(shape)), gvh = unpack(g, vh(shape));
    const Var<T> across = as_row(unpack(y, values(shape))), down = as_column(unpack(y, values(shape)));
    const Var<T> of_u = matmul(transposed(u_part), gu), of_v = matmul(vh_part, transposed(gvh));
    const Var<T> turned = (of_u - transposed(of_u)) * across + down * (of_v - transposed(of_v));
    const Var<T> middle =
        quotient_or_zero(turned, (across - down) * (across + down)) + as_diagonal(unpack(g, values(shape)));
    Var<T> left = matmul(u_part, middle);
    if (m > n) {
      const Var<T> scaled = quotient_or_zero(gu, across);
      left = left + scaled - matmul(u_part, matmul(transposed(u_part), scaled));
    }
    Var<T> result = matmul(left, vh_part);
    if (n > m) {
      const Var<T> scaled = quotient_or_zero(gvh, down);
      result = result + matmul(u_part, scaled - matmul(matmul(scaled, transposed(vh_part)), vh_part));
    }
    return result;
  }
  static std::vector<StructuralExample<PackedSvd>> examples() {
    const auto example = [](const Shape& shape) {
      return StructuralExample<PackedSvd>{.op = {}, .shapes = {shape}, .prepare = dominant_diagonal};
    };
    return {example({3, 3}), example({4, 2}), example({2, 3}), example({2, 2, 2})};
  }
};

}  // namespace

// ---- functions -----------------------------------------------------------------------------------------------------

template <class T>
Var<T> cholesky(Var<T> a, Location where) {
  return record(Cholesky{}, where, a);
}

template <class T>
Qr<T> qr(Var<T> a, Location where) {
  return atomically(tape_of(PackedQr::name, where, a), where, [&]() -> Qr<T> {
    const Var<T> packed = record(PackedQr{}, where, a);
    return {unpack(packed, PackedQr::q(a.shape()), where), unpack(packed, PackedQr::r(a.shape()), where)};
  });
}

template <class T>
Eigh<T> eigh(Var<T> a, Location where) {
  return atomically(tape_of(PackedEigh::name, where, a), where, [&]() -> Eigh<T> {
    const Var<T> packed = record(PackedEigh{}, where, a);
    return {unpack(packed, PackedEigh::values(a.shape()), where),
            unpack(packed, PackedEigh::vectors(a.shape()), where)};
  });
}

template <class T>
Svd<T> svd(Var<T> a, Location where) {
  return atomically(tape_of(PackedSvd::name, where, a), where, [&]() -> Svd<T> {
    const Var<T> packed = record(PackedSvd{}, where, a);
    const Shape s = a.shape();
    return {unpack(packed, PackedSvd::u(s), where), unpack(packed, PackedSvd::values(s), where),
            unpack(packed, PackedSvd::vh(s), where)};
  });
}

#define WENGERT_INSTANTIATE(T)                \
  template Var<T> cholesky(Var<T>, Location); \
  template Qr<T> qr(Var<T>, Location);        \
  template Eigh<T> eigh(Var<T>, Location);    \
  template Svd<T> svd(Var<T>, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
