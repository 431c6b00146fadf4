// The effect of each option of train::fit that no other test concerns.
//
// epochs, batch_size: fit_test.cpp. batches: accumulate, shuffle, seed: fit_test.cpp; drop_last: structures_test.cpp;
// max_programs: rows_test.cpp. schedule: by_step, plateau: fit_test.cpp; by_epoch: below. metrics: fit_test.cpp,
// metrics_fit_test.cpp. class_weights: structures_test.cpp. stopping: patience, best_weights: fit_test.cpp; monitor:
// metrics_fit_test.cpp; seconds, min_improvement, handle_interrupts: below. checkpoint: resume: resume_test.cpp;
// trace_gradients: finite_test.cpp; seconds, steps, generators: below. display: display_test.cpp. report:
// notes: fit_test.cpp; the others: below. observers: observers_test.cpp. folder: resume_test.cpp. EvaluateOptions:
// fit_test.cpp, structures_test.cpp, metrics_fit_test.cpp.
#include "data/files.hpp"
#include "train/checkpoint.hpp"
#include "train/line.hpp"

#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <thread>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using train::FitOptions;
using train::StopReason;

namespace {

volatile std::sig_atomic_t interrupts = 0;

// Labels that follow from the first of four inputs, whose samples can be shown as images.
data::Dataset<double> two_kinds() {
  data::Dataset<double> data{random_tensor({40, 4}, 1), Indices::from_shape({40}), 2};
  for (std::size_t i = 0; i < 40; ++i) data.labels(i) = data.inputs(i, 0) > 0 ? 1 : 0;
  return data;
}

train::FitResult fit_kinds(std::size_t outputs, FitOptions options) {
  const auto network = nn::Linear<double>::make(4, outputs, Generator(1));
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.01});
  const auto loss = [](auto logits, auto labels) {
    return logits.shape()[1] == 1 ? mean(square(logits)) : cross_entropy(logits, labels);
  };
  return train::fit(network, optimizer, loss, two_kinds(), quiet(std::move(options)));
}

}  // namespace

TEST_CASE("observers and time end a training") {
  const Tensor<double> x = xt::ones<double>({8});
  const train::Samples data{x, x};
  Line network = line(0);
  optim::Optimizer<double> optimizer(network, optim::SGD{});
  std::size_t epochs = 0;
  auto options = quiet({.epochs = 9, .batch_size = 2});
  options.observers = {train::after_epoch([&](train::FitStatus& status) {
    CHECK(status.history.epochs.size() == ++epochs);
    status.stop = epochs == 2;
  })};
  CHECK(train::fit(network, optimizer, squares, data, options).reason == StopReason::observer);
  CHECK(epochs == 2);
  options.observers = {};
  options.observers = {train::after_step([](train::FitStatus& status) { status.stop = status.step == 3; })};
  CHECK(train::fit(network, optimizer, squares, data, options).steps == 3);
  const auto timed =
      train::fit(network, optimizer, squares, data, quiet({.batch_size = 2, .stopping = {.seconds = 0}}));
  CHECK(timed.reason == StopReason::time);
  CHECK(timed.steps == 1);
}

TEST_CASE("the seconds of a result end with its last step") {
  struct Slow : train::Observer {
    void end(train::FitStatus&) override { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }
  };
  const auto begin = std::chrono::steady_clock::now();
  const double seconds = fit_kinds(2, {.epochs = 1, .observers = {Slow()}}).seconds;
  CHECK(seconds > 0);
  CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() >= seconds + 0.05);
}

TEST_CASE("schedule.by_epoch sets the rate of each epoch") {
  const Line network = line(0);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 9});
  const auto result = train::fit(
      network, optimizer, squares, train::Samples{Tensor<double>{1, 2}, Tensor<double>{1, 2}},
      quiet({.epochs = 3, .batch_size = 1, .schedule = {.by_epoch = [](double epoch) { return 0.1 / (1 + epoch); }}}));
  CHECK(result.history.column("rate") == std::vector<double>{0.1, 0.05, 0.1 / 3});
}

TEST_CASE("stopping.min_improvement: smaller improvements do not count") {
  // From 1 on, the loss shrinks by 0.36, 0.2304, 0.147 …
  const Tensor<double> one{1.0};
  for (const double least : {0.0, 0.2}) {
    const Line network = line(0);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    const auto result = train::fit(network, optimizer, squares, train::Samples{one, one},
                                   quiet({.epochs = 10, .stopping = {.patience = 1, .min_improvement = least}}));
    CHECK(result.history.epochs.size() == (least == 0 ? 10 : 4));
    CHECK(result.best_epoch == (least == 0 ? 10 : 3));
  }
}

TEST_CASE("stopping.handle_interrupts: without it, signals are left to the program") {
  interrupts = 0;
  void (*const before)(int) = std::signal(SIGINT, [](int) { interrupts = interrupts + 1; });
  const train::AnyObserver raise = train::after_step([](const train::FitStatus& status) {
    if (status.step == 2) std::raise(SIGINT);
  });
  const auto run = [&](bool handle) {
    return fit_kinds(2,
                     {.epochs = 1, .batch_size = 10, .stopping = {.handle_interrupts = handle}, .observers = {raise}});
  };
  const auto handled = run(true);
  CHECK(handled.reason == StopReason::interrupt);
  CHECK(handled.steps == 2);
  CHECK(interrupts == 0);
  CHECK(run(false).steps == 4);
  CHECK(interrupts == 1);
  std::signal(SIGINT, before);
}

TEST_CASE("checkpoint.steps and checkpoint.seconds: when checkpoints are written") {
  const TemporaryFolder folder;
  const auto steps_saved = [&](const train::CheckpointOptions& checkpoint) {
    std::vector<std::size_t> saved;
    const auto look = [&](const train::FitStatus&) {
      const std::filesystem::path file = folder / "run/checkpoint";
      saved.push_back(std::filesystem::exists(file) ? train::Checkpoint::load(file).count("fit/steps") : 0);
    };
    fit_kinds(2, {.epochs = 1,
                  .batch_size = 8,
                  .checkpoint = checkpoint,
                  .observers = {train::after_step(look)},
                  .folder = folder / "run"});
    CHECK(train::Checkpoint::load(folder / "run/checkpoint").count("fit/steps") == 5);  // the end is always saved
    return saved;  // as seen before that of the same step
  };
  CHECK(steps_saved({.steps = 2}) == std::vector<std::size_t>{0, 0, 2, 2, 4});
  CHECK(steps_saved({.seconds = 0}) == std::vector<std::size_t>{0, 1, 2, 3, 4});
  CHECK(steps_saved({}) == std::vector<std::size_t>{0, 0, 0, 0, 0});
}

TEST_CASE("options without effect or out of range are refused before the first epoch") {
  CHECK(contains(message_of<ValueError>([] { fit_kinds(2, {.checkpoint = {.steps = 2}}); }),
                 "[fit] checkpoint.steps is 2, but there is no folder for checkpoints: set .folder, or leave it out"));
  bool begun = false;
  const auto refused = [&](const optim::Plateau& plateau) {
    return message_of<ValueError>([&] {
      fit_kinds(2, {.schedule = {.plateau = plateau},
                    .observers = {train::before_epoch([&](const train::FitStatus&) { begun = true; })}});
    });
  };
  CHECK(contains(refused({.factor = 1.5}), "[Plateau] factor 1.5: expected one of at least 0 and less than 1"));
  CHECK(contains(refused({.min_rate = -1}), "[Plateau] min_rate"));
  CHECK_FALSE(begun);
}

TEST_CASE("checkpoint.generators: their positions are saved") {
  const Tensor<double> x = random_tensor({8}, 1);
  const TemporaryFolder folder;
  const auto run = [&](const std::string& name, bool saved, std::size_t stop_at) {
    const Line network = line(0);
    Generator noise(5);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    const auto loss = [&](auto outputs, auto targets) {
      return mean(square(outputs + normal(outputs.tape(), outputs.shape(), noise) - targets));
    };
    train::CheckpointOptions checkpoint{.resume = true};
    if (saved) checkpoint.generators = {noise};
    train::fit(
        network, optimizer, loss, train::Samples{x, x},
        quiet(
            {.epochs = 2,
             .batch_size = 2,
             .checkpoint = checkpoint,
             .observers = {train::after_step([&](train::FitStatus& status) { status.stop = status.step == stop_at; })},
             .folder = folder / name}));
    return weight_of(network);
  };
  const double whole = run("whole", true, 0);
  for (const bool saved : {true, false}) {
    const std::string name = saved ? "saved" : "not";
    run(name, saved, 3);
    CHECK((run(name, saved, 0) == whole) == saved);
  }
}

TEST_CASE("report: title, class names, pictures and gradient norms") {
  const TemporaryFolder folder;
  const auto page = [&](const train::ReportOptions& report) {
    const auto result = fit_kinds(2, {.epochs = 1, .report = report, .folder = folder / "run"});
    return std::pair(bytes_of(folder / "run/report.html"), result.history.columns());
  };
  const auto [plain, columns] = page({});
  const auto [page_of, no_norms] = page({.title = "Two kinds",
                                         .class_names = {"negative kind", "positive kind"},
                                         .picture = {2, 2},
                                         .gradient_norms = false});
  CHECK(contains(plain, "<title>Training</title>"));
  CHECK(contains(page_of, "<title>Two kinds</title>"));
  CHECK((contains(page_of, "positive kind") && !contains(plain, "positive kind")));
  CHECK((contains(page_of, "image/png") && !contains(plain, "image/png")));  // of the mistakes
  CHECK(std::ranges::count(columns, "gradient_norm.weight") == 1);
  CHECK(std::ranges::count(no_norms, "gradient_norm.weight") == 0);
}

TEST_CASE("report.threshold: above which a single output predicts class 1") {
  const auto accuracy = [](double threshold) {
    return fit_kinds(1, {.epochs = 1, .report = {.threshold = threshold}}).history.column("accuracy")[0];
  };
  CHECK(accuracy(1e9) == doctest::Approx(1 - accuracy(-1e9)));
  CHECK(accuracy(1e9) > 0.2);
  CHECK(accuracy(1e9) < 0.8);
  const TemporaryFolder folder;
  fit_kinds(1, {.epochs = 1, .report = {.threshold = 0.5}, .folder = folder / "run"});
  CHECK(contains(bytes_of(folder / "run/report.html"), "onfusion"));
}
