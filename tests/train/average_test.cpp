// fit with an optimiser that averages weights, and who may set the rate.
#include "train/line.hpp"

#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Gradient descent on mean (x w − y)² and the exponential average of its weights, whose first is a copy.
struct Averaged {
  double weight, average;
};
std::vector<Averaged> descend(double w, const Tensor<double>& x, const Tensor<double>& y, double decay,
                              std::size_t steps) {
  std::vector<Averaged> all;
  for (std::size_t i = 0; i < steps; ++i) {
    w -= 0.1 * xt::mean(2 * x * (x * w - y))();
    all.push_back({w, all.empty() ? w : decay * all.back().average + (1 - decay) * w});
  }
  return all;
}

}  // namespace

TEST_CASE(
    "fit validates with the averages of the weights and ends with them; the next fit continues from the weights") {
  const Tensor<double> x = random_tensor({8}, 1, 0.5, 1.5), y = 2 * x;
  const train::Samples data{x, y};
  const Line network = line(1);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1}, {.average = optim::EMA{.decay = 0.5}});
  const auto expected = descend(1, x, y, 0.5, 6);
  const auto options = quiet({.epochs = 3, .batch_size = train::all_samples});
  const auto result = train::fit(network, optimizer, squares, data, data, options);
  CHECK(weight_of(network) == doctest::Approx(expected[2].average).epsilon(1e-13));
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(result.history.column("validation_loss")[i] ==
          doctest::Approx(xt::mean(xt::square(x * expected[i].average - y))()));
  train::fit(network, optimizer, squares, data, options);
  CHECK(weight_of(network) == doctest::Approx(expected[5].average).epsilon(1e-13));
  optimizer.swap_average();
  CHECK(weight_of(network) == doctest::Approx(expected[5].weight).epsilon(1e-13));
}

TEST_CASE("the best weights are averages, and averages survive an interruption") {
  const Tensor<double> x = random_tensor({8}, 1, 0.5, 1.5), y = 2 * x;
  const train::Samples data{x, y};
  const auto expected = descend(1, x, y, 0.5, 4);
  const TemporaryFolder folder;
  const auto run = [&](std::size_t epochs, bool best) {
    const Line network = line(1);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1}, {.average = optim::EMA{.decay = 0.5}});
    auto options = quiet({.epochs = epochs, .batch_size = train::all_samples, .stopping = {.best_weights = best}});
    options.folder = folder / "run";
    options.checkpoint.resume = true;
    train::fit(network, optimizer, squares, data, data, options);
    return weight_of(network);
  };
  CHECK(run(2, false) == doctest::Approx(expected[1].average).epsilon(1e-13));
  CHECK(run(4, false) == doctest::Approx(expected[3].average).epsilon(1e-13));  // resumed after two epochs
  const Line network = line(1);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1}, {.average = optim::EMA{.decay = 0.5}});
  train::fit(network, optimizer, squares, data, data,
             quiet({.epochs = 4, .batch_size = train::all_samples, .stopping = {.best_weights = true}}));
  CHECK(weight_of(network) == doctest::Approx(expected[3].average).epsilon(1e-13));
}

TEST_CASE("a run is not resumed with another average or other rate factors") {
  const train::Samples data{Tensor<double>{1.0, 2.0}, Tensor<double>{2.0, 4.0}};
  const TemporaryFolder folder;
  const auto run = [&](const optim::OptimizerOptions<double>& of_optimizer) {
    const Line network = line(1);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1}, of_optimizer);
    train::fit(network, optimizer, squares, data,
               quiet({.epochs = 1, .checkpoint = {.resume = true}, .folder = folder / "run"}));
  };
  run({.average = optim::EMA{.decay = 0.5}});
  const std::string by_average = message_of<FileError>([&] { run({.average = optim::EMA{.decay = 0.75}}); });
  CHECK(contains(by_average, "was trained by another optimiser"));
  CHECK(contains(by_average, "0.75"));
  CHECK(contains(message_of<FileError>([&] {
                   run({.rate_factors = {{"weight", 0.5}}, .average = optim::EMA{.decay = 0.5}});
                 }),
                 "rate_factor.weight 0.5"));
}

TEST_CASE("an observer cannot set the rate while a schedule does") {
  const Tensor<double> x{1.0, 2.0};
  const train::Samples data{x, Tensor<double>(2 * x)};
  const Line network = line(1);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  auto options = quiet({.epochs = 2});
  options.observers = {train::after_step([&](train::FitStatus&) { optimizer.set_rate(0.01); })};
  train::fit(network, optimizer, squares, data, options);
  CHECK(optimizer.rate() == 0.01);
  options.schedule.by_step = optim::ConstantRate{.rate = 0.05};
  CHECK(contains(message_of<ValueError>([&] { train::fit(network, optimizer, squares, data, options); }),
                 "set_rate(0.01) while the schedule of fit sets the rate"));
  optimizer.set_rate(0.02);  // free again
  CHECK(optimizer.rate() == 0.02);
}
