// Input normalisation: statistics against NumPy, shared channels, large offsets, and rejected inputs.
#include "testing.hpp"
#include <wengert/data/normalise.hpp>

#include <cmath>
#include <limits>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;

TEST_CASE_TEMPLATE("each feature gets mean 0 and deviation 1, by the training samples", T, float, double) {
  // NumPy 1.24.2: x.mean(axis=0), x.std(axis=0)
  Tensor<T> train{{1, 10, 7}, {2, -10, 7}, {6, 30, 7}, {7, 50, 7}};
  const Normalisation<T> n = learn_normalisation(train);
  CHECK(n.mean == Tensor<T>{4, 20, 7});
  CHECK(distance(n.deviation, Tensor<double>{std::sqrt(6.5), std::sqrt(500.0), 1}) < (sizeof(T) == 4 ? 1e-6 : 1e-14));
  normalise(train, n);
  const double a = std::sqrt(6.5), b = std::sqrt(500.0);
  const Tensor<double> expected{{-3 / a, -10 / b, 0}, {-2 / a, -30 / b, 0}, {2 / a, 10 / b, 0}, {3 / a, 30 / b, 0}};
  CHECK(distance(train, expected) < (sizeof(T) == 4 ? 1e-6 : 1e-14));
  Tensor<T> test{{4, 20, 8}};
  normalise(test, n);
  CHECK(test == Tensor<T>{{0, 0, 1}});
}

TEST_CASE("channels of images, or all inputs, share a mean and a deviation") {
  Tensor<double> images = random_tensor({5, 3, 4, 2}, 1, 2, 8);
  for (std::size_t c = 0; c < 3; ++c) xt::view(images, xt::all(), c) *= static_cast<double>(c + 1);
  const auto per_channel = learn_normalisation(images, NormalisePer::channel);
  CHECK(Shape(per_channel.mean.shape()) == Shape{3, 1, 1});
  for (std::size_t c = 0; c < 3; ++c) {
    const Tensor<double> channel = xt::view(images, xt::all(), c);
    CHECK(std::abs(per_channel.mean(c, 0, 0) - xt::mean(channel)()) < 1e-13);
    CHECK(std::abs(per_channel.deviation(c, 0, 0) - xt::stddev(channel)()) < 1e-13);
  }
  const auto of_all = learn_normalisation(images, NormalisePer::all);
  CHECK(of_all.mean.dimension() == 0);
  CHECK(std::abs(of_all.mean() - xt::mean(images)()) < 1e-13);
  CHECK(std::abs(of_all.deviation() - xt::stddev(images)()) < 1e-13);

  Tensor<double> normalised = images;
  normalise(normalised, per_channel);
  CHECK(distance(normalised, Tensor<double>((images - per_channel.mean) / per_channel.deviation)) < 1e-15);
  normalised = images;
  normalise(normalised, of_all);
  CHECK(std::abs(xt::mean(normalised)()) < 1e-14);
}

TEST_CASE("large offsets cost no digits, constants none at all") {
  Tensor<float> inputs = Tensor<float>::from_shape({10'000, 2, 3});
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs.data()[i] = i / 6 % 2 == 0 ? 1e6F : 1e6F + 2;
  xt::view(inputs, xt::all(), 1) = 0.1F;
  const auto n = learn_normalisation(inputs);
  CHECK(n.mean(0, 0) == 1e6F + 1);
  CHECK(n.deviation(0, 0) == 1);
  CHECK(learn_normalisation(inputs, NormalisePer::channel).deviation(1, 0) == 1);
  normalise(inputs, n);
  CHECK(inputs(7, 1, 2) == 0);
}

TEST_CASE("inputs that have no mean, or that do not fit, are refused") {
  const Tensor<float> inputs{{1, 2}, {3, std::numeric_limits<float>::quiet_NaN()}};
  CHECK_ERROR(ValueError, "[learn_normalisation] an input of feature 1 is not finite", learn_normalisation(inputs));
  CHECK_ERROR(ValueError, "inputs of shape (0, 2): there are none",
              learn_normalisation(Tensor<float>::from_shape({0, 2})));
  CHECK_ERROR(ShapeError, "[learn_normalisation] a scalar", learn_normalisation(Tensor<float>(1.0F)));
  CHECK_ERROR(ShapeError, "samples of shape (): expected channels",
              learn_normalisation(Tensor<float>{1, 2}, NormalisePer::channel));
  Tensor<float> other{{1, 2, 3}};
  const auto n = learn_normalisation(Tensor<float>{{1, 2}, {3, 4}});
  CHECK_ERROR(ShapeError, "[normalise] samples of shape (3,): the normalisation is of shape (2,)", normalise(other, n));
  CHECK(other == Tensor<float>{{1, 2, 3}});
}
