// Rules that divide the gradient by its size so far: Adagrad, Adadelta, RMSprop.
#pragma once

#include <wengert/optim/rule.hpp>

namespace wengert::optim {

/// Adagrad (Duchi, Hazan and Singer 2011): w ← w − ηₜ · g / (√s + ε), where s ← s + g² and
/// ηₜ = η / (1 + (t − 1)·rate_decay) at step t.
///
/// With weight decay λ, g ← g + λ·w first. The sum s starts from `initial_sum`.
struct Adagrad {
  double rate = 0.01;       ///< η, the learning rate
  double rate_decay = 0;    ///< the rate falls with the step, η / (1 + decay · (t − 1))
  double weight_decay = 0;  ///< λ, the pull of each parameter towards zero
  double initial_sum = 0;   ///< of the squares, at the start
  double epsilon = 1e-10;   ///< ε, keeps the divisor off zero

  /// What is remembered of each parameter.
  template <class V>
  struct State {
    V sum;  ///< of the squares of the gradients
  };
  /// What is remembered before the first step.
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  /// The parameter after a step; `state` becomes what is remembered then.
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const;
  /// Throws ValueError unless every option is in its range.
  void check(const Location& where) const;
};

/// Adadelta (Zeiler 2012): w ← w − η·d, where v ← ρ·v + (1 − ρ)·g², d = √(u + ε) / √(v + ε) · g and
/// u ← ρ·u + (1 − ρ)·d².
///
/// With weight decay λ, g ← g + λ·w first.
struct Adadelta {
  double rate = 1;          ///< η, the learning rate
  double rho = 0.9;         ///< ρ, of both averages
  double epsilon = 1e-6;    ///< ε, keeps the divisor off zero
  double weight_decay = 0;  ///< λ, the pull of each parameter towards zero

  /// What is remembered of each parameter.
  template <class V>
  struct State {
    V square_avg;  ///< the average of the squares of the gradients
    V acc_delta;   ///< the average of the squares of the steps
  };
  /// What is remembered before the first step.
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  /// The parameter after a step; `state` becomes what is remembered then.
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const;
  /// Throws ValueError unless every option is in its range.
  void check(const Location& where) const;
};

/// RMSprop (Tieleman and Hinton 2012): w ← w − η·d, d = g / (√v + ε), where v ← α·v + (1 − α)·g².
///
/// Centred (Graves 2013), v less the square of a like average of g takes the place of v. With momentum μ, b ← μ·b + d,
/// and b takes the place of d. With weight decay λ, g ← g + λ·w first.
struct RMSprop {
  double rate = 0.01;       ///< η, the learning rate
  double alpha = 0.99;      ///< α, of the average of squares
  double epsilon = 1e-8;    ///< ε, keeps the divisor off zero
  double weight_decay = 0;  ///< λ, the pull of each parameter towards zero
  double momentum = 0;      ///< μ, the share of the last step that goes on
  bool centered = false;    ///< whether the variance of the gradients counts, not their square

  /// What is remembered of each parameter.
  template <class V>
  struct State {
    V square_avg;       ///< the average of the squares of the gradients
    V grad_avg;         ///< centred
    V momentum_buffer;  ///< with momentum
  };
  /// What is remembered before the first step.
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  /// The parameter after a step; `state` becomes what is remembered then.
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const;
  /// Throws ValueError unless every option is in its range.
  void check(const Location& where) const;
};

}  // namespace wengert::optim
