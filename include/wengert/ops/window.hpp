// Numbers for spatial axes, in the options of convolutions, pooling and resizing.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>

#include <array>
#include <concepts>
#include <cstddef>

namespace wengert {

namespace detail {
[[noreturn]] void throw_axis_count(std::size_t given, std::size_t expected, const Location& where);
}  // namespace detail

/// One integer for each of n spatial axes, outermost first; a single number applies to all of them.
template <std::size_t n>
class PerAxis {
 public:
  /// Not given, so that the option's default applies.
  constexpr PerAxis() = default;
  /// The same number for every axis.
  constexpr PerAxis(std::integral auto all) : given_(true) {  // NOLINT(google-explicit-constructor)
    values_.fill(static_cast<std::ptrdiff_t>(all));
  }
  /// A number for each axis.
  template <std::integral... I>
  requires(sizeof...(I) == n && n > 1) constexpr PerAxis(I... each)  // NOLINT(google-explicit-constructor)
      : values_{static_cast<std::ptrdiff_t>(each)...}, given_(true) {}

  /// The same from a container of integers. Throws ShapeError unless it holds n of them.
  template <detail::SizedRangeOfIntegers R>
  constexpr PerAxis(const R& each, const Location& where = Location::current())  // NOLINT(google-explicit-constructor)
      : given_(true) {
    if (std::size(each) != n) detail::throw_axis_count(std::size(each), n, where);
    std::size_t axis = 0;
    for (const auto number : each) values_[axis++] = static_cast<std::ptrdiff_t>(number);
  }

  /// The number for an axis.
  constexpr std::ptrdiff_t operator[](std::size_t axis) const { return values_[axis]; }
  /// Whether numbers were given.
  constexpr bool is_given() const { return given_; }

 private:
  std::array<std::ptrdiff_t, n> values_{};
  bool given_ = false;
};

/// The padding with which a convolution of stride 1 preserves the extents of its input.
struct SamePadding {};
/// See SamePadding.
inline constexpr SamePadding same_padding{};

/// The number of zeros on both sides of each axis of the input, or `same_padding`.
template <std::size_t n>
class Padding : public PerAxis<n> {
 public:
  using PerAxis<n>::PerAxis;
  /// Numbers, or `same_padding`.
  ///@{
  constexpr Padding(PerAxis<n> each) : PerAxis<n>(each) {}           // NOLINT(google-explicit-constructor)
  constexpr Padding(SamePadding) : PerAxis<n>(0), is_same_(true) {}  // NOLINT(google-explicit-constructor)
  ///@}

  /// Whether it is `same_padding`.
  constexpr bool is_same() const { return is_same_; }

 private:
  bool is_same_ = false;
};

}  // namespace wengert
