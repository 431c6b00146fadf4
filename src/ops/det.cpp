// det and slogdet. Derivatives: Giles 2008, "Collected matrix derivative results", section 2.2.4.
#include "kernel/lapack.hpp"
#include "ops/determinant.hpp"
#include "ops/matrices.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/tape/structural.hpp>

#include <cmath>
#include <limits>

namespace wengert {
namespace {

using namespace detail;

// ---- det -----------------------------------------------------------------------------------------------------------

struct Det {
  static constexpr std::string_view name = "det";
  static constexpr std::string_view notation = "det A";
  static constexpr std::string_view convention =
      "0 for a singular matrix, with correct first and second gradients; the third needs an invertible matrix";
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
  return atomically(tape_of(PackedSlogdet::name, where, a), where, [&]() -> SlogDet<T> {
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
