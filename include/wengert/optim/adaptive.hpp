// Rules that divide the gradient by its size so far: Adagrad, Adadelta, RMSprop.
#pragma once

#include <wengert/optim/rule.hpp>

namespace wengert::optim {

/// Adagrad (Duchi, Hazan and Singer 2011): w ← w − ηₜ · g / (√s + ε), where s ← s + g² and
/// ηₜ = η / (1 + (t − 1)·rate_decay) at step t.
///
/// With weight decay λ, g ← g + λ·w first. The sum s starts from `initial_sum`.
struct Adagrad {
  double rate = 0.01;
  double rate_decay = 0;
  double weight_decay = 0;
  double initial_sum = 0;
  double epsilon = 1e-10;

  template <class V>
  struct State {
    V sum;
  };
  template <class T>
  State<Var<T>> start(Var<T> w) const;
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
  double rate = 1;
  double rho = 0.9;
  double epsilon = 1e-6;
  double weight_decay = 0;

  template <class V>
  struct State {
    V square_avg, acc_delta;
  };
  template <class T>
  State<Var<T>> start(Var<T> w) const;
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
  double rate = 0.01;
  double alpha = 0.99;
  double epsilon = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
  bool centered = false;

  template <class V>
  struct State {
    V square_avg;
    V grad_avg;         // centred
    V momentum_buffer;  // with momentum
  };
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const;
  /// Throws ValueError unless every option is in its range.
  void check(const Location& where) const;
};

}  // namespace wengert::optim
