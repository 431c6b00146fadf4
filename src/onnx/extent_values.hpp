// Extents as numbers of T in an ONNX graph.
#pragma once

#include "onnx/emit.hpp"

#include <cmath>
#include <optional>
#include <string>

namespace wengert::onnx::detail {

/// The name of a scalar of T that is an extent.
template <class T>
std::string number(const Emit<T>& e, const Extent& extent);
/// The name of a scalar of T that is `f(recording)` in each recording, if all are equal, or integers that follow from
/// extents, or reciprocals of such, as the factor of a mean is.
template <class T, class F>
std::optional<std::string> scalar_of_recordings(const Emit<T>& e, const F& f) {
  const double first = f(std::size_t{0});
  bool is_equal = true;
  for (std::size_t r = 1; r < e.recordings(); ++r)
    is_equal = is_equal && (f(r) == first || (std::isnan(first) && std::isnan(f(r))));
  if (is_equal) return e.scalar(first);
  if (const std::optional<Extent> integer = e.number_by_recording(f)) return number(e, *integer);
  const auto divisor = [&](std::size_t r) {
    const double nearest = std::round(1 / f(r));
    return static_cast<T>(1 / nearest) == static_cast<T>(f(r)) ? nearest : std::nan("");
  };
  if (const std::optional<Extent> integer = e.number_by_recording(divisor))
    return e.node("Reciprocal", {number(e, *integer)});
  return std::nullopt;
}
/// Throws ValueError for a parameter that is `f(recording)` and none of these.
template <class T, class F>
[[noreturn]] void fail_for_parameter(const Emit<T>& e, const F& f) {
  std::size_t recording = 1;
  while (recording + 1 < e.recordings() && f(recording) == f(std::size_t{0})) ++recording;
  e.fail_as_dynamic("parameter", recording);
}
/// The name of the first parameter of an elementwise op, which may follow from extents, as the divisor of a mean does.
template <class T>
std::string scalar_parameter(const Emit<T>& e);

}  // namespace wengert::onnx::detail
