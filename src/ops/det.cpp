// det and slogdet. Derivatives: Giles 2008, "Collected matrix derivative results", section 2.2.4.
#include "kernel/lapack.hpp"
#include "ops/matrices.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/structural.hpp>

#include <cmath>

namespace wengert {
namespace {

using namespace detail;

template <class T>
Var<T> cofactor(Var<T> a);

// A determinant from the factors of its matrix, as a sign and what each pivot gives to `take`.
template <class T, class F>
T sign_and_pivots(std::span<const T> factors, std::span<const int> pivots, const F& take) {
  T sign = 1;
  const std::size_t n = pivots.size();
  for (std::size_t i = 0; i < n; ++i) {
    const T pivot = factors[i * (n + 1)];
    if (pivots[i] != static_cast<int>(i + 1)) sign = -sign;
    if (pivot < 0) sign = -sign;
    take(std::abs(pivot));
  }
  return sign;
}

template <class T>
T determinant(std::span<const T> factors, std::span<const int> pivots) {
  T product = 1;
  const T sign = sign_and_pivots<T>(factors, pivots, [&](T pivot) { product *= pivot; });
  return sign * product;
}

// ---- det -----------------------------------------------------------------------------------------------------------

struct Det {
  static constexpr std::string_view name = "det";
  static constexpr std::string_view notation = "det A";
  static constexpr std::string_view convention =
      "0 for a singular matrix, with its right gradient; the second gradient needs an invertible one";
  static constexpr std::size_t arity = 1;
  static constexpr bool takes_strides = true;

  Shape shape(const Shape& a) const {
    require_square(name, a);
    return leading(a);
  }
  template <class T>
  void forward(Value<const T> a, Value<T> y) const {
    const std::size_t n = rows_of(a.shape());
    Entries<T> entries(a, leading(a.shape()));
    std::vector<T> factors(n * n);
    std::vector<int> pivots(n);
    for (std::size_t e = 0; e < y.size(); ++e, entries.next()) {
      entries.copy_to(factors.data());
      y.data[e] = kernel::lu<T>(factors, n, pivots) < n ? T(0) : determinant<T>(factors, pivots);
    }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> a) const {
    return reshape(g, with_axes(g.shape(), {1, 1})) * cofactor(a);
  }
  static std::vector<StructuralExample<Det>> examples() {
    const auto example = [](const Shape& shape) {
      return StructuralExample<Det>{.op = {}, .shapes = {shape}, .prepare = dominant_diagonal};
    };
    return {example({3, 3}), example({1, 1}), example({2, 2, 2})};
  }
};

// ---- cofactor ------------------------------------------------------------------------------------------------------

// The gradient of det: det A · A⁻ᵀ, which exists for a singular A too.
struct Cofactor {
  static constexpr std::string_view name = "cofactor";
  static constexpr std::string_view notation = "det A · A⁻ᵀ";
  static constexpr std::string_view convention =
      "exists for a singular matrix too; its gradient needs an invertible one";
  static constexpr std::size_t arity = 1;
  static constexpr bool takes_strides = true;

  Shape shape(const Shape& a) const { return a; }

  // From A = U·diag(s)·Vᵀ: det(U·V) · U · diag(the product of the other s) · Vᵀ.
  template <class T>
  static void from_singular_values(std::span<T> a, std::size_t n, T* y, kernel::LapackScratch<T>& scratch) {
    std::vector<T> u(n * n), s(n), vh(n * n), factors;
    std::vector<int> pivots(n);
    for (const T element : a)
      if (!std::isfinite(element)) {
        std::fill_n(y, n * n, std::numeric_limits<T>::quiet_NaN());
        return;
      }
    if (!kernel::svd<T>(a, n, n, u.data(), s.data(), vh.data(), scratch))
      throw ValueError(name, "the singular values of a matrix did not converge");
    T sign = 1;
    for (const std::vector<T>* rotation : {&u, &vh}) {
      factors = *rotation;
      kernel::lu<T>(factors, n, pivots);
      sign *= sign_and_pivots<T>(factors, pivots, [](T) {});
    }
    for (std::size_t j = 0; j < n; ++j) {
      T others = sign;
      for (std::size_t i = 0; i < n; ++i)
        if (i != j) others *= s[i];
      for (std::size_t i = 0; i < n; ++i) u[i * n + j] *= others;
    }
    kernel::gemm<T>(n, n, n, {u.data(), n, false}, {vh.data(), n, false}, y);
  }
  template <class T>
  void forward(Value<const T> a, Value<T> y) const {
    constexpr T well_conditioned = T(1e-4);
    const std::size_t n = rows_of(a.shape());
    Entries<T> entries(a, leading(a.shape()));
    std::vector<T> factors(n * n);
    std::vector<int> pivots(n);
    kernel::LapackScratch<T> scratch;
    for (T* to = y.data; to != y.data + y.size(); to += n * n, entries.next()) {
      entries.copy_to(factors.data());
      T norm = 0;
      for (std::size_t i = 0; i < n; ++i) {
        T row = 0;
        for (std::size_t j = 0; j < n; ++j) row += std::abs(factors[i * n + j]);
        norm = std::max(norm, row);
      }
      if (kernel::lu<T>(factors, n, pivots) < n ||
          !(kernel::lu_reciprocal_condition<T>(factors, n, norm, scratch) > well_conditioned)) {
        entries.copy_to(factors.data());
        from_singular_values<T>(factors, n, to, scratch);
        continue;
      }
      const T det = determinant<T>(factors, pivots);
      kernel::lu_invert<T>(factors, pivots, n, scratch);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) to[i * n + j] = det * factors[j * n + i];
    }
  }
  // C = det A · A⁻ᵀ, so that ⟨g, dC⟩ = ⟨(⟨g, C⟩·C − C·gᵀ·C) / det A, dA⟩.
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T> a) const {
    const Var<T> along = sum(g * y, {-2, -1}, KeepDims::yes);
    const Var<T> det_a = det(a);
    return (along * y - matmul(matmul(y, transposed(g)), y)) / reshape(det_a, with_axes(det_a.shape(), {1, 1}));
  }
  static std::vector<StructuralExample<Cofactor>> examples() {
    const auto example = [](const Shape& shape) {
      return StructuralExample<Cofactor>{.op = {}, .shapes = {shape}, .prepare = dominant_diagonal};
    };
    return {example({3, 3}), example({1, 1}), example({2, 2, 2})};
  }
};

template <class T>
Var<T> cofactor(Var<T> a) {
  return record(Cofactor{}, Location::current(), a);
}

// ---- slogdet -------------------------------------------------------------------------------------------------------

// Packed: the sign, then ln |det A|.
struct PackedSlogdet {
  static constexpr std::string_view name = "slogdet";
  static constexpr std::string_view notation = "sign det A, ln |det A|";
  static constexpr std::string_view convention =
      "0 and −∞ for a singular matrix, whose gradient throws ValueError; the sign has no gradient";
  static constexpr std::size_t arity = 1;
  static constexpr bool takes_strides = true;

  Shape shape(const Shape& a) const {
    require_square(name, a);
    return with_axes(leading(a), {2});
  }
  template <class T>
  void forward(Value<const T> a, Value<T> y) const {
    const std::size_t n = rows_of(a.shape());
    Entries<T> entries(a, leading(a.shape()));
    std::vector<T> factors(n * n);
    std::vector<int> pivots(n);
    for (std::size_t e = 0; 2 * e < y.size(); ++e, entries.next()) {
      entries.copy_to(factors.data());
      T& sign = y.data[2 * e];
      T& logarithm = y.data[2 * e + 1];
      sign = 0;
      logarithm = -std::numeric_limits<T>::infinity();
      if (kernel::lu<T>(factors, n, pivots) < n) continue;
      double total = 0;
      sign = sign_and_pivots<T>(factors, pivots, [&](T pivot) { total += std::log(static_cast<double>(pivot)); });
      logarithm = static_cast<T>(total);
      if (std::isnan(logarithm)) sign = logarithm;
    }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> a) const {
    const Var<T> of_logarithm = unpack(g, Place::vector(1, 1));
    return reshape(of_logarithm, with_axes(of_logarithm.shape(), {1})) * transposed(inv(a));
  }
  static std::vector<StructuralExample<PackedSlogdet>> examples() {
    const auto example = [](const Shape& shape) {
      return StructuralExample<PackedSlogdet>{.op = {}, .shapes = {shape}, .prepare = dominant_diagonal};
    };
    return {example({3, 3}), example({1, 1}), example({2, 2, 2})};
  }
};

}  // namespace

template <class T>
Var<T> det(Var<T> a, Location where) {
  return record(Det{}, where, a);
}

template <class T>
SlogDet<T> slogdet(Var<T> a, Location where) {
  return atomically(tape_of(PackedSlogdet::name, a, where), where, [&]() -> SlogDet<T> {
    const Var<T> packed = record(PackedSlogdet{}, where, a);
    const Shape batch = Shape(std::span(packed.shape().begin(), packed.rank() - 1));
    return {reshape(unpack(packed, Place::vector(0, 1), where), batch, where),
            reshape(unpack(packed, Place::vector(1, 1), where), batch, where)};
  });
}

#define WENGERT_INSTANTIATE(T)           \
  template Var<T> det(Var<T>, Location); \
  template SlogDet<T> slogdet(Var<T>, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
