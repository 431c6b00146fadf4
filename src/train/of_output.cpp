// of_output: a metric that reads one output of several.
#include <wengert/train/metrics.hpp>

#include <utility>

namespace wengert::train {
namespace {

class OfOutput final : public Metric {
 public:
  OfOutput(std::string path, std::shared_ptr<Metric> metric) : path_(std::move(path)), metric_(std::move(metric)) {}
  std::string name() const override { return path_ + "_" + metric_->name(); }
  std::string output() const override { return path_; }
  bool larger_is_better() const override { return metric_->larger_is_better(); }
  void check_shapes(const Shape& outputs, const Shape& targets, bool are_labels) const override {
    metric_->check_shapes(outputs, targets, are_labels);
  }
  void reset() override { metric_->reset(); }
  void add(const Tensor<double>& outputs, const Targets& targets) override { metric_->add(outputs, targets); }
  void add_weighted(const Tensor<double>& outputs, const Targets& targets, std::span<const double> weights) override {
    metric_->add_weighted(outputs, targets, weights);
  }
  double value() const override { return metric_->value(); }
  std::vector<double> state() const override { return metric_->state(); }
  void set_state(const std::vector<double>& state) override { metric_->set_state(state); }

 private:
  std::string path_;
  std::shared_ptr<Metric> metric_;
};

}  // namespace

std::shared_ptr<Metric> of_output(std::string path, std::shared_ptr<Metric> metric) {
  if (metric == nullptr)
    throw ValueError("of_output", "a metric is a null pointer: expected one such as accuracy()", {});
  return std::make_shared<OfOutput>(std::move(path), std::move(metric));
}

}  // namespace wengert::train
