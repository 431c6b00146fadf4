// What the exporters of ops on sliding windows share.
#pragma once

#include "onnx/export_parts.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace wengert::onnx::detail::parts {

/// The integers of an attribute.
using Numbers = std::vector<std::int64_t>;

inline std::ptrdiff_t as_signed(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

/// `before` followed by `after`, as the attribute `pads` lists them.
inline Numbers pads(Numbers before, const Numbers& after) {
  before.insert(before.end(), after.begin(), after.end());
  return before;
}

/// x with all axes from `axis` on as one.
template <class T>
std::string flatten_from(const Emit<T>& e, const std::string& x, std::size_t axis) {
  Integers to(axis, 0);  // 0 keeps an extent
  to.push_back(-1);
  return e.node("Reshape", {x, e.integers(to)});
}

/// The elements of x at these positions of an axis, one for each element of `positions`, and the reverse.
///@{
template <class T>
std::string elements_at(const Emit<T>& e, const std::string& x, const std::string& positions, std::size_t axis) {
  return e.node("GatherElements", {x, positions}, {{"axis", static_cast<std::int64_t>(axis)}});
}
template <class T>
std::string put_elements(const Emit<T>& e, const std::string& x, const std::string& positions,
                         const std::string& elements, std::size_t axis, const char* reduction) {
  Attributes attributes{{"axis", static_cast<std::int64_t>(axis)}};
  if (std::string_view(reduction) != "none") attributes["reduction"] = reduction;
  return e.node("ScatterElements", {x, positions, elements}, std::move(attributes));
}
///@}

}  // namespace wengert::onnx::detail::parts
