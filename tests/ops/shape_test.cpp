// Shape ops: views that copy nothing, values against xtensor, inferred extents, and transposes of every size.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("reshape, transpose and broadcast_to are views: they copy nothing") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({3, 4}, 1));
  const auto memory = x.view().data();
  CHECK(reshape(x, {2, 6}).view().data() == memory);
  CHECK(transpose(x).view().data() == memory);
  CHECK(broadcast_to(x, {5, 3, 4}).view().data() == memory);
  CHECK(reshape(transpose(x), {12}).view().data() != memory);  // cannot be a view
}

TEST_CASE("shape ops give what xtensor gives") {
  Tape<double> tape;
  const auto value = random_tensor({2, 3, 4}, 2);
  const auto x = tape.variable(value);
  Tensor<double> flat = value;
  flat.reshape({6, 4});
  CHECK(reshape(x, {6, 4}).value() == flat);
  CHECK(reshape(reshape(x, {24}), {4, 3, 2}).shape() == Shape{4, 3, 2});
}

TEST_CASE("transposes") {
  Tape<double> tape;
  const auto value = random_tensor({2, 3, 4}, 2);
  const auto x = tape.variable(value);
  CHECK(transpose(x).value() == xt::transpose(value));
  CHECK(transpose(x, {1, 2, 0}).value() == xt::transpose(value, {1, 2, 0}));
  CHECK(transpose(x, {-1, 0, 1}).value() == xt::transpose(value, {2, 0, 1}));
  CHECK(swapaxes(x, 0, -1).value() == xt::transpose(value, {2, 1, 0}));
  CHECK(Tensor<double>(transpose(x).view()) == xt::transpose(value));
  CHECK(reshape(transpose(x), {24}).value() == xt::flatten(xt::eval(xt::transpose(value))));
  CHECK(contiguous(transpose(x)).value() == xt::transpose(value));
  CHECK_ERROR(AxisError, "[transpose] order (0, 1) of a tensor of rank 3: every axis must be named once",
              transpose(x, {0, 1}));
  CHECK_ERROR(AxisError, "[transpose] order (0, 1, 1)", transpose(x, {0, 1, 1}));
  CHECK_ERROR(AxisError, "[transpose] axis 3", transpose(x, {0, 1, 3}));
  CHECK_ERROR(AxisError, "[swapaxes] axis 7", swapaxes(x, 0, 7));
}

TEST_CASE("broadcast_to and sum_to are each other's reverse") {
  Tape<double> tape;
  const auto value = random_tensor({3, 1}, 3);
  const auto x = tape.variable(value);
  CHECK(broadcast_to(x, {2, 3, 4}).value() == xt::broadcast(value, {2, 3, 4}));
  CHECK(distance(sum_to(broadcast_to(x, {2, 3, 4}), {3, 1}).value(), value * 8.0) < 1e-15);
  CHECK(sum_to(x, {3, 1}).index() == x.index());
  CHECK_ERROR(ShapeError, "[broadcast_to] shape (3, 1) does not broadcast to (2, 4)", broadcast_to(x, {2, 4}));
  CHECK_ERROR(ShapeError, "[broadcast_to] shape (3, 1) does not broadcast to (3,)", broadcast_to(x, {3}));
  CHECK_ERROR(ShapeError, "[sum_to] shape (3, 1) to (2,)", sum_to(x, {2}));
}

TEST_CASE("reshape needs as many elements") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3}, 4));
  CHECK_ERROR(ShapeError, "[reshape] shape (2, 3) to (4, 2): 6 elements cannot become 8", reshape(x, {4, 2}));
  CHECK(reshape(tape.constant(Tensor<double>::from_shape({0, 3})), {3, 0, 2}).shape() == Shape{3, 0, 2});
}

TEST_CASE("reshape finds the extent given as -1, and stays a view where strides allow") {
  Tape<double> tape;
  const auto value = random_tensor({2, 3, 4}, 5);
  const auto x = tape.variable(value);
  const std::size_t n = 2;
  CHECK(reshape(x, {n, -1}).shape() == Shape{2, 12});
  CHECK(reshape(x, {-1}).shape() == Shape{24});
  CHECK(reshape(x, {4, -1, 2}).shape() == Shape{4, 3, 2});
  CHECK(reshape(sum(x), {}).shape() == Shape{});
  CHECK_ERROR(ShapeError, "[reshape] 24 elements cannot be divided into rows of 5: no extent fits in place of −1",
              reshape(x, {5, -1}));
  CHECK_ERROR(ShapeError, "[reshape] extent -1: must not be negative, except for one −1", reshape(x, {-1, -1}));
  CHECK_ERROR(ShapeError, "[reshape] extent -2", reshape(x, {-2, 12}));
  CHECK_ERROR(ShapeError, "[reshape] 0 elements cannot be divided into rows of 0",
              reshape(tape.constant(Tensor<double>::from_shape({0})), {0, -1}));

  const auto turned = transpose(x, {1, 0, 2});  // (3, 2, 4), the last axis whole
  const Tensor<double> expected = xt::transpose(value, {1, 0, 2});
  const auto parted = reshape(turned, {3, 1, 2, 2, 2, 1});
  CHECK(parted.view().data() == x.view().data());
  CHECK(parted.value() == xt::reshape_view(expected, {3, 1, 2, 2, 2, 1}));
  const auto merged = reshape(turned, {6, 4});  // rows are not contiguous: a copy
  CHECK(merged.view().data() != x.view().data());
  CHECK(merged.value() == xt::reshape_view(expected, {6, 4}));
  const auto repeated = reshape(broadcast_to(sum(x), {3, 4}), {12});
  CHECK(repeated.view().strides()[0] == 0);
}

TEST_CASE_TEMPLATE("transposes of every size are copied right", T, float, double) {
  for (const std::size_t rows : Sizes{1, 2, 3, 7, 8, 9, 17, 40})
    for (const std::size_t columns : Sizes{1, 3, 4, 5, 15, 16, 17, 35}) {
      CAPTURE(rows);
      CAPTURE(columns);
      Tape<T> tape;
      const Tensor<T> value = random_tensor<T>({2, rows, columns}, 1);
      const auto x = tape.variable(value);
      CHECK(contiguous(swapaxes(x, 1, 2)).value() == Tensor<T>(xt::transpose(value, {0, 2, 1})));
      CHECK(contiguous(transpose(x)).value() == Tensor<T>(xt::transpose(value)));
      CHECK(concatenate({swapaxes(x, 0, 2), swapaxes(x, 0, 2)}, 2).shape() == Shape{columns, rows, 4});
    }
}

TEST_CASE("flatten, expand_dims, squeeze and moveaxis") {
  Tape<double> tape;
  const auto value = random_tensor({2, 3, 4}, 6);
  const auto x = tape.variable(value);
  CHECK(flatten(x).value() == xt::flatten(value));
  CHECK(flatten(x, 1).shape() == Shape{2, 12});
  CHECK(flatten(x, 0, -2).shape() == Shape{6, 4});
  CHECK(flatten(x, 1, 1).shape() == Shape{2, 3, 4});
  CHECK(flatten(sum(x)).shape() == Shape{1});
  CHECK_ERROR(AxisError, "[flatten] axes 2 to 1 of shape (2, 3, 4): the first comes after the last", flatten(x, 2, 1));
  CHECK(expand_dims(x, 0).shape() == Shape{1, 2, 3, 4});
  CHECK(expand_dims(x, {1, -1}).shape() == Shape{2, 1, 3, 4, 1});
  CHECK(expand_dims(transpose(x), 1).view().data() == x.view().data());
  CHECK_ERROR(AxisError, "[expand_dims] axis 4", expand_dims(x, 4));
  CHECK_ERROR(AxisError, "[expand_dims] axis -5 is repeated", expand_dims(x, {0, -5}));
  const auto thin = reshape(x, {1, 2, 1, 12});
  CHECK(squeeze(thin).shape() == Shape{2, 12});
  CHECK(squeeze(thin, 0).shape() == Shape{2, 1, 12});
  CHECK_ERROR(ShapeError,
              "[squeeze] axis 1 of shape (1, 2, 1, 12) has 2 elements: only an axis of extent 1 can be removed",
              squeeze(thin, {0, 1}));
  CHECK(moveaxis(x, 0, -1).value() == xt::transpose(value, {1, 2, 0}));
  CHECK(moveaxis(x, 2, 0).value() == xt::transpose(value, {2, 0, 1}));
  CHECK(moveaxis(x, 1, 1).value() == value);
  CHECK(moveaxis(x, {0, 1}, {-1, 0}).value() == xt::transpose(value, {1, 2, 0}));
  CHECK(moveaxis(x, {2, 0}, {0, 1}).value() == xt::transpose(value, {2, 0, 1}));
  CHECK_ERROR(AxisError, "[moveaxis] axis 3", moveaxis(x, 3, 0));
  CHECK_ERROR(AxisError, "[moveaxis] axis -3 is repeated", moveaxis(x, {0, -3}, {0, 1}));
  CHECK_ERROR(AxisError, "[moveaxis] axis 1 is repeated", moveaxis(x, {0, 2}, {1, 1}));
  CHECK_ERROR(AxisError, "[moveaxis] 2 axes to move to 1 positions", moveaxis(x, {0, 1}, 2));
}
