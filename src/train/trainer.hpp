// The optimiser of a training run, of either kind.
#pragma once

#include <wengert/optim/lbfgs.hpp>
#include <wengert/optim/optimizer.hpp>

#include <optional>

namespace wengert::train {

/// An optimiser, and its kind.
template <class T>
struct Trainer {
  optim::AnyOptimizer<T>* optimizer;
  optim::Optimizer<T>* stepwise;  ///< the same if a step is part of a Program; otherwise null
  optim::LBFGS<T>* line_search;   ///< the same if a step evaluates the loss several times; otherwise null

  explicit Trainer(optim::AnyOptimizer<T>& of)
      : optimizer(&of),
        stepwise(dynamic_cast<optim::Optimizer<T>*>(&of)),
        line_search(dynamic_cast<optim::LBFGS<T>*>(&of)) {}

  bool has_average() const { return stepwise != nullptr && stepwise->has_average(); }
};

/// Puts the averages of the weights into the network for as long as it exists, if there are any.
template <class T>
class Averages {
 public:
  explicit Averages(const Trainer<T>& trainer) {
    if (trainer.stepwise != nullptr) scope_.emplace(*trainer.stepwise);
  }

 private:
  std::optional<optim::AverageScope<T>> scope_;
};

}  // namespace wengert::train
