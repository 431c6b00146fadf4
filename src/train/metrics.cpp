// Predicted classes, confusion matrices, accuracy, and metrics from a function of a batch.
#include "base/located.hpp"
#include "train/classes.hpp"
#include "train/weighted_metric.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace wengert::train {
namespace {

class TopKAccuracy final : public WeightedMetric {
 public:
  TopKAccuracy(std::size_t k, double threshold) : k_(k), threshold_(threshold) {}
  std::string name() const override { return k_ == 1 ? "accuracy" : fmt::format("top_{}_accuracy", k_); }
  void check_shapes(const Shape& outputs, const Shape& targets, bool are_labels) const override {
    check_class_shapes(outputs, targets, are_labels, name());
  }
  void reset() override { right_ = all_ = 0; }
  void add_weighted(const Tensor<double>& outputs, const Targets& targets, std::span<const double> weights) override {
    const RowWeights weight(weights, outputs, class_rows(outputs, targets, name(), threshold_, {}).rows, name());
    for_each_class(outputs, targets, name(), threshold_, {}, [&](const ClassifiedRow& row) {
      all_ += weight[row.index];
      if (row.rank_of_label() < k_) right_ += weight[row.index];
    });
  }
  double value() const override { return right_ / all_; }
  std::vector<double> state() const override { return {right_, all_}; }
  void set_state(const std::vector<double>& state) override {
    right_ = state.at(0);
    all_ = state.at(1);
  }

 private:
  std::size_t k_;
  double threshold_;
  double right_ = 0, all_ = 0;  // weights
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
            std::span<const double> weights, Location where) {
  constexpr std::string_view subject = "confusion matrix";
  located(subject, where, [&] {
    const RowWeights weight(weights, outputs, class_rows(outputs, targets, subject, threshold, where).rows, subject);
    for_each_class(outputs, targets, subject, threshold, where,
                   [&](const ClassifiedRow& row) { count(matrix, row, where, weight[row.index]); });
  });
}

template <class T>
report::ConfusionMatrix confusion_matrix(const Tensor<T>& outputs, const Indices& labels, double threshold,
                                         std::span<const double> weights, Location where) {
  report::ConfusionMatrix matrix;
  add_to(matrix, xt::cast<double>(outputs), labels, threshold, weights, where);
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

std::shared_ptr<Metric> accuracy(double threshold) { return std::make_shared<TopKAccuracy>(1, threshold); }
std::shared_ptr<Metric> top_k_accuracy(std::size_t k, Location where) {
  if (k == 0) throw ValueError("top_k_accuracy", "k is 0: expected at least 1", where);
  return std::make_shared<TopKAccuracy>(k, 0);
}
std::shared_ptr<Metric> metric(std::string name, std::function<double(const Tensor<double>&, const Targets&)> of_batch,
                               bool larger_is_better, Location where) {
  if (!of_batch)
    throw ValueError("metric", fmt::format("'{}': a null function: expected one of outputs and targets", name), where);
  return std::make_shared<BatchMean>(std::move(name), std::move(of_batch), larger_is_better);
}

#define INSTANTIATE(T)                                                                                                 \
  template Indices predicted_classes(const Tensor<T>&, double, Location);                                              \
  template report::ConfusionMatrix confusion_matrix(const Tensor<T>&, const Indices&, double, std::span<const double>, \
                                                    Location);                                                         \
  template double accuracy(const Tensor<T>&, const Indices&, double, Location);                                        \
  template double top_k_accuracy(const Tensor<T>&, const Indices&, std::size_t, Location);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
