// Training and evaluation mode, which dropout and batch normalisation depend on.
#pragma once

#include <wengert/reflect/parameters.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace wengert::nn {

/// The mode of a layer: training, which is the initial mode, or evaluation. A handle: copies refer to the same mode. A
/// layer that behaves differently in training holds one as a member, where `train_mode` and `eval_mode` find it.
class Mode {
 public:
  /// The state that copies share.
  struct State {
    bool training = true;  ///< false: evaluation
  };

  Mode() : state_(std::make_shared<State>()) {}
  // No move operations: a moved-from handle would refer to nothing.
  /// A copy shares the mode.
  ///@{
  Mode(const Mode&) = default;
  Mode& operator=(const Mode&) = default;
  ///@}

  /// Whether the layer is in training mode.
  bool training() const { return state_->training; }
  /// Sets the mode, for all copies of the handle.
  void set_training(bool training) { state_->training = training; }

  /// The shared state. Deep copies of a network get their own.
  const std::shared_ptr<State>& state() const { return state_; }
  /// A handle to an existing state.
  explicit Mode(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

/// Puts every layer of a network into training mode: dropout drops, batch normalisation uses the batch's statistics. A
/// Program keeps the mode in which it was recorded.
template <class Module>
void train_mode(const Module& module) {
  for_each_member<Mode>(module, [](const std::string&, Mode mode) { mode.set_training(true); });
}

/// Puts every layer of a network into evaluation mode: dropout does nothing, batch normalisation uses its running
/// statistics. Call it before evaluation or inference, and `train_mode` before further training.
template <class Module>
void eval_mode(const Module& module) {
  for_each_member<Mode>(module, [](const std::string&, Mode mode) { mode.set_training(false); });
}

/// Puts a network into evaluation mode until the end of the scope, which restores the mode of each layer.
class EvaluationMode {
 public:
  /// Begins evaluation mode.
  template <class Module>
  explicit EvaluationMode(const Module& module) {
    for_each_member<Mode>(module, [&](const std::string&, Mode mode) {
      modes_.emplace_back(mode, mode.training());
      mode.set_training(false);
    });
  }
  ~EvaluationMode() {
    for (auto& [mode, training] : modes_) mode.set_training(training);
  }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  std::vector<std::pair<Mode, bool>> modes_;
};

}  // namespace wengert::nn
