// Training or evaluation: what a network is being used for, which dropout and batch normalisation ask.
#pragma once

#include <wengert/parameters.hpp>

#include <memory>
#include <string>
#include <utility>

namespace wengert::nn {

/// Whether a layer is being trained; at first it is.
///
/// A handle: copies refer to the same mode. A layer that acts differently in training holds one as a member, where
/// `train_mode` and `eval_mode` find it.
class Mode {
 public:
  /// What the copies share.
  struct State {
    bool training = true;  ///< the mode
  };

  Mode() : state_(std::make_shared<State>()) {}
  // Copies only: a moved-from handle would refer to nothing.
  /// A copy shares the mode.
  ///@{
  Mode(const Mode&) = default;
  Mode& operator=(const Mode&) = default;
  ///@}

  /// Whether the layer is being trained.
  bool training() const { return state_->training; }
  /// Says whether it is, to all copies of the handle.
  void set_training(bool training) { state_->training = training; }

  /// For deep copies of a network, which get a state of their own.
  const std::shared_ptr<State>& state() const { return state_; }
  /// A handle to a mode that others share.
  explicit Mode(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

/// Puts every layer of a network into training mode: dropout drops, batch normalisation uses the batch's statistics.
///
/// A Program keeps the mode that it was recorded in.
template <class Module>
void train_mode(const Module& module) {
  for_each_member<Mode>(module, [](const std::string&, Mode mode) { mode.set_training(true); });
}

/// Puts every layer of a network into evaluation mode: dropout does nothing, batch normalisation uses its running
/// statistics. Call it before you test or use a network, and `train_mode` before you train it on.
template <class Module>
void eval_mode(const Module& module) {
  for_each_member<Mode>(module, [](const std::string&, Mode mode) { mode.set_training(false); });
}

}  // namespace wengert::nn
