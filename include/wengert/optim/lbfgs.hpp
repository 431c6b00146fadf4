// L-BFGS: a quasi-Newton method for losses that are evaluated on all samples at once.
#pragma once

#include <wengert/optim/any_optimizer.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace wengert::optim {

/// Options of LBFGS; the defaults are PyTorch's.
struct LBFGSOptions {
  double rate = 1;                   ///< the initial step length of a line search
  std::size_t max_iterations = 20;   ///< the limit per call of `step`; at least 1
  std::size_t max_evaluations = 0;   ///< the limit per call, checked between iterations; 0: 1¼ · max_iterations
  double gradient_tolerance = 1e-7;  ///< a call ends when no element of the gradient exceeds this
  double change_tolerance = 1e-9;    ///< … or when the loss or all parameters change by no more than this
  std::size_t history_size = 100;    ///< the number of past changes that are kept
};

/// The result of a call of LBFGS::step.
struct LBFGSReport {
  double loss_before = 0;       ///< the loss before the call
  double loss = 0;              ///< the loss at the final parameters
  std::size_t iterations = 0;   ///< the number of iterations
  std::size_t evaluations = 0;  ///< the number of evaluations of the loss and its gradient
};

/// Limited-memory BFGS (Nocedal 1980; Liu and Nocedal 1989) with a line search for the strong Wolfe conditions
/// (Nocedal and Wright 2006, algorithms 3.5 and 3.6). Takes the same steps as PyTorch's LBFGS with `strong_wolfe`.
///
///     optim::LBFGS<double> optimizer(network);
///     const auto report = optimizer.step([&](auto& tape) { return squared_error(network(tape.borrow(X)), …); });
///
/// The direction is −H·g, where H approximates the inverse Hessian from the latest changes of the parameters and of the
/// gradient, by the two-loop recursion. All trainable parameters form one vector. The rate is the initial step length
/// of a line search, and `steps()` the number of calls of `step`. Copies share the state.
template <class T>
class LBFGS : public AnyOptimizer<T> {
 public:
  /// A function that records the loss on the tape.
  using Loss = std::function<Var<T>(Tape<T>& tape)>;
  /// A function that computes the loss and its gradients at the current values of the parameters, such as by replaying
  /// a Program: it assigns a gradient to each of as many tensors as there are `trainable()` parameters, in their order,
  /// and returns the loss. The tensors keep the gradients of the previous evaluation.
  using Evaluate = std::function<double(std::vector<Tensor<T>>& gradients)>;

  /// For all Parameters of a struct, a vector of them, or a single one. Throws ValueError if there are none, or if an
  /// option is out of range.
  template <class Module>
  explicit LBFGS(const Module& module, LBFGSOptions options = {}, const Location& where = Location::current())
      : LBFGS(named_parameters(module), wengert::detail::buffers_of<T>(module), options, where) {}
  /// For these parameters. Throws likewise.
  LBFGS(std::vector<NamedParameter<T>> parameters, LBFGSOptions options, const Location& where)
      : LBFGS(std::move(parameters), {}, options, where) {}

  // No move operations: a moved-from optimiser would train nothing.
  /// A copy shares the state.
  ///@{
  LBFGS(const LBFGS&) = default;
  LBFGS& operator=(const LBFGS&) = default;
  ///@}

  /// Runs up to `max_iterations` iterations. The state carries over to the next call with the same loss, as long as the
  /// same parameters are trainable. Each evaluation records the loss on a tape that is reused.
  ///
  /// Throws ValueError if there is nothing to train, if the loss depends on trainable parameters that no optimiser
  /// trains, or if the loss or a gradient is not finite at the beginning; GradientError unless the loss has size 1. If
  /// the call throws, it restores the parameters and resets the state. If the loss becomes NaN or infinite later, the
  /// call ends at the best point found. Updates that the loss queues on the tape, such as BatchNorm's running
  /// statistics, are committed at each evaluation, as in PyTorch.
  LBFGSReport step(const Loss& loss, const Location& where = Location::current());
  /// The same from a function that computes the loss and its gradients, which must be a function of the parameters:
  /// random numbers must repeat at each evaluation of a call. Throws ShapeError for gradients of other numbers or
  /// shapes, and whatever the function throws.
  LBFGSReport step_with_gradients(const Evaluate& evaluate, const Location& where = Location::current());
  /// Discards the history.
  void reset();

  /// The options, as passed to the constructor; 0 evaluations are replaced by the default.
  const LBFGSOptions& options() const { return options_; }
  /// `optimizer`, and the options except the rate: `optimizer.max_iterations`, …
  std::vector<std::pair<std::string, std::string>> settings() const override;
  /// Copies of the state by name: `rate`, `step`, and after a step, for each parameter that it trained, its last change
  /// (`weight.change`), its gradient before that (`weight.gradient`), and the history of both, from the oldest on,
  /// along a new first axis (`weight.changes`, `weight.gradient_changes`). `load_state` drops the oldest entries of a
  /// history longer than `history_size`.
  std::vector<NamedParameter<T>> state() const override;

 private:
  struct Line;
  struct Memory;
  LBFGS(std::vector<NamedParameter<T>> parameters, const std::vector<Parameter<T>>& buffers, LBFGSOptions options,
        const Location& where);
  void assign_state(const detail::NamedValues<T>& parts, const Location& where) override;

  LBFGSOptions options_;
  std::shared_ptr<Memory> memory_;
};

extern template class LBFGS<float>;
extern template class LBFGS<double>;

}  // namespace wengert::optim
