// Metrics: accuracy, precision, recall, F1, R² and confusion matrices, on tensors and accumulated over batches.
#include "train/classes.hpp"
#include <wengert/train/metrics.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

namespace wengert::train {
namespace {

double ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

// Σ(y − ŷ)² and Σ(y − ȳ)² of each column, with a running mean (Welford 1962).
class Determination {
 public:
  void add(const Tensor<double>& outputs, const Tensor<double>& targets, const Location& where) {
    if (outputs.shape() != targets.shape())
      throw ShapeError("r_squared",
                       fmt::format("outputs of shape {}, targets of shape {}: expected equal shapes",
                                   to_string(Shape(outputs.shape())), to_string(Shape(targets.shape()))),
                       where);
    const std::size_t columns = outputs.dimension() < 2 ? 1 : outputs.shape().back();
    if (columns_.empty()) columns_.resize(columns);
    if (columns_.size() != columns)
      throw ShapeError("r_squared",
                       fmt::format("outputs of {} columns after batches of {}: expected the same number in each batch",
                                   columns, columns_.size()),
                       where);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      Column& c = columns_[i % columns];
      const double y = targets.data()[i], error = y - outputs.data()[i], from_mean = y - c.mean;
      c.mean += from_mean / static_cast<double>(++c.count);
      c.spread += from_mean * (y - c.mean);
      c.errors += error * error;
    }
  }
  double value() const {
    double total = 0;
    for (const Column& c : columns_) total += c.spread != 0 ? 1 - c.errors / c.spread : c.errors == 0 ? 1 : 0;
    return total / static_cast<double>(columns_.size());
  }
  std::vector<double> state() const {
    std::vector<double> numbers;
    for (const Column& c : columns_)
      numbers.insert(numbers.end(), {static_cast<double>(c.count), c.mean, c.spread, c.errors});
    return numbers;
  }
  void set_state(const std::vector<double>& numbers) {
    columns_.clear();
    for (std::size_t i = 0; i + 3 < numbers.size(); i += 4)
      columns_.push_back({static_cast<std::size_t>(numbers[i]), numbers[i + 1], numbers[i + 2], numbers[i + 3]});
  }

 private:
  struct Column {
    std::size_t count = 0;
    double mean = 0, spread = 0, errors = 0;
  };
  std::vector<Column> columns_;
};

// The counts of a class: how often it was the label, was predicted, and both.
struct ClassCounts {
  double labels = 0, predictions = 0, right = 0;

  double precision() const { return ratio(right, predictions); }
  double recall() const { return ratio(right, labels); }
  double f1() const { return ratio(2 * right, labels + predictions); }
};

// The mean over the classes that occur; NaN if none does.
class ClassMetric final : public Metric {
 public:
  ClassMetric(std::string name, double (ClassCounts::*of)() const, double threshold)
      : name_(std::move(name)), of_(of), threshold_(threshold) {}
  std::string name() const override { return name_; }
  void reset() override { classes_.clear(); }
  void add(const Tensor<double>& outputs, const Targets& targets) override {
    for_each_class(outputs, targets, name_, threshold_, {}, [&](const ClassifiedRow& row) {
      const std::size_t prediction = row.prediction();
      if (const std::size_t needed = std::max(row.label, prediction) + 1; needed > classes_.size())
        classes_.resize(needed);
      ++classes_[row.label].labels;
      ++classes_[prediction].predictions;
      if (prediction == row.label) ++classes_[prediction].right;
    });
  }
  double value() const override {
    double sum = 0, occurring = 0;
    for (const ClassCounts& c : classes_) {
      if (c.labels + c.predictions == 0) continue;
      sum += (c.*of_)();
      ++occurring;
    }
    return sum / occurring;
  }
  std::vector<double> state() const override {
    std::vector<double> numbers;
    for (const ClassCounts& c : classes_) numbers.insert(numbers.end(), {c.labels, c.predictions, c.right});
    return numbers;
  }
  void set_state(const std::vector<double>& numbers) override {
    classes_.clear();
    for (std::size_t i = 0; i + 2 < numbers.size(); i += 3)
      classes_.push_back({numbers[i], numbers[i + 1], numbers[i + 2]});
  }

 private:
  std::string name_;
  double (ClassCounts::*of_)() const;
  double threshold_;
  std::vector<ClassCounts> classes_;
};

class TopKAccuracy final : public Metric {
 public:
  TopKAccuracy(std::size_t k, double threshold) : k_(k), threshold_(threshold) {}
  std::string name() const override { return k_ == 1 ? "accuracy" : fmt::format("top_{}_accuracy", k_); }
  void reset() override { right_ = all_ = 0; }
  void add(const Tensor<double>& outputs, const Targets& targets) override {
    for_each_class(outputs, targets, name(), threshold_, {}, [&](const ClassifiedRow& row) {
      ++all_;
      right_ += row.rank_of_label() < k_ ? 1 : 0;
    });
  }
  double value() const override { return static_cast<double>(right_) / static_cast<double>(all_); }
  std::vector<double> state() const override { return {static_cast<double>(right_), static_cast<double>(all_)}; }
  void set_state(const std::vector<double>& state) override {
    right_ = static_cast<std::size_t>(state.at(0));
    all_ = static_cast<std::size_t>(state.at(1));
  }

 private:
  std::size_t k_;
  double threshold_;
  std::size_t right_ = 0, all_ = 0;
};

class RSquared final : public Metric {
 public:
  std::string name() const override { return "r_squared"; }
  void reset() override { sums_ = {}; }
  void add(const Tensor<double>& outputs, const Targets& targets) override {
    if (!std::holds_alternative<Tensor<double>>(targets))
      throw ValueError("r_squared", "the targets are labels: expected numbers; for classes, use accuracy()");
    sums_.add(outputs, std::get<Tensor<double>>(targets), {});
  }
  double value() const override { return sums_.value(); }
  std::vector<double> state() const override { return sums_.state(); }
  void set_state(const std::vector<double>& state) override { sums_.set_state(state); }

 private:
  Determination sums_;
};

class BatchMean final : public Metric {
 public:
  BatchMean(std::string name, std::function<double(const Tensor<double>&, const Targets&)> of_batch,
            bool larger_is_better)
      : name_(std::move(name)), of_batch_(std::move(of_batch)), larger_is_better_(larger_is_better) {}
  std::string name() const override { return name_; }
  bool larger_is_better() const override { return larger_is_better_; }
  void reset() override { sum_ = weight_ = 0; }
  void add(const Tensor<double>& outputs, const Targets& targets) override {
    const double samples = outputs.dimension() == 0 ? 1 : static_cast<double>(outputs.shape()[0]);
    sum_ += samples * of_batch_(outputs, targets);
    weight_ += samples;
  }
  double value() const override { return sum_ / weight_; }
  std::vector<double> state() const override { return {sum_, weight_}; }
  void set_state(const std::vector<double>& state) override {
    sum_ = state.at(0);
    weight_ = state.at(1);
  }

 private:
  std::string name_;
  std::function<double(const Tensor<double>&, const Targets&)> of_batch_;
  bool larger_is_better_;
  double sum_ = 0, weight_ = 0;
};

}  // namespace

template <class T>
Indices predicted_classes(const Tensor<T>& outputs, double threshold, Location where) {
  if (outputs.dimension() == 0 || outputs.shape().back() == 0)
    throw ShapeError(
        "predicted_classes",
        fmt::format("outputs of shape {}: expected an axis of at least one class", to_string(Shape(outputs.shape()))),
        where);
  std::vector<std::size_t> shape(outputs.shape().begin(), outputs.shape().end() - 1);
  const std::size_t classes = outputs.shape().back();
  Indices result = Indices::from_shape(shape);
  const T* row = outputs.data();
  for (std::int64_t& prediction : result) {
    prediction =
        classes == 1 ? (static_cast<double>(*row) > threshold ? 1 : 0) : std::max_element(row, row + classes) - row;
    row += classes;
  }
  return result;
}

void add_to(report::ConfusionMatrix& matrix, const Tensor<double>& outputs, const Targets& targets, double threshold,
            Location where) {
  for_each_class(outputs, targets, "confusion matrix", threshold, where,
                 [&](const ClassifiedRow& row) { count(matrix, row, where); });
}

template <class T>
report::ConfusionMatrix confusion_matrix(const Tensor<T>& outputs, const Indices& labels, double threshold,
                                         Location where) {
  report::ConfusionMatrix matrix;
  add_to(matrix, xt::cast<double>(outputs), labels, threshold, where);
  return matrix;
}

namespace {

template <class T>
double share_of_right(const Tensor<T>& outputs, const Indices& labels, std::size_t k, double threshold,
                      const Location& where) {
  std::size_t right = 0, all = 0;
  for_each_class(xt::cast<double>(outputs), labels, k == 1 ? "accuracy" : "top_k_accuracy", threshold, where,
                 [&](const ClassifiedRow& row) {
                   ++all;
                   right += row.rank_of_label() < k ? 1 : 0;
                 });
  if (all == 0)
    throw ValueError(k == 1 ? "accuracy" : "top_k_accuracy",
                     "no labels of classes: the accuracy over no samples is undefined", where);
  return static_cast<double>(right) / static_cast<double>(all);
}

}  // namespace

template <class T>
double accuracy(const Tensor<T>& outputs, const Indices& labels, double threshold, Location where) {
  return share_of_right(outputs, labels, 1, threshold, where);
}

template <class T>
double top_k_accuracy(const Tensor<T>& outputs, const Indices& labels, std::size_t k, Location where) {
  if (k == 0) throw ValueError("top_k_accuracy", "k is 0: expected at least 1", where);
  return share_of_right(outputs, labels, k, 0, where);
}

template <class T>
double r_squared(const Tensor<T>& outputs, const Tensor<T>& targets, Location where) {
  Determination sums;
  sums.add(xt::cast<double>(outputs), xt::cast<double>(targets), where);
  return sums.value();
}

std::shared_ptr<Metric> accuracy(double threshold) { return std::make_shared<TopKAccuracy>(1, threshold); }
std::shared_ptr<Metric> top_k_accuracy(std::size_t k, Location where) {
  if (k == 0) throw ValueError("top_k_accuracy", "k is 0: expected at least 1", where);
  return std::make_shared<TopKAccuracy>(k, 0);
}
std::shared_ptr<Metric> precision(double threshold) {
  return std::make_shared<ClassMetric>("precision", &ClassCounts::precision, threshold);
}
std::shared_ptr<Metric> recall(double threshold) {
  return std::make_shared<ClassMetric>("recall", &ClassCounts::recall, threshold);
}
std::shared_ptr<Metric> f1(double threshold) {
  return std::make_shared<ClassMetric>("f1", &ClassCounts::f1, threshold);
}
std::shared_ptr<Metric> r_squared() { return std::make_shared<RSquared>(); }
std::shared_ptr<Metric> metric(std::string name, std::function<double(const Tensor<double>&, const Targets&)> of_batch,
                               bool larger_is_better) {
  return std::make_shared<BatchMean>(std::move(name), std::move(of_batch), larger_is_better);
}

#define INSTANTIATE(T)                                                                                   \
  template Indices predicted_classes(const Tensor<T>&, double, Location);                                \
  template report::ConfusionMatrix confusion_matrix(const Tensor<T>&, const Indices&, double, Location); \
  template double accuracy(const Tensor<T>&, const Indices&, double, Location);                          \
  template double top_k_accuracy(const Tensor<T>&, const Indices&, std::size_t, Location);               \
  template double r_squared(const Tensor<T>&, const Tensor<T>&, Location);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
