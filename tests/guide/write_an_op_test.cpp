// Compiles and runs the code of docs/guide/write-an-op.md.
#include "snippets.hpp"
#include "testing.hpp"

#include <algorithm>

namespace wg = wengert;
using namespace wengert::testing;

// clang-format off
template <class T>
wg::Var<T> gated_linear_unit(wg::Var<T> x, wg::Var<T> w, wg::Var<T> v) {
  return matmul(x, w) * sigmoid(matmul(x, v));
}

inline constexpr auto cauchy = wg::elementwise<"cauchy">([](auto x) { return log(1 + x * x); });

inline constexpr auto huber_like = wg::elementwise<"huber_like", wg::params<1>>(
    [](auto x, auto width) { return width * width * (sqrt(1 + (x / width) * (x / width)) - 1); });

inline constexpr auto squash = wg::elementwise<"squash">(
    [](auto x) { return 2 / (1 + exp(-x)) - 1; }, wg::derivative([](auto, auto y) { return (1 - y * y) / 2; }));

template <class T>
wg::Var<T> repeat_rows(wg::Var<T> x, std::size_t times, wg::Location where = wg::Location::current());

struct RepeatRows {
  static constexpr std::string_view name = "repeat_rows";
  static constexpr std::string_view notation = "x, each row so many times";
  static constexpr std::size_t arity = 1;
  std::size_t times = 1;

  wg::Shape shape(const wg::Shape& x) const {
    if (x.rank() != 2) throw wg::ShapeError(name, "shape " + to_string(x) + ": expected a matrix");
    return {x[0] * times, x[1]};
  }
  template <class T>
  void forward(wg::Value<const T> x, wg::Value<T> y) const {
    const std::size_t columns = y.shape()[1];
    for (std::size_t row = 0; row < y.shape()[0]; ++row)
      std::copy_n(x.data + row / times * columns, columns, y.data + row * columns);
  }
  template <class T>
  auto vjp(wg::Var<T> g, wg::Var<T>, wg::Var<T> x) const {  // the sum over the copies of each row
    return sum(reshape(g, {x.shape()[0], times, x.shape()[1]}), 1);
  }
  static std::vector<wg::StructuralExample<RepeatRows>> examples() { return {{{3}, {{2, 4}}}}; }
};

template <class T>
wg::Var<T> repeat_rows(wg::Var<T> x, std::size_t times, wg::Location where) {
  return record(RepeatRows{times}, where, x);
}
// clang-format on

TEST_CASE("guide: ops of three kinds are right, and in the registry") {
  const auto X = random_tensor({3, 4}, 1);
  CHECK(wg::gradcheck([](auto x, auto w, auto v) { return gated_linear_unit(x, w, v); }, X, random_tensor({4, 2}, 2),
                      random_tensor({4, 2}, 3)));
  CHECK(wg::gradcheck([](auto x) { return huber_like(x, 0.5); }, X));

  wg::Tape<double> tape;
  const auto rows = repeat_rows(tape.constant(wg::Tensor<double>{{1, 2}, {3, 4}}), 2);
  CHECK(rows.value() == wg::Tensor<double>{{1, 2}, {1, 2}, {3, 4}, {3, 4}});
  CHECK_THROWS_AS(repeat_rows(tape.constant(1), 2), wg::ShapeError);
  CHECK(cauchy(tape.constant(2)).item() == doctest::Approx(std::log(5.0)));
  CHECK(squash(tape.constant(1)).item() == doctest::Approx(std::tanh(0.5)));

  for (const std::string_view name : {"cauchy", "huber_like", "squash", "repeat_rows"})
    CHECK(std::ranges::count(wg::op_registry(), name, &wg::OpRow::name) == 1);
  // clang-format off
  for (const wg::OpRow& op : wg::op_registry())
    if (op.name == "cauchy" || op.name == "squash" || op.name == "repeat_rows") CHECK(wg::gradcheck_op(op));
  // clang-format on

  CHECK(check_snippets("docs/guide/write-an-op.md", "tests/guide/write_an_op_test.cpp") >= 6);
}
