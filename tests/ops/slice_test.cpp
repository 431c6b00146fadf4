// Slices, diagonals and triangles: values against xtensor, Python's index rules, gradients, and rejected arguments.
#include "testing.hpp"

#include <limits>

using namespace wengert;
using namespace wengert::testing;
using xt::placeholders::_;

TEST_CASE("slice cuts what xt::view cuts, and copies nothing") {
  Tape<double> tape;
  const auto value = random_tensor({3, 4, 5}, 1);
  const auto x = tape.variable(value);
  CHECK(slice(x, {xt::range(1, 3), xt::all(), 2}).value() == xt::view(value, xt::range(1, 3), xt::all(), 2));
  CHECK(slice(x, {xt::range(_, 2)}).value() == xt::view(value, xt::range(_, 2)));
  CHECK(slice(x, {1, xt::range(0, 4, 3)}).value() == xt::view(value, 1, xt::range(0, 4, 3)));
  CHECK(slice(x, {xt::ellipsis(), xt::range(3, _)}).value() == xt::view(value, xt::all(), xt::all(), xt::range(3, _)));
  CHECK(slice(x, {xt::all(), xt::newaxis(), 0}).value() == xt::view(value, xt::all(), xt::newaxis(), 0));
  CHECK(slice(x, 2, xt::range(1, 3)).value() == xt::view(value, xt::all(), xt::all(), xt::range(1, 3)));
  CHECK(slice(x, -1, 4).value() == xt::view(value, xt::all(), xt::all(), 4));
  CHECK(slice(x, {}).index() == x.index());
  CHECK(slice(x, {2, 3, 4}).item() == value(2, 3, 4));

  const auto part = slice(x, {xt::range(1, _), xt::range(_, _, 2), xt::range(1, 4)});
  CHECK(part.shape() == Shape{2, 2, 3});
  CHECK(part.view().data() == x.view().data() + 21);
  CHECK(Tensor<double>(part.view()) == part.value());
  CHECK(slice(part, {1, 1, 2}).item() == value(2, 2, 3));
  CHECK(slice(transpose(x), {4, xt::range(1, 3)}).value() ==
        xt::view(xt::eval(xt::transpose(value)), 4, xt::range(1, 3)));
  CHECK(squeeze(slice(part, {xt::range(0, 1)})).view().data() == part.view().data());  // still a view
}

TEST_CASE("slices follow Python's rules at the ends") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{0, 1, 2, 3, 4});
  const auto of = [&](auto first, auto last, std::ptrdiff_t step = 1) {
    return slice(x, {Slice(first, last, step)}).value();
  };
  CHECK(of(-3, -1) == Tensor<double>{2, 3});
  CHECK(of(3, 100) == Tensor<double>{3, 4});
  CHECK(of(-100, 2) == Tensor<double>{0, 1});
  CHECK(of(4, 1).size() == 0);
  CHECK(of(7, 9).size() == 0);
  CHECK(of(4, 1, -1) == Tensor<double>{4, 3, 2});
  CHECK(of(4, std::nullopt, -3) == Tensor<double>{4, 1});
  CHECK(of(std::nullopt, std::nullopt, -2) == Tensor<double>{4, 2, 0});
  CHECK(of(-2, -100, -1) == Tensor<double>{3, 2, 1, 0});
  CHECK(of(1, 3, -1).size() == 0);
  constexpr auto most = std::numeric_limits<std::ptrdiff_t>::max(), least = std::numeric_limits<std::ptrdiff_t>::min();
  CHECK(of(1, most, most) == Tensor<double>{1});
  CHECK(of(3, least, least) == Tensor<double>{3});
  CHECK(slice(x, {-5}).item() == 0);
}

TEST_CASE("the gradient of a slice is zero beside it") {
  Tape<float> tape;
  const auto x = tape.variable(Tensor<float>{{1, 2, 3}, {4, 5, 6}});
  const auto [dx] = grad(sum(square(slice(x, {1, xt::range(_, _, -2)}))), x);
  CHECK(dx.value() == Tensor<float>{{0, 0, 0}, {8, 0, 12}});
  const auto none = slice(x, {xt::range(1, 1)});
  CHECK(none.shape() == Shape{0, 3});
  CHECK(std::get<0>(grad(sum(none), x)).value() == Tensor<float>{{0, 0, 0}, {0, 0, 0}});
}

TEST_CASE("what cannot be sliced says why, and records nothing") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3}, 1));
  const std::size_t before = tape.size();
  CHECK_ERROR(ValueError, "[slice] position 2 of axis 0: the axis has 2 elements", slice(x, {2}));
  CHECK_ERROR(ValueError, "[slice] position -4 of axis 1: the axis has 3 elements", slice(x, 1, -4));
  CHECK_ERROR(ValueError, "[slice] axis 1: the step is 0", slice(x, {xt::all(), xt::range(0, 2, 0)}));
  CHECK_ERROR(ShapeError, "[slice] 3 positions and ranges for shape (2, 3)", slice(x, {0, 1, 2}));
  CHECK_ERROR(ShapeError, "[slice] more than one ellipsis", slice(x, {xt::ellipsis(), xt::ellipsis()}));
  CHECK_ERROR(AxisError, "[slice] axis 2", slice(x, 2, 0));
  CHECK_ERROR(ValueError, "[slice] ellipsis or newaxis along one axis", slice(x, 0, xt::newaxis()));
  CHECK_ERROR(AxisError, "[flip] axis 5", flip(x, 5));
  CHECK_ERROR(AxisError, "[diagonal] axis 1 is repeated", diagonal(x, 0, 1, -1));
  CHECK_ERROR(ShapeError, "[diag] shape (): expected a vector or a matrix", diag(sum(x)));
  CHECK_ERROR(ShapeError, "[tril] shape (3,): expected a matrix, or a stack of matrices", tril(slice(x, {0})));
  CHECK_ERROR(AxisError, "[trace] axis 2", trace(x, 0, 0, 2));
  CHECK_ERROR(HandleError, "[slice] the operand is an empty handle", slice(Var<double>(), {0}));
  CHECK(tape.size() == before + 2);  // operands of the calls: the sum and the slice
}

TEST_CASE("diagonals and triangles at the edges") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{{1, 2, 3}, {4, 5, 6}});
  constexpr auto most = std::numeric_limits<std::ptrdiff_t>::max(), least = std::numeric_limits<std::ptrdiff_t>::min();
  CHECK(diagonal(x).value() == Tensor<double>{1, 5});
  CHECK(diagonal(x).view().data() == x.view().data());
  CHECK(diagonal(x, 2).value() == Tensor<double>{3});
  CHECK(diagonal(x, -1).value() == Tensor<double>{4});
  for (const auto offset : {std::ptrdiff_t{3}, std::ptrdiff_t{-2}, most, least}) CHECK(diagonal(x, offset).size() == 0);
  CHECK(trace(x).item() == 6);
  CHECK(tril(x).value() == Tensor<double>{{1, 0, 0}, {4, 5, 0}});
  CHECK(triu(x).value() == Tensor<double>{{1, 2, 3}, {0, 5, 6}});
  CHECK(tril(x, most).value() == x.value());
  CHECK(xt::all(xt::equal(tril(x, least).value(), 0)));
  CHECK(triu(x, least).value() == x.value());
  CHECK(xt::all(xt::equal(triu(x, most).value(), 0)));
  CHECK(tril(transpose(x), -1).value() == Tensor<double>{{0, 0}, {2, 0}, {3, 6}});
  CHECK(diag(slice(x, {0}), 1).value() == Tensor<double>{{0, 1, 0, 0}, {0, 0, 2, 0}, {0, 0, 0, 3}, {0, 0, 0, 0}});
  CHECK_ERROR(ShapeError, "more elements than memory can hold", diag(slice(x, {0}), least));
  const auto infinite = tape.constant(Tensor<double>{{1, std::numeric_limits<double>::infinity()}, {0, 1}});
  CHECK(tril(infinite).value() == Tensor<double>{{1, 0}, {0, 1}});  // zeros, not infinity · 0
  const auto empty = tape.variable(Tensor<double>::from_shape({0, 3}));
  CHECK(tril(empty).shape() == Shape{0, 3});
  CHECK(diagonal(empty).shape() == Shape{0});
  CHECK(flip(empty).shape() == Shape{0, 3});
  CHECK(flip(sum(x)).item() == 21);
  CHECK(flip(transpose(x), 0).value() == Tensor<double>{{3, 6}, {2, 5}, {1, 4}});
}
