// Axes: the axes that an op runs over.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/list.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace wengert {

/// The axes that an op runs over: `sum(x)` (all), `sum(x, 0)`, `sum(x, {0, -1})`. Negative axes count from the end.
class Axes {
 public:
  /// All axes.
  Axes() = default;
  /// One axis.
  Axes(std::ptrdiff_t axis) : axes_{axis}, count_(1), all_(false) {}  // NOLINT(google-explicit-constructor)
  /// A list of axes: braces, or a container of integers. Throws AxisError above `max_rank` axes.
  ///@{
  Axes(std::initializer_list<Integer> axes, const Location& where = Location::current()) : all_(false) {
    for (const Integer axis : axes) append(axis.value, where);
  }
  template <detail::SizedRangeOfIntegers R>
  requires(!std::same_as<R, Shape>) Axes(  // a shape holds no axes
      const R& axes, const Location& where = Location::current())
      : all_(false) {
    for (const auto axis : axes) append(static_cast<std::ptrdiff_t>(axis), where);
  }
  ///@}

  /// Whether no axis was named, which means all axes.
  bool all() const { return all_; }
  /// The number of named axes.
  std::size_t count() const { return count_; }
  /// The named axes, as given.
  std::span<const std::ptrdiff_t> named() const { return {axes_.data(), count_}; }
  /// The axes of a tensor of rank `rank` as a bit mask: bit i for axis i. Throws AxisError, naming `subject`, for an
  /// axis out of range or named twice. A scalar also has the axes 0 and −1, as in PyTorch; its mask is 0.
  std::uint32_t bits(std::size_t rank, std::string_view subject) const;

 private:
  void append(std::ptrdiff_t axis, const Location& where);

  std::array<std::ptrdiff_t, max_rank> axes_{};
  std::size_t count_ = 0;
  bool all_ = true;
};

}  // namespace wengert
