// Every metric against scikit-learn, with and without weights, in any batches and through a saved state.
#include "testing.hpp"
#include <wengert/io/npz.hpp>
#include <wengert/train/metrics.hpp>

#include <map>
#include <set>
#include <span>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using train::Average;
using train::Metrics;
using train::Targets;

namespace {

// The sets of metrics_reference.npz; metrics_reference.py describes them.
std::map<std::string, Tensor<double>> metrics_reference() {
  std::map<std::string, Tensor<double>> arrays;
  for (auto& [name, value] : io::load_npz<double>(PROJECT_SOURCE_DIR "/tests/train/metrics_reference.npz"))
    arrays.emplace(std::move(name), std::move(value));
  return arrays;
}

// Every metric with every average, and those of each of six classes.
Metrics every_metric(bool probabilities, bool multilabel) {
  const double threshold = probabilities ? 0.5 : 0;
  Metrics all{train::accuracy(threshold),
              train::top_k_accuracy(2),
              train::top_k_accuracy(3),
              train::balanced_accuracy(threshold),
              train::matthews_correlation(threshold),
              train::log_loss(!probabilities),
              train::perplexity(),
              train::mae(),
              train::mse(),
              train::rmse(),
              train::r_squared()};
  std::shared_ptr<train::Metric> (*const of_classes[])(const train::ClassOptions&) = {train::precision, train::recall,
                                                                                      train::f1};
  const auto add = [&](Average average, std::size_t positive) {
    for (const auto of : of_classes) all.push_back(of({average, positive, threshold}));
    for (const auto of : {train::roc_auc, train::average_precision})
      all.push_back(of({average, positive, !probabilities, multilabel}));
  };
  for (const Average average : {Average::macro, Average::micro, Average::weighted}) add(average, 1);
  for (std::size_t c = 0; c < 6; ++c) add(Average::binary, c);
  return all;
}

// A set of data, of which any rows can be a batch.
struct MetricData {
  Tensor<double> outputs;
  Targets targets;
  std::vector<double> weights;

  std::size_t rows() const { return outputs.shape()[0]; }
  void add(train::Metric& metric, std::size_t first, std::size_t last, bool weighted) const {
    const auto of = [&](const auto& tensor) {
      return std::decay_t<decltype(tensor)>(xt::view(tensor, xt::range(first, last)));
    };
    const Targets batch = std::visit([&](const auto& t) { return Targets(of(t)); }, targets);
    if (weighted)
      metric.add_weighted(of(outputs), batch, std::span(weights).subspan(first, last - first));
    else
      metric.add(of(outputs), batch);
  }
};

}  // namespace

TEST_CASE("every metric is scikit-learn's, in any batches, with and without weights") {
  const auto arrays = metrics_reference();
  std::set<std::string> kinds;
  std::size_t figures = 0;
  for (const auto& [key, expected] : arrays) {
    const std::string set = key.substr(0, key.find('/'));
    const std::size_t before_name = key.rfind('/');
    if (before_name == set.size()) continue;  // data
    CAPTURE(key);
    const bool weighted = key.starts_with(set + "/weighted/"), labels = arrays.contains(set + "/labels");
    const Tensor<double>& weights = arrays.at(set + "/weights");
    const MetricData data{arrays.at(set + "/outputs"),
                          labels ? Targets(Indices(xt::cast<std::int64_t>(arrays.at(set + "/labels"))))
                                 : Targets(arrays.at(set + "/targets")),
                          {weights.begin(), weights.end()}};
    const std::string name = key.substr(before_name + 1);
    std::shared_ptr<train::Metric> metric, resumed;
    for (const auto& one : every_metric(set.starts_with("p"), set == "multilabel"))
      if (one->name() == name) metric = one;
    for (const auto& one : every_metric(set.starts_with("p"), set == "multilabel"))
      if (one->name() == name) resumed = one;
    REQUIRE(metric != nullptr);
    kinds.insert(name);
    ++figures;

    metric->reset();
    data.add(*metric, 0, data.rows(), weighted);
    const double whole = metric->value();
    CHECK(whole == doctest::Approx(expected.data()[0]).epsilon(1e-12));
    // The same bits in batches of any size, an empty one among them, and from a state saved between two.
    metric->reset();
    for (std::size_t first = 0, size = 0; first < data.rows(); first += size, size = size * 2 + 1) {
      data.add(*metric, first, std::min(first + size, data.rows()), weighted);
      resumed->set_state(metric->state());
      metric.swap(resumed);
    }
    CHECK(metric->value() == whole);
    CHECK(metric->state() == resumed->state());
    resumed->reset();
    CHECK(std::isnan(resumed->value()));
  }
  CHECK(figures == 514);
  // Each metric occurs, except those of a class of which the reference has no figure.
  for (const auto& metric : every_metric(false, false)) {
    CAPTURE(metric->name());
    CHECK((kinds.contains(metric->name()) || metric->name() == "roc_auc_4" || metric->name() == "roc_auc_5"));
  }
}

TEST_CASE("a weight is the number of times that a row occurs") {
  const Tensor<double> rows = random_tensor({40, 3}, 1), numbers = random_tensor({40, 3}, 2);
  std::vector<double> weights(40);
  std::vector<std::size_t> copies;
  auto labels = Indices::from_shape({40});
  for (std::size_t i = 0; i < 40; ++i) {
    labels(i) = static_cast<std::int64_t>(i * 7 % 3);
    weights[i] = static_cast<double>(1 + i * i % 7);
    copies.insert(copies.end(), 1 + i * i % 7, i);
  }
  const auto repeated = [&](const auto& tensor) {
    return std::decay_t<decltype(tensor)>(xt::view(tensor, xt::keep(copies)));
  };
  for (const auto& metric : every_metric(false, false)) {
    const std::string name = metric->name();
    if (name == "top_3_accuracy" || name.ends_with("_3") || name.ends_with("_4") || name.ends_with("_5")) continue;
    CAPTURE(name);
    const bool regression = name == "mae" || name == "mse" || name == "rmse" || name == "r_squared";
    const double weighted =
        regression ? train::measure(metric, rows, numbers, weights) : train::measure(metric, rows, labels, weights);
    const double by_copies = regression ? train::measure(metric, repeated(rows), repeated(numbers))
                                        : train::measure(metric, repeated(rows), repeated(labels));
    const double plain = regression ? train::measure(metric, rows, numbers) : train::measure(metric, rows, labels);
    CHECK(weighted == doctest::Approx(by_copies).epsilon(1e-12));
    CHECK(weighted != doctest::Approx(plain).epsilon(1e-6));
    const Tensor<float> in_float = xt::cast<float>(rows), numbers_in_float = xt::cast<float>(numbers);
    CHECK((regression ? train::measure(metric, in_float, numbers_in_float)
                      : train::measure(metric, in_float, labels)) == doctest::Approx(plain).epsilon(1e-5));
  }
}
