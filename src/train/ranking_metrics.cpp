// Metrics of the order of scores: ROC AUC and average precision.
#include "train/classes.hpp"
#include "train/weighted_metric.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace wengert::train {
namespace {

// A score and the weight of its row, which is positive or negative.
struct RankedScore {
  double score, positive, negative;
};

RankedScore ranked_score(double score, bool positive, double weight) {
  if (std::isnan(score))
    score = positive ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  return {score, positive ? weight : 0, positive ? 0 : weight};
}

// The figure of one ranking, and the weight of its positive and negative rows.
struct RankingFigure {
  double value, positive, negative;
};

// Calls `f(all, tied)` for each distinct score in descending order: the weights up to and including it, and its own.
template <class F>
RankedScore for_each_threshold(std::vector<RankedScore>& scores, F&& f) {
  std::ranges::sort(scores, std::greater<>(), &RankedScore::score);
  RankedScore all{};
  for (std::size_t i = 0; i < scores.size();) {
    RankedScore tied{scores[i].score, 0, 0};
    for (; i < scores.size() && scores[i].score == tied.score; ++i) {
      tied.positive += scores[i].positive;
      tied.negative += scores[i].negative;
    }
    all.positive += tied.positive;
    all.negative += tied.negative;
    f(all, tied);
  }
  return all;
}

RankingFigure area_under_roc(std::vector<RankedScore>& scores) {
  double area = 0;
  const RankedScore all = for_each_threshold(scores, [&](const RankedScore& so_far, const RankedScore& tied) {
    area += tied.negative * (so_far.positive - tied.positive / 2);
  });
  return {area / (all.positive * all.negative), all.positive, all.negative};
}

RankingFigure mean_precision(std::vector<RankedScore>& scores) {
  double sum = 0;
  const RankedScore all = for_each_threshold(scores, [&](const RankedScore& so_far, const RankedScore& tied) {
    if (tied.positive != 0) sum += tied.positive * (so_far.positive / (so_far.positive + so_far.negative));
  });
  return {all.positive == 0 ? 0 : sum / all.positive, all.positive, all.negative};
}

// Turns the logits of a row into the logarithms of the odds of its classes: ordered like the softmax, but no
// probability is rounded to 0 or 1.
void to_log_odds(std::span<double> row) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  if (std::ranges::any_of(row, [](double x) { return std::isnan(x); })) {
    std::ranges::fill(row, nan);
    return;
  }
  const auto largest = static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
  double second = -infinite, others = 0;
  for (std::size_t c = 0; c < row.size(); ++c)
    if (c != largest) second = std::max(second, row[c]);
  for (std::size_t c = 0; c < row.size(); ++c)
    if (c != largest && row[c] != -infinite) others += std::exp(row[c] - second);
  const double of_largest = row[largest] - second - std::log(others);
  const double log_of_sum = row[largest] + std::log1p(std::exp(-of_largest));
  for (double& x : row) {
    const double log_p = x - log_of_sum;
    x = log_p - std::log1p(-std::exp(log_p));
  }
  row[largest] = of_largest;
}

class RankingMetric final : public WeightedMetric {
 public:
  RankingMetric(std::string_view name, RankingFigure (*of)(std::vector<RankedScore>&), const RankingOptions& options)
      : name_(averaged_name(name, options.average, options.positive)), of_(of), options_(options) {}
  std::string name() const override { return name_; }
  void check_shapes(const Shape& outputs, const Shape& targets, bool are_labels) const override {
    if (options_.multilabel)
      check_numeric_targets(name_, outputs, targets, are_labels, if_labels);
    else
      check_class_shapes(outputs, targets, are_labels, name_);
  }
  void reset() override {
    columns_ = 0;
    rows_.clear();
  }
  void add_weighted(const Tensor<double>& outputs, const Targets& targets, std::span<const double> weights) override {
    if (options_.multilabel) {
      add_columns(outputs, numeric_targets(name_, outputs, targets, if_labels), weights);
    } else {
      add_classes(outputs, targets, weights);
    }
  }
  double value() const override {
    if (rows_.empty()) return std::numeric_limits<double>::quiet_NaN();
    std::vector<RankedScore> scores;
    if (options_.average == Average::micro) {
      for (std::size_t column = 0; column < columns_; ++column) append(scores, column);
      return of_(scores).value;
    }
    double sum = 0, total = 0;
    for (std::size_t column = 0; column < columns_; ++column) {
      scores.clear();
      append(scores, column);
      const RankingFigure figure = of_(scores);
      if (columns_ == 1) return figure.value;
      if (std::isnan(figure.value)) continue;
      const double weight = options_.average == Average::weighted ? figure.positive : 1;
      sum += weight * figure.value;
      total += weight;
    }
    return sum / total;
  }
  std::vector<double> state() const override {
    std::vector<double> numbers{static_cast<double>(columns_)};
    numbers.insert(numbers.end(), rows_.begin(), rows_.end());
    return numbers;
  }
  void set_state(const std::vector<double>& numbers) override {
    reset();
    if (numbers.empty() || !(numbers[0] >= 0 && numbers[0] <= static_cast<double>(numbers.size())))
      throw std::out_of_range(name_);
    columns_ = static_cast<std::size_t>(numbers[0]);
    if ((numbers.size() - 1) % numbers_per_row() != 0) throw std::out_of_range(name_);
    rows_.assign(numbers.begin() + 1, numbers.end());
  }

 private:
  static constexpr std::string_view if_labels =
      "multilabel, but the targets are labels: expected numbers of the outputs' shape";

  // A row of the state: its weight, its class or, with several labels, each column's target, and its scores.
  std::size_t targets_per_row() const { return options_.multilabel ? columns_ : 1; }
  std::size_t numbers_per_row() const { return 1 + targets_per_row() + columns_; }

  void set_columns(std::size_t columns) {
    check_columns(name_, columns, columns_);
    columns_ = columns;
  }
  // Appends the rows of one class or column.
  void append(std::vector<RankedScore>& scores, std::size_t column) const {
    const std::size_t flags = targets_per_row();
    for (std::size_t at = 0; at < rows_.size(); at += numbers_per_row()) {
      const double target = rows_[at + 1 + (options_.multilabel ? column : 0)];
      const bool positive = options_.multilabel || columns_ == 1 ? target != 0 : target == static_cast<double>(column);
      scores.push_back(ranked_score(rows_[at + 1 + flags + column], positive, rows_[at]));
    }
  }

  void add_columns(const Tensor<double>& outputs, const Tensor<double>& targets, std::span<const double> weights) {
    if (outputs.size() == 0) return;
    const std::size_t columns = columns_of(outputs), rows = outputs.size() / columns;
    if (options_.average == Average::binary) check_positive(name_, options_.positive, columns, columns);
    const RowWeights weight(weights, outputs, rows, name_);
    require_yes_or_no(targets, name_);
    const bool one = options_.average == Average::binary;
    set_columns(one ? 1 : columns);
    const std::size_t first = one ? options_.positive : 0;
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t at = row * columns + first;
      rows_.push_back(weight[row]);
      for (std::size_t c = 0; c < columns_; ++c) rows_.push_back(targets.data()[at + c] > 0.5 ? 1 : 0);
      for (std::size_t c = 0; c < columns_; ++c) rows_.push_back(outputs.data()[at + c]);
    }
  }

  void add_classes(const Tensor<double>& outputs, const Targets& targets, std::span<const double> weights) {
    const auto [classes, rows] = class_rows(outputs, targets, name_, 0, {});
    if (rows == 0) return;
    const bool one = options_.average == Average::binary || classes <= 2;
    if (one) check_positive(name_, options_.positive, classes);
    const RowWeights weight(weights, outputs, rows, name_);
    set_columns(one ? 1 : classes);
    std::vector<double> scores;
    for_each_class(outputs, targets, name_, 0, {}, [&](const ClassifiedRow& row) {
      rows_.push_back(weight[row.index]);
      rows_.push_back(one ? (row.label == options_.positive ? 1 : 0) : static_cast<double>(row.label));
      if (classes <= 2) {
        rows_.push_back(score_of_two(row.scores));
        return;
      }
      scores.assign(row.scores.begin(), row.scores.end());
      if (options_.from_logits) to_log_odds(scores);
      if (one)
        rows_.push_back(scores[options_.positive]);
      else
        rows_.insert(rows_.end(), scores.begin(), scores.end());
    });
  }
  // A single score is that of class 1. Of two logits, the difference orders rows like the softmax.
  double score_of_two(std::span<const double> scores) const {
    if (scores.size() == 1) return options_.positive == 1 ? scores[0] : -scores[0];
    const double score = scores[options_.positive];
    return options_.from_logits ? score - scores[1 - options_.positive] : score;
  }

  std::string name_;
  RankingFigure (*of_)(std::vector<RankedScore>&);
  RankingOptions options_;
  std::size_t columns_ = 0;
  std::vector<double> rows_;
};

}  // namespace

std::shared_ptr<Metric> roc_auc(const RankingOptions& options) {
  return std::make_shared<RankingMetric>("roc_auc", area_under_roc, options);
}
std::shared_ptr<Metric> average_precision(const RankingOptions& options) {
  return std::make_shared<RankingMetric>("average_precision", mean_precision, options);
}

}  // namespace wengert::train
