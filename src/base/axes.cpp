// Axis lists: resolves negative axes, rejects duplicates, and returns the axes as a bit mask.
#include <wengert/base/axes.hpp>
#include <wengert/base/error.hpp>

#include <fmt/format.h>

namespace wengert {

void Axes::append(std::ptrdiff_t axis, const Location& where) {
  if (count_ == max_rank)
    throw AxisError("axes", fmt::format("more than {0} axes: a tensor on a tape has at most {0}", max_rank), where);
  axes_[count_++] = axis;
}

std::uint32_t Axes::bits(std::size_t rank, std::string_view subject) const {
  if (all_) return (std::uint32_t{1} << rank) - 1;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const std::uint32_t bit = std::uint32_t{1} << normalise_axis_or_scalar(axes_[i], rank, subject);
    if ((bits & bit) != 0)
      throw AxisError(subject, fmt::format("axis {} is repeated: expected each axis at most once", axes_[i]));
    bits |= bit;
  }
  return rank == 0 ? 0 : bits;
}

}  // namespace wengert
