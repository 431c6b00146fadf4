// concatenate, stack, split, chunk, tile, repeat, roll and pad: values, gradients and memory.
#include "testing.hpp"

#include <limits>

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("concatenate and stack") {
  Tape<double> tape;
  const auto a = tape.variable(Tensor<double>{{1, 2}, {3, 4}});
  const auto b = tape.variable(Tensor<double>{{5, 6}});
  CHECK(concatenate({a, b}).value() == Tensor<double>{{1, 2}, {3, 4}, {5, 6}});
  CHECK(concatenate({transpose(a), a}, -1).value() == Tensor<double>{{1, 3, 1, 2}, {2, 4, 3, 4}});
  CHECK(concatenate({a, slice(a, {xt::range(0, 0)}), broadcast_to(b, {2, 2})}).value() ==
        Tensor<double>{{1, 2}, {3, 4}, {5, 6}, {5, 6}});
  CHECK(stack({a, a}, 1).shape() == Shape{2, 2, 2});
  CHECK(stack({sum(a), sum(b)}).value() == Tensor<double>{10, 11});
  CHECK(stack({a, -a}, -1).value() == Tensor<double>{{{1, -1}, {2, -2}}, {{3, -3}, {4, -4}}});

  const std::size_t before = tape.size();
  CHECK_ERROR(ShapeError, "[concatenate] shapes (2, 2) and (1, 2) (operand 2): extents may differ along axis 1 only",
              concatenate({a, b}, 1));
  CHECK_ERROR(ShapeError, "[stack] shapes (2, 2) and (1, 2) (operand 2): must be equal", stack({a, b}));
  CHECK_ERROR(ShapeError, "[concatenate] no tensors", concatenate(std::vector<Var<double>>{}));
  CHECK_ERROR(AxisError, "[concatenate] axis 2", concatenate({a, b}, 2));
  CHECK_ERROR(AxisError, "[stack] axis 3", stack({a, a}, 3));
  CHECK_ERROR(HandleError, "[concatenate] operand 2 is an empty handle", concatenate({a, Var<double>()}));
  CHECK_ERROR(HandleError, "[stack] operand 2 is an empty handle", stack({a, Var<double>()}));
  Tape<double> other;
  CHECK_ERROR(HandleError, "[concatenate] operand 2 belongs to another tape",
              concatenate({a, other.variable(Tensor<double>{{1, 2}})}));
  CHECK(tape.size() == before);
}

TEST_CASE("any number of tensors, with one gradient each") {
  Tape<double> tape;
  std::vector<Var<double>> parts;
  for (int i = 0; i < 100; ++i) parts.push_back(tape.variable(Tensor<double>{double(i), 1}));
  const auto y = concatenate(parts);
  CHECK(y.shape() == Shape{200});
  const auto slopes = grad(sum(y * y * y), parts[7], parts[99]);
  CHECK(std::get<0>(slopes).value() == Tensor<double>{3 * 49, 3});
  CHECK(std::get<0>(grad(sum(std::get<1>(slopes)), parts[99])).value() == Tensor<double>{6 * 99, 6});
  CHECK(concatenate({parts[3], parts[3]}).value() == Tensor<double>{3, 1, 3, 1});
  CHECK(std::get<0>(grad(sum(concatenate({parts[3], parts[3]})), parts[3])).value() == Tensor<double>{2, 2});
}

TEST_CASE("split and chunk give views that concatenate to the whole") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({3, 10}, 1));
  CHECK(split(x, 5, 1).size() == 5);
  CHECK(split(x, 5, 1)[1].view().data() == x.view().data() + 2);
  CHECK(concatenate(split(x, 5, 1), 1).value() == x.value());
  CHECK(concatenate(split(x, {0, 3, 3, -1}, 1), 1).value() == x.value());
  CHECK(split(x, {0, 3, 3, -1}, 1)[3].shape() == Shape{3, 6});
  CHECK(chunk(x, 4, 1).size() == 4);
  CHECK(chunk(x, 4, 1)[3].shape() == Shape{3, 1});
  CHECK(chunk(x, 6, 1).size() == 5);  // pieces of two, as in PyTorch
  CHECK(chunk(slice(x, {xt::range(0, 0)}), 3).size() == 1);
  CHECK_ERROR(ShapeError, "[split] axis 1 of shape (3, 10) into 3 sections: not divisible evenly", split(x, 3, 1));
  CHECK_ERROR(ShapeError, "[split] axis 0 of shape (3, 10) into 0 sections", split(x, 0));
  CHECK_ERROR(ValueError,
              "[split] position 2 of axis 1: must be between the previous one, 4, and the end of the axis, 10",
              split(x, {4, 2}, 1));
  CHECK_ERROR(ValueError, "[split] position 11 of axis 1", split(x, {11}, 1));
  CHECK_ERROR(ValueError, "[chunk] 0 chunks", chunk(x, 0));
}

TEST_CASE("tile, repeat and roll") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{{1, 2}, {3, 4}});
  CHECK(tile(x, {2}).value() == Tensor<double>{{1, 2, 1, 2}, {3, 4, 3, 4}});
  CHECK(tile(x, {2, 1, 2}).shape() == Shape{2, 2, 4});
  CHECK(tile(x, {0, 1}).shape() == Shape{0, 2});
  CHECK(tile(sum(x), {3}).value() == Tensor<double>{10, 10, 10});
  CHECK(repeat(x, 2, 0).value() == Tensor<double>{{1, 2}, {1, 2}, {3, 4}, {3, 4}});
  CHECK(repeat(x, 2, -1).value() == Tensor<double>{{1, 1, 2, 2}, {3, 3, 4, 4}});
  CHECK(repeat(x, 0, 0).shape() == Shape{0, 2});
  CHECK(roll(x, 1, 1).value() == Tensor<double>{{2, 1}, {4, 3}});
  CHECK(roll(x, -3, 0).value() == Tensor<double>{{3, 4}, {1, 2}});
  CHECK(roll(x, 1).value() == Tensor<double>{{4, 1}, {2, 3}});
  CHECK(roll(x, 4).value() == x.value());
  CHECK(roll(x, 1, {0, 1}).value() == Tensor<double>{{4, 3}, {2, 1}});
  CHECK(roll(x, {1, 2}, {0, 1}).value() == Tensor<double>{{3, 4}, {1, 2}});
  CHECK(roll(x, {1, 1}, {0, 0}).value() == x.value());
  CHECK_ERROR(AxisError, "[roll] 2 shifts for 1 axes: there must be one for each", roll(x, {1, 2}, {0}));
  for (const auto shift : {std::numeric_limits<std::ptrdiff_t>::max(), std::numeric_limits<std::ptrdiff_t>::min()})
    CHECK(roll(x, shift).shape() == x.shape());
  CHECK(roll(slice(x, {xt::range(0, 0)}), 1, 0).size() == 0);
  CHECK_ERROR(ShapeError, "more elements than memory can hold", tile(x, {std::size_t{1} << 62}));
  CHECK_ERROR(AxisError, "[repeat] axis 2", repeat(x, 2, 2));
  CHECK_ERROR(AxisError, "[roll] axis -3", roll(x, 2, -3));
}

TEST_CASE("pad") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{{1, 2, 3}, {4, 5, 6}});
  CHECK(pad(x, {{1, 0}, {0, 1}}, PadMode::constant, 9).value() ==
        Tensor<double>{{9, 9, 9, 9}, {1, 2, 3, 9}, {4, 5, 6, 9}});
  CHECK(pad(x, {{2, 1}}, PadMode::edge).value() == Tensor<double>{{1, 1, 1, 2, 3, 3}, {4, 4, 4, 5, 6, 6}});
  CHECK(pad(x, {{2, 1}}, PadMode::reflect).value() == Tensor<double>{{3, 2, 1, 2, 3, 2}, {6, 5, 4, 5, 6, 5}});
  CHECK(pad(transpose(x), {{0, 0}, {1, 0}}).value() == Tensor<double>{{0, 1, 4}, {0, 2, 5}, {0, 3, 6}});
  CHECK(pad(x, {}).value() == x.value());
  CHECK(pad(slice(x, {xt::all(), xt::range(0, 0)}), {{1, 1}}).value() == xt::zeros<double>({2, 2}));
  const std::size_t before = tape.size();
  CHECK_ERROR(ShapeError, "[pad] 3 paddings for shape (2, 3)", pad(x, {{1, 1}, {1, 1}, {1, 1}}));
  CHECK_ERROR(ShapeError, "[pad] (0, 2) at axis 0 of shape (2, 3): a reflection must be shorter than the axis",
              pad(x, {{0, 2}, {0, 0}}, PadMode::reflect));
  CHECK_ERROR(ShapeError, "more elements than memory can hold", pad(x, {{std::size_t(-1), 2}}));
  CHECK_ERROR(ShapeError, "more elements than memory can hold", pad(x, {{std::size_t{1} << 62, 2}}));
  CHECK(tape.size() == before);
}

TEST_CASE("repeated steps of slices and joins take no more memory than the first") {
  Tape<float> tape;
  const auto step = [&] {
    const auto x = tape.variable(xt::ones<float>({12, 3}), "x");
    std::vector<Var<float>> rows = split(x, 12);
    const auto loss = sum(square(concatenate(rows)));
    CHECK(std::get<0>(gradients(loss, x)) == 2 * xt::ones<float>({12, 3}));
    const float value = loss.item();
    tape.clear();
    return value;
  };
  CHECK(step() == 36);
  const std::size_t reserved = tape.reserved_bytes();
  CHECK(step() == 36);
  CHECK(tape.reserved_bytes() == reserved);
}
