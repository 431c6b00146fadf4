// What observers do in the middle of a run: errors and stops before an epoch, evaluations, rates, and work beside a
// Loader's thread.
#include "train/line.hpp"
#include "train/lines.hpp"
#include <wengert/data.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using train::FitStatus;
using train::StopReason;

namespace {

const Tensor<double> four_inputs{0.5, 1, 1.5, 2};
const train::Samples twice{four_inputs, Tensor<double>(2 * four_inputs)};

train::FitResult fit_twice(const Line& network, train::FitOptions options) {
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  return train::fit(network, optimizer, squares, twice, quiet(std::move(options)));
}

}  // namespace

TEST_CASE("before_epoch is called once for each epoch, also if an error or a stop in it interrupts the run") {
  const TemporaryFolder folder;
  const auto run = [&](const std::string& name, const std::function<void(FitStatus&)>& interrupt) {
    const Line network = line(0);
    std::vector<double> rates;
    const auto halve = train::before_epoch([&](FitStatus& status) { status.set_rate(status.rate() / 2); });
    const auto note = train::after_step([&](FitStatus& status) { rates.push_back(status.rate()); });
    const auto fit = [&] {
      return fit_twice(network, {.epochs = 3,
                                 .batch_size = train::all_samples,
                                 .checkpoint = {.resume = true},
                                 .observers = {halve, train::before_epoch(interrupt), note},
                                 .folder = folder / name});
    };
    try {
      const auto interrupted = fit();
      CHECK(interrupted.steps == 1);
    } catch (const std::runtime_error&) {  // the error of the observer
    }
    CHECK(rates == std::vector<double>{0.05});
    const auto result = fit();
    CHECK(result.resumed);
    CHECK(rates == std::vector<double>{0.05, 0.025, 0.0125});
    return std::pair(weight_of(network), result.history.column("loss"));
  };
  bool armed = true;
  const auto thrown = run("thrown", [&](FitStatus& status) {
    if (status.epoch == 2 && std::exchange(armed, false)) throw std::runtime_error("crash");
  });
  armed = true;
  const auto stopped = run("stopped", [&](FitStatus& status) {
    if (status.epoch == 2 && std::exchange(armed, false)) status.stop = true;
  });
  CHECK(thrown == stopped);
}

TEST_CASE("an observer evaluates with the metrics of the run, which go on as before") {
  const train::Metrics metrics{train::r_squared(), train::mae()};
  const auto run = [&](int evaluates) {
    const Line network = line(0);
    std::vector<double> seen;
    const auto evaluate = [&](FitStatus&) {
      seen.push_back(train::evaluate(network, squares, twice, {.metrics = metrics}).metric("mae"));
    };
    train::FitOptions options{.epochs = 3, .batch_size = 1, .metrics = metrics};
    if (evaluates == 1) options.observers = {train::after_step(evaluate)};
    if (evaluates == 2) options.observers = {train::after_epoch(evaluate)};
    const auto result = fit_twice(network, options);
    CHECK(seen.size() == (evaluates == 0 ? 0 : evaluates == 1 ? 12 : 3));
    if (evaluates != 0)
      CHECK(seen.back() == doctest::Approx(std::abs(2 - weight_of(network)) * 1.25));  // the mean of x
    return std::pair(result.history.column("r_squared"), result.history.column("mae"));
  };
  const auto alone = run(0);
  CHECK(run(1) == alone);
  CHECK(run(2) == alone);
}

TEST_CASE("the rate in the history is that of the epoch's last step, not the one set after it") {
  const auto halve = train::after_step([](FitStatus& status) { status.set_rate(status.rate() / 2); });
  const auto result = fit_twice(line(0), {.epochs = 2, .batch_size = 1, .observers = {halve}});
  CHECK(result.history.column("rate")[0] == doctest::Approx(0.1 / 8));
  CHECK(result.history.column("rate")[1] == doctest::Approx(0.1 / 128));
}

TEST_CASE("a Loader makes batches of an epoch only after before_epoch") {
  const data::Dataset<double> samples{random_tensor({12, 2}, 1), xt::zeros<std::int64_t>({12}), 2};
  std::atomic<std::size_t> begun{0};
  std::atomic<bool> early{false};
  const data::Loader loader(samples, {.batch_size = 4, .prefetch = 2, .transform = [&](auto& batch, Generator&) {
                                        // The recording before the first step takes a batch of epoch 0.
                                        if (batch.epoch > 0 && batch.epoch + 1 > begun) early = true;
                                      }});
  const auto network = nn::Linear<double>::make(2, 2, Generator(1));
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  train::fit(
      network, optimizer, [](auto logits, auto labels) { return cross_entropy(logits, labels); }, loader,
      quiet({.epochs = 3, .observers = {train::before_epoch([&](FitStatus& status) {
                            std::this_thread::sleep_for(std::chrono::milliseconds(30));
                            begun = status.epoch;
                          })}}));
  CHECK(begun == 3);
  CHECK_FALSE(early.load());
}

TEST_CASE("a reason without a stop is not kept") {
  const auto asks = [](FitStatus& status) {
    if (status.step == 1) status.reason = StopReason::time;
    status.stop = status.step == 2;
  };
  CHECK(fit_twice(line(0), {.batch_size = 1, .observers = {train::after_step(asks)}}).reason == StopReason::observer);
}

TEST_CASE("EarlyStopping and a plateau go by larger values where the metric says so") {
  // From 0 on, the weight moves away from 2, so that R² falls from epoch to epoch.
  const auto away = [](auto outputs, auto targets) { return 0 - mean(square(outputs - targets)); };
  const auto run = [&](const auto& loss, train::FitOptions options) {
    const Line network = line(0);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    options.batch_size = train::all_samples;
    options.metrics = {train::r_squared()};
    return train::fit(network, optimizer, loss, twice, quiet(std::move(options)));
  };
  const train::EarlyStopping stopping({.monitor = "r_squared", .patience = 2});
  const auto falling = run(away, {.epochs = 6, .observers = {stopping}});
  CHECK(falling.history.column("r_squared")[1] < falling.history.column("r_squared")[0]);
  CHECK(falling.history.epochs.size() == 3);
  CHECK(falling.reason == StopReason::no_improvement);
  CHECK(run(squares, {.epochs = 6, .observers = {stopping}}).history.epochs.size() == 6);  // R² grows

  const auto on_plateau = [&](const auto& loss) {
    return run(loss, {.epochs = 4,
                      .schedule = {.plateau = optim::Plateau{.factor = 0.5, .patience = 0}},
                      .stopping = {.monitor = "r_squared"}})
        .history.column("rate");
  };
  CHECK(on_plateau(squares) == std::vector<double>{0.1, 0.1, 0.1, 0.1});
  CHECK(on_plateau(away) == std::vector<double>{0.1, 0.1, 0.05, 0.025});
}

TEST_CASE("a resumed run says so to its observers, and its seconds count") {
  const TemporaryFolder folder;
  const auto run = [&](std::size_t epochs, double seconds) {
    bool resumed = false;
    const auto result =
        fit_twice(line(0), {.epochs = epochs,
                            .stopping = {.seconds = seconds},
                            .checkpoint = {.resume = true},
                            .observers = {train::before_epoch([&](FitStatus& status) { resumed = status.resumed; }),
                                          train::after_step([](FitStatus& status) {
                                            if (status.step == 1)
                                              std::this_thread::sleep_for(std::chrono::milliseconds(300));
                                          })},
                            .folder = folder / "run"});
    return std::tuple(resumed, result.reason, result.steps);
  };
  CHECK(run(1, infinity) == std::tuple(false, StopReason::epochs, std::size_t{1}));
  CHECK(run(1000, 0.3) == std::tuple(true, StopReason::time, std::size_t{2}));
}

TEST_CASE("a status that is not of a run refuses what it cannot do") {
  const report::History history;
  FitStatus status{history};
  check_lines({{"rate", [&] { status.rate(); }},
               {"set_rate", [&] { status.set_rate(1); }},
               {"parameters", [&] { status.parameters<double>(); }},
               {"save_weights", [&] { status.save_weights("w.npz"); }},
               {"monitored", [&] { status.monitored(""); }},
               {"larger_is_better", [&] { status.larger_is_better("loss"); }}},
              "observer_effects_test.cpp");
  CHECK(contains(message_of<ValueError>([&] { status.rate(); }), "[fit] the status is not that of a run of fit"));
}
