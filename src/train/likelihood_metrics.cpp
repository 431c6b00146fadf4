// Metrics of the likelihood of the labels: log loss and perplexity.
#include "train/classes.hpp"
#include "train/weighted_metric.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace wengert::train {
namespace {

double log_of_sum_of_exponentials(std::span<const double> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  if (std::isinf(largest)) return largest;
  double sum = 0;
  for (const double x : logits) sum += std::exp(x - largest);
  return largest + std::log(sum);
}

double loss_of_logits(const ClassifiedRow& row) {
  if (row.scores.size() > 1) return log_of_sum_of_exponentials(row.scores) - row.scores[row.label];
  const double against = row.label == 1 ? -row.scores[0] : row.scores[0];  // softplus
  return std::max(against, 0.0) + std::log1p(std::exp(-std::abs(against)));
}

double clipped(double p) {
  constexpr double least = std::numeric_limits<double>::epsilon();
  return std::clamp(p, least, 1 - least);
}

double loss_of_probabilities(const ClassifiedRow& row) {
  if (row.scores.size() == 1) {
    const double p = clipped(row.scores[0]);
    return -std::log(row.label == 1 ? p : 1 - p);
  }
  double sum = 0;
  for (const double p : row.scores) sum += clipped(p);
  return -std::log(clipped(row.scores[row.label]) / sum);
}

void check_probabilities(const ClassifiedRow& row, std::string_view subject) {
  constexpr double tolerance = 1e-3;
  constexpr std::string_view cure = "; for logits, set from_logits";
  for (const double p : row.scores)
    if (p < 0 || p > 1)
      throw ValueError(subject, fmt::format("probability {} in row {}: expected 0 to 1{}", p, row.index, cure));
  const double sum = std::accumulate(row.scores.begin(), row.scores.end(), 0.0);
  if (row.scores.size() > 1 && std::abs(sum - 1) > tolerance)
    throw ValueError(subject, fmt::format("probabilities in row {} sum to {}: expected 1{}", row.index, sum, cure));
}

class LogLoss final : public WeightedMetric {
 public:
  LogLoss(std::string name, bool from_logits, bool exponential)
      : name_(std::move(name)), from_logits_(from_logits), exponential_(exponential) {}
  std::string name() const override { return name_; }
  bool larger_is_better() const override { return false; }
  void check_shapes(const Shape& outputs, const Shape& targets, bool are_labels) const override {
    check_class_shapes(outputs, targets, are_labels, name_);
  }
  void reset() override { loss_ = weight_ = {}; }
  void add_weighted(const Tensor<double>& outputs, const Targets& targets, std::span<const double> weights) override {
    const RowWeights weight(weights, outputs, class_rows(outputs, targets, name_, 0, {}).rows, name_);
    if (!from_logits_)
      for_each_class(outputs, targets, name_, 0, {},
                     [&](const ClassifiedRow& row) { check_probabilities(row, name_); });
    for_each_class(outputs, targets, name_, 0, {}, [&](const ClassifiedRow& row) {
      const double w = weight[row.index];
      weight_.add(w);
      if (w != 0) loss_.add(w * of(row));
    });
  }
  double value() const override {
    const double mean = loss_.value() / weight_.value();
    return exponential_ ? std::exp(mean) : mean;
  }
  std::vector<double> state() const override {
    return {loss_.sum, loss_.compensation, weight_.sum, weight_.compensation};
  }
  void set_state(const std::vector<double>& state) override {
    loss_ = {state.at(0), state.at(1)};
    weight_ = {state.at(2), state.at(3)};
  }

 private:
  double of(const ClassifiedRow& row) const {
    for (const double score : row.scores)  // std::max and std::clamp lose a NaN
      if (std::isnan(score)) return score;
    return from_logits_ ? loss_of_logits(row) : loss_of_probabilities(row);
  }

  std::string name_;
  bool from_logits_, exponential_;
  CompensatedSum loss_, weight_;
};

}  // namespace

std::shared_ptr<Metric> log_loss(bool from_logits) { return std::make_shared<LogLoss>("log_loss", from_logits, false); }
std::shared_ptr<Metric> perplexity() { return std::make_shared<LogLoss>("perplexity", true, true); }

}  // namespace wengert::train
