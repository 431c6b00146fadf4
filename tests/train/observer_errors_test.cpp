// Errors in observers, which name the observer's line, and warnings of monitored columns that are not finite.
#include "data/files.hpp"
#include "train/line.hpp"
#include "train/redirected_stderr.hpp"

#include <cmath>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <limits>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using train::FitStatus;

namespace {

const Tensor<double> four_points{0.5, 1, 1.5, 2};
const train::Samples of_slope_two{four_points, Tensor<double>(2 * four_points)};

train::FitResult fit_slope(train::FitOptions options) {
  const Line network = line(0);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  return train::fit(network, optimizer, squares, of_slope_two, std::move(options));
}

// A metric that is not defined from an epoch on. A pass over the samples is one batch.
std::shared_ptr<train::Metric> undefined_from(std::size_t epoch, const std::string& name = "undefined") {
  return train::metric(name, [epoch, passes = std::size_t{0}](const auto&, const auto&) mutable {
    return ++passes < epoch ? static_cast<double>(passes) : std::numeric_limits<double>::quiet_NaN();
  });
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

// What a run shows on stderr.
std::string shown_by(train::FitOptions options) {
  const TemporaryFolder folder;
  const std::string file = (folder / "shown").string();
  const int shown = open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  options.display = train::Display::lines;
  {
    const RedirectedStderr redirected(shown);
    fit_slope(std::move(options));
  }
  close(shown);
  return bytes_of(file);
}

}  // namespace

TEST_CASE("an error in an observer names the observer's line, not that of fit") {
  unsigned here = 0;
  const std::vector<std::pair<std::string, std::function<void(FitStatus&)>>> mistakes{
      {"an unknown column",
       [&](FitStatus& status) {
         here = __LINE__ + 1;
         status.last("nothing");
       }},
      {"an unknown monitor",
       [&](FitStatus& status) {
         here = __LINE__ + 1;
         status.monitored("nothing");
       }},
      {"a rate",
       [&](FitStatus& status) {
         here = __LINE__ + 1;
         status.set_rate(-1);
       }},
      {"a file",
       [&](FitStatus& status) {
         here = __LINE__ + 1;
         status.save_weights("/absent/weights.npz");
       }},
      {"another scalar type",
       [&](FitStatus& status) {
         here = __LINE__ + 1;
         status.parameters<float>();
       }},
      {"an op", [&](FitStatus&) {
         Tape<double> tape;
         here = __LINE__ + 1;
         reshape(tape.constant(four_points), {3});
       }}};
  for (const auto& [name, mistake] : mistakes)
    for (const auto hook : {train::before_epoch, train::after_step, train::after_epoch}) {
      CAPTURE(name);
      here = 0;
      const std::string message = message_of<Error>(
          [&] { fit_slope(quiet({.epochs = 2, .observers = {hook(mistake, Location::current())}})); });
      CAPTURE(message);
      CHECK(contains(message, fmt::format("observer_errors_test.cpp:{}", here)));
      CHECK(occurrences(message, "pp:") == 1);
    }
  // An exception of another type passes as it is.
  struct Broken : train::Observer {
    void begin(FitStatus&) override { throw std::out_of_range("of the observer"); }
  };
  CHECK_THROWS_WITH_AS(fit_slope(quiet({.observers = {Broken()}})), "of the observer", std::out_of_range);
}

TEST_CASE("a monitored figure that is NaN is said once, on the display, in the report and in the result") {
  const TemporaryFolder folder;
  const auto options = [&](std::size_t from) {
    return train::FitOptions{.epochs = 9,
                             .metrics = {undefined_from(from)},
                             .stopping = {.monitor = "undefined", .patience = 2},
                             .folder = folder / "run"};
  };
  const auto result = fit_slope(quiet(options(3)));
  CHECK(result.reason == train::StopReason::no_improvement);
  CHECK(result.best_epoch == 2);
  CHECK(result.history.epochs.size() == 4);
  REQUIRE(result.warnings.size() == 1);
  CHECK(contains(result.warnings[0], "the monitored 'undefined' is nan in epoch 3, which counts as no improvement: "));
  const std::string page = bytes_of(folder / "run" / "report.html");
  CHECK(contains(page, "<h2>Warnings</h2>"));
  CHECK(occurrences(page, " is nan in epoch 3, which counts as no improvement") == 1);
  const std::string shown = shown_by(options(1));
  CHECK(occurrences(shown, "warning: the monitored 'undefined' is nan in epoch 1") == 1);
  CHECK(occurrences(shown, "warning") == 1);
  // A run whose figures are finite warns of nothing.
  CHECK(fit_slope(quiet(options(100))).warnings.empty());
  CHECK(!contains(bytes_of(folder / "run" / "report.html"), "<h2>Warnings</h2>"));
  CHECK(!contains(shown_by(options(100)), "warning"));
}

TEST_CASE("an observer's own monitor that is NaN is said once for each column") {
  const TemporaryFolder folder;
  const auto run = [&](train::Observers observers) {
    return fit_slope(quiet(
        {.epochs = 4, .metrics = {undefined_from(1), undefined_from(2, "later")}, .observers = std::move(observers)}));
  };
  const train::EarlyStopping stopping({.monitor = "undefined", .patience = 3});
  const train::BestCheckpoint best(folder / "best.npz", "undefined"), later(folder / "later.npz", "later");
  CHECK(run({}).warnings.empty());  // nothing monitors these columns
  const auto stopped = run({stopping});
  CHECK(stopped.reason == train::StopReason::no_improvement);
  CHECK(stopped.history.epochs.size() == 3);
  REQUIRE(stopped.warnings.size() == 1);
  CHECK(contains(stopped.warnings[0], "the monitored 'undefined' is nan in epoch 1"));
  CHECK(run({best}).warnings == stopped.warnings);
  CHECK(!std::filesystem::exists(folder / "best.npz"));
  const auto all = run({stopping, best, later});
  REQUIRE(all.warnings.size() == 2);
  CHECK(all.warnings[0] == stopped.warnings[0]);
  CHECK(contains(all.warnings[1], "the monitored 'later' is nan in epoch 2"));
}
