// Tensor, Shape and the broadcasting rule; includes xtensor with the necessary workarounds.
#pragma once

#if defined(XTENSOR_USE_XSIMD) || defined(XTENSOR_USE_TBB)
#error \
    "wengert: XTENSOR_USE_XSIMD and XTENSOR_USE_TBB change the type of xt::xarray; build without them (Wengert's kernels bring their own SIMD)"
#endif

#include <cstddef>
#include <cstdint>

#include <xtensor/xexpression_traits.hpp>

// xtensor 0.24.3 guards this specialisation by `__cplusplus == 201703L`. Without it, g++ in C++20 mistakes the dynamic
// shape svector<size_t, 4> for a std::array of rank 4, and xt::eval(m + m), immediate reductions, xt::variance and
// self-assigned strided views are silently corrupted. It must precede every other header of xtensor.
#if __cplusplus != 201703L
namespace xt::detail {
template <>
struct xtype_for_shape<xt::dynamic_shape<std::size_t>> {
  template <class T, layout_type L>
  using type = xarray<T, L>;
};
}  // namespace xt::detail
#endif

#include <algorithm>
#include <array>
#include <concepts>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>

// xtensor treats an operand of any foreign type as a scalar, so `var * array` would be a hard error inside its
// operators. This specialisation has no result type, so they drop out of overload resolution and Wengert's operators
// are found.
namespace wengert::detail {
template <class E>
inline constexpr bool is_var = false;  // true for Var<T>, see tape/var.hpp
}  // namespace wengert::detail
namespace xt::detail {
template <class F, class... E>
requires(wengert::detail::is_var<std::remove_cvref_t<E>> || ...) struct xfunction_type<F, E...> {
};
}  // namespace xt::detail

namespace wengert {

/// A dense, row-major, owning tensor: an alias of xtensor's xarray, so everything in xtensor works on it.
template <class T>
using Tensor = xt::xarray<T, xt::layout_type::row_major>;

/// 64-bit integers: labels and indices.
using Indices = xt::xarray<std::int64_t, xt::layout_type::row_major>;

/// The largest number of axes a tensor on a tape can have.
inline constexpr std::size_t max_rank = 8;

namespace detail {
// Defined here because <ranges> would take a tenth of this header's compile time.
template <class R>
concept SizedRangeOfIntegers = requires(const R& range) {
  std::size(range);
  requires std::integral<std::remove_cvref_t<decltype(*std::begin(range))>>;
};
}  // namespace detail

/// The extents of a tensor, outermost axis first; rank 0 is a scalar. Copying does not allocate.
class Shape {
 public:
  /// The value type, as for containers.
  using value_type = std::size_t;

  constexpr Shape() = default;
  /// From a list of extents. Throws ShapeError above `max_rank` axes.
  constexpr Shape(std::initializer_list<std::size_t> extents) : Shape(extents.begin(), extents.size()) {}
  /// The same from any container of integers, such as xtensor's shapes.
  template <class R>
  requires detail::SizedRangeOfIntegers<R> &&(!std::same_as<std::remove_cvref_t<R>, Shape>)constexpr Shape(
      const R& extents) {  // NOLINT(google-explicit-constructor)
    reserve(std::size(extents));
    std::size_t axis = 0;
    for (auto extent : extents) extents_[axis++] = static_cast<std::size_t>(extent);
  }

  /// The number of axes.
  ///@{
  constexpr std::size_t rank() const { return rank_; }
  constexpr std::size_t size() const { return rank_; }
  ///@}
  /// Whether it is the shape of a scalar.
  constexpr bool empty() const { return rank_ == 0; }
  /// The extent of an axis.
  ///@{
  constexpr std::size_t operator[](std::size_t axis) const { return extents_[axis]; }
  constexpr std::size_t& operator[](std::size_t axis) { return extents_[axis]; }
  ///@}
  /// The extents in order.
  ///@{
  constexpr const std::size_t* begin() const { return extents_.data(); }
  constexpr const std::size_t* end() const { return extents_.data() + rank_; }
  ///@}
  /// The last extent.
  constexpr std::size_t back() const { return extents_[rank_ - 1]; }

  /// The number of elements: the product of the extents, 1 for a scalar.
  constexpr std::size_t elements() const {
    std::size_t n = 1;
    for (auto extent : *this) n *= extent;
    return n;
  }
  /// Adds an axis at the end. Throws ShapeError above `max_rank` axes.
  constexpr void push_back(std::size_t extent) {
    reserve(rank_ + 1);
    extents_[rank_ - 1] = extent;
  }

  /// Whether the shapes have equal ranks and extents.
  friend constexpr bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (std::size_t axis = 0; axis < a.rank_; ++axis)
      if (a.extents_[axis] != b.extents_[axis]) return false;
    return true;
  }

  operator xt::dynamic_shape<std::size_t>() const { return {begin(), end()}; }  // NOLINT(google-explicit-constructor)

 private:
  constexpr Shape(const std::size_t* extents, std::size_t rank) {
    reserve(rank);
    std::copy_n(extents, rank, extents_.begin());
  }
  constexpr void reserve(std::size_t rank) {
    if (rank > max_rank) throw_rank(rank);
    rank_ = rank;
  }
  [[noreturn]] static void throw_rank(std::size_t rank);

  std::array<std::size_t, max_rank> extents_{};
  std::size_t rank_ = 0;  // not smaller: attributes are compared byte by byte, padding included
};

/// The shape as shown in messages: `(64, 4)`, `(3,)`, `()`.
std::string to_string(const Shape& shape);

/// The shape to which a and b broadcast by NumPy's rule: aligned from the last axis, extents must be equal or 1.
/// nullopt if they do not broadcast.
std::optional<Shape> broadcast_shapes(const Shape& a, const Shape& b);

/// The index, one position for each axis, of element number `element` in row-major order.
Shape unravel(std::size_t element, const Shape& shape);

/// `axis`, counted from the end if negative. Throws AxisError naming `subject` if it is out of range for `rank` axes.
std::size_t normalise_axis(std::ptrdiff_t axis, std::size_t rank, std::string_view subject);
/// The same, but a scalar also has the axes 0 and −1, both of which give 0, as in PyTorch.
std::size_t normalise_axis_or_scalar(std::ptrdiff_t axis, std::size_t rank, std::string_view subject);

}  // namespace wengert
