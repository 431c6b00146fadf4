// L-BFGS: a quasi-Newton method for losses that are evaluated on all samples at once.
#pragma once

#include <wengert/optim/named_values.hpp>
#include <wengert/reflect/parameters.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace wengert::optim {

/// Options of LBFGS; the defaults are PyTorch's.
struct LBFGSOptions {
  double rate = 1;                   ///< the initial step length of a line search
  std::size_t max_iterations = 20;   ///< the limit per call of `step`
  std::size_t max_evaluations = 0;   ///< the limit per call, checked between iterations; 0: 1¼ · max_iterations
  double gradient_tolerance = 1e-7;  ///< a call ends when no element of the gradient exceeds this
  double change_tolerance = 1e-9;    ///< … or when the loss or all parameters change by no more than this
  std::size_t history = 100;         ///< the number of past changes that are kept
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
/// gradient, by the two-loop recursion. All trainable parameters form one vector. Each evaluation records the loss on a
/// tape that is reused.
template <class T>
class LBFGS {
 public:
  /// A function that records the loss on the tape.
  using Loss = std::function<Var<T>(Tape<T>& tape)>;

  /// For all Parameters of a struct, a vector of them, or a single one. Throws ValueError if there are none, or if an
  /// option is out of range.
  template <class Module>
  explicit LBFGS(const Module& module, LBFGSOptions options = {}, const Location& where = Location::current())
      : LBFGS(wengert::detail::without(named_parameters(module), wengert::detail::buffers_of<T>(module)), options,
              where) {}
  /// For these parameters. Throws likewise.
  LBFGS(std::vector<NamedParameter<T>> parameters, LBFGSOptions options, const Location& where);

  /// Runs up to `max_iterations` iterations. The state carries over to the next call with the same loss, as long as the
  /// same parameters are trainable.
  ///
  /// Throws ValueError if there is nothing to train, if the loss depends on trainable parameters that no optimiser
  /// trains, or if the loss or a gradient is not finite at the beginning; GradientError unless the loss has size 1. If
  /// the call throws, it restores the parameters and resets the state. If the loss becomes NaN or infinite later, the
  /// call ends at the best point found. Updates that the loss queues on the tape, such as BatchNorm's running
  /// statistics, are committed at each evaluation, as in PyTorch.
  LBFGSReport step(const Loss& loss, const Location& where = Location::current());
  /// Discards the state.
  void reset();

  /// Copies of the state by name, for a checkpoint.
  std::vector<NamedParameter<T>> state() const;
  /// Restores a state that `state` returned: a range of NamedParameters, or of anything with `name` and `value`. Throws
  /// ValueError for missing or repeated parts, ShapeError unless each has as many elements as the trainable parameters;
  /// then nothing is changed. If the history is longer than `options.history`, only the newest changes are kept.
  template <class Range>
  void load_state(const Range& range, const Location& where = Location::current()) {
    assign_state(detail::named_values<T>(range), where);
  }

 private:
  using Vector = std::vector<T>;
  struct Change {  // of the parameters and of the gradient in one iteration
    Vector parameters, gradient;
    double rho;  // 1 / (parameters · gradient)
  };

  struct Line;
  void assign_state(const detail::NamedValues<T>& parts, const Location& where);
  std::vector<Parameter<T>> trainable() const;
  Vector direction(const Vector& gradient) const;
  void remember(const Vector& gradient);

  std::vector<NamedParameter<T>> parameters_;
  std::shared_ptr<const wengert::detail::OptimiserClaim<T>> claim_;  // on parameters_
  LBFGSOptions options_;
  std::vector<Parameter<T>> trained_;  // by the last step
  std::deque<Change> history_;
  Vector last_change_, last_gradient_;  // of the previous iteration; empty if there is none
};

extern template class LBFGS<float>;
extern template class LBFGS<double>;

}  // namespace wengert::optim
