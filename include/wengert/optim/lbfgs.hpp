// L-BFGS: a quasi-Newton method for losses that can be evaluated exactly, on all samples.
#pragma once

#include <wengert/optim/named_values.hpp>
#include <wengert/parameters.hpp>
#include <wengert/tape.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace wengert::optim {

/// How LBFGS works; the defaults are PyTorch's.
struct LBFGSOptions {
  double rate = 1;                   ///< the first length a line search tries
  std::size_t max_iterations = 20;   ///< in one call of `step`
  std::size_t max_evaluations = 0;   ///< of the loss in one call, looked at between iterations; 0: 1¼ max_iterations
  double gradient_tolerance = 1e-7;  ///< it ends when no element of the gradient is larger
  double change_tolerance = 1e-9;    ///< … or when neither the loss nor any parameter changes more
  std::size_t history = 100;         ///< the changes it remembers
};

/// What a call of LBFGS::step did.
struct LBFGSReport {
  double loss_before = 0;       ///< at the start of the step
  double loss = 0;              ///< at the parameters it left
  std::size_t iterations = 0;   ///< how many were taken
  std::size_t evaluations = 0;  ///< of the loss and its gradient
};

/// Limited-memory BFGS (Nocedal 1980; Liu and Nocedal 1989) with a line search for the strong Wolfe conditions
/// (Nocedal and Wright 2006, algorithms 3.5 and 3.6), step for step as PyTorch's LBFGS with `strong_wolfe`.
///
///     optim::LBFGS<double> optimizer(network);
///     const auto report = optimizer.step([&](auto& tape) { return squared_error(network(tape.borrow(X)), …); });
///
/// The direction is −H·g, H being the inverse Hessian as the last changes s of the parameters and y of the gradient
/// show it, by the two-loop recursion. Trainable parameters are taken as one vector. The loss is recorded at each
/// evaluation, on a tape that is used again.
template <class T>
class LBFGS {
 public:
  /// Records the loss on the tape.
  using Loss = std::function<Var<T>(Tape<T>& tape)>;

  /// For all Parameters of a struct, a vector of them, or a single one. Throws ValueError if there are none, or an
  /// option is out of its range.
  template <class Module>
  explicit LBFGS(const Module& module, LBFGSOptions options = {}, const Location& where = Location::current())
      : LBFGS(wengert::detail::without(named_parameters(module), wengert::detail::buffers_of<T>(module)), options,
              where) {}
  /// For these parameters. Errors as above.
  LBFGS(std::vector<NamedParameter<T>> parameters, LBFGSOptions options, const Location& where);

  /// Up to `max_iterations` iterations. What it remembers carries over to the next call, for the same loss, as long as
  /// the same parameters are trainable.
  ///
  /// Throws ValueError as `Optimizer::update` if there is nothing to train, or parameters that no optimiser trains, and
  /// if the loss or a gradient is not finite at the beginning; a loss that becomes NaN or infinite ends it at the best
  /// point found. If it throws, or the loss does, the parameters are as before, and what it remembered is forgotten.
  /// What the loss queues on the tape, BatchNorm's running statistics for example, is committed at each evaluation, as
  /// in PyTorch.
  LBFGSReport step(const Loss& loss, const Location& where = Location::current());
  /// Forgets what it remembers.
  void reset();

  /// What it remembers, by name, as copies: for a checkpoint.
  std::vector<NamedParameter<T>> state() const;
  /// Sets what it remembers from what `state` gave: a range of NamedParameters, or of anything with `name` and `value`.
  /// Throws ValueError for anything else, ShapeError unless it has an element for each of the trainable parameters, and
  /// has changed nothing then. Of a longer history than its own it keeps the end.
  template <class Range>
  void load_state(const Range& range, const Location& where = Location::current()) {
    assign_state(detail::named_values<T>(range), where);
  }

 private:
  using Vector = std::vector<T>;
  struct Change {  // of the parameters and of the gradient, in one iteration
    Vector parameters, gradient;
    double rho;  // 1 / (parameters · gradient)
  };

  struct Line;
  void assign_state(const detail::NamedValues<T>& parts, const Location& where);
  std::vector<Parameter<T>> trainable() const;
  Vector direction(const Vector& gradient) const;
  void remember(const Vector& gradient);

  std::vector<NamedParameter<T>> parameters_;
  std::shared_ptr<const wengert::detail::OptimiserClaim<T>> claim_;  // on these
  LBFGSOptions options_;
  std::vector<Parameter<T>> trained_;  // in the last step
  std::deque<Change> history_;
  Vector last_change_, last_gradient_;  // of the iteration before; empty: none
};

extern template class LBFGS<float>;
extern template class LBFGS<double>;

}  // namespace wengert::optim
