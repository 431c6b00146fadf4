// Axis lists: resolves negative axes, rejects duplicates, and returns the axes as a bit mask.
#include <wengert/base/axes.hpp>
#include <wengert/base/error.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace wengert {

Axes::Axes(std::span<const std::ptrdiff_t> axes) : count_(axes.size()), all_(false) {
  if (axes.size() > max_rank)
    throw AxisError("axes", fmt::format("{} axes: a tensor on a tape has at most {}", axes.size(), max_rank));
  std::copy(axes.begin(), axes.end(), axes_.begin());
}

std::uint32_t Axes::bits(std::size_t rank, std::string_view subject) const {
  if (all_) return (std::uint32_t{1} << rank) - 1;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const std::uint32_t bit = std::uint32_t{1} << normalise_axis(axes_[i], rank, subject);
    if ((bits & bit) != 0)
      throw AxisError(subject, fmt::format("axis {} is repeated: expected each axis at most once", axes_[i]));
    bits |= bit;
  }
  return bits;
}

}  // namespace wengert
