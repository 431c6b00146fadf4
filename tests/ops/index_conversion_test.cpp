// Indices as operands: slices and shapes of them, conversion to values and back, gradients and Programs through them.
#include "testing.hpp"

#include <limits>

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("slices of indices are those of values") {
  Tape<float> tape;
  const Indices value{{1, -2, 3, 4}, {5, 6, 7, 8}, {9, std::int64_t{1} << 60, 11, 12}};
  const auto k = tape.indices(value);
  CHECK(slice(k, 1, 1).value() == Indices{-2, 6, std::int64_t{1} << 60});
  CHECK(slice(k, -2, xt::range(1, 3)).value() == Indices{{5, 6, 7, 8}, {9, std::int64_t{1} << 60, 11, 12}});
  CHECK(slice(k, {xt::ellipsis(), -1}).value() == Indices{4, 8, 12});
  CHECK(slice(k, {1, 2}).item() == 7);
  CHECK(slice(k, {Slice({}, {}, -2), xt::range(0, 4, 3)}).value() == Indices{{9, 12}, {1, 4}});
  CHECK(slice(k, {0, Slice(2, {}, -1)}).value() == Indices{3, -2, 1});
  CHECK(slice(k, {xt::range(0, 2), xt::newaxis(), 0}).value() == column<std::int64_t>({1, 5}));
  CHECK(slice(slice(k, 0, Slice({}, {}, -1)), {xt::all(), xt::range(2, 4)}).value() ==
        Indices{{11, 12}, {7, 8}, {3, 4}});
  CHECK(slice(k, {}).index() == k.index());
  CHECK(slice(k, {xt::all(), xt::all()}).index() == k.index());
  CHECK(slice(k, {xt::range(3, 3)}).shape() == Shape{0, 4});
  CHECK(slice(k, {xt::all(), xt::range(7, 9)}).shape() == Shape{3, 0});
  CHECK(slice(k, {Slice(0, 2, -1), 1}).shape() == Shape{0});
  CHECK(slice(slice(k, {xt::range(3, 3)}), 1, 2).shape() == Shape{0});
}

TEST_CASE("indices take other shapes") {
  Tape<double> tape;
  const auto k = tape.indices(Indices{{1, 2, 3}, {4, 5, 6}});
  CHECK(reshape(k, {3, -1}).value() == Indices{{1, 2}, {3, 4}, {5, 6}});
  CHECK(reshape(slice(k, 1, Slice({}, {}, -2)), {4}).value() == Indices{3, 1, 6, 4});
  CHECK(reshape(slice(k, {1, 1}), {1}).value() == Indices{5});
  CHECK(reshape(slice(k, {1, 1}), Shape{}).item() == 5);
  CHECK(reshape(slice(k, 0, xt::range(0, 0)), {3, 0, 2}).shape() == Shape{3, 0, 2});
}

TEST_CASE_TEMPLATE("indices become values and values indices, if both are the same numbers", T, float, double) {
  constexpr std::int64_t most = std::int64_t{1} << (sizeof(T) == 4 ? 24 : 53);
  Tape<T> tape;
  const auto k = tape.indices(Indices{{0, -7}, {most, -most}});
  const auto x = to_values(k);
  CHECK(x.value() == Tensor<T>{{0, -7}, {static_cast<T>(most), -static_cast<T>(most)}});
  CHECK(to_indices(x).value() == k.value());
  CHECK(to_indices(transpose(x)).value() == Indices{{0, most}, {-7, -most}});
  CHECK(to_indices(tape.constant(Tensor<T>{T(-0.0), T(3)})).value() == Indices{0, 3});
  CHECK(to_values(slice(k, 0, xt::range(1, 1))).shape() == Shape{0, 2});
  CHECK(to_indices(to_values(slice(k, 0, xt::range(1, 1)))).shape() == Shape{0, 2});

  // Values without a gradient, as factors and as indices.
  const auto w = tape.variable(Tensor<T>{2, 3});
  const auto rows = to_indices(w - T(2));
  const auto [dw] = grad(sum(w * to_values(tape.indices({5, -1})) + take(w, rows)), w);
  CHECK(dw.value() == Tensor<T>{6, 0});

  const auto size = tape.size();
  const std::string type = sizeof(T) == 4 ? "float" : "double";
  for (const std::int64_t beyond : {most + 1, -most - 1, std::numeric_limits<std::int64_t>::min()}) {
    const auto wrong = tape.indices(Indices{{1, 2}, {beyond, 0}});
    const std::string message = message_of<ValueError>([&] { to_values(wrong); });
    CAPTURE(message);
    CHECK(contains(message, fmt::format("[to_values] index {} at (1, 0): expected one from -{} to {}, where {} holds",
                                        beyond, most, most, type)));
  }
  const T infinite = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  for (const auto& [wrong, text] : {std::pair{T(0.5), "0.5"},
                                    {T(-1.25), "-1.25"},
                                    {infinite, "inf"},
                                    {-infinite, "-inf"},
                                    {nan, "nan"},
                                    {-nan, "nan"}}) {
    const auto y = tape.constant(Tensor<T>{{1, 2}, {3, wrong}});
    const std::string message = message_of<ValueError>([&] { to_indices(y); });
    CAPTURE(message);
    CHECK(
        contains(message, fmt::format("[to_indices] element (1, 1) is {}: expected an integer from -{} to {}, where {}",
                                      text, most, most, type)));
  }
  CHECK_ERROR(ValueError, "[to_indices] element (0,) is", to_indices(tape.constant(Tensor<T>{T(4) * T(most)})));
  CHECK(tape.size() == size + 10);  // the operands of the calls
}

TEST_CASE("columns of one matrix of indices look up several tables") {
  Tape<double> tape;
  const auto first = tape.variable(Tensor<double>{{1, 2}, {3, 4}, {5, 6}});
  const auto second = tape.variable(column<double>({10, 20}));
  const auto ids = tape.indices(Indices{{2, 0}, {0, 1}, {2, 1}});
  const auto y = concatenate({embedding(first, slice(ids, 1, 0)), embedding(second, slice(ids, {xt::all(), -1}))}, 1);
  CHECK(y.value() == Tensor<double>{{5, 6, 10}, {1, 2, 20}, {5, 6, 20}});
  const auto [of_first, of_second] = grad(sum(y * Tensor<double>{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}), first, second);
  CHECK(of_first.value() == Tensor<double>{{4, 5}, {0, 0}, {8, 10}});
  CHECK(of_second.value() == column<double>({3, 15}));
  const auto none = embedding(first, slice(ids, {xt::range(0, 0), 0}));
  CHECK(none.shape() == Shape{0, 2});
  CHECK(std::get<0>(grad(sum(none), first)).value() == xt::zeros<double>({3, 2}));
}

TEST_CASE_TEMPLATE("Programs slice, reshape, convert and check the indices of each replay", T, float, double) {
  Tape<T> tape;
  const Tensor<T> rows{{1, 2}, {3, 4}, {5, 6}};
  const auto table = tape.variable(rows);
  const auto ids = tape.indices(Indices{{2, 0}, {0, 1}});
  const auto x = tape.variable(Tensor<T>{1, 2});
  const auto column_of_ids = slice(ids, 1, 0);
  const auto flat = reshape(slice(ids, {Slice({}, {}, -1)}), {-1});
  const auto [gradient] = grad(sum(embedding(table, column_of_ids)), table);
  const auto values = to_values(ids), scaled = values * x;
  const auto rounded = to_indices(x);
  const auto program = [&](bool fuse) {
    return compile(tape, {table, ids, x}, {gradient, scaled, column_of_ids, flat, rounded}, {.fuse = fuse});
  };
  for (const bool fuse : {false, true}) {
    CAPTURE(fuse);
    Program<T> replayed = program(fuse);
    replayed(rows, Indices{{1, 7}, {1, -3}}, Tensor<T>{3, -2});
    CHECK(replayed.value(0) == Tensor<T>{{0, 0}, {2, 2}, {0, 0}});
    CHECK(replayed.value(1) == Tensor<T>{{3, -14}, {3, 6}});
    CHECK(replayed.indices(2) == Indices{1, 1});
    CHECK(replayed.indices(3) == Indices{1, -3, 1, 7});
    CHECK(replayed.indices(4) == Indices{3, -2});
    const std::string of_index = message_of<ValueError>([&] {
      replayed(rows, Indices{{1, 9007199254740993}, {1, 0}}, Tensor<T>{3, -2});
    });
    CHECK(contains(of_index, "[to_values] index 9007199254740993 at (0, 1)"));
    const std::string of_value = message_of<ValueError>([&] {
      replayed(rows, Indices{{1, 0}, {1, 0}}, Tensor<T>{3, T(0.5)});
    });
    CHECK(contains(of_value, "[to_indices] element (1,) is 0.5"));
    replayed(rows, Indices{{0, 0}, {2, 0}}, Tensor<T>{0, 1});
    CHECK(replayed.indices(2) == Indices{0, 2});
  }
}

TEST_CASE("what cannot be done with indices says why, and records nothing") {
  Tape<double> tape;
  const auto k = tape.indices(Indices{{1, 2, 3}, {4, 5, 6}});
  const auto mark = tape.mark();
  const auto stale = slice(k, 0, 1);
  const auto stale_value = to_values(k);
  tape.rewind(mark);
  const auto size = tape.size();
  CHECK_ERROR(ValueError, "[slice] position 2 of axis 0: the axis has 2 elements", slice(k, {2}));
  CHECK_ERROR(ValueError, "[slice] position -4 of axis 1: the axis has 3 elements", slice(k, 1, -4));
  CHECK_ERROR(ValueError, "[slice] axis 1: the step is 0", slice(k, {xt::all(), xt::range(0, 2, 0)}));
  CHECK_ERROR(ShapeError, "[slice] 3 positions and ranges for shape (2, 3)", slice(k, {0, 1, 2}));
  CHECK_ERROR(AxisError, "[slice] axis 2", slice(k, 2, 0));
  CHECK_ERROR(ValueError, "[slice] ellipsis or newaxis along one axis", slice(k, 0, xt::newaxis()));
  CHECK_ERROR(ShapeError, "[reshape] shape (2, 3) to (4,): 6 elements cannot become 4", reshape(k, {4}));
  CHECK_ERROR(ShapeError, "[reshape] 6 elements cannot be divided into rows of 4", reshape(k, {4, -1}));
  const IndexVar<double> nothing;
  CHECK_ERROR(HandleError, "[slice] the operand is an empty handle", slice(nothing, {0}));
  CHECK_ERROR(HandleError, "[slice] the operand is an empty handle", slice(nothing, 0, 0));
  CHECK_ERROR(HandleError, "[reshape] the operand is an empty handle", reshape(nothing, {3}));
  CHECK_ERROR(HandleError, "[to_values] operand 1 is an empty handle", to_values(nothing));
  CHECK_ERROR(HandleError, "[slice] stale handle", slice(stale, {0}));
  CHECK_ERROR(HandleError, "[slice] stale handle", slice(stale, 0, 0));
  CHECK_ERROR(HandleError, "[reshape] stale handle", reshape(stale, {3}));
  CHECK_ERROR(HandleError, "[to_values] operand 1 is a stale handle", to_values(stale));
  CHECK_ERROR(HandleError, "[to_indices] operand 1 is an empty handle", to_indices(Var<double>()));
  CHECK_ERROR(HandleError, "[to_indices] operand 1 is a stale handle", to_indices(stale_value));
  CHECK(tape.size() == size);
}
