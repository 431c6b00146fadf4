// Gradient descent W ← W − α ∂J/∂W in its three forms, which differ only in the size of a batch: all samples, one, or
// some.
#pragma once

#include "mlp.hpp"
#include <wengert/data/batches.hpp>
#include <wengert/data/dataset.hpp>
#include <wengert/wengert.hpp>

#include <cmath>
#include <functional>
#include <random>
#include <span>
#include <vector>

namespace sample {

/// What one pass over a data set gives.
struct Result {
  double cost = 0;
  double accuracy = 0;                              // the share of samples whose largest output is their label
  std::vector<std::vector<std::size_t>> confusion;  // [label][prediction]; empty above 40 classes
};

class Trainer {
 public:
  Trainer(Mlp& network, const wg::Dataset<float>& data, std::size_t batch_size, float rate, std::mt19937_64& generator)
      : network_(network),
        data_(data),
        targets_(wg::one_hot<float>(data.labels, data.classes)),
        batches_(data.size(), batch_size),
        rate_(rate),
        generator_(generator),
        step_(Recorder{this}, {}) {}
  Trainer(const Trainer&) = delete;  // the step refers to it
  Trainer& operator=(const Trainer&) = delete;

  /// One epoch: every sample once, in random order. `after_step` gets the samples done and the batch's cost; it ends
  /// the epoch by answering false. Returns the mean cost of the samples seen, each before its step.
  double epoch(const std::function<bool(std::size_t, double)>& after_step) {
    double total = 0;
    std::size_t seen = 0;
    for (const std::span<const std::size_t> batch : batches_.epoch(generator_)) {
      const double cost = step(batch);
      total += cost * static_cast<double>(batch.size());
      seen += batch.size();
      if (!after_step(seen, cost)) break;
    }
    return total / static_cast<double>(seen);
  }

 private:
  double step(std::span<const std::size_t> batch) {
    wg::gather_rows(data_.inputs, batch, x_);
    wg::gather_rows(targets_, batch, y_);
    const double cost = static_cast<double>(step_(x_, y_).item());
    if (std::isnan(cost)) throw wg::ValueError("training", "the cost is NaN");
    return cost;
  }

  // A whole training step: the cost, and W ← W − α ∂J/∂W for every parameter. It is recorded and compiled when a size
  // of batch is met first, and replayed from then on.
  wg::Var<float> record(wg::Tape<float>& tape, wg::Var<float> x, wg::Var<float> y) {
    std::vector<wg::Var<float>> variables;
    for (const auto& parameter : network_.parameters()) variables.push_back(tape.variable(parameter));
    const auto loss = network_.cost(network_.logits(x, variables), y);
    const std::vector<wg::Var<float>> gradients = wg::grad<float>(loss, variables);
    for (std::size_t i = 0; i < variables.size(); ++i)
      tape.update(network_.parameters()[i], variables[i] - rate_ * gradients[i]);
    return loss;
  }
  struct Recorder {
    Trainer* trainer;
    wg::Var<float> operator()(wg::Tape<float>& tape, wg::Var<float> x, wg::Var<float> y) const {
      return trainer->record(tape, x, y);
    }
  };

  Mlp& network_;
  const wg::Dataset<float>& data_;
  wg::Tensor<float> targets_;
  wg::Batches batches_;
  float rate_;
  std::mt19937_64& generator_;
  wg::Compiled<float, Recorder> step_;
  wg::Tensor<float> x_, y_;
};

/// Cost, accuracy and confusion matrix of the network on a data set, in batches, so that memory stays small.
inline Result evaluate(const Mlp& network, const wg::Dataset<float>& data) {
  constexpr std::size_t batch_size = 1000;
  Result result;
  constexpr std::size_t most_shown = 40;
  if (data.classes <= most_shown) result.confusion.assign(data.classes, std::vector<std::size_t>(data.classes, 0));
  const wg::Tensor<float> targets = wg::one_hot<float>(data.labels, data.classes);
  const std::size_t features = data.features(), classes = data.classes;
  wg::Tape<float> tape;
  std::size_t right = 0;
  for (std::size_t begin = 0; begin < data.size(); begin += batch_size) {
    const std::size_t n = std::min(batch_size, data.size() - begin);
    tape.clear();
    std::vector<wg::Var<float>> p;
    for (const auto& parameter : network.parameters()) p.push_back(tape.variable(parameter));
    const auto x =
        tape.borrow(std::span<const float>(data.inputs.data() + begin * features, n * features), {n, features});
    const auto y = tape.borrow(std::span<const float>(targets.data() + begin * classes, n * classes), {n, classes});
    const auto logits = network.logits(x, p);
    result.cost += static_cast<double>(network.cost(logits, y).item()) * static_cast<double>(n);
    const float* outputs = logits.view().data();
    for (std::size_t i = 0; i < n; ++i, outputs += classes) {
      const auto label = static_cast<std::size_t>(data.labels(begin + i));
      const auto predicted = static_cast<std::size_t>(std::max_element(outputs, outputs + classes) - outputs);
      if (!result.confusion.empty()) ++result.confusion[label][predicted];
      right += label == predicted ? 1 : 0;
    }
  }
  result.cost /= static_cast<double>(data.size());
  result.accuracy = static_cast<double>(right) / static_cast<double>(data.size());
  return result;
}

}  // namespace sample
