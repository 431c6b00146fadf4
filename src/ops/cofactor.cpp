// The first and second gradients of det, both of which exist for singular matrices too.
#include "kernel/lapack.hpp"
#include "ops/determinant.hpp"
#include "ops/matrices.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/tape/structural.hpp>

#include <limits>
#include <optional>

namespace wengert::detail {
namespace {

// The singular value decomposition A = U·diag(s)·Vᵀ. In the bases U and V, the derivatives of det are those of a
// diagonal matrix times det(U·V) = ±1: products of elements of s.
template <class T>
class SingularBasis {
 public:
  explicit SingularBasis(std::size_t n) : n_(n), u_(n * n), s_(n), vh_(n * n), factors_(n * n), x_(n * n), pivots_(n) {}

  // Returns false for a matrix that contains a NaN or an infinity.
  bool factor(std::span<T> a) {
    for (const T element : a)
      if (!std::isfinite(element)) return false;
    if (!kernel::svd<T>(a, n_, n_, u_.data(), s_.data(), vh_.data(), scratch_))
      throw ValueError("det", "the gradient of a matrix: the iteration for its singular values did not converge");
    sign_ = 1;
    for (const std::vector<T>* rotation : {&u_, &vh_}) {
      factors_ = *rotation;
      kernel::lu<T>(factors_, n_, pivots_);
      sign_ *= sign_and_pivots<T>(factors_, pivots_, [](T) {});
    }
    return true;
  }
  // det(U·V) times all s except i and j, which may be equal.
  T others(std::size_t i, std::size_t j) const {
    T product = sign_;
    for (std::size_t k = 0; k < n_; ++k)
      if (k != i && k != j) product *= s_[k];
    return product;
  }
  // Uᵀ·x·V.
  void to_basis(const T* x, T* result) {
    kernel::gemm<T>(n_, n_, n_, {u_.data(), n_, true}, {x, n_, false}, x_.data());
    kernel::gemm<T>(n_, n_, n_, {x_.data(), n_, false}, {vh_.data(), n_, true}, result);
  }
  // U·x·Vᵀ.
  void from_basis(const T* x, T* result) {
    kernel::gemm<T>(n_, n_, n_, {u_.data(), n_, false}, {x, n_, false}, x_.data());
    kernel::gemm<T>(n_, n_, n_, {x_.data(), n_, false}, {vh_.data(), n_, false}, result);
  }

 private:
  std::size_t n_;
  std::vector<T> u_, s_, vh_, factors_, x_;
  std::vector<int> pivots_;
  kernel::LapackScratch<T> scratch_;
  T sign_ = 1;
};

// ---- the second gradient -------------------------------------------------------------------------------------------

// The second derivative of det as a symmetric form: the gradient of ⟨g, cofactor(A)⟩.
struct CofactorGradient {
  static constexpr std::string_view name = "cofactor_gradient";
  static constexpr std::string_view notation = "det A · (⟨G, B⟩·B − B·Gᵀ·B), B = A⁻ᵀ";
  static constexpr std::string_view convention =
      "defined for a singular matrix too; its gradient with respect to A needs an invertible A";
  static constexpr std::size_t arity = 2;
  static constexpr bool takes_strides = true;

  Shape shape(const Shape& a, const Shape&) const { return a; }
  template <class T>
  void forward(Value<const T> a, Value<const T> g, Value<T> y) const {
    const std::size_t n = rows_of(a.shape());
    Entries<T> matrices(a, leading(a.shape())), cotangents(g, leading(a.shape()));
    SingularBasis<T> basis(n);
    std::vector<T> copy(n * n), form(n * n);
    for (T* to = y.data; to != y.data + y.size(); to += n * n, matrices.next(), cotangents.next()) {
      matrices.copy_to(copy.data());
      if (!basis.factor(copy)) {
        std::fill_n(to, n * n, std::numeric_limits<T>::quiet_NaN());
        continue;
      }
      cotangents.copy_to(copy.data());
      basis.to_basis(copy.data(), copy.data());
      std::fill(form.begin(), form.end(), T(0));
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
          if (i != j) {
            const T product = basis.others(i, j);
            form[i * n + i] += copy[j * n + j] * product;
            form[i * n + j] = -copy[j * n + i] * product;
          }
      basis.from_basis(form.data(), to);
    }
  }
  // With X = B·Gᵀ·B and Y = B·Hᵀ·B: det A · ((⟨G, B⟩⟨H, B⟩ − ⟨H, X⟩)·B − ⟨H, B⟩·X − ⟨G, B⟩·Y + X·Hᵀ·B + Y·Gᵀ·B).
  template <class T>
  auto vjp(Var<T> h, Var<T>, Var<T> a, Var<T> g) const {
    return std::tuple(
        [=] {
          const auto inner = [](Var<T> x, Var<T> y) { return sum(x * y, {-2, -1}, KeepDims::yes); };
          const Var<T> b = transposed(inv(a)), det_a = det(a);
          const Var<T> gb = matmul(transposed(g), b), hb = matmul(transposed(h), b);
          const Var<T> x = matmul(b, gb), y = matmul(b, hb), of_g = inner(g, b), of_h = inner(h, b);
          const Var<T> form = (of_g * of_h - inner(h, x)) * b - of_h * x - of_g * y + matmul(x, hb) + matmul(y, gb);
          return reshape(det_a, with_axes(det_a.shape(), {1, 1})) * form;
        },
        [=] { return record(CofactorGradient{}, Location::current(), a, h); });
  }
  static std::vector<StructuralExample<CofactorGradient>> examples() {
    const auto example = [](const Shape& shape) {
      return StructuralExample<CofactorGradient>{.op = {}, .shapes = {shape, shape}, .prepare = dominant_diagonal};
    };
    return {example({3, 3}), example({1, 1}), example({2, 2, 2})};
  }
};

// ---- cofactor ------------------------------------------------------------------------------------------------------

// The gradient of det: det A · A⁻ᵀ, which exists for a singular A too.
struct Cofactor {
  static constexpr std::string_view name = "cofactor";
  static constexpr std::string_view notation = "det A · A⁻ᵀ";
  static constexpr std::string_view convention = "defined for a singular matrix too, as is its gradient";
  static constexpr std::size_t arity = 1;
  static constexpr bool takes_strides = true;

  Shape shape(const Shape& a) const { return a; }

  template <class T>
  void forward(Value<const T> a, Value<T> y) const {
    constexpr T well_conditioned = T(1e-4);
    const std::size_t n = rows_of(a.shape());
    Entries<T> entries(a, leading(a.shape()));
    std::vector<T> factors(n * n);
    std::vector<int> pivots(n);
    kernel::LapackScratch<T> scratch;
    std::optional<SingularBasis<T>> basis;
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
        if (!basis) basis.emplace(n);
        if (!basis->factor(factors)) {
          std::fill_n(to, n * n, std::numeric_limits<T>::quiet_NaN());
          continue;
        }
        std::fill(factors.begin(), factors.end(), T(0));
        for (std::size_t i = 0; i < n; ++i) factors[i * (n + 1)] = basis->others(i, i);
        basis->from_basis(factors.data(), to);
        continue;
      }
      const T det = determinant<T>(factors, pivots);
      kernel::lu_invert<T>(factors, pivots, n, scratch);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) to[i * n + j] = det * factors[j * n + i];
    }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> a) const {
    return record(CofactorGradient{}, Location::current(), a, g);
  }
  static std::vector<StructuralExample<Cofactor>> examples() {
    const auto example = [](const Shape& shape) {
      return StructuralExample<Cofactor>{.op = {}, .shapes = {shape}, .prepare = dominant_diagonal};
    };
    return {example({3, 3}), example({1, 1}), example({2, 2, 2})};
  }
};

}  // namespace

template <class T>
Var<T> cofactor(Var<T> a) {
  return record(Cofactor{}, Location::current(), a);
}

#define WENGERT_INSTANTIATE(T) template Var<T> cofactor(Var<T>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::detail
