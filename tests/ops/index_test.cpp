// take, gather, scatter, masks and sorting: values, repeated indices, edge cases, and rejected indices.
#include "testing.hpp"

#include <limits>

using namespace wengert;
using namespace wengert::testing;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
Tensor<double> empty(const Shape& shape) { return Tensor<double>::from_shape(xt::dynamic_shape<std::size_t>(shape)); }

// Returns indices of a shape that braces cannot express: several axes of one element.
Indices shaped(const Shape& shape, std::initializer_list<std::int64_t> values) {
  Indices result = Indices::from_shape(xt::dynamic_shape<std::size_t>(shape));
  std::copy(values.begin(), values.end(), result.begin());
  return result;
}

}  // namespace

TEST_CASE("take puts the axes of the indices in place of its own") {
  Tape<double> tape;
  const auto value = random_tensor({3, 4, 2}, 1);
  const auto x = tape.variable(value);
  const auto rows = take(x, {2, 0, -1}, 0);
  CHECK(rows.shape() == Shape{3, 4, 2});
  CHECK(Tensor<double>(xt::view(rows.value(), 2)) == Tensor<double>(xt::view(value, 2)));
  const auto y = take(x, Indices{{3, 0}, {0, -4}}, 1);
  CHECK(y.shape() == Shape{3, 2, 2, 2});
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 2; ++j) {
      CHECK(y.value()(i, 0, 0, j) == value(i, 3, j));
      CHECK(y.value()(i, 1, 1, j) == value(i, 0, j));
    }
  // Operands of any strides: taking rows of the transpose takes along the last axis.
  CHECK(take(transpose(x), {1, 1}, 0).value() == transpose(take(x, {1, 1}, 2)).value());
  CHECK(take(broadcast_to(tape.constant(7.0), {3, 2}), {0, 2}, 0).value() == Tensor<double>{{7, 7}, {7, 7}});
  CHECK(take(x, shaped({}, {2}), 0).shape() == Shape{4, 2});  // a scalar index removes the axis
  CHECK(take(x, {-1, 4}).value() == Tensor<double>{value(2, 3, 1), value(0, 2, 0)});
  CHECK(take(sum(x), {0, 0}).value() == Tensor<double>{sum(x).item(), sum(x).item()});
}

TEST_CASE("what is taken twice has twice the gradient") {
  Tape<float> tape;
  const auto x = tape.variable(Tensor<float>{{1, 2}, {3, 4}, {5, 6}});
  const Tensor<float> w{{1, 10}, {100, 1000}, {2, 3}};
  const auto [dx] = grad(sum(take(x, {2, 2, 0}, 0) * w), x);
  CHECK(dx.value() == Tensor<float>{{2, 3}, {0, 0}, {101, 1010}});
  const auto [dy] = grad(sum(embedding(x, tape.indices({1, 1, 1}))), x);
  CHECK(dy.value() == Tensor<float>{{0, 0}, {3, 3}, {0, 0}});
}

TEST_CASE_TEMPLATE("several lists of indices by hand, on the tape and in a Program", T, float, double) {
  const Tensor<T> first{{0, 1, 2}, {10, 11, 12}}, second{{5, 6, 7}, {8, 9, 4}};
  Tape<T> tape;
  const auto x = tape.variable(first);
  const auto i = tape.indices(Indices{1, 0, -1, 1}), j = tape.indices(Indices{2, 0, 0, -1});
  const auto y = index(x, {i, j});
  CHECK(y.value() == Tensor<T>{12, 0, 10, 12});
  const auto [dx] = grad(sum(y * tape.constant(Tensor<T>{1, 2, 3, 4})), x);
  CHECK(dx.value() == Tensor<T>{{2, 0, 0}, {3, 0, 5}});
  CHECK(index(x, {column<std::int64_t>({1, 0}), Indices{2, 1}}).value() == Tensor<T>{{12, 11}, {2, 1}});
  CHECK(index(x, {{-1, 0}}).value() == Tensor<T>{{10, 11, 12}, {0, 1, 2}});    // one list: rows
  CHECK(index(x, {{2, 0}}, 1).value() == Tensor<T>{{2, 0}, {12, 10}});         // columns
  CHECK(index(x, {{2, 0}, {1, 1}}, {1, 0}).value() == Tensor<T>{12, 10});      // the axes in another order
  CHECK(index(x, {Indices(1), Indices(2)}).value() == Tensor<T>(T(12)));       // one position: a scalar
  const auto cube = expand_dims(x, 1);                                         // (2, 1, 3)
  CHECK(index(cube, {{1, 0}, {2, 0}}, {0, 2}).value() == column<T>({12, 0}));  // apart: the lists' axes first
  CHECK(index(x, {Indices::from_shape({0}), {1}}).shape() == Shape{0});
  auto program = compile(tape, {x, i}, {y, dx}, {.allow_value_dependence = true});
  program(second, Indices{0, 0, 1, 1});
  CHECK(program.value(0) == Tensor<T>{7, 5, 8, 4});
  CHECK(program.value(1) == Tensor<T>{{2, 0, 1}, {3, 0, 4}});
  CHECK_THROWS_AS(program(second, Indices{0, 0, 2, 1}), ValueError);

  const auto size = tape.size();
  CHECK_ERROR(ValueError, "[index] index 2 at (1,): axis 0 has 2 elements, -2 to 1", index(x, {{0, 2}, {0, 0}}));
  CHECK_ERROR(ValueError, "[index] index -4 at (0,): axis 1 has 3 elements, -3 to 2", index(x, {{0, 1}, {-4, 0}}));
  CHECK_ERROR(ValueError, "[index] index 3 at (0,): axis 1 has 3 elements", index(x, {{3}}, -1));
  CHECK_ERROR(ShapeError, "[index] indices of shapes (2,) and (3,): must broadcast against each other",
              index(x, {{0, 1}, {0, 1, 2}}));
  CHECK_ERROR(ShapeError, "[index] no lists of indices: expected at least one", index(x, {}));
  CHECK_ERROR(AxisError, "[index] 3 lists of indices for 2 axes: expected at most one for each", index(x, {i, i, i}));
  CHECK_ERROR(AxisError, "[index] 2 lists of indices for 1 axes: expected one for each", index(x, {i, j}, 0));
  CHECK_ERROR(AxisError, "[index] axis -2 is repeated", index(x, {i, j}, {0, -2}));
  CHECK_ERROR(AxisError, "[index] axis 2", index(x, {i}, 2));
  CHECK_ERROR(HandleError, "[index] the index operand is an empty handle", index(x, {i, IndexVar<T>()}));
  CHECK(tape.size() == size);
}

TEST_CASE("a scalar has the axes 0 and -1, but no others") {
  Tape<double> tape;
  const auto s = tape.variable(Tensor<double>(2.0));
  CHECK(take(s, {0, -1}, 0).value() == Tensor<double>{2, 2});  // NumPy's rule
  CHECK(topk(s, 1).indices.value() == Indices(0));
  CHECK(sum(s, std::vector<int>{}).item() == 2);
  const auto size = tape.size();
  CHECK_ERROR(AxisError, "[sum] axis 1: a scalar has only the axes 0 and -1, which are the same", sum(s, 1));
  CHECK_ERROR(AxisError, "[sum] axis -1 is repeated", sum(s, {0, -1}));
  CHECK_ERROR(AxisError, "[softmax] axis -2: a scalar has only", softmax(s, -2));
  CHECK_ERROR(AxisError, "[argmax] axis 1: a scalar has only", argmax(s, 1));
  CHECK_ERROR(AxisError, "[cumprod] axis 1: a scalar has only", cumprod(s, 1));
  CHECK_ERROR(AxisError, "[gather] axis 1: a scalar has only", gather(s, 1, Indices(0)));
  CHECK_ERROR(ValueError, "[gather] index 1 at (): axis 0 has 1 elements, -1 to 0", gather(s, 0, Indices(1)));
  CHECK_ERROR(ShapeError, "[topk] 2 elements of axis 0 of shape (): the axis has 1", topk(s, 2));
  CHECK_ERROR(ShapeError, "[topk] 0 elements of a scalar: expected 1", topk(s, 0));
  // Functions that split, join or repeat an axis need one, as in PyTorch.
  CHECK_ERROR(AxisError, "[concatenate] axis 0: a scalar has no axes", concatenate({s, s}));
  CHECK_ERROR(AxisError, "[split] axis 0: a scalar has no axes", split(s, 1));
  CHECK_ERROR(AxisError, "[roll] axis 0: a scalar has no axes", roll(s, 1, 0));
  CHECK_ERROR(AxisError, "[repeat] axis 0: a scalar has no axes", repeat(s, 2, 0));
  CHECK_ERROR(AxisError, "[transpose] order (0) of a tensor of rank 0", transpose(s, 0));
  CHECK(tape.size() == size);
}

TEST_CASE("nothing can be taken, and from nothing nothing") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({3, 2}, 2));
  const auto none = take(x, Indices::from_shape({0}), 0);
  CHECK(none.shape() == Shape{0, 2});
  CHECK(std::get<0>(grad(sum(none), x)).value() == Tensor<double>{{0, 0}, {0, 0}, {0, 0}});
  const auto nothing = tape.variable(empty({0, 2}));
  CHECK(take(nothing, {1, 0}, 1).shape() == Shape{0, 2});
  CHECK(sort(nothing, 0).shape() == Shape{0, 2});
  CHECK(sort(nothing, 1).shape() == Shape{0, 2});
  CHECK(topk(x, 0).values.shape() == Shape{3, 0});
  CHECK(gather(x, 0, Indices::from_shape({0, 2})).shape() == Shape{0, 2});
  CHECK(scatter_add(x, 0, Indices::from_shape({0, 2}), empty({0, 2})).value() == x.value());
  CHECK(masked_select(nothing, nothing).shape() == Shape{0});
  CHECK(masked_select(x, 0).shape() == Shape{0});
  CHECK(one_hot(tape.indices(Indices::from_shape({2, 0})), 3).shape() == Shape{2, 0, 3});
  CHECK_ERROR(ValueError, "[take] index 0 at (0,): axis 0 has 0 elements", take(nothing, {0}, 0));
}

TEST_CASE("gather is NumPy's take_along_axis, without broadcasting and with parts") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{{1, 2, 3}, {4, 5, 6}});
  CHECK(take_along_axis(x, Indices{{2, 0}, {-1, 1}}, 1).value() == Tensor<double>{{3, 1}, {6, 5}});
  CHECK(take_along_axis(x, Indices{{2, 0}}, 1).value() == Tensor<double>{{3, 1}, {6, 4}});
  CHECK(gather(x, 1, Indices{{2, 0}}).value() == Tensor<double>{{3, 1}});
  CHECK(take_along_axis(x, Indices{{1, 0, 1}}, 0).value() == Tensor<double>{{4, 2, 6}});
  CHECK(gather(transpose(x), 0, Indices{{2, 0}, {0, 0}, {1, 1}, {2, 2}}).value() ==
        Tensor<double>{{3, 4}, {1, 4}, {2, 5}, {3, 6}});
  CHECK(gather(slice(x, 1, xt::range(1, 3)), 1, Indices{{1, 0}, {0, 0}}).value() == Tensor<double>{{3, 2}, {5, 5}});
  // The gradient of a broadcast operand is a sum.
  const auto row = tape.variable(Tensor<double>{{1, 2, 3}});
  const auto [d] = grad(sum(take_along_axis(row, Indices{{2, 0}, {2, 1}}, 1)), row);
  CHECK(d.value() == Tensor<double>{{1, 1, 2}});
}

TEST_CASE("scatter replaces, the last of several; scatter_add and index_add add them all") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{{1, 2, 3}, {4, 5, 6}});
  const auto s = tape.variable(Tensor<double>{{10, 20, 30}, {40, 50, 60}});
  const Indices k{{1, 1, 0}, {2, 2, -1}};
  const auto y = scatter(x, 1, k, s);
  CHECK(y.value() == Tensor<double>{{30, 20, 3}, {4, 5, 60}});
  const Tensor<double> w{{1, 2, 3}, {4, 5, 6}};
  const auto [dx, ds] = grad(sum(y * w), x, s);
  CHECK(dx.value() == Tensor<double>{{0, 0, 3}, {4, 5, 0}});
  CHECK(ds.value() == Tensor<double>{{0, 2, 1}, {0, 0, 6}});
  // The gradient can be differentiated again: for ½ Σ y² w, d²/(dx ds) is 0 and d²/ds² is w.
  const auto [first] = grad(sum(square(y) * w) / 2, s);
  const auto [of_x, of_s] = grad(sum(first), x, s);
  CHECK(of_x.value() == Tensor<double>{{0, 0, 0}, {0, 0, 0}});
  CHECK(of_s.value() == Tensor<double>{{0, 2, 1}, {0, 0, 6}});

  CHECK(scatter_add(x, 1, k, s).value() == Tensor<double>{{31, 32, 3}, {4, 5, 156}});
  CHECK(scatter_add(x, 0, Indices{{1, 0}}, s).value() == Tensor<double>{{1, 22, 3}, {14, 5, 6}});
  CHECK(scatter(x, 1, shaped({2, 1}, {0, 0}), -1).value() == Tensor<double>{{-1, 2, 3}, {-1, 5, 6}});
  CHECK(scatter_add(x, 1, Indices{{0, 0}, {0, 1}}, 1).value() == Tensor<double>{{3, 2, 3}, {5, 6, 6}});
  CHECK(index_add(x, 0, {1, 1}, s).value() == Tensor<double>{{1, 2, 3}, {54, 75, 96}});
  CHECK(index_add(x, 1, {-1}, 1).value() == Tensor<double>{{1, 2, 4}, {4, 5, 7}});
  CHECK(index_add(transpose(x), -1, {0, 0}, transpose(s)).value() == Tensor<double>{{51, 4}, {72, 5}, {93, 6}});
}

TEST_CASE("one_hot and masks") {
  Tape<float> tape;
  CHECK(one_hot(tape.indices({2, 0}), 3).value() == Tensor<float>{{0, 0, 1}, {1, 0, 0}});
  CHECK(one_hot(tape.indices(shaped({}, {1})), 2).value() == Tensor<float>{0, 1});
  const auto x = tape.variable(Tensor<float>{{1, -2, 3}, {-4, 5, -6}});
  CHECK(masked_select(x, x > 0).value() == Tensor<float>{1, 3, 5});
  CHECK(masked_select(transpose(x), transpose(x) < 0).value() == Tensor<float>{-4, -2, -6});
  CHECK(masked_select(x, Tensor<float>{0, 1, 0}).value() == Tensor<float>{-2, 5});
  CHECK(masked_select(slice(x, {0}), xt::ones<float>({2, 1})).shape() == Shape{6});
  // Masks of bool, as xtensor's comparisons return them, and expressions of them.
  const Tensor<float> values = x.value();
  const xt::xarray<bool> positive = values > 0.0F;
  CHECK(masked_select(x, positive).value() == Tensor<float>{1, 3, 5});
  CHECK(masked_select(x, values > 0.0F).value() == Tensor<float>{1, 3, 5});
  CHECK(where(positive, x, 0).value() == Tensor<float>{{1, 0, 3}, {0, 5, 0}});
  CHECK((x * positive).value() == Tensor<float>{{1, 0, 3}, {0, 5, 0}});
  CHECK((x * (values > 2.0F)).value() == Tensor<float>{{0, 0, 3}, {0, 5, 0}});
  const auto [through] = grad(sum(where(positive, square(x), x)), x);
  CHECK(through.value() == Tensor<float>{{2, 1, 6}, {1, 10, 1}});
  const auto [dx] = grad(sum(square(masked_select(x, x > 0))), x);
  CHECK(dx.value() == Tensor<float>{{2, 0, 6}, {0, 10, 0}});
  // The logit of the predicted class in each row.
  CHECK(flatten(take_along_axis(x, argmax(x, 1, KeepDims::yes), 1)).value() == Tensor<float>{3, 5});
}

TEST_CASE("sorting keeps the order of equals, and puts NaN last or first") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{{3, not_a_number, 1, 3, -infinity, not_a_number, infinity}});
  CHECK(argsort(x).value() == Indices{{4, 2, 0, 3, 6, 1, 5}});
  CHECK(argsort(x, -1, SortOrder::descending).value() == Indices{{1, 5, 6, 0, 3, 2, 4}});
  CHECK(topk(x, 3).indices.value() == Indices{{1, 5, 6}});
  CHECK(topk(x, 1).indices.value() == shaped({1, 1}, {1}));
  CHECK(topk(x, 4).indices.value() == Indices{{1, 5, 6, 0}});
  CHECK(topk(x, 3, 1, SortOrder::ascending).values.value() == Tensor<double>{{-infinity, 1, 3}});
  CHECK(argsort(tape.constant(Tensor<double>{0.0, -0.0, 0.0})).value() == Indices{0, 1, 2});
  const auto m = tape.variable(Tensor<double>{{2, 1}, {1, 5}, {3, 0}});
  CHECK(sort(m, 0).value() == Tensor<double>{{1, 0}, {2, 1}, {3, 5}});
  CHECK(sort(transpose(m), 1).value() == Tensor<double>{{1, 2, 3}, {0, 1, 5}});
  CHECK(argsort(m, 0).value() == Indices{{1, 2}, {0, 0}, {2, 1}});
  const Tensor<double> w{{1, 2}, {3, 4}, {5, 6}};
  const auto [dm] = grad(sum(sort(m, 0) * w), m);
  CHECK(dm.value() == Tensor<double>{{3, 4}, {1, 6}, {5, 2}});
}

TEST_CASE("long lines are sorted as std::stable_sort does it") {
  Tape<float> tape;
  Tensor<float> value = xt::round(random_tensor<float>({3000}, 7) * 100);
  std::vector<std::int64_t> expected(value.size());
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = static_cast<std::int64_t>(i);
  std::stable_sort(expected.begin(), expected.end(), [&](auto a, auto b) { return value.data()[a] > value.data()[b]; });
  const auto x = tape.constant(value);
  const Indices all = argsort(x, 0, SortOrder::descending).value();
  CHECK(std::equal(all.begin(), all.end(), expected.begin()));
  for (const std::size_t k : Sizes{1, 2, 17, 2999, 3000}) {
    const Indices first = topk(x, k).indices.value();
    CHECK(std::equal(first.begin(), first.end(), expected.begin()));
  }
  value(7) = value(2000) = static_cast<float>(not_a_number);
  const auto y = tape.constant(value);
  CHECK(topk(y, 2).indices.value() == Indices{7, 2000});
  const Indices last = argsort(y).value();
  CHECK(last(2998) == 7);
  CHECK(last(2999) == 2000);
  const Indices first = topk(y, 3, 0, SortOrder::ascending).indices.value();
  CHECK(std::equal(first.begin(), first.end(), last.begin()));
}

TEST_CASE("wrong indices say why, and record nothing") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3}, 1));
  const auto s = tape.variable(random_tensor({2, 2}, 1));
  const auto v = tape.variable(random_tensor({3}, 1));
  const auto i = tape.indices({{0, 1}, {2, 0}});
  const std::size_t before = tape.size();
  CHECK_ERROR(ValueError, "[take] index 2 at (1,): axis 0 has 2 elements, -2 to 1", take(x, {0, 2}, 0));
  CHECK_ERROR(ValueError, "[take] index -4 at (0, 1): axis 1 has 3 elements, -3 to 2", take(x, Indices{{0, -4}}, 1));
  CHECK_ERROR(ValueError, "[take] index 6 at (0,): axis 0 has 6 elements", take(x, {6}));
  CHECK_ERROR(AxisError, "[take] axis 2", take(x, {0}, 2));
  CHECK_ERROR(ShapeError, "[take] a result of 9 axes: a tensor on a tape has at most 8",
              take(broadcast_to(x, {1, 1, 1, 1, 1, 2, 3}), shaped({1, 1, 1}, {0}), 0));
  CHECK_ERROR(ValueError, "[embedding] index -1 at (0,): axis 0 has 2 elements, 0 to 1", embedding(x, {-1}));
  CHECK_ERROR(ShapeError, "[embedding] a table of shape (3,): must be a matrix", embedding(v, {0}));
  CHECK_ERROR(ShapeError, "[index_add] indices of shape (2, 2): must be a vector", index_add(x, 0, i, s));
  CHECK_ERROR(
      ShapeError,
      "[index_add] a source of shape (2, 2) for 1 indices along axis 0 of shape (2, 3): must have the shape (1, 3)",
      index_add(x, 0, {0}, s));
  CHECK_ERROR(AxisError, "[index_add] axis -3", index_add(x, -3, {0}, s));
  CHECK_ERROR(ValueError, "[index_add] index 9", index_add(x, 0, {9}, 1));
  CHECK_ERROR(ValueError, "[one_hot] label 2 at (1, 0): must be from 0 to 1 for 2 classes", one_hot(i, 2));
  CHECK_ERROR(ValueError, "[one_hot] label -1", one_hot(tape.indices({-1}), 2));
  CHECK_ERROR(ShapeError, "[masked_select] a mask of shape (2, 2) for shape (2, 3)", masked_select(x, s));
  CHECK_ERROR(ShapeError, "[gather] indices of shape (2, 2) for shape (3,): must have the same rank", gather(v, 0, i));
  CHECK_ERROR(ShapeError, "[gather] indices of shape (3, 1) for shape (2, 3): may be larger along axis 1 only",
              gather(x, 1, shaped({3, 1}, {0, 0, 0})));
  CHECK_ERROR(ValueError, "[gather] index 2 at (1, 0): axis 0 has 2 elements, -2 to 1", gather(x, 0, i));
  CHECK_ERROR(AxisError, "[gather] axis 2", gather(x, 2, i));
  CHECK_ERROR(ShapeError, "[take_along_axis] indices of shape (2,) for shape (2, 3)", take_along_axis(x, {0, 1}, 0));
  CHECK_ERROR(ShapeError,
              "[take_along_axis] indices of shape (2, 2) for shape (2, 3): must broadcast, except along "
              "axis 0",
              take_along_axis(x, i, 0));
  CHECK_ERROR(AxisError, "[take_along_axis] axis 0", take_along_axis(sum(x), {0}, 0));
  CHECK_ERROR(
      ShapeError,
      "[scatter] a source of shape (2, 2) for indices of shape (2, 3): must be at least as large along each axis",
      scatter(x, 1, Indices{{0, 1, 2}, {0, 1, 2}}, s));
  CHECK_ERROR(ValueError, "[scatter] index 3 at (0, 0)", scatter(x, 1, shaped({1, 1}, {3}), s));
  CHECK_ERROR(AxisError, "[scatter] axis 2", scatter(x, 2, i, s));
  CHECK_ERROR(ShapeError, "[scatter_add] a source of shape (3,)", scatter_add(x, 1, i, v));
  CHECK_ERROR(ValueError, "[scatter_add] index 2 at (1, 0): axis 0 has 2", scatter_add(x, 0, i, s));
  CHECK_ERROR(AxisError, "[sort] axis 2", sort(x, 2));
  CHECK_ERROR(AxisError, "[argsort] axis -3", argsort(x, -3));
  CHECK_ERROR(AxisError, "[topk] axis 1", topk(sum(x), 1, 1));
  CHECK_ERROR(ShapeError, "[topk] 4 elements of axis 1 of shape (2, 3): the axis has 3", topk(x, 4));
  CHECK_ERROR(HandleError, "[take] the operand is an empty handle", take(Var<double>(), {0}));
  CHECK_ERROR(HandleError, "[gather] the index operand is an empty handle", gather(x, 0, IndexVar<double>()));
  CHECK_ERROR(HandleError, "[scatter] an operand is an empty handle", scatter(x, 0, i, Var<double>()));
  CHECK_ERROR(HandleError, "[one_hot] operand 1 is an empty handle", one_hot(IndexVar<double>(), 2));
  Tape<double> other;
  CHECK_ERROR(HandleError, "[take] the index operand belongs to another tape", take(x, other.indices({0}), 0));
  // The new nodes are operands of the calls: the sums, a broadcast, and the labels.
  CHECK(tape.size() == before + 4);
}
