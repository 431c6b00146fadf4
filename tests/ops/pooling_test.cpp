// Pooling: values by hand, precision, empty batches, third derivatives, and rejected arguments.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class T>
Tensor<T> empty(const Shape& shape) {
  return Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
}

template <class T>
Tensor<T> filled(const Shape& shape, std::initializer_list<T> elements) {
  auto result = empty<T>(shape);
  std::copy(elements.begin(), elements.end(), result.begin());
  return result;
}

}  // namespace

TEST_CASE_TEMPLATE("pooling by hand", T, float, double) {
  Tape<T> tape;
  const auto x = tape.variable(Tensor<T>{{{1, 5, 2, 0}, {5, 3, 4, 4}, {0, 1, 8, 6}}});
  CHECK(max_pool2d(x, 2).value() == filled<T>({1, 1, 2}, {5, 4}));
  CHECK(avg_pool2d(x, 2).value() == filled<T>({1, 1, 2}, {3.5, 2.5}));
  // The first of equal elements, in row-major order, gets the whole gradient.
  CHECK(grad(sum(max_pool2d(x, 2)), x)[0].value() == Tensor<T>{{{0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 0}}});
  CHECK(grad(sum(max_pool2d(x, 2, {.stride = 1})), x)[0].value() ==
        Tensor<T>{{{0, 2, 0, 0}, {1, 0, 1, 0}, {0, 0, 2, 0}}});
  CHECK(grad(sum(avg_pool2d(x, 2)), x)[0].value() ==
        Tensor<T>{{{0.25, 0.25, 0.25, 0.25}, {0.25, 0.25, 0.25, 0.25}, {0, 0, 0, 0}}});
  CHECK(adaptive_avg_pool2d(x, 1).value() == filled<T>({1, 1, 1}, {3.25}));
  CHECK(adaptive_max_pool2d(x, {3, 1}).value() == filled<T>({1, 3, 1}, {5, 5, 8}));
  CHECK(max_pool1d(x, 4).value() == filled<T>({1, 3, 1}, {5, 5, 8}));
}

TEST_CASE_TEMPLATE("the average of many elements keeps its digits", T, float, double) {
  Tape<T> tape;
  const Tensor<T> value = xt::ones<T>({1, 1500, 1500}) * T(0.1);
  CHECK(adaptive_avg_pool2d(tape.variable(value), 1).item() ==
        doctest::Approx(0.1).epsilon(sizeof(T) == 4 ? 1e-6 : 1e-12));
}

TEST_CASE_TEMPLATE("empty batches are pooled", T, float, double) {
  Tape<T> tape;
  const auto x = tape.variable(empty<T>({0, 2, 4, 6}));
  for (const auto& y :
       {max_pool2d(x, 2), avg_pool2d(x, 2), adaptive_max_pool2d(x, {2, 3}), adaptive_avg_pool2d(x, {2, 3})}) {
    CHECK(y.shape() == Shape{0, 2, 2, 3});
    CHECK(grad(sum(y), x)[0].shape() == x.shape());
  }
  CHECK(max_pool2d(tape.variable(empty<T>({3, 0, 4, 6})), 2).shape() == Shape{3, 0, 2, 3});
}

TEST_CASE("operands that are not contiguous are pooled") {
  Tape<double> tape;
  const auto x = transpose(tape.variable(random_tensor({2, 5, 4, 3}, 1)), {0, 3, 1, 2});
  CHECK(max_pool2d(x, 2).value() == max_pool2d(contiguous(x), 2).value());
  CHECK(avg_pool2d(x, 2).value() == avg_pool2d(contiguous(x), 2).value());
}

TEST_CASE("third derivatives through a maximum and an average") {
  const auto f = [](auto x) {
    return grad(sum(pow(max_pool2d(x, 2, {.stride = 1}), 4.0) + pow(avg_pool2d(x, 2, {.stride = 1}), 4.0)), x)[0];
  };
  CHECK(gradcheck(f, random_tensor({1, 3, 4}, 1, 0.5, 1.5)).ok());
}

TEST_CASE_TEMPLATE("positions of maxima by hand, on the tape and in a Program", T, float, double) {
  const Tensor<T> first{{1, 5, 2, 2}, {3, 4, 2, 0}}, second{{9, 5, 0, 1}, {3, 4, 2, 8}};
  Tape<T> tape;
  const auto x = tape.variable(Tensor<T>(xt::view(first, xt::newaxis())));  // one sample of one channel
  const auto [y, indices] = max_pool2d_with_indices(x, 2);
  CHECK(y.value() == Tensor<T>{{{5, 2}}});
  CHECK(indices.value() == Indices{{{1, 2}}});  // in a plane of 2·4 elements, the first of equals
  const auto back = max_unpool2d(y, indices, {2, 4});
  CHECK(back.value() == Tensor<T>{{{0, 5, 2, 0}, {0, 0, 0, 0}}});
  const auto [dx] = grad(sum(back * tape.constant(first)), x);
  CHECK(dx.value() == back.value());
  auto program = compile(tape, {x}, {back, dx, indices}, {.allow_value_dependence = true});
  program(Tensor<T>(xt::view(second, xt::newaxis())));
  CHECK(program.value(0) == Tensor<T>{{{9, 0, 0, 0}, {0, 0, 0, 8}}});
  CHECK(program.value(1) == Tensor<T>{{{1, 0, 0, 0}, {0, 0, 0, 0}}});
  CHECK(program.indices(2) == Indices{{{0, 7}}});
}

TEST_CASE("of elements put at one position, the last remains and gets the gradient") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{{1, 2, 3}}), g = tape.constant(Tensor<double>{{5, 6, 7, 8}});
  const auto y = max_unpool1d(x, Indices{{2, 0, 2}}, 4);
  CHECK(y.value() == Tensor<double>{{2, 0, 3, 0}});
  CHECK(grad(sum(y * g), x)[0].value() == Tensor<double>{{0, 5, 7}});
  const auto size = tape.size();
  CHECK_ERROR(ValueError, "[max_unpool] index 4 at (0, 1): a result of 4 elements has positions 0 to 3",
              max_unpool1d(x, Indices{{0, 4, 1}}, 4));
  CHECK_ERROR(ValueError, "[max_unpool] index -1 at (0, 0)", max_unpool1d(x, Indices{{-1, 0, 1}}, 4));
  CHECK_ERROR(ShapeError, "[max_unpool1d] x of shape (1, 3) and indices of shape (3,): must have the same shape",
              max_unpool1d(x, {0, 1, 2}, 4));
  CHECK_ERROR(ShapeError, "[max_unpool2d] x of shape (1, 3): must be (N, C, H, W) or (C, H, W)",
              max_unpool2d(x, Indices{{0, 1, 2}}, 4));
  CHECK_ERROR(ValueError, "[max_unpool1d] the size is not given", max_unpool1d(x, Indices{{0, 1, 2}}, {}));
  CHECK_ERROR(ValueError, "[max_unpool1d] size 0: must be at least 1", max_unpool1d(x, Indices{{0, 1, 2}}, 0));
  CHECK(tape.size() == size);
}

TEST_CASE("pooling that is refused") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3, 5, 6}, 1)), line = tape.variable(random_tensor({4, 5}, 2)),
             none = tape.variable(empty<double>({2, 3, 0, 6})), short_line = tape.variable(random_tensor({1, 2}, 3));
  const auto start = tape.size();
  CHECK_ERROR(ShapeError, "[max_pool2d] x of shape (4, 5): must be (N, C, H, W) or (C, H, W)", max_pool2d(line, 2));
  CHECK_ERROR(ShapeError, "[avg_pool1d] x of shape (2, 3, 5, 6): must be (N, C, L) or (C, L)", avg_pool1d(x, 2));
  CHECK_ERROR(ShapeError, "[adaptive_avg_pool3d] x of shape (4, 5): must be (N, C, D, H, W)",
              adaptive_avg_pool3d(line, 2));
  CHECK_ERROR(ShapeError, "with spatial extents of at least 1", max_pool2d(none, 2));
  CHECK_ERROR(ShapeError,
              "[max_pool2d] x of shape (2, 3, 5, 6): along H the padded input has 5 elements, too few for "
              "a kernel of 6 with dilation 1",
              max_pool2d(x, 6));
  CHECK_ERROR(ShapeError, "along W the padded input has 6 elements, too few for a kernel of 2 with dilation 6",
              max_pool2d(x, 2, {.dilation = {1, 6}}));
  CHECK_ERROR(ShapeError,
              "[max_pool1d] x of shape (1, 2): along L a kernel of 2 with dilation 3 and padding 1 covers only padding",
              max_pool1d(short_line, 2, {.stride = 1, .padding = 1, .dilation = 3}));
  CHECK_ERROR(ValueError, "[max_pool2d] kernel (2, 0): must be at least 1", max_pool2d(x, {2, 0}));
  CHECK_ERROR(ValueError, "[avg_pool2d] the kernel is not given", avg_pool2d(x, {}));
  CHECK_ERROR(ValueError, "[avg_pool2d] stride (0, 0): must be at least 1", avg_pool2d(x, 2, {.stride = 0}));
  CHECK_ERROR(ValueError, "[max_pool2d] padding (-1, -1): must be at least 0", max_pool2d(x, 2, {.padding = -1}));
  CHECK_ERROR(ValueError, "[max_pool2d] padding 2 with a kernel of 3 along H: must be at most half the kernel",
              max_pool2d(x, 3, {.padding = {2, 1}}));
  CHECK_ERROR(ValueError, "[max_pool2d] dilation (0, 0): must be at least 1", max_pool2d(x, 2, {.dilation = 0}));
  CHECK_ERROR(ValueError, "[adaptive_max_pool2d] size (2, 0): must be at least 1", adaptive_max_pool2d(x, {2, 0}));
  CHECK_ERROR(ValueError, "[adaptive_avg_pool2d] the size is not given", adaptive_avg_pool2d(x, {}));
  CHECK_ERROR(HandleError, "[max_pool2d] the operand is an empty handle", max_pool2d(Var<double>(), 2));
  CHECK(tape.size() == start);
}
