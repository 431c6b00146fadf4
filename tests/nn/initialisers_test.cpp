// Initialisers: moments, bounds and distribution functions of the drawn values.
#include "../testing.hpp"
#include <wengert/nn/initialisers.hpp>

#include <algorithm>

using namespace wengert;
using namespace wengert::testing;

namespace {

Parameter<double> parameter(const Shape& shape) { return Parameter<double>(random_tensor(shape, 1)); }

double mean_of(const Parameter<double>& p) { return xt::mean(p.value())(); }
double deviation_of(const Parameter<double>& p) { return std::sqrt(xt::mean(xt::square(p.value() - mean_of(p)))()); }
double largest(const Parameter<double>& p) { return xt::amax(xt::abs(p.value()))(); }

// Returns the Kolmogorov–Smirnov distance between the elements and a distribution function, in units of 1/√n. It
// exceeds 1.95 with probability 0.001.
template <class F>
double ks_distance(const Parameter<double>& p, const F& distribution) {
  std::vector<double> sorted(p.value().begin(), p.value().end());
  std::sort(sorted.begin(), sorted.end());
  const double n = static_cast<double>(sorted.size());
  double worst = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const double f = distribution(sorted[i]);
    worst = std::max({worst, std::abs(f - static_cast<double>(i) / n), std::abs(f - static_cast<double>(i + 1) / n)});
  }
  return worst * std::sqrt(n);
}
double normal_distribution(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
auto uniform_within(double low, double high) {
  return [=](double x) { return std::clamp((x - low) / (high - low), 0.0, 1.0); };
}
auto normal_of(double deviation) {
  return [=](double x) { return normal_distribution(x / deviation); };
}

}  // namespace

TEST_CASE("zeros, constant, uniform, normal") {
  Generator g(1);
  const auto p = parameter({100, 50});
  nn::constant(p, 0.5);
  CHECK(p.value() == 0.5 * xt::ones<double>({100, 50}));
  nn::zeros(p);
  CHECK(largest(p) == 0);
  nn::uniform(p, g, 2, 5);
  CHECK(ks_distance(p, uniform_within(2, 5)) < 1.95);
  nn::normal(p, g, 3, 2);
  CHECK(ks_distance(p, [](double x) { return normal_distribution((x - 3) / 2); }) < 1.95);
  const Tensor<double> before = p.value();
  nn::normal(p, g, 3, 2);
  CHECK(p.value() != before);
}

TEST_CASE("truncated_normal keeps what lies between its limits") {
  Generator g(2);
  const auto p = parameter({100, 50});
  nn::truncated_normal(p, g, 1, 2, 0, 4);
  const double from = normal_distribution(-0.5), to = normal_distribution(1.5);
  CHECK(xt::amin(p.value())() >= 0);
  CHECK(xt::amax(p.value())() <= 4);
  CHECK(ks_distance(p, [=](double x) { return (normal_distribution((x - 1) / 2) - from) / (to - from); }) < 1.95);
  nn::truncated_normal(p, g);
  CHECK(deviation_of(p) == doctest::Approx(0.8796).epsilon(0.03));  // √(1 − 4 φ(2) / (2 Φ(2) − 1))
  CHECK_ERROR(ValueError,
              "[truncated_normal] limits 5 and 6 of a normal distribution with mean 0 and standard deviation 1",
              nn::truncated_normal(p, g, 0, 1, 5, 6));
}

TEST_CASE("Xavier, He and LeCun scale by the fans of PyTorch") {
  Generator g(3);
  const auto w = parameter({60, 20, 3, 2});  // in: 120, out: 360
  CHECK(nn::fan_of(w.shape()).in == 120);
  CHECK(nn::fan_of(w.shape()).out == 360);
  nn::xavier_uniform(w, g, 2);
  CHECK(ks_distance(w, uniform_within(-2 * std::sqrt(6.0 / 480), 2 * std::sqrt(6.0 / 480))) < 1.95);
  nn::xavier_normal(w, g);
  CHECK(ks_distance(w, normal_of(std::sqrt(2.0 / 480))) < 1.95);
  nn::he_uniform(w, g);
  CHECK(ks_distance(w, uniform_within(-std::sqrt(6.0 / 120), std::sqrt(6.0 / 120))) < 1.95);
  nn::he_normal(w, g, {.fan = nn::FanMode::out});
  CHECK(ks_distance(w, normal_of(std::sqrt(2.0 / 360))) < 1.95);
  nn::he_normal(w, g, {.nonlinearity = nn::Nonlinearity::leaky_relu, .slope = std::sqrt(5.0)});
  CHECK(ks_distance(w, normal_of(std::sqrt(1.0 / 3 / 120))) < 1.95);
  nn::lecun_uniform(w, g);
  CHECK(ks_distance(w, uniform_within(-std::sqrt(3.0 / 120), std::sqrt(3.0 / 120))) < 1.95);
  nn::lecun_normal(w, g);
  CHECK(ks_distance(w, normal_of(std::sqrt(1.0 / 120))) < 1.95);
  CHECK(nn::gain(nn::Nonlinearity::tanh) == doctest::Approx(5.0 / 3));
  CHECK_ERROR(ShapeError, "[fan_of] a parameter of shape (3,): expected a weight (out, in, kernel…) of rank 2 or more",
              nn::he_normal(parameter({3}), g));
}

TEST_CASE("orthogonal rows or columns") {
  Generator g(4);
  const auto check = [&](const Shape& shape, std::size_t fewer) {
    const auto w = parameter(shape);
    nn::orthogonal(w, g, 3);
    Tape<double> tape;
    const std::size_t rows = shape[0], columns = shape.elements() / rows;
    const auto a = reshape(tape.variable(w), {rows, columns});
    const auto product = rows < columns ? matmul(a, transpose(a)) : matmul(transpose(a), a);
    CHECK(distance(product.value(), 9.0 * xt::eye<double>(fewer)) < 1e-12);
  };
  check({5, 5}, 5);
  check({3, 7}, 3);
  check({8, 2, 3}, 6);
  // Uniformly distributed: both signs of an element are equally likely, and its mean square is 1/n.
  const auto w = parameter({2, 2});
  double sum = 0, squares = 0;
  for (int i = 0; i < 2000; ++i) {
    nn::orthogonal(w, g);
    sum += w.value()(0, 0);
    squares += w.value()(0, 0) * w.value()(0, 0);
  }
  CHECK(std::abs(sum / 2000) < 4 * std::sqrt(0.5 / 2000));
  CHECK(squares / 2000 == doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("the same draws in float and double") {
  Generator a(9), b(9);
  const Parameter<double> wide(random_tensor({40, 30}, 1));
  const Parameter<float> narrow(random_tensor<float>({40, 30}, 1));
  nn::he_normal(wide, a);
  nn::he_normal(narrow, b);
  CHECK(distance(wide.value(), narrow.value()) < 1e-5);
  nn::truncated_normal(wide, a);
  nn::truncated_normal(narrow, b);
  CHECK(distance(wide.value(), narrow.value()) < 1e-5);
}

TEST_CASE("limits and deviations that make no distribution are refused") {
  const Parameter<double> w(Tensor<double>{1, 2});
  const double nan = std::nan("");
  CHECK_ERROR(ValueError, "[uniform] limits 1 and 0: expected finite numbers, the lower one first",
              nn::uniform(w, Generator(1), 1, 0));
  CHECK_ERROR(ValueError, "[uniform] limits 0 and nan", nn::uniform(w, Generator(1), 0, nan));
  CHECK_ERROR(ValueError, "[normal] mean 0 and standard deviation -1: expected finite numbers",
              nn::normal(w, Generator(1), 0, -1));
  CHECK_ERROR(ValueError, "[normal] mean nan and standard deviation 1", nn::normal(w, Generator(1), nan));
  CHECK(w.value() == Tensor<double>{1, 2});
  nn::uniform(w, Generator(1), 3, 3);
  CHECK(w.value() == Tensor<double>{3, 3});
}
