// Metrics of numbers: mean absolute and squared errors, and R².
#include "train/weighted_metric.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace wengert::train {
namespace {

// The sums of a column; the mean and the spread Σ w (y − ȳ)² of the targets are running ones (West 1979), relative to
// the first target: differences of numbers of about the same size are exact.
struct ColumnSums {
  double rows = 0, weight = 0, first = 0, mean = 0, spread = 0;
  CompensatedSum absolute, squared;  // errors

  void add(double output, double target, double w) {
    if (rows++ == 0) first = target;
    if (w == 0) return;
    const double error = target - output, shifted = target - first, from_mean = shifted - mean;
    weight += w;
    mean += w / weight * from_mean;
    spread += w * from_mean * (shifted - mean);
    absolute.add(w * std::abs(error));
    squared.add(w * error * error);
  }
};

double absolute_error(const ColumnSums& c) { return c.absolute.value() / c.weight; }
double squared_error(const ColumnSums& c) { return c.squared.value() / c.weight; }
double root_of_squared_error(const ColumnSums& c) { return std::sqrt(squared_error(c)); }
double determination(const ColumnSums& c) {
  if (c.rows < 2 || c.weight == 0) return std::numeric_limits<double>::quiet_NaN();
  const double errors = c.squared.value();
  if (c.spread != 0) return 1 - errors / c.spread;
  return errors == 0 ? 1 : std::isnan(errors) ? errors : 0;
}

// The mean of a figure over the columns.
class ColumnMetric final : public WeightedMetric {
 public:
  ColumnMetric(std::string name, double (*of)(const ColumnSums&), bool larger_is_better)
      : name_(std::move(name)), of_(of), larger_is_better_(larger_is_better) {}
  std::string name() const override { return name_; }
  bool larger_is_better() const override { return larger_is_better_; }
  void check_shapes(const Shape& outputs, const Shape& targets, bool are_labels) const override {
    check_numeric_targets(name_, outputs, targets, are_labels, if_labels);
  }
  void reset() override { columns_.clear(); }
  void add_weighted(const Tensor<double>& outputs, const Targets& targets, std::span<const double> weights) override {
    const Tensor<double>& numbers = numeric_targets(name_, outputs, targets, if_labels);
    if (outputs.size() == 0) return;
    const std::size_t columns = columns_of(outputs);
    check_columns(name_, columns, columns_.size());
    const RowWeights weight(weights, outputs, outputs.size() / columns, name_);
    columns_.resize(columns);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      columns_[i % columns].add(outputs.data()[i], numbers.data()[i], weight[i / columns]);
  }
  double value() const override {
    double sum = 0;
    for (const ColumnSums& c : columns_) sum += of_(c);
    return sum / static_cast<double>(columns_.size());
  }
  std::vector<double> state() const override {
    std::vector<double> numbers;
    for (const ColumnSums& c : columns_)
      numbers.insert(numbers.end(), {c.rows, c.weight, c.first, c.mean, c.spread, c.absolute.sum,
                                     c.absolute.compensation, c.squared.sum, c.squared.compensation});
    return numbers;
  }
  void set_state(const std::vector<double>& n) override {
    if (n.size() % 9 != 0) throw std::out_of_range(name_);
    columns_.clear();
    for (std::size_t i = 0; i < n.size(); i += 9)
      columns_.push_back({n[i], n[i + 1], n[i + 2], n[i + 3], n[i + 4], {n[i + 5], n[i + 6]}, {n[i + 7], n[i + 8]}});
  }

 private:
  static constexpr std::string_view if_labels = "the targets are labels: expected numbers; for classes, use accuracy()";

  std::string name_;
  double (*of_)(const ColumnSums&);
  bool larger_is_better_;
  std::vector<ColumnSums> columns_;
};

}  // namespace

std::shared_ptr<Metric> mae() { return std::make_shared<ColumnMetric>("mae", absolute_error, false); }
std::shared_ptr<Metric> mse() { return std::make_shared<ColumnMetric>("mse", squared_error, false); }
std::shared_ptr<Metric> rmse() { return std::make_shared<ColumnMetric>("rmse", root_of_squared_error, false); }
std::shared_ptr<Metric> r_squared() { return std::make_shared<ColumnMetric>("r_squared", determination, true); }

template <class T>
double r_squared(const Tensor<T>& outputs, const Tensor<T>& targets, Location where) {
  return measure(r_squared(), outputs, targets, {}, where);
}
template double r_squared(const Tensor<float>&, const Tensor<float>&, Location);
template double r_squared(const Tensor<double>&, const Tensor<double>&, Location);

}  // namespace wengert::train
