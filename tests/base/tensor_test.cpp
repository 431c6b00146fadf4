// Shape, broadcasting, axis numbers, loop merging, and copies of elements.
#include "testing.hpp"
#include <wengert/base/layout.hpp>

#include <cmath>
#include <limits>

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("a shape holds its extents and prints like a tuple") {
  CHECK(to_string(Shape{}) == "()");
  CHECK(to_string(Shape{3}) == "(3,)");
  CHECK(to_string(Shape{64, 4}) == "(64, 4)");
  CHECK(Shape{2, 3, 4}.elements() == 24);
  CHECK(Shape{}.elements() == 1);
  CHECK(Shape{2, 0}.elements() == 0);
  CHECK(Shape(std::vector<int>{2, 3}) == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2} != Shape{2, 1});
  CHECK(contains(message_of<ShapeError>([] { Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}; }),
                 "9 axes: a tensor on a tape has at most 8"));
}

TEST_CASE("shapes broadcast as NumPy's do") {
  CHECK(broadcast_shapes({3, 4}, {4}) == Shape{3, 4});
  CHECK(broadcast_shapes({3, 1}, {1, 4}) == Shape{3, 4});
  CHECK(broadcast_shapes({}, {2, 2}) == Shape{2, 2});
  CHECK(broadcast_shapes({2, 1, 5}, {3, 1}) == Shape{2, 3, 5});
  CHECK(broadcast_shapes({0}, {1}) == Shape{0});
  CHECK(broadcast_shapes({3}, {4}) == std::nullopt);
  CHECK(broadcast_shapes({0}, {2}) == std::nullopt);
}

TEST_CASE("axes count from the end if negative") {
  CHECK(normalise_axis(1, 3, "f") == 1);
  CHECK(normalise_axis(-1, 3, "f") == 2);
  CHECK(contains(message_of<AxisError>([] { normalise_axis(3, 3, "f"); }),
                 "[f] axis 3: a tensor of rank 3 has axes -3 to 2"));
  CHECK(contains(message_of<AxisError>([] { normalise_axis(0, 0, "f"); }), "[f] axis 0"));
}

TEST_CASE("loops merge neighbouring axes where every value allows it") {
  const Layout full = contiguous_layout({2, 3, 4});
  const Layout* one[] = {&full};
  CHECK(merge_loops(one).rank == 1);
  CHECK(merge_loops(one).extents[0] == 24);
  const std::array<std::ptrdiff_t, 3> row{0, 0, 1};
  const Layout repeated = strided_layout({2, 3, 4}, row);
  CHECK(!repeated.contiguous);
  const Layout* both[] = {&full, &repeated};
  const Loops loops = merge_loops(both);
  CHECK(loops.rank == 2);
  CHECK(loops.extents[0] == 6);
  CHECK(loops.extents[1] == 4);
  CHECK(loops.strides[1][0] == 0);
}

TEST_CASE("elements are copied to row-major order from any strides") {
  const auto source = random_tensor({3, 4, 5, 2}, 1);
  for (const std::vector<std::ptrdiff_t>& order :
       {std::vector<std::ptrdiff_t>{3, 2, 1, 0}, {0, 2, 1, 3}, {1, 0, 3, 2}, {2, 3, 0, 1}}) {
    const Tensor<double> expected = xt::transpose(source, order);
    const Layout base = contiguous_layout(Shape(source.shape()));
    std::array<std::ptrdiff_t, 4> strides{};
    Shape shape = base.shape;
    for (std::size_t i = 0; i < 4; ++i) {
      strides[i] = base.strides[static_cast<std::size_t>(order[i])];
      shape[i] = base.shape[static_cast<std::size_t>(order[i])];
    }
    const Layout layout = strided_layout(shape, strides);
    auto copy = Tensor<double>::from_shape(expected.shape());
    copy_elements<double>({source.data(), &layout}, copy.data());
    CHECK(copy == expected);
  }
}

TEST_CASE("more elements than memory can hold are refused") {
  CHECK(contains(message_of<ShapeError>([] {
                   contiguous_layout({std::size_t{1} << 40, std::size_t{1} << 40});
                 }),
                 "more elements than memory can hold"));
}

TEST_CASE("the distance that tests compare with is NaN if any difference is") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor<double> zeros{0, 0, 0};
  for (std::size_t i = 0; i < 3; ++i) {
    Tensor<double> one_nan{0, 1, 2};
    one_nan(i) = nan;
    CHECK(std::isnan(distance(one_nan, zeros)));
  }
  CHECK(distance(Tensor<double>{0, -2, 1}, zeros) == 2);
  CHECK(distance(Tensor<double>{0}, zeros) == infinity);
}
