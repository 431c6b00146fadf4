// Observers of train::fit: their hooks, what they see and change, exceptions, and the standard ones.
#include "data/files.hpp"
#include "train/checkpoint.hpp"
#include "train/line.hpp"
#include <wengert/io/npz.hpp>

#include <cmath>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using train::FitStatus;
using train::StopReason;

namespace {

const Tensor<double> four{0.5, 1, 1.5, 2};
const train::Samples doubled{four, Tensor<double>(2 * four)};

// Notes the calls of all hooks.
struct Noted : train::Observer {
  std::string calls;
  void note(const char* what, const FitStatus& status) {
    calls += fmt::format("{} {}/{} ", what, status.epoch, status.step);
  }
  void begin(FitStatus& status) override { note("begin", status); }
  void before_epoch(FitStatus& status) override { note("before", status); }
  void after_step(FitStatus& status) override { note("step", status); }
  void after_epoch(FitStatus& status) override { note("epoch", status); }
  void end(FitStatus& status) override { note("end", status); }
  void failed(FitStatus& status, const std::exception& error) override {
    note("failed", status);
    calls += error.what();
    throw std::runtime_error("ignored");
  }
};

auto fit_line(const Line& network, train::FitOptions options) {
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  return train::fit(network, optimizer, squares, doubled, quiet(std::move(options)));
}

}  // namespace

TEST_CASE("the hooks of an observer are called in order, with the epoch and the step") {
  const auto noted = std::make_shared<Noted>();
  fit_line(line(0), {.epochs = 2, .batch_size = 2, .observers = {noted}});
  CHECK(noted->calls ==
        "begin 0/0 before 1/0 step 1/1 step 1/2 epoch 1/2 before 2/2 step 2/3 step 2/4 epoch 2/4 end 2/4 ");
  noted->calls.clear();
  const auto crash = [](FitStatus& status) {
    if (status.step == 3) throw std::runtime_error("crash");
  };
  CHECK_THROWS_WITH(fit_line(line(0), {.epochs = 2, .batch_size = 2, .observers = {noted, train::after_step(crash)}}),
                    "crash");
  CHECK(noted->calls.ends_with("before 2/2 step 2/3 failed 2/3 crash"));
}

TEST_CASE("observers see the loss, the history and the rate") {
  const Line network = line(0);
  std::vector<double> losses, means;
  std::size_t epochs = 9;
  double rate = 0;
  bool resumed = true;
  const auto result = fit_line(
      network, {.epochs = 2,
                .batch_size = 2,
                .batches = {.shuffle = false},
                .observers = {train::before_epoch([&](FitStatus& status) { epochs = status.history.epochs.size(); }),
                              train::after_step([&](FitStatus& status) { losses.push_back(status.loss); }),
                              train::after_epoch([&](FitStatus& status) {
                                means.push_back(status.loss);
                                rate = status.rate();
                                resumed = status.resumed;
                                CHECK(status.last("loss") == status.loss);
                                CHECK(status.monitored("") == "loss");
                                CHECK(&status.parameters<double>()[0].second.value() == &network.weight.value());
                              })}});
  CHECK(losses[0] == doctest::Approx((1 + 4) / 2.0));  // (0 − 2x)² for x = ½ and 1
  CHECK(means == result.history.column("loss"));
  CHECK(means[0] == doctest::Approx((losses[0] + losses[1]) / 2));
  CHECK(epochs == 1);
  CHECK(rate == 0.1);
  CHECK(!resumed);
}

TEST_CASE("what an observer asks for in vain is named") {
  const auto refused = [](std::function<void(FitStatus&)> ask) {
    return message_of<ValueError>([&] { fit_line(line(0), {.epochs = 1, .observers = {train::before_epoch(ask)}}); });
  };
  CHECK(contains(refused([](FitStatus& status) { status.parameters<float>(); }),
                 "parameters<float>(), but the network has the scalar type double: expected its own"));
  CHECK(contains(refused([](FitStatus& status) { status.last("loss"); }),
                 "no epoch is completed, so there is no 'loss'"));
  CHECK(contains(refused([](FitStatus& status) { status.monitored("accuracy"); }),
                 "monitor 'accuracy': expected one of"));
  CHECK(contains(message_of<ValueError>([] { fit_line(line(0), {.observers = {std::shared_ptr<train::Observer>()}}); }),
                 "[fit] an observer is a null pointer: expected one such as CsvLog(file)"));
}

TEST_CASE("an observer sets the rate, unless a schedule does") {
  const Line network = line(0);
  const auto halve = train::after_step([](FitStatus& status) { status.set_rate(status.rate() / 2); });
  fit_line(network, {.epochs = 2, .batch_size = train::all_samples, .observers = {halve}});
  const double square = xt::mean(xt::square(four))();  // the gradient is 2 (w − 2) · the mean of x²
  double w = 0;
  for (const double rate : {0.1, 0.05}) w -= rate * 2 * (w - 2) * square;
  CHECK(weight_of(network) == doctest::Approx(w).epsilon(1e-13));
  for (const train::ScheduleOptions& schedule : {train::ScheduleOptions{.by_step = optim::ConstantRate{.rate = 0.1}},
                                                 train::ScheduleOptions{.by_epoch = optim::ConstantRate{.rate = 0.1}},
                                                 train::ScheduleOptions{.plateau = optim::Plateau{}}}) {
    const std::string message =
        message_of<ValueError>([&] { fit_line(line(0), {.schedule = schedule, .observers = {halve}}); });
    CHECK(contains(message, schedule.plateau ? "while the plateau of fit sets the rate"
                                             : "while the schedule of fit sets the rate"));
  }
}

TEST_CASE("an observer changes the weights") {
  const Line network = line(0);
  fit_line(network, {.epochs = 1,
                     .batch_size = train::all_samples,
                     .observers = {train::after_step([](FitStatus& status) {
                       Parameter<double>(status.parameters<double>()[0].second).assign(Tensor<double>{7.0});
                     })}});
  CHECK(weight_of(network) == 7);
}

TEST_CASE("an observer unfreezes a part of the network at an epoch") {
  const auto network =
      nn::sequential(nn::Linear<double>::make(1, 3, Generator(1)), nn::Linear<double>::make(3, 1, Generator(2)));
  const auto body = [&] { return nn::parameter(network, "0.weight").value(); };
  optim::Optimizer<double> optimizer(network, optim::Adam{.rate = 0.1});
  nn::freeze(network, "0");
  const Tensor<double> x = random_tensor({8, 1}, 1), start = body();
  std::vector<bool> moved;
  train::fit(network, optimizer, squares, train::Samples{x, Tensor<double>(2 * x)},
             quiet({.epochs = 3,
                    .observers = {train::before_epoch([&](FitStatus& status) {
                                    if (status.epoch == 3) nn::unfreeze(network, "0");
                                  }),
                                  train::after_epoch([&](FitStatus&) { moved.push_back(body() != start); })}}));
  CHECK(moved == std::vector<bool>{false, false, true});
}

TEST_CASE("an observer ends the training run, for its own reason, and no later one revokes it") {
  const auto stop = [](FitStatus& status) { status.stop = status.step == 3; };
  const auto revoke = train::after_step([](FitStatus& status) { status.stop = false; });
  const auto result = fit_line(line(0), {.batch_size = 1, .observers = {train::after_step(stop), revoke}});
  CHECK(result.steps == 3);
  CHECK(result.reason == StopReason::observer);
  const auto timed = fit_line(line(0), {.observers = {train::before_epoch([](FitStatus& status) {
                                          status.stop = status.epoch == 2;
                                          status.reason = StopReason::time;
                                        })}});
  CHECK(timed.history.epochs.size() == 1);
  CHECK(timed.reason == StopReason::time);
}

TEST_CASE("an exception in an observer leaves a checkpoint of the last step, from which the run is resumed") {
  const TemporaryFolder folder;
  const auto run = [&](const std::string& name, std::size_t crash_step, std::size_t crash_epoch) {
    const Line network = line(0);
    const auto count = std::make_shared<Noted>();
    const auto crash = [&](FitStatus& status) {
      if (status.step == crash_step || (status.step == 4 * crash_epoch && crash_epoch != 0))
        throw std::runtime_error("crash");
    };
    const train::AnyObserver crashing = crash_epoch != 0 ? train::after_epoch(crash) : train::after_step(crash);
    const auto fit = [&] {
      fit_line(network, {.epochs = 3,
                         .batch_size = 1,
                         .checkpoint = {.resume = true},
                         .observers = {count, crashing},
                         .folder = folder / name});
    };
    if (crash_step + crash_epoch == 0)
      fit();
    else
      CHECK_THROWS_WITH(fit(), "crash");
    return std::pair(weight_of(network), count->calls);
  };
  const double whole = run("whole", 0, 0).first;
  run("step", 6, 0);
  CHECK(train::Checkpoint::load(folder / "step/checkpoint").count("fit/steps") == 6);
  const auto [weight, calls] = run("step", 0, 0);
  CHECK(weight == whole);
  CHECK(calls.starts_with("begin 2/6 step 2/7 "));
  run("epoch", 0, 2);
  CHECK(train::Checkpoint::load(folder / "epoch/checkpoint").count("fit/epoch") == 2);
  const auto resumed = run("epoch", 0, 0);
  CHECK(resumed.first == whole);
  CHECK(resumed.second.starts_with("begin 2/8 before 3/8 "));
}

TEST_CASE("the states of observers are saved and restored by name and order") {
  struct Counter : train::Observer {
    double count = 0;
    void after_step(FitStatus&) override { ++count; }
    std::vector<double> state() const override { return {count}; }
    void set_state(const std::vector<double>& saved) override { count = saved.at(0); }
    std::string name() const override { return "Counter"; }
  };
  struct Greedy : Counter {
    void set_state(const std::vector<double>& saved) override { count = saved.at(1); }
  };
  const TemporaryFolder folder;
  const auto run = [&](std::size_t epochs, train::Observers observers) {
    fit_line(line(0), {.epochs = epochs,
                       .batch_size = 1,
                       .checkpoint = {.resume = true},
                       .observers = std::move(observers),
                       .folder = folder / "run"});
  };
  const auto first = std::make_shared<Counter>(), second = std::make_shared<Counter>();
  second->count = 100;
  run(2, {first, second});
  const auto again = std::make_shared<Counter>(), and_again = std::make_shared<Counter>();
  run(3, {std::make_shared<Noted>(), again, and_again});  // the other observer changes nothing
  CHECK(again->count == 12);
  CHECK(and_again->count == 112);
  CHECK(
      contains(message_of<FileError>([&] { run(4, {Greedy()}); }),
               "/run/checkpoint: observer/Counter/0 holds 1 numbers, too few for the observer's set_state: start again "
               "without .checkpoint.resume, or give the observer another name()"));
}

TEST_CASE("EarlyStopping ends a run by a column of its own, and goes on counting when resumed") {
  // w = 1 − 0.8ᵏ after k epochs; the validation loss is lowest after three.
  const Tensor<double> one{1.0}, half{0.5};
  const TemporaryFolder folder;
  const auto run = [&](std::size_t epochs, train::EarlyStoppingOptions options) {
    const Line network = line(0);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    return train::fit(network, optimizer, squares, train::Samples{one, one}, train::Samples{one, half},
                      quiet({.epochs = epochs,
                             .checkpoint = {.resume = true},
                             .observers = {train::EarlyStopping(std::move(options))},
                             .folder = folder / "run"}));
  };
  run(4, {.patience = 2});
  const auto result = run(100, {.patience = 2});
  CHECK(result.reason == StopReason::no_improvement);
  CHECK(result.history.epochs.size() == 5);
  CHECK(run(100, {.patience = 2}).history.epochs.size() == 5);  // it stays ended
  CHECK(run(7, {.monitor = "loss", .patience = 9}).history.epochs.size() == 7);
  std::filesystem::remove_all(folder / "run");
  // From 1 on, the training loss shrinks by 0.36, 0.2304, 0.147, 0.094, …
  CHECK(run(100, {.monitor = "loss", .patience = 1, .min_improvement = 0.2}).history.epochs.size() == 4);
  CHECK_ERROR(ValueError, "[EarlyStopping] patience is 0: expected at least 1", train::EarlyStopping({.patience = 0}));
  CHECK_ERROR(ValueError, "[EarlyStopping] min_improvement is -1: expected 0 or more",
              train::EarlyStopping({.min_improvement = -1}));
  std::filesystem::remove_all(folder / "run");
  CHECK(contains(message_of<ValueError>([&] { run(1, {.monitor = "accuracy"}); }),
                 "monitor 'accuracy': expected one of"));
}

TEST_CASE("BestCheckpoint keeps the weights of the best epoch, also of a run that is resumed") {
  const Tensor<double> one{1.0}, half{0.5};
  const TemporaryFolder folder;
  const auto run = [&](std::size_t epochs) {
    const Line network = line(0);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    train::fit(network, optimizer, squares, train::Samples{one, one}, train::Samples{one, half},
               quiet({.epochs = epochs,
                      .checkpoint = {.resume = true},
                      .observers = {train::BestCheckpoint(folder / "best.npz")},
                      .folder = folder / "run"}));
    return io::load_npz<double>(folder / "best.npz").at(0).value(0);
  };
  CHECK(run(2) == doctest::Approx(1 - std::pow(0.8, 2)));
  CHECK(run(6) == doctest::Approx(1 - std::pow(0.8, 3)));
  const auto written = std::filesystem::last_write_time(folder / "best.npz");
  CHECK(run(8) == doctest::Approx(1 - std::pow(0.8, 3)));  // epochs that are no better write nothing
  CHECK(std::filesystem::last_write_time(folder / "best.npz") == written);
}

TEST_CASE("BestCheckpoint writes averages, and larger values are better if the metric says so") {
  const TemporaryFolder folder;
  const Line network = line(0);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1}, {.average = optim::EMA{.decay = 0.5}});
  train::fit(network, optimizer, squares, doubled,
             quiet({.epochs = 3,
                    .batch_size = train::all_samples,
                    .metrics = {train::r_squared()},
                    .observers = {train::BestCheckpoint(folder / "best.npz", "r_squared")}}));
  CHECK(io::load_npz<double>(folder / "best.npz").at(0).value(0) == weight_of(network));  // R² grows
}

TEST_CASE("an observer saves the weights to keep at the end, also if they are not the averages of the last step") {
  struct Saving : train::Observer {
    std::filesystem::path file;
    explicit Saving(std::filesystem::path to) : file(std::move(to)) {}
    void end(FitStatus& status) override { status.save_weights(file); }
  };
  const Tensor<double> one{1.0}, half{0.5};
  const TemporaryFolder folder;
  for (const bool best : {false, true}) {
    const Line network = line(0);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1}, {.average = optim::EMA{.decay = 0.5}});
    train::fit(network, optimizer, squares, train::Samples{one, one}, train::Samples{one, half},
               quiet({.epochs = 8, .stopping = {.best_weights = best}, .observers = {Saving(folder / "end.npz")}}));
    CHECK(io::load_npz<double>(folder / "end.npz").at(0).value(0) == weight_of(network));
    CHECK((weight_of(network) < 0.7) == best);
  }
}

TEST_CASE("CsvLog writes the history, a line after each epoch, and the earlier ones of a resumed run") {
  const TemporaryFolder folder;
  const auto run = [&](std::size_t epochs) {
    std::vector<std::string> seen;
    const auto result = fit_line(
        line(0), {.epochs = epochs,
                  .checkpoint = {.resume = true},
                  .observers = {train::CsvLog(folder / "log.csv"),
                                train::after_epoch([&](FitStatus&) { seen.push_back(bytes_of(folder / "log.csv")); })},
                  .folder = folder / "run"});
    CHECK(bytes_of(folder / "log.csv") == result.history.to_csv());
    CHECK(bytes_of(folder / "run/history.csv") == result.history.to_csv());
    return seen;
  };
  const auto seen = run(2);
  CHECK(std::ranges::count(seen[0], '\n') == 2);
  CHECK(std::ranges::count(seen[1], '\n') == 3);
  CHECK(seen[1].starts_with(seen[0]));
  std::filesystem::remove(folder / "log.csv");
  CHECK(std::ranges::count(run(3)[0], '\n') == 4);
  const std::string message =
      message_of<FileError>([&] { fit_line(line(0), {.observers = {train::CsvLog(folder / "absent" / "log.csv")}}); });
  CHECK(contains(message, "[CsvLog] "));
  CHECK(contains(message, "observers_test.cpp:"));
}
