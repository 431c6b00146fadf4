// Interpolation and pixel shuffling: values by hand, exact nearest neighbours, and rejected arguments.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE_TEMPLATE("interpolation by hand", T, float, double) {
  Tape<T> tape;
  const auto x = tape.variable(Tensor<T>{{1, 3, 7}});
  CHECK(upsample_nearest1d(x, 6).value() == Tensor<T>{{1, 1, 3, 3, 7, 7}});
  CHECK(upsample_nearest1d(x, 2).value() == Tensor<T>{{1, 3}});
  CHECK(upsample_linear(x, 6).value() == Tensor<T>{{1, 1.5, 2.5, 4, 6, 7}});
  CHECK(upsample_linear(x, 5, AlignCorners::yes).value() == Tensor<T>{{1, 2, 3, 5, 7}});
  CHECK(grad(sum(upsample_linear(x, 5, AlignCorners::yes)), x)[0].value() == Tensor<T>{{1.5, 2, 1.5}});
  const auto infinite = tape.variable(Tensor<T>{{1, std::numeric_limits<T>::infinity(), 3}});
  CHECK(upsample_linear(infinite, 3).value() == infinite.value());
}

TEST_CASE("nearest neighbours are found in exact arithmetic") {
  Tape<double> tape;
  for (const std::size_t input : Sizes{1, 3, 7, 49}) {
    Tensor<double> value = xt::reshape_view(xt::arange<double>(static_cast<double>(input)), {std::size_t{1}, input});
    const auto x = tape.variable(value);
    for (const std::size_t factor : Sizes{2, 3, 10}) {
      const auto y = upsample_nearest1d(x, input * factor).value();
      for (std::size_t i = 0; i < input * factor; ++i) CHECK(y(0, i) == static_cast<double>(i / factor));
    }
  }
}

TEST_CASE_TEMPLATE("pixel_shuffle by hand, and its reverse", T, float, double) {
  Tape<T> tape;
  const auto x = reshape(tape.variable(Tensor<T>{1, 2, 3, 4}), {4, 1, 1});
  CHECK(pixel_shuffle(x, 2).value() == Tensor<T>{{{1, 2}, {3, 4}}});
  const auto value = random_tensor<T>({2, 18, 3, 2}, 1);
  CHECK(pixel_unshuffle(pixel_shuffle(tape.variable(value), 3), 3).value() == value);
}

TEST_CASE("empty batches and strided operands are resized") {
  Tape<double> tape;
  const auto none = tape.variable(Tensor<double>::from_shape({0, 4, 3, 3}));
  CHECK(upsample_bilinear(none, 5).shape() == Shape{0, 4, 5, 5});
  CHECK(grad(sum(upsample_bilinear(none, 5)), none)[0].shape() == none.shape());
  CHECK(upsample_nearest2d(none, {5, 2}).shape() == Shape{0, 4, 5, 2});
  CHECK(pixel_shuffle(none, 2).shape() == Shape{0, 1, 6, 6});
  const auto x = transpose(tape.variable(random_tensor({2, 3, 4, 5}, 1)), {0, 1, 3, 2});
  CHECK(upsample_bilinear(x, 7).value() == upsample_bilinear(contiguous(x), 7).value());
  CHECK(upsample_bilinear(x, {5, 4}).index() == x.index());  // returns the operand
}

TEST_CASE("resizing that is refused") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3, 5, 6}, 1)), line = tape.variable(random_tensor({5}, 2));
  const auto start = tape.size();
  CHECK_ERROR(ShapeError, "[upsample_nearest2d] x of shape (5,): must be (N, C, H, W) or (C, H, W)",
              upsample_nearest2d(line, 2));
  CHECK_ERROR(ShapeError, "[upsample_linear] x of shape (2, 3, 5, 6): must be (N, C, L) or (C, L)",
              upsample_linear(x, 2));
  CHECK_ERROR(ValueError, "[upsample_bilinear] size (2, 0): must be at least 1", upsample_bilinear(x, {2, 0}));
  CHECK_ERROR(ValueError, "[upsample_nearest2d] the size is not given", upsample_nearest2d(x, {}));
  CHECK_ERROR(ShapeError, "[pixel_shuffle] x of shape (2, 3, 5, 6) with factor 2: 3 channels are not divisible by 4",
              pixel_shuffle(x, 2));
  CHECK_ERROR(ShapeError,
              "[pixel_unshuffle] x of shape (2, 3, 5, 6) with factor 2: both spatial extents must be "
              "multiples of it",
              pixel_unshuffle(x, 2));
  CHECK_ERROR(ValueError, "[pixel_shuffle] factor 0: must be at least 1", pixel_shuffle(x, 0));
  CHECK_ERROR(HandleError, "[pixel_shuffle] the operand is an empty handle", pixel_shuffle(Var<double>(), 2));
  CHECK(tape.size() == start);
}
