// Rules that divide the gradient by its size so far: Adagrad, Adadelta, RMSprop.
#pragma once

#include <wengert/optim/rule.hpp>

namespace wengert::optim {

/// Adagrad (Duchi, Hazan and Singer 2011): w ← w − ηₜ · g / (√s + ε), where s ← s + g² and
/// ηₜ = η / (1 + (t − 1)·rate_decay) at step t.
///
/// With weight decay λ, g ← g + λ·w first. The sum s starts from `initial_sum`.
struct Adagrad {
  double rate = 0.01;       ///< η
  double rate_decay = 0;    ///< how fast ηₜ falls
  double weight_decay = 0;  ///< λ
  double initial_sum = 0;   ///< s before the first step
  double epsilon = 1e-10;   ///< ε

  /// What it remembers of a parameter.
  template <class V>
  struct State {
    V sum;  ///< s
  };
  /// The state before the first step.
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  /// The next value of the parameter w, whose gradient is g; changes the state.
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
  double rate = 1;          ///< η
  double rho = 0.9;         ///< ρ
  double epsilon = 1e-6;    ///< ε
  double weight_decay = 0;  ///< λ

  /// What it remembers of a parameter.
  template <class V>
  struct State {
    V square_avg;  ///< v
    V acc_delta;   ///< u
  };
  /// The state before the first step.
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  /// The next value of the parameter w, whose gradient is g; changes the state.
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
  double rate = 0.01;       ///< η
  double alpha = 0.99;      ///< α
  double epsilon = 1e-8;    ///< ε
  double weight_decay = 0;  ///< λ
  double momentum = 0;      ///< μ
  bool centered = false;    ///< whether the average of g, squared, is taken off v

  /// What it remembers of a parameter.
  template <class V>
  struct State {
    V square_avg;       ///< v
    V grad_avg;         ///< the average of g, if centred
    V momentum_buffer;  ///< b, with momentum
  };
  /// The state before the first step.
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  /// The next value of the parameter w, whose gradient is g; changes the state.
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const;
  /// Throws ValueError unless every option is in its range.
  void check(const Location& where) const;
};

}  // namespace wengert::optim
