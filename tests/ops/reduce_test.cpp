// Reductions against plain loops: every set of axes, long sums, NaN, ties, and rejected axes.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

// Returns the sum over axes, computed with plain loops in long double.
Tensor<double> plain_sum(const Tensor<double>& x, const std::vector<std::size_t>& axes, bool keep) {
  xt::dynamic_shape<std::size_t> full(x.shape().begin(), x.shape().end()), kept;
  for (std::size_t a = 0; a < full.size(); ++a) {
    const bool reduced = std::find(axes.begin(), axes.end(), a) != axes.end();
    if (reduced) full[a] = 1;
    if (!reduced || keep) kept.push_back(full[a]);
  }
  auto result = Tensor<double>::from_shape(full);
  result.fill(0);
  std::vector<std::size_t> index(x.dimension());
  for (std::size_t flat = 0; flat < x.size(); ++flat) {
    std::size_t rest = flat;
    for (std::size_t a = x.dimension(); a-- > 0;) {
      index[a] = full[a] == 1 ? 0 : rest % x.shape()[a];
      rest /= x.shape()[a];
    }
    result.element(index.begin(), index.end()) += x.data()[flat];
  }
  result.reshape(kept);
  return result;
}

}  // namespace

TEST_CASE("sum and mean over every set of axes") {
  const auto x = random_tensor({3, 4, 2, 5}, 1);
  Tape<double> tape;
  const auto v = tape.variable(x);
  for (unsigned bits = 1; bits < 16; ++bits)
    for (const KeepDims keep : {KeepDims::no, KeepDims::yes}) {
      std::vector<std::size_t> axes;
      std::vector<std::ptrdiff_t> signed_axes;
      double count = 1;
      for (std::size_t a = 0; a < 4; ++a)
        if ((bits >> a & 1U) != 0) {
          axes.push_back(a);
          signed_axes.push_back(a % 2 == 0 ? static_cast<std::ptrdiff_t>(a) : static_cast<std::ptrdiff_t>(a) - 4);
          count *= static_cast<double>(x.shape()[a]);
        }
      CAPTURE(bits);
      const auto expected = plain_sum(x, axes, keep == KeepDims::yes);
      CHECK(distance(sum(v, Axes(signed_axes), keep).value(), expected) < 1e-13);
      CHECK(distance(mean(v, Axes(signed_axes), keep).value(), expected / count) < 1e-14);
    }
  CHECK(sum(v, Axes(std::span<const std::ptrdiff_t>())).value() == x);
}

TEST_CASE("reductions of operands that are not contiguous") {
  const auto x = random_tensor({3, 4}, 2);
  Tape<double> tape;
  const auto v = tape.variable(x);
  CHECK(distance(sum(transpose(v), 0).value(), plain_sum(x, {1}, false)) < 1e-14);
  CHECK(sum(broadcast_to(tape.constant(2.0), {3, 4}), 1).value() == Tensor<double>{8, 8, 8});
  CHECK(amax(transpose(v), 1).value() == amax(v, 0).value());
}

TEST_CASE_TEMPLATE("long sums keep their precision", T, float, double) {
  Tape<T> tape;
  const std::size_t n = 10'000'000;
  const Tensor<T> ones = xt::ones<T>({n}) * T(0.1);
  const double exact = static_cast<double>(T(0.1)) * static_cast<double>(n);
  CHECK(sum(tape.borrow(ones)).item() == doctest::Approx(exact).epsilon(sizeof(T) == 4 ? 1e-6 : 1e-13));
  CHECK(sum(tape.borrow(std::span<const T>(ones.data(), n), {n / 2, 2}), 0).value()(0) ==
        doctest::Approx(exact / 2).epsilon(sizeof(T) == 4 ? 1e-6 : 1e-12));
  CHECK(sum(tape.borrow(std::span<const T>(ones.data(), n), {n / 100, 100}), 0).value()(99) ==
        doctest::Approx(exact / 100).epsilon(sizeof(T) == 4 ? 1e-5 : 1e-13));
}

TEST_CASE_TEMPLATE("sums of every length and width", T, float, double) {
  for (const std::size_t rows : Sizes{1, 2, 3, 5, 130, 257})
    for (const std::size_t columns : Sizes{1, 2, 3, 4, 7, 8, 15, 16, 17, 33, 70, 100}) {
      Tape<T> tape;
      const auto x = random_tensor<T>({rows, columns}, static_cast<unsigned>(rows * columns));
      const auto v = tape.variable(x);
      const Tensor<double> exact = xt::cast<double>(x);
      CAPTURE(rows);
      CAPTURE(columns);
      const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-13;
      CHECK(distance(sum(v, 0).value(), plain_sum(exact, {0}, false)) < tolerance);
      CHECK(distance(sum(v, 1).value(), plain_sum(exact, {1}, false)) < tolerance);
      Tensor<double> top = xt::amax(exact, {0});
      CHECK(distance(amax(v, 0).value(), top) == 0);
      top = xt::amax(exact, {1});
      CHECK(distance(amax(v, 1).value(), top) == 0);
    }
}

TEST_CASE("amax: NaN wins, ties share the gradient, nothing has no largest element") {
  Tape<double> tape;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(amax(tape.constant(Tensor<double>{1, nan, 3})).item()));
  CHECK(std::isnan(amax(tape.constant(Tensor<double>{{1, 2}, {nan, 2}, {3, 2}}), 0).value()(0)));
  const auto x = tape.variable(Tensor<double>{{1, 7, 7, 7}, {5, 2, 5, 1}});
  const auto [dx] = grad(sum(amax(x, 1)), x);  // PyTorch: torch.amax distributes the gradient evenly over ties
  CHECK(distance(dx.value(), Tensor<double>{{0, 1.0 / 3, 1.0 / 3, 1.0 / 3}, {0.5, 0, 0.5, 0}}) < 1e-16);
  const auto empty = tape.constant(Tensor<double>::from_shape({2, 0}));
  CHECK_ERROR(ShapeError, "[amax] shape (2, 0): the maximum over no elements (axis 1) is undefined", amax(empty, 1));
  CHECK(amax(empty, 0).shape() == Shape{0});
  CHECK(sum(empty, 1).value() == Tensor<double>{0, 0});
}

TEST_CASE("wrong axes are named") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3}, 5));
  CHECK_ERROR(AxisError, "[sum] axis -3: a tensor of rank 2 has axes -2 to 1", sum(x, -3));
  CHECK_ERROR(AxisError, "[mean] axis 5", mean(x, 5));
  CHECK_ERROR(AxisError, "[amax] axis -1 is repeated", amax(x, {1, -1}));
  CHECK(tape.size() == 1);
}

TEST_CASE("positions of extremes, counts, and answers at once") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{{1, 5, 5}, {7, 0, -2}});
  CHECK(argmax(x, -1).value() == Indices{1, 0});
  CHECK(argmax(x).item() == 3);  // over all elements without an axis, as in NumPy and PyTorch
  CHECK(argmin(transpose(x)).item() == 5);
  CHECK(argmax(x, {}, KeepDims::yes).shape() == Shape{1, 1});
  CHECK(argmax(sum(x)).item() == 0);
  CHECK(argmax(x, 0).value() == Indices{1, 0, 0});
  CHECK(argmin(x, 1).value() == Indices{0, 2});
  CHECK(argmax(tape.constant(Tensor<double>{1, NAN, 9})).item() == 1);
  CHECK(count_nonzero(x, 1).value() == Tensor<double>{3, 2});
  CHECK(!all(x));
  CHECK(any(x));
  CHECK(all(tape.constant(Tensor<double>(Tensor<double>::from_shape({0})))));
  CHECK(cumsum(x, 0).value() == Tensor<double>{{1, 5, 5}, {8, 5, 3}});
  const auto none = slice(x, {xt::range(0, 0)});
  const auto size = tape.size();
  CHECK_ERROR(AxisError, "[cumsum] axis 2", cumsum(x, 2));
  CHECK_ERROR(AxisError, "[argmax] axis -3", argmax(x, -3));
  CHECK_ERROR(ShapeError, "[argmin] shape (0, 3): there are no elements to choose from", argmin(none));
  CHECK_ERROR(ValueError, "[norm] p = 0.5: must be at least 1", norm(x, 0.5));
  CHECK_ERROR(HandleError, "[var] the operand is an empty handle", var(Var<double>{}));
  CHECK(tape.size() == size);
}
