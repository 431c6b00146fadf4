// Numerical edge cases: statistics far from 0, reductions of infinite elements, dropout with probability 0, polygamma.
#include "testing.hpp"

#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Returns 1e6 + {0, 1, 2, 3, 0, …}, with mean 1000001.5 and variance 1.25.
Tensor<float> far_from_zero() {
  auto x = Tensor<float>::from_shape({10'000});
  for (std::size_t i = 0; i < x.size(); ++i) x(i) = 1e6F + static_cast<float>(i % 4);
  return x;
}

// Return the value and the first two gradients of a function of one tensor: `values_of` on the tape, `replayed` from a
// Program that was recorded with a tensor of ones.
template <class T, class F>
std::vector<Tensor<T>> values_of(const F& f, const Tensor<T>& at) {
  Tape<T> tape;
  const auto x = tape.variable(at);
  const auto y = f(x);
  const auto g = grad(sum(y), x)[0], h = grad(sum(square(g)), x)[0];
  return {y.value(), g.value(), h.value()};
}
template <class T, class F>
std::vector<Tensor<T>> replayed(const F& f, const Tensor<T>& at) {
  Tape<T> tape;
  const auto x = tape.variable(Tensor<T>(at * T(0) + T(1)));
  const auto y = f(x);
  const auto g = grad(sum(y), x)[0], h = grad(sum(square(g)), x)[0];
  auto program = compile<T>(tape, {x}, {y, g, h});
  program.run(std::vector<ProgramInput<T>>{at});
  return {program.value(0), program.value(1), program.value(2)};
}

}  // namespace

TEST_CASE("mean, var and stddev of floats about 1e6 keep their digits") {
  Tape<float> tape;
  const auto x = tape.variable(far_from_zero());
  const auto whole = var(x, {}, {}, 0), columns = var(reshape(x, {100, 100}), 0, {}, 0);
  auto program = compile<float>(tape, {x}, {whole, columns});
  CHECK(std::abs(mean(x).value()() - 1000001.5F) <= 0.0625F);  // one unit in the last place
  CHECK(std::abs(var(x, {}, {}, 0).value()() - 1.25F) < 1e-5F);
  CHECK(std::abs(stddev(x, {}, {}, 0).value()() - std::sqrt(1.25F)) < 1e-5F);
  program.run(std::vector<ProgramInput<float>>{far_from_zero()});
  CHECK(std::abs(program.value(0)() - 1.25F) < 1e-5F);
  CHECK(distance(program.value(1), Tensor<float>(0 * program.value(1))) < 1e-5);  // each column repeats one number
}

TEST_CASE("logarithms of softmax keep their digits beside large logits") {
  const Tensor<float> near{{0, 1, 2, 3}, {3, 0, 0, 1}}, far = near + 1048576.0F, Y{{0, 0, 1, 0}, {0.5F, 0.5F, 0, 0}};
  const Indices labels{2, 0};
  Tape<float> tape;
  const auto a = tape.variable(near), b = tape.variable(far);
  CHECK(distance(log_softmax(b).value(), log_softmax(a).value()) < 1e-6);
  CHECK(distance(cross_entropy_with_logits(b, Y).value(), cross_entropy_with_logits(a, Y).value()) < 1e-6);
  CHECK(distance(cross_entropy(b, labels).value(), cross_entropy(a, labels).value()) < 1e-6);
}

TEST_CASE("cumsum of floats does not add up its rounding") {
  auto ones = Tensor<float>::from_shape({200'000});
  ones.fill(0.1F);
  Tape<float> tape;
  const auto y = cumsum(tape.variable(ones), 0).value();
  for (std::size_t i = 999; i < y.size(); i += 1000) {
    const double exact = static_cast<double>(0.1F) * static_cast<double>(i + 1);
    CHECK(std::abs(static_cast<double>(y(i)) - exact) < 1e-7 * exact);
  }
}

TEST_CASE_TEMPLATE("dropout of probability 0 is its operand and draws nothing", T, float, double) {
  Tape<T> tape;
  Generator generator(7);
  const auto x = tape.variable(Tensor<T>{1, 2, 3});
  const auto nodes = tape.size();
  const auto counter = generator.counter();
  CHECK(dropout(x, 0, generator).index() == x.index());
  CHECK(tape.size() == nodes);
  CHECK(generator.counter() == counter);
}

TEST_CASE("sums of exponentials have finite gradients, whatever is infinite") {
  const auto check = [](auto f, const Tensor<double>& at, const Tensor<double>& y, const Tensor<double>& g) {
    for (const auto& got : {values_of<double>(f, at), replayed<double>(f, at)}) {
      CHECK(distance(got[0], y) < 1e-15);
      CHECK(distance(got[1], g) < 1e-15);
      for (const double second : got[2]) CHECK(std::isfinite(second));
    }
  };
  const auto all = [](auto x) { return logsumexp(x, 0); };
  check(all, {-infinity, -infinity}, Tensor<double>(-infinity), {0.5, 0.5});
  check(all, {-infinity}, Tensor<double>(-infinity), {1});
  check(all, {infinity, 1}, Tensor<double>(infinity), {1, 0});
  check(all, {1e300, -infinity}, Tensor<double>(1e300), {1, 0});
  const auto last = [](auto x) { return slice(logcumsumexp(x, 0), 0, Slice(-1, {})); };
  check(last, {1e50, 1e50}, {1e50}, {0.5, 0.5});
  check(last, {-1e50, -1e50}, {-1e50}, {0.5, 0.5});
  check(last, {-infinity, -infinity}, {-infinity}, {0.5, 0.5});
  check(last, {1e50, 1e50, 1e50, 1e50}, {1e50}, {0.25, 0.25, 0.25, 0.25});
  const auto pair = [](auto x) { return logaddexp(slice(x, 0, Slice(0, 1)), slice(x, 0, Slice(1, 2))); };
  check(pair, {-infinity, -infinity}, {-infinity}, {0.5, 0.5});
  check(pair, {1e308, -1e308}, {1e308}, {1, 0});
  const auto product = [](auto x) { return xlogy(slice(x, 0, Slice(0, 1)), slice(x, 0, Slice(1, 2))); };
  check(product, {0, 0}, {0}, {0, 0});
}

TEST_CASE("a norm neither overflows nor vanishes before its elements do") {
  for (const double scale : {1e-300, 1e-160, 1.0, 1e160, 1e300}) {
    const auto got = values_of<double>([](auto x) { return norm(x); }, {3 * scale, -4 * scale, 0});
    CHECK(std::abs(got[0]() / (5 * scale) - 1) < 1e-15);
    CHECK(distance(got[1], Tensor<double>{0.6, -0.8, 0}) < 1e-15);
  }
  const auto zero = values_of<double>([](auto x) { return norm(x); }, {0, 0});
  CHECK(zero[1] == Tensor<double>{0, 0});
  const auto infinite = values_of<double>([](auto x) { return norm(x); }, {1, -infinity});
  CHECK(infinite[1] == Tensor<double>{0, -1});
  const auto none = Tensor<double>::from_shape({0});
  for (const double p : {1.0, 2.0, 3.0}) CHECK(values_of<double>([p](auto x) { return norm(x, p); }, none)[0]() == 0);
}

// Reference values psi(n, x) from mpmath 1.2.1.
TEST_CASE("polygamma left of 0") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{-0.5, -1.25, -7.6});
  const auto near = [](const Tensor<double>& got, const Tensor<double>& exact) {
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(std::abs(got(i) / exact(i) - 1) < 1e-12);
  };
  near(polygamma(2, x).value(), {-0.828796644234319996, 123.72136678366236, -22.2914810969042864});
  near(polygamma(3, x).value(), {193.409091034002437, 1558.2209125348506, 283.598565031999919});
  near(grad(sum(polygamma(2, x)), x)[0].value(), {193.409091034002437, 1558.2209125348506, 283.598565031999919});
}
