// Sums of products of operands whose axes have labels: what einsum, tensordot and dot are made of.
#pragma once

#include <wengert/op.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert::detail {

/// A set of labels, one bit each: the letters of both cases and the axes of an ellipsis.
using LabelSet = std::uint64_t;
inline constexpr std::size_t label_count = 64;
using LabelExtents = std::array<std::size_t, label_count>;

constexpr LabelSet set_of(std::uint8_t label) { return LabelSet{1} << label; }
LabelSet set_of(std::span<const std::uint8_t> labels);

/// A value with a label for each axis, none of them twice.
template <class T>
struct Labelled {
  Var<T> value;
  std::vector<std::uint8_t> labels;
};

/// x with the axes `labels` in the order `wanted`: an axis whose label is not wanted has extent 1 and is dropped, axes
/// of one label become their diagonal, a wanted label that x does not have becomes an axis of extent 1. A view.
template <class T>
Var<T> with_labels(Var<T> x, std::span<const std::uint8_t> labels, std::span<const std::uint8_t> wanted,
                   const Location& where);

/// The product of two, summed over the labels of both that are not in `kept`. Its labels: those of both, in a's order,
/// then those of a alone, then those of b alone.
template <class T>
Labelled<T> join(const Labelled<T>& a, const Labelled<T>& b, LabelSet kept, const Location& where);

/// The order in which to join operands: each step joins two of the values so far, operands first, and appends the
/// result. Of up to six operands the cheapest order in multiplications; of more the pair first that shrinks most. No
/// value has more than 8 axes; empty if there is no such order.
std::vector<std::pair<std::size_t, std::size_t>> contraction_order(std::span<const LabelSet> operands, LabelSet result,
                                                                   const LabelExtents& extents);

}  // namespace wengert::detail
