// Axes: the axes that an op runs over.
#pragma once

#include <wengert/base/tensor.hpp>

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
  /// One axis, or a list of axes. Throws AxisError above `max_rank` axes.
  ///@{
  Axes(std::ptrdiff_t axis) : Axes(std::span(&axis, 1)) {}  // NOLINT(google-explicit-constructor)
  Axes(std::initializer_list<std::ptrdiff_t> axes) : Axes(std::span(axes.begin(), axes.size())) {}
  explicit Axes(std::span<const std::ptrdiff_t> axes);
  ///@}

  /// Whether no axis was named, which means all axes.
  bool all() const { return all_; }
  /// The number of named axes.
  std::size_t count() const { return count_; }
  /// The named axes, as given.
  std::span<const std::ptrdiff_t> named() const { return {axes_.data(), count_}; }
  /// The axes of a tensor of rank `rank` as a bit mask: bit i for axis i. Throws AxisError, naming `subject`, for an
  /// axis out of range or named twice.
  std::uint32_t bits(std::size_t rank, std::string_view subject) const;

 private:
  std::array<std::ptrdiff_t, max_rank> axes_{};
  std::size_t count_ = 0;
  bool all_ = true;
};

}  // namespace wengert
