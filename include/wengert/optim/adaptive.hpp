// Rules that divide the gradient by its accumulated or averaged magnitude: Adagrad, Adadelta, RMSprop.
#pragma once

#include <wengert/optim/rule.hpp>

namespace wengert::optim {

/// Adagrad (Duchi, Hazan and Singer 2011): w ← w − ηₜ · g / (√s + ε), where s ← s + g² and
/// ηₜ = η / (1 + (t − 1)·rate_decay) at step t.
///
/// With weight decay λ, g ← g + λ·w first. The sum s starts from `initial_sum`.
struct Adagrad {
  double rate = 0.01;       ///< η, the learning rate
  double rate_decay = 0;    ///< decay of the rate over the steps
  double weight_decay = 0;  ///< λ, pulls each parameter towards zero
  double initial_sum = 0;   ///< the initial value of s
  double epsilon = 1e-10;   ///< ε, keeps the denominator away from zero

  /// The state of each parameter.
  template <class V>
  struct State {
    V sum;  ///< s, the sum of squared gradients
  };
  /// The state before the first step.
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  /// The parameter after a step; updates `state`.
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const;
  /// Throws ValueError if an option is out of range.
  void check(const Location& where) const;
};

/// Adadelta (Zeiler 2012): w ← w − η·d, where v ← ρ·v + (1 − ρ)·g², d = √(u + ε) / √(v + ε) · g and
/// u ← ρ·u + (1 − ρ)·d².
///
/// With weight decay λ, g ← g + λ·w first.
struct Adadelta {
  double rate = 1;          ///< η, the learning rate
  double rho = 0.9;         ///< ρ, decay rate of both averages
  double epsilon = 1e-6;    ///< ε, keeps the denominator away from zero
  double weight_decay = 0;  ///< λ, pulls each parameter towards zero

  /// The state of each parameter.
  template <class V>
  struct State {
    V square_avg;  ///< the average of the squares of the gradients
    V acc_delta;   ///< the average of the squares of the steps
  };
  /// The state before the first step.
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  /// The parameter after a step; updates `state`.
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const;
  /// Throws ValueError if an option is out of range.
  void check(const Location& where) const;
};

/// RMSprop (Tieleman and Hinton 2012): w ← w − η·d, d = g / (√v + ε), where v ← α·v + (1 − α)·g².
///
/// If centred (Graves 2013), v minus the square of the corresponding average of g replaces v. With momentum μ,
/// b ← μ·b + d, and b replaces d. With weight decay λ, g ← g + λ·w first.
struct RMSprop {
  double rate = 0.01;       ///< η, the learning rate
  double alpha = 0.99;      ///< α, decay rate of the average of squares
  double epsilon = 1e-8;    ///< ε, keeps the denominator away from zero
  double weight_decay = 0;  ///< λ, pulls each parameter towards zero
  double momentum = 0;      ///< μ, the share of the previous step that is carried over
  bool centered = false;    ///< whether to divide by the standard deviation of the gradients

  /// The state of each parameter.
  template <class V>
  struct State {
    V square_avg;       ///< the average of the squares of the gradients
    V grad_avg;         ///< the average of the gradients, if centred
    V momentum_buffer;  ///< b, with momentum
  };
  /// The state before the first step.
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  /// The parameter after a step; updates `state`.
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const;
  /// Throws ValueError if an option is out of range.
  void check(const Location& where) const;
};

}  // namespace wengert::optim
