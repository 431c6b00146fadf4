// Elementwise ops: values against the standard library, special values, gradients at kinks, masks, and errors.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

// Returns the distance in units in the last place of T.
template <class T>
double ulps(T got, long double exact) {
  const T rounded = static_cast<T>(exact);
  if (got == rounded || (std::isnan(got) && std::isnan(rounded))) return 0;
  if (std::isinf(got) || std::isinf(rounded) || std::isnan(got)) return 1e9;
  const T unit = std::nextafter(std::abs(rounded), std::numeric_limits<T>::infinity()) - std::abs(rounded);
  return static_cast<double>(std::abs(static_cast<long double>(got) - exact) / static_cast<long double>(unit));
}

template <class T, class Op, class Exact>
double worst_ulps(const Op& op, const Exact& exact, double low, double high) {
  double worst = 0;
  for (const std::size_t n : Sizes{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 1000}) {
    Tape<T> tape;
    const auto x = random_tensor<T>({n}, static_cast<unsigned>(n), low, high);
    const Tensor<T> y = op(tape.variable(x)).value();
    for (std::size_t i = 0; i < n; ++i) worst = std::max(worst, ulps(y(i), exact(static_cast<long double>(x(i)))));
  }
  return worst;
}

}  // namespace

TEST_CASE_TEMPLATE("unary ops agree with the standard library", T, float, double) {
  using L = long double;
  CHECK(worst_ulps<T>([](auto x) { return exp(x); }, [](L x) { return std::exp(x); }, -20, 20) <= 1.1);
  CHECK(worst_ulps<T>([](auto x) { return log(x); }, [](L x) { return std::log(x); }, 0.001, 100) <= 1.1);
  CHECK(worst_ulps<T>([](auto x) { return expm1(x); }, [](L x) { return std::expm1(x); }, -2, 2) <= 1.1);
  CHECK(worst_ulps<T>([](auto x) { return log1p(x); }, [](L x) { return std::log1p(x); }, -0.9, 2) <= 1.1);
  CHECK(worst_ulps<T>([](auto x) { return sqrt(x); }, [](L x) { return std::sqrt(x); }, 0, 100) <= 0.6);
  CHECK(worst_ulps<T>([](auto x) { return square(x); }, [](L x) { return x * x; }, -10, 10) <= 0.6);
  CHECK(worst_ulps<T>([](auto x) { return sin(x); }, [](L x) { return std::sin(x); }, -10, 10) <= 1.1);
  CHECK(worst_ulps<T>([](auto x) { return cos(x); }, [](L x) { return std::cos(x); }, -10, 10) <= 1.1);
  CHECK(worst_ulps<T>([](auto x) { return tanh(x); }, [](L x) { return std::tanh(x); }, -5, 5) <=
        (sizeof(T) == 4 ? 3.6 : 1.1));
  CHECK(worst_ulps<T>([](auto x) { return abs(x); }, [](L x) { return std::abs(x); }, -5, 5) == 0);
  CHECK(worst_ulps<T>([](auto x) { return relu(x); }, [](L x) { return std::max<L>(x, 0); }, -5, 5) == 0);
  CHECK(worst_ulps<T>([](auto x) { return sigmoid(x); }, [](L x) { return 1 / (1 + std::exp(-x)); }, -30, 30) <= 4);
  CHECK(worst_ulps<T>([](auto x) { return pow(x, 2.5); }, [](L x) { return std::pow(x, 2.5L); }, 0.1, 5) <= 1.1);
  CHECK(worst_ulps<T>([](auto x) { return 1 / x; }, [](L x) { return 1 / x; }, 0.1, 5) <= 0.6);
}

TEST_CASE("sigmoid keeps its precision down both tails") {
  Tape<float> tape;
  const auto y = sigmoid(tape.variable(Tensor<float>{-100, -89, -88, 0, 17, 100, -1000, 1000})).value();
  CHECK(y(0) == doctest::Approx(3.7835e-44).epsilon(0.05));  // denormal
  CHECK(y(1) == doctest::Approx(std::exp(-89.0)).epsilon(1e-5));
  CHECK(y(2) == doctest::Approx(std::exp(-88.0)).epsilon(1e-6));
  CHECK(y(3) == 0.5F);
  CHECK(y(5) == 1);
  CHECK(y(6) == 0);
  CHECK(y(7) == 1);
}

TEST_CASE("special values follow IEEE 754 and NumPy") {
  Tape<double> tape;
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const auto x = tape.variable(Tensor<double>{-inf, -1, -0.0, 0, inf, nan});
  const auto check = [](const Tensor<double>& got, const Tensor<double>& expected) {
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK(((std::isnan(got(i)) && std::isnan(expected(i))) || got(i) == expected(i)));
    }
  };
  check(exp(x).value(), {0, std::exp(-1.0), 1, 1, inf, nan});
  check(log(x).value(), {nan, nan, -inf, -inf, inf, nan});
  check(sqrt(x).value(), {nan, nan, 0, 0, inf, nan});
  check(relu(x).value(), {0, 0, 0, 0, inf, nan});
  check(tanh(x).value(), {-1, std::tanh(-1.0), 0, 0, 1, nan});
  check(abs(x).value(), {inf, 1, 0, 0, inf, nan});
  check(sigmoid(x).value(), {0, 1 / (1 + std::exp(1.0)), 0.5, 0.5, 1, nan});
  check(maximum(x, 0.5).value(), {0.5, 0.5, 0.5, 0.5, inf, nan});
  check(minimum(x, 0.5).value(), {-inf, -1, 0, 0, 0.5, nan});
  check(pow(x, 2).value(), {inf, 1, 0, 0, inf, nan});
  check(pow(x, 0).value(), {1, 1, 1, 1, 1, 1});
}

TEST_CASE("gradients at kinks and ties follow PyTorch") {
  Tape<double> tape;
  const auto gradient = [&](auto f, double at) {
    const auto x = tape.variable(Tensor<double>(at));
    return grad(f(x), x)[0].item();
  };
  CHECK(gradient([](auto x) { return relu(x); }, 0) == 0);
  CHECK(gradient([](auto x) { return abs(x); }, 0) == 0);
  CHECK(gradient([](auto x) { return maximum(x, 1); }, 1) == 0.5);
  CHECK(gradient([](auto x) { return minimum(x, 1); }, 1) == 0.5);
  CHECK(gradient([](auto x) { return sqrt(x); }, 0) == std::numeric_limits<double>::infinity());
  CHECK(gradient([](auto x) { return pow(x, 0); }, 0) == 0);
  CHECK(gradient([](auto x) { return pow(x, 2); }, 0) == 0);
  CHECK(gradient([&](auto x) { return pow(tape.constant(0.0), x); }, 2) == 0);
  CHECK(gradient([&](auto x) { return pow(tape.constant(2.0), x); }, 3) ==
        doctest::Approx(8 * std::log(2.0)).epsilon(1e-14));
}

TEST_CASE("binary ops broadcast, whatever the strides") {
  Tape<double> tape;
  const auto a = random_tensor({2, 3, 5}, 1), b = random_tensor({3, 1}, 2), c = random_tensor({5}, 3),
             d = random_tensor({5, 3}, 4);
  const auto av = tape.variable(a), bv = tape.variable(b), cv = tape.variable(c), dv = tape.variable(d);
  CHECK((av * bv).value() == a * b);
  CHECK((bv * av).value() == a * b);
  CHECK((av - cv).value() == a - c);
  CHECK((bv + cv).value() == b + c);
  CHECK((bv + cv).shape() == Shape{3, 5});
  CHECK((av + transpose(dv)).value() == a + xt::transpose(d));
  CHECK((transpose(dv) * transpose(dv)).value() == xt::transpose(d) * xt::transpose(d));
  CHECK((transpose(av, {1, 2, 0}) + 1).value() == xt::transpose(a, {1, 2, 0}) + 1);
  CHECK((broadcast_to(bv, {2, 3, 5}) * broadcast_to(cv, {2, 3, 5})).value() ==
        xt::broadcast(b, {2, 3, 5}) * xt::broadcast(c, {2, 3, 5}));
  CHECK((broadcast_to(tape.constant(2.0), {4, 4}) + 1).value() == 3.0 * xt::ones<double>({4, 4}));
}

TEST_CASE("empty tensors go through") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>::from_shape({0, 3}));
  CHECK((exp(x) * x + 1).shape() == Shape{0, 3});
  CHECK((x + Tensor<double>{1, 2, 3}).shape() == Shape{0, 3});
  CHECK(sum(x).item() == 0);
  const auto [dx] = grad(sum(x * x), x);
  CHECK(dx.shape() == Shape{0, 3});
}

TEST_CASE("masks choose, they pass no gradient on") {
  Tape<double> tape;
  const auto a = tape.variable(Tensor<double>{1, 5, 3}), b = tape.variable(Tensor<double>{4, 2, 3});
  CHECK(less(a, b).value() == Tensor<double>{1, 0, 0});
  CHECK(less_equal(a, b).value() == Tensor<double>{1, 0, 1});
  CHECK(equal(a, b).value() == Tensor<double>{0, 0, 1});
  const auto chosen = where(less(a, b), a, b);
  CHECK(chosen.value() == Tensor<double>{1, 2, 3});
  const auto [da, db] = grad(sum(chosen * Tensor<double>{10, 20, 30}), a, b);
  CHECK(da.value() == Tensor<double>{10, 0, 0});
  CHECK(db.value() == Tensor<double>{0, 20, 30});
}

TEST_CASE("comparison operators give masks that where chooses by") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{-1, 0, 2});
  CHECK((x > 0).value() == Tensor<double>{0, 0, 1});
  CHECK((x >= 0).value() == Tensor<double>{0, 1, 1});
  CHECK((x < 0.5).value() == Tensor<double>{1, 1, 0});
  CHECK((1 <= x).value() == Tensor<double>{0, 0, 1});
  CHECK(equal(x, 0).value() == Tensor<double>{0, 1, 0});
  CHECK(not_equal(x, 0).value() == Tensor<double>{1, 0, 1});
  CHECK(logical_and(x > -2, x < 1).value() == Tensor<double>{1, 1, 0});
  CHECK(logical_or(x<0, x> 1).value() == Tensor<double>{1, 0, 1});
  CHECK(logical_not(x).value() == Tensor<double>{0, 1, 0});
  CHECK(isnan(x / 0).value() == Tensor<double>{0, 1, 0});
  CHECK(isfinite(x / 0).value() == Tensor<double>{0, 0, 0});
  const auto y = where(x > 0, square(x), -x);
  CHECK(y.value() == Tensor<double>{1, 0, 4});
  CHECK(grad(sum(y), x)[0].value() == Tensor<double>{-1, -1, 4});
}

TEST_CASE("errors say the function that was called, not the op that it became") {
  Tape<double> tape, other;
  const auto x = tape.variable(random_tensor({2, 3}, 1)), y = other.variable(random_tensor({2, 3}, 2));
  const auto wide = tape.variable(random_tensor({4}, 3));
  const auto mark = tape.mark();
  const auto stale = exp(x);
  tape.rewind(mark);
  CHECK_ERROR(HandleError, "[add] operand 1 is a stale handle", stale + 3);
  CHECK_ERROR(HandleError, "[subtract] operand 1 is a stale handle", stale - 3);
  CHECK_ERROR(HandleError, "[subtract] operand 1 is a stale handle", 3 - stale);
  CHECK_ERROR(HandleError, "[multiply] operand 1 is a stale handle", 3 * stale);
  CHECK_ERROR(HandleError, "[divide] operand 1 is a stale handle", 3 / stale);
  CHECK_ERROR(HandleError, "[divide] operand 1 is a stale handle", stale / 3);
  CHECK_ERROR(HandleError, "[greater] operand 2 belongs to another tape", x > y);
  CHECK_ERROR(ShapeError, "[greater] shapes (2, 3) and (4,)", x > wide);
  CHECK_ERROR(ShapeError, "[greater_equal] shapes (2, 3) and (4,)", x >= wide);
  TraceNaN trace(tape);
  CHECK_ERROR(ValueError, "[multiply] element (0, 0) is", x * std::numeric_limits<double>::infinity());
}

TEST_CASE("parameters of elementwise functions are checked") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3}, 1));
  CHECK_ERROR(ValueError, "[clip] limits 1 and 0: low must not exceed high", clip(x, 1, 0));
  CHECK_ERROR(ValueError, "[polygamma] order 0: must be an integer of at least 1", polygamma(0, x));
  CHECK_ERROR(ValueError, "[polygamma] order 1.5", polygamma(1.5, x));
  CHECK_ERROR(ShapeError,
              "[prelu] input (2, 3) and slopes (2,): expected one slope, or one for each channel along axis 1",
              prelu(x, tape.constant(Tensor<double>{1, 2})));
  CHECK_ERROR(ShapeError, "[lerp] shapes", lerp(x, x, tape.constant(Tensor<double>{1, 2})));
  CHECK(tape.size() == 3);
}

TEST_CASE("no gradient passes through clip at NaN") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{-2, -1, 0, 1, 2, std::nan("")});
  CHECK(grad(sum(clip(x, -1, 1)), x)[0].value() == Tensor<double>{0, 1, 1, 1, 0, 0});
}
