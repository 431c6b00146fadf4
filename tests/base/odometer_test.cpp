// Odometer: the order of index tuples, and the offsets of several values that follow it.
#include "base/odometer.hpp"

#include <wengert/base/layout.hpp>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace wengert;

namespace {

using Strides = std::array<std::ptrdiff_t, max_rank>;

// Returns the offsets that an odometer gives the index tuples, grouped by value.
std::vector<std::vector<std::ptrdiff_t>> odometer_offsets(const Shape& extents, const std::vector<Strides>& strides) {
  std::vector<std::ptrdiff_t> at(strides.size());
  std::vector<std::vector<std::ptrdiff_t>> result(strides.size());
  const auto move = [&](std::size_t loop, std::ptrdiff_t steps) {
    for (std::size_t v = 0; v < strides.size(); ++v) at[v] += steps * strides[v][loop];
  };
  for (Odometer odometer(extents); !odometer.done(); odometer.next(move))
    for (std::size_t v = 0; v < strides.size(); ++v) result[v].push_back(at[v]);
  CHECK(at == std::vector<std::ptrdiff_t>(strides.size(), 0));  // back at the first tuple
  return result;
}

// Returns the same offsets, computed from the index of each tuple.
std::vector<std::vector<std::ptrdiff_t>> unravelled_offsets(const Shape& extents, const std::vector<Strides>& strides) {
  std::vector<std::vector<std::ptrdiff_t>> result(strides.size());
  for (std::size_t i = 0; i < extents.elements(); ++i) {
    const Shape index = unravel(i, extents);
    for (std::size_t v = 0; v < strides.size(); ++v) {
      std::ptrdiff_t at = 0;
      for (std::size_t axis = 0; axis < extents.rank(); ++axis)
        at += static_cast<std::ptrdiff_t>(index[axis]) * strides[v][axis];
      result[v].push_back(at);
    }
  }
  return result;
}

}  // namespace

TEST_CASE("an odometer counts index tuples in row-major order") {
  const auto offsets = odometer_offsets({2, 1, 3}, {{100, 10, 1}});
  CHECK(offsets[0] == std::vector<std::ptrdiff_t>{0, 1, 2, 100, 101, 102});
}

TEST_CASE("an odometer without loops has one tuple, one with an extent of 0 has none") {
  CHECK(odometer_offsets({}, {Strides{}})[0].size() == 1);
  CHECK(odometer_offsets({1}, {Strides{5}})[0].size() == 1);
  CHECK(odometer_offsets({1, 1, 1}, {Strides{5, 6, 7}})[0].size() == 1);
  for (const Shape& empty : {Shape{0}, Shape{2, 0}, Shape{0, 2}, Shape{2, 0, 3}}) {
    CHECK(Odometer(empty).done());
    CHECK(odometer_offsets(empty, {Strides{1, 1, 1}})[0].empty());
  }
}

TEST_CASE("several values follow an odometer by strides of any sign") {
  for (const Shape& extents : {Shape{}, Shape{4}, Shape{3, 1, 2}, Shape{1, 5, 1}, Shape{2, 3, 4}, Shape{2, 1, 2, 3, 2},
                               Shape{2, 2, 2, 2, 2, 1, 2, 2}}) {
    Strides negative = contiguous_layout(extents).strides, permuted = negative, repeated = negative;
    for (std::ptrdiff_t& stride : negative) stride = -stride;
    std::rotate(permuted.begin(), permuted.begin() + 1, permuted.end());
    for (std::size_t axis = 0; axis < max_rank; axis += 2) repeated[axis] = 0;
    const std::vector<Strides> strides{contiguous_layout(extents).strides, negative, permuted, repeated, Strides{}};
    const auto offsets = odometer_offsets(extents, strides);
    CHECK(offsets == unravelled_offsets(extents, strides));
    std::vector<std::ptrdiff_t> in_order(extents.elements());
    std::iota(in_order.begin(), in_order.end(), 0);
    CHECK(offsets[0] == in_order);
  }
}

TEST_CASE("each loop moves by its own steps") {
  std::vector<std::pair<std::size_t, std::ptrdiff_t>> moves;
  Odometer odometer(Shape{2, 1, 3});
  for (int i = 0; i < 3; ++i)
    odometer.next([&](std::size_t loop, std::ptrdiff_t steps) { moves.emplace_back(loop, steps); });
  // The last loop advances twice; then it resets, the loop of extent 1 stays, and the first loop advances.
  CHECK(moves == std::vector<std::pair<std::size_t, std::ptrdiff_t>>{{2, 1}, {2, 1}, {2, -2}, {1, 0}, {0, 1}});
  CHECK(!odometer.done());
}

TEST_CASE("elements are copied between layouts of any rank and strides") {
  const Shape shape{2, 3, 2, 2, 3};
  const auto count = static_cast<std::ptrdiff_t>(shape.elements());
  std::vector<double> from(shape.elements()), to(shape.elements());
  std::iota(from.begin(), from.end(), 0);
  Layout reversed = contiguous_layout(shape), odd = contiguous_layout({2, 2, 3, 3, 2}), repeated = reversed;
  for (std::ptrdiff_t& stride : reversed.strides) stride = -stride;
  reversed.contiguous = false;
  odd =
      strided_layout(shape, std::array{odd.strides[1], odd.strides[3], odd.strides[0], odd.strides[4], odd.strides[2]});
  copy_elements<double>({from.data() + count - 1, &reversed}, {to.data(), &odd});
  repeated = strided_layout(shape, std::array<std::ptrdiff_t, 5>{0, 12, 0, 3, 1});
  std::vector<double> copy(shape.elements());
  copy_elements<double>({from.data(), &repeated}, copy.data());
  const auto offset = [](const Layout& layout, const Shape& index) {
    std::ptrdiff_t at = 0;
    for (std::size_t axis = 0; axis < 5; ++axis) at += static_cast<std::ptrdiff_t>(index[axis]) * layout.strides[axis];
    return at;
  };
  for (std::size_t i = 0; i < shape.elements(); ++i) {
    const Shape index = unravel(i, shape);
    CHECK(to[static_cast<std::size_t>(offset(odd, index))] ==
          static_cast<double>(count - 1) + static_cast<double>(offset(reversed, index)));
    CHECK(copy[i] == static_cast<double>(offset(repeated, index)));
  }
  const Layout empty = contiguous_layout({2, 0, 3});
  copy_elements<double>({from.data(), &empty}, nullptr);
}
