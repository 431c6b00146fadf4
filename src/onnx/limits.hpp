// Limits on what a call computes from numbers in a file: without them, a small file asks for any amount of memory or
// time.
#pragma once

#include "onnx/call.hpp"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <vector>

#include <fmt/format.h>

namespace wengert::onnx::detail {

/// The most elements of a value whose extents are computed from numbers: if it is known without the tape, and
/// otherwise.
///@{
inline constexpr std::size_t most_known_elements = std::size_t{1} << 27;
inline constexpr std::size_t most_elements = std::size_t{1} << 31;
///@}
/// The most runs of bodies of If, Loop and Scan in one call, those within bodies included.
inline constexpr std::size_t most_body_runs = 1'000'000;

/// The most elements of a result of this node.
template <class T>
std::size_t most_elements_of(const Call<T>& c) {
  for (std::size_t i = 0; i < c.size(); ++i)
    if (c.has(i) && !c.value(i).constant()) return most_elements;
  return most_known_elements;
}

/// Throws ValueError if the product of these numbers, such as the extents of a result, exceeds `most`. Zeros count as
/// ones, because the strides of an empty tensor must not overflow either. Numbers of any size and sign may be given.
///@{
template <class T, class Factors>
void require_elements(const Call<T>& c, const Factors& factors, std::size_t most) {
  double elements = 1;  // exact as far as the limit
  for (const auto factor : factors)
    if (factor != 0) elements *= static_cast<double>(factor);
  if (!(elements <= static_cast<double>(most)))
    c.fail(fmt::format("a tensor of {:.6g} elements: expected at most {}; check the numbers that it is computed from",
                       elements, most));
}
template <class T>
void require_elements(const Call<T>& c, std::initializer_list<std::size_t> factors, std::size_t most) {
  require_elements<T, std::initializer_list<std::size_t>>(c, factors, most);
}
template <class T, class Factors>
void require_elements(const Call<T>& c, const Factors& factors) {
  require_elements(c, factors, most_elements_of(c));
}
///@}

/// The shape of these extents. Throws ValueError for a negative one, and for more elements than the node may have.
template <class T>
Shape requested_shape(const Call<T>& c, const std::vector<std::ptrdiff_t>& extents) {
  Shape shape;
  for (const std::ptrdiff_t extent : extents) {
    if (extent < 0) c.fail(fmt::format("extent {}: expected a number from 0 on", extent));
    shape.push_back(static_cast<std::size_t>(extent));
  }
  require_elements(c, shape);
  return shape;
}

}  // namespace wengert::onnx::detail
