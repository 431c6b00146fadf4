// Trainings and evaluations with every metric: columns of the history, the best epoch, and checkpoints within an epoch.
#include "data/files.hpp"
#include "train/line.hpp"
#include <wengert/data.hpp>

#include <cmath>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using train::Average;
using train::Metrics;

namespace {

constexpr auto of_logits = [](auto logits, auto labels) { return cross_entropy(logits, labels); };

// Metrics of outputs of three classes.
Metrics metrics_of_classes() {
  Metrics metrics{train::accuracy(),          train::top_k_accuracy(2),
                  train::balanced_accuracy(), train::matthews_correlation(),
                  train::log_loss(),          train::perplexity()};
  for (const Average average : {Average::macro, Average::micro, Average::weighted}) {
    metrics.push_back(train::precision({.average = average}));
    metrics.push_back(train::recall({.average = average}));
    metrics.push_back(train::f1({.average = average}));
    metrics.push_back(train::roc_auc({.average = average}));
    metrics.push_back(train::average_precision({.average = average}));
  }
  for (const auto& of_class : train::per_class(train::f1, 3)) metrics.push_back(of_class);
  return metrics;
}
Metrics metrics_of_numbers() { return {train::mae(), train::mse(), train::rmse(), train::r_squared()}; }

data::Dataset<double> three_classes(std::size_t n, unsigned seed) {
  data::Dataset<double> data{random_tensor({n, 4}, seed), Indices::from_shape({n}), 3};
  for (std::size_t i = 0; i < n; ++i) {
    data.labels(i) = static_cast<std::int64_t>(i * 5 % 7 % 3);
    data.inputs(i, static_cast<std::size_t>(data.labels(i))) += 0.7;
  }
  return data;
}

// Trains with these metrics, checks every column against evaluate, and returns the result.
template <class Data, class Loss>
train::FitResult fitted(const nn::Linear<double>& network, const Loss& loss, const Data& samples, const Data& held_out,
                        const Metrics& metrics, train::FitOptions options = {}) {
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  options.metrics = metrics;
  const auto result = train::fit(network, optimizer, loss, samples, held_out, quiet(options));
  const auto after = train::evaluate(network, loss, held_out, {.batch_size = 7, .metrics = metrics});
  CHECK(after.metrics.size() == metrics.size());
  for (const auto& [name, value] : after.metrics) {
    CAPTURE(name);
    CHECK(std::isfinite(value));
    CHECK(result.last("validation_" + name) == doctest::Approx(value).epsilon(1e-9));
    CHECK(std::isfinite(result.last(name)));
  }
  return result;
}

}  // namespace

TEST_CASE("a training measures every metric, and so does an evaluation in other batches") {
  const auto network = nn::Linear<double>::make(4, 3, Generator(1));
  const data::Dataset<double> samples = three_classes(60, 1), held_out = three_classes(40, 2);
  const TemporaryFolder folder;
  const auto result = fitted(network, of_logits, samples, held_out, metrics_of_classes(),
                             {.epochs = 3, .batch_size = 8, .folder = folder / "run"});
  // The loss is the log loss, and the perplexity its exponential.
  CHECK(result.last("validation_log_loss") == doctest::Approx(result.last("validation_loss")).epsilon(1e-9));
  CHECK(result.last("validation_perplexity") ==
        doctest::Approx(std::exp(result.last("validation_loss"))).epsilon(1e-9));
  const std::string page = bytes_of(folder / "run" / "report.html");
  CHECK(contains(page, "<span>validation log loss</span>"));
  CHECK(contains(page, "<span>validation f1 2</span>"));
}

TEST_CASE("a training on yes/no questions measures their metrics") {
  const data::Dataset<double> samples = three_classes(60, 1), held_out = three_classes(40, 2);
  const auto yes = [](const data::Dataset<double>& data) {
    auto targets = Tensor<double>::from_shape({data.labels.size(), 1});
    for (std::size_t i = 0; i < targets.size(); ++i) targets.data()[i] = data.labels(i) == 1 ? 1 : 0;
    return train::Samples{data.inputs, targets};
  };
  const auto loss = [](auto logits, auto targets) { return binary_cross_entropy_with_logits(logits, targets); };
  const Metrics metrics{train::accuracy(),          train::precision({.average = Average::binary}),
                        train::balanced_accuracy(), train::matthews_correlation(),
                        train::roc_auc(),           train::average_precision(),
                        train::log_loss()};
  const auto result = fitted(nn::Linear<double>::make(4, 1, Generator(1)), loss, yes(samples), yes(held_out), metrics,
                             {.epochs = 5, .batch_size = 8});
  CHECK(result.last("validation_log_loss") == doctest::Approx(result.last("validation_loss")).epsilon(1e-9));
  CHECK(result.last("validation_roc_auc") > 0.5);
}

TEST_CASE("a training on numbers measures their metrics") {
  const Tensor<double> x = random_tensor({50, 4}, 1), y = random_tensor({50, 2}, 2), x2 = random_tensor({30, 4}, 3),
                       y2 = random_tensor({30, 2}, 4);
  const auto network = nn::Linear<double>::make(4, 2, Generator(1));
  const auto result = fitted(network, squares, train::Samples{x, y}, train::Samples{x2, y2}, metrics_of_numbers(),
                             {.epochs = 3, .batch_size = 8});
  CHECK(result.last("validation_mse") == doctest::Approx(result.last("validation_loss")).epsilon(1e-9));
}

TEST_CASE("the best epoch is that of the largest or smallest value, as the metric says") {
  const data::Dataset<double> samples = three_classes(60, 1), held_out = three_classes(40, 2);
  for (const std::string monitor : {"validation_roc_auc", "validation_log_loss", "validation_perplexity"}) {
    CAPTURE(monitor);
    const auto network = nn::Linear<double>::make(4, 3, Generator(1));
    const auto result =
        fitted(network, of_logits, samples, held_out, {train::roc_auc(), train::log_loss(), train::perplexity()},
               {.epochs = 4, .batch_size = 8, .stopping = {.monitor = monitor}});
    const auto values = result.history.column(monitor);
    const auto best =
        monitor == "validation_roc_auc" ? std::ranges::max_element(values) : std::ranges::min_element(values);
    CHECK(result.best_epoch == static_cast<std::size_t>(best - values.begin()) + 1);
  }
}

TEST_CASE("a checkpoint within an epoch holds what every metric has accumulated") {
  const TemporaryFolder folder;
  const auto run = [&](const std::string& name, std::size_t stop_at, const auto& loss, const auto& samples,
                       const Metrics& metrics, std::size_t outputs) {
    const auto network = nn::Linear<double>::make(4, outputs, Generator(1));
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    auto options = quiet(
        {.epochs = 2, .batch_size = 8, .metrics = metrics, .checkpoint = {.resume = true}, .folder = folder / name});
    options.observers = {train::after_step([&](train::FitStatus& status) { status.stop = status.step == stop_at; })};
    const auto result = train::fit(network, optimizer, loss, samples, options);
    std::vector<std::vector<double>> values;
    for (const auto& epoch : result.history.epochs) values.push_back(epoch.metrics);
    return values;
  };
  const auto both = [&](const std::string& name, const auto& loss, const auto& samples, const auto& metrics,
                        std::size_t outputs) {
    const auto whole = run(name + " whole", 0, loss, samples, metrics(), outputs);
    run(name + " parts", 3, loss, samples, metrics(), outputs);
    CHECK(run(name + " parts", 0, loss, samples, metrics(), outputs) == whole);
    CHECK(whole.size() == 2);
  };
  both("classes", of_logits, three_classes(60, 1), metrics_of_classes, 3);
  const Tensor<double> x = random_tensor({50, 4}, 1), y = random_tensor({50, 2}, 2);
  both("numbers", squares, train::Samples{x, y}, metrics_of_numbers, 2);
}
