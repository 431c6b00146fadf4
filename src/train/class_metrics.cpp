// Metrics of predicted classes: precision, recall, F1, balanced accuracy and Matthews' correlation coefficient.
#include "train/classes.hpp"
#include "train/weighted_metric.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace wengert::train {
namespace {

// The weight of a class's rows: as label, as prediction, and both; and whether there are any.
struct ClassCounts {
  double labels = 0, predictions = 0, right = 0;
  bool occurs = false;  // rows of weight 0 count, as in scikit-learn

  ClassCounts& operator+=(const ClassCounts& other) {
    labels += other.labels;
    predictions += other.predictions;
    right += other.right;
    occurs = occurs || other.occurs;
    return *this;
  }
};

double quotient_or_zero(double part, double whole) { return whole == 0 ? 0 : part / whole; }
double precision_of(const ClassCounts& c) { return quotient_or_zero(c.right, c.predictions); }
double recall_of(const ClassCounts& c) { return quotient_or_zero(c.right, c.labels); }
double f1_of(const ClassCounts& c) { return quotient_or_zero(2 * c.right, c.labels + c.predictions); }

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// Counts the rows of each class.
class ClassCountMetric : public WeightedMetric {
 public:
  ClassCountMetric(std::string name, double threshold) : name_(std::move(name)), threshold_(threshold) {}
  std::string name() const final { return name_; }
  void check_shapes(const Shape& outputs, const Shape& targets, bool are_labels) const final {
    check_class_shapes(outputs, targets, are_labels, name_);
  }
  void reset() final { classes_.clear(); }
  void add_weighted(const Tensor<double>& outputs, const Targets& targets, std::span<const double> weights) override {
    const RowWeights weight(weights, outputs, class_rows(outputs, targets, name_, threshold_, {}).rows, name_);
    for_each_class(outputs, targets, name_, threshold_, {}, [&](const ClassifiedRow& row) {
      const std::size_t prediction = row.prediction();
      if (const std::size_t needed = std::max(row.label, prediction) + 1; needed > classes_.size())
        classes_.resize(needed);
      const double w = weight[row.index];
      classes_[row.label] += {w, 0, prediction == row.label ? w : 0, true};
      classes_[prediction] += {0, w, 0, true};
    });
  }
  std::vector<double> state() const final {
    std::vector<double> numbers;
    for (const ClassCounts& c : classes_)
      numbers.insert(numbers.end(), {c.labels, c.predictions, c.right, c.occurs ? 1.0 : 0.0});
    return numbers;
  }
  void set_state(const std::vector<double>& numbers) final {
    if (numbers.size() % 4 != 0) throw std::out_of_range(name_);
    classes_.clear();
    for (std::size_t i = 0; i < numbers.size(); i += 4)
      classes_.push_back({numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3] != 0});
  }

 protected:
  const std::vector<ClassCounts>& counts() const { return classes_; }

 private:
  std::string name_;
  double threshold_;
  std::vector<ClassCounts> classes_;
};

class AveragedMetric final : public ClassCountMetric {
 public:
  AveragedMetric(std::string_view name, double (*of)(const ClassCounts&), const ClassOptions& options)
      : ClassCountMetric(averaged_name(name, options.average, options.positive), options.threshold),
        of_(of),
        options_(options) {}
  void add_weighted(const Tensor<double>& outputs, const Targets& targets, std::span<const double> weights) override {
    const auto [classes, rows] = class_rows(outputs, targets, name(), options_.threshold, {});
    if (options_.average == Average::binary && rows != 0) check_positive(name(), options_.positive, classes);
    ClassCountMetric::add_weighted(outputs, targets, weights);
  }
  double value() const override {
    if (counts().empty()) return not_a_number;
    if (options_.average == Average::binary)
      return options_.positive < counts().size() ? of_(counts()[options_.positive]) : 0;
    ClassCounts all;
    double sum = 0, occurring = 0, weighted = 0;
    for (const ClassCounts& c : counts()) {
      if (!c.occurs) continue;
      const double figure = of_(c);
      all += c;
      sum += figure;
      weighted += c.labels * figure;
      ++occurring;
    }
    if (options_.average == Average::micro) return of_(all);
    return options_.average == Average::weighted ? quotient_or_zero(weighted, all.labels) : sum / occurring;
  }

 private:
  double (*of_)(const ClassCounts&);
  ClassOptions options_;
};

class BalancedAccuracy final : public ClassCountMetric {
 public:
  explicit BalancedAccuracy(double threshold) : ClassCountMetric("balanced_accuracy", threshold) {}
  double value() const override {
    double sum = 0, labelled = 0;
    for (const ClassCounts& c : counts()) {
      if (c.labels == 0) continue;
      sum += recall_of(c);
      ++labelled;
    }
    return sum / labelled;
  }
};

class MatthewsCorrelation final : public ClassCountMetric {
 public:
  explicit MatthewsCorrelation(double threshold) : ClassCountMetric("matthews_correlation", threshold) {}
  double value() const override {
    double right = 0, all = 0;
    for (const ClassCounts& c : counts()) {
      right += c.right;
      all += c.labels;
    }
    if (all == 0) return not_a_number;
    // Of shares instead of counts, whose products could overflow; both variances are 0 exactly if one class has all.
    double covariance = right / all, of_labels = 0, of_predictions = 0;
    for (const ClassCounts& c : counts()) {
      const double label = c.labels / all, prediction = c.predictions / all;
      covariance -= label * prediction;
      of_labels += label * (1 - label);
      of_predictions += prediction * (1 - prediction);
    }
    return quotient_or_zero(covariance, std::sqrt(of_labels * of_predictions));
  }
};

}  // namespace

std::shared_ptr<Metric> precision(const ClassOptions& options) {
  return std::make_shared<AveragedMetric>("precision", precision_of, options);
}
std::shared_ptr<Metric> recall(const ClassOptions& options) {
  return std::make_shared<AveragedMetric>("recall", recall_of, options);
}
std::shared_ptr<Metric> f1(const ClassOptions& options) {
  return std::make_shared<AveragedMetric>("f1", f1_of, options);
}
std::shared_ptr<Metric> precision(double threshold) { return precision(ClassOptions{.threshold = threshold}); }
std::shared_ptr<Metric> recall(double threshold) { return recall(ClassOptions{.threshold = threshold}); }
std::shared_ptr<Metric> f1(double threshold) { return f1(ClassOptions{.threshold = threshold}); }

Metrics per_class(std::shared_ptr<Metric> (*metric)(const ClassOptions&), std::size_t classes, double threshold) {
  Metrics result;
  for (std::size_t c = 0; c < classes; ++c) result.push_back(metric({Average::binary, c, threshold}));
  return result;
}

std::shared_ptr<Metric> balanced_accuracy(double threshold) { return std::make_shared<BalancedAccuracy>(threshold); }
std::shared_ptr<Metric> matthews_correlation(double threshold) {
  return std::make_shared<MatthewsCorrelation>(threshold);
}

}  // namespace wengert::train
