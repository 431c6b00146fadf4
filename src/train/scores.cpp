// Accumulates the loss, its terms and the metrics over batches, and pairs each metric with an output and a target.
#include "train/scores.hpp"

#include "train/classes.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

namespace wengert::train {
namespace {

std::string listed(const std::vector<std::string>& names) {
  if (names.size() == 1 && names[0].empty()) return "one without a name";
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

std::size_t index_of(const std::vector<std::string>& names, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
}

void add_to(Metric& metric, const Tensor<double>& outputs, const Targets& targets, const Tensor<double>& weights) try {
  if (weights.dimension() == 0)
    metric.add(outputs, targets);
  else
    metric.add_weighted(outputs, targets, {weights.data(), weights.size()});
} catch (const std::bad_variant_access&) {
  throw ValueError("metric", fmt::format("'{}' does not accept these targets, which are {}", metric.name(),
                                         std::holds_alternative<Indices>(targets) ? "labels: Indices"
                                                                                  : "numbers: a Tensor<double>"));
}

}  // namespace

Scores::Scores(Metrics metrics, const ModelInfo& info, std::vector<std::string> target_names, std::string_view subject,
               const Location& where)
    : metrics_(std::move(metrics)),
      terms_(info.terms),
      first_output_(info.first_output()),
      losses_(1 + info.terms.size()) {
  for (const auto& metric : metrics_) pairs_.push_back(pair_of(*metric, info, target_names, subject, where));
  reset();
}

Scores::Pair Scores::pair_of(const Metric& metric, const ModelInfo& info, const std::vector<std::string>& target_names,
                             std::string_view subject, const Location& where) const {
  std::vector<std::string> outputs;
  for (const auto& [name, shape] : info.outputs) outputs.push_back(name);
  if (outputs.empty())
    throw ValueError(subject,
                     fmt::format("metric '{}': the loss takes the network itself and returns no outputs: expected a "
                                 "network that can be called with the inputs, or a loss that returns LossAndOutputs",
                                 metric.name()),
                     where);
  if (target_names.empty())
    throw ValueError(subject, fmt::format("metric '{}': the data have no targets", metric.name()), where);
  const std::string name = metric.output();
  if (name.empty()) {
    if (outputs.size() == 1 && target_names.size() == 1) return {0, 0};
    throw ValueError(subject,
                     fmt::format("metric '{}': the outputs are {}, the targets {}: expected one of each, or "
                                 "of_output(name, metric)",
                                 metric.name(), listed(outputs), listed(target_names)),
                     where);
  }
  const Pair pair{index_of(outputs, name), target_names.size() == 1 ? 0 : index_of(target_names, name)};
  if (pair.output == outputs.size() || pair.target == target_names.size())
    throw ValueError(subject,
                     fmt::format("metric '{}' of output '{}': the outputs are {}, the targets {}", metric.name(), name,
                                 listed(outputs), listed(target_names)),
                     where);
  return pair;
}

template <class T>
void Scores::check_shapes(const std::vector<std::pair<std::string, Shape>>& outputs, const Batch<T>& batch) const {
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    if (pairs_[i].output >= outputs.size()) continue;  // a network whose number of outputs depends on the batch
    const Array<T>& targets = batch.targets[pairs_[i].target];
    metrics_[i]->check_shapes(outputs[pairs_[i].output].second,
                              std::visit([](const auto& t) { return Shape(t.shape()); }, targets),
                              std::holds_alternative<Indices>(targets));
  }
}

void Scores::reset() {
  std::ranges::fill(losses_, 0);
  weight_ = 0;
  for (const auto& metric : metrics_) metric->reset();
}

template <class T>
void Scores::add_loss(const Program<T>& program, const Batch<T>& batch) {
  const double weight = batch.weight();
  for (std::size_t i = 0; i < losses_.size(); ++i) losses_[i] += static_cast<double>(program.item(i)) * weight;
  weight_ += weight;
}

template <class T>
void Scores::add_outputs(const Program<T>& program, const Batch<T>& batch,
                         const std::function<void(Error&, std::size_t)>& place) {
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    const auto [output, target] = pairs_[i];
    if (i == 0 || output != pairs_[i - 1].output) cast_into(program.output(first_output_ + output), outputs_);
    if (i == 0 || target != pairs_[i - 1].target) targets_of(batch.targets[target], targets_);
    try {
      add_to(*metrics_[i], outputs_, targets_, batch.sample_weights);
    } catch (LabelError& error) {
      const std::size_t per_sample = std::visit([](const auto& t) { return t.size(); }, targets_) / batch.samples;
      place(error, error.row() / per_sample);
      throw;
    }
  }
}

void Scores::require_weight(std::string_view subject, std::string_view data, const Location& where) const {
  if (weight_ > 0) return;
  throw ValueError(subject,
                   fmt::format("the weights of {}, of samples or of the classes of their labels, add up to 0, so that "
                               "they have no mean loss: expected at least one above 0",
                               data),
                   where);
}

std::vector<double> Scores::values() const {
  std::vector<double> result;
  for (std::size_t i = 1; i < losses_.size(); ++i) result.push_back(losses_[i] / weight_);
  for (const auto& metric : metrics_) result.push_back(metric->value());
  return result;
}

std::vector<std::string> Scores::names() const {
  std::vector<std::string> result = terms_;
  for (const auto& metric : metrics_) result.push_back(metric->name());
  return result;
}

std::vector<double> Scores::state() const {
  std::vector<double> numbers = losses_;
  numbers.push_back(weight_);
  for (const auto& metric : metrics_) {
    const std::vector<double> of_metric = metric->state();
    numbers.push_back(static_cast<double>(of_metric.size()));
    numbers.insert(numbers.end(), of_metric.begin(), of_metric.end());
  }
  return numbers;
}

void Scores::set_state(const std::vector<double>& numbers) {
  std::size_t at = 0;
  for (double& loss : losses_) loss = numbers.at(at++);
  weight_ = numbers.at(at++);
  for (const auto& metric : metrics_) {
    const auto count = static_cast<std::size_t>(numbers.at(at++));
    if (count > numbers.size() - at) throw std::out_of_range("scores");
    metric->set_state(
        {numbers.begin() + static_cast<std::ptrdiff_t>(at), numbers.begin() + static_cast<std::ptrdiff_t>(at + count)});
    at += count;
  }
}

#define INSTANTIATE(T)                                                                                          \
  template void Scores::check_shapes(const std::vector<std::pair<std::string, Shape>>&, const Batch<T>&) const; \
  template void Scores::add_loss(const Program<T>&, const Batch<T>&);                                           \
  template void Scores::add_outputs(const Program<T>&, const Batch<T>&,                                         \
                                    const std::function<void(Error&, std::size_t)>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
