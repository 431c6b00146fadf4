// Rules that divide the gradient by its accumulated or averaged magnitude: Adagrad, Adadelta, RMSprop.
#pragma once

#include <wengert/optim/rule.hpp>

namespace wengert::optim {

/// Adagrad (Duchi, Hazan and Singer 2011): w ← w − ηₜ · g / (√s + ε), where s ← s + g², from `initial_sum` on, and
/// ηₜ = η / (1 + (t − 1)·rate_decay) at step t.
struct Adagrad {
  double rate = 0.01;       ///< η
  double rate_decay = 0;    ///< decay of the rate over the steps
  double weight_decay = 0;  ///< λ
  double initial_sum = 0;   ///< the initial value of s
  double epsilon = 1e-10;   ///< ε

  /// The sum of squares.
  template <class V>
  struct State {
    V sum;  ///< s
  };
  /// See UpdateRule.
  ///@{
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const;
  void check(const Location& where) const;
  ///@}
};

/// Adadelta (Zeiler 2012): w ← w − η·d, where v ← ρ·v + (1 − ρ)·g², d = √(u + ε) / √(v + ε) · g and
/// u ← ρ·u + (1 − ρ)·d².
struct Adadelta {
  double rate = 1;          ///< η
  double rho = 0.9;         ///< ρ
  double epsilon = 1e-6;    ///< ε
  double weight_decay = 0;  ///< λ

  /// The averages of squares.
  template <class V>
  struct State {
    V square_avg;  ///< v
    V acc_delta;   ///< u
  };
  /// See UpdateRule.
  ///@{
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const;
  void check(const Location& where) const;
  ///@}
};

/// RMSprop (Tieleman and Hinton 2012): w ← w − η·d, d = g / (√v + ε), where v ← α·v + (1 − α)·g². If `centered` (Graves
/// 2013), v − a² replaces v in d, where a ← α·a + (1 − α)·g. With momentum μ, b ← μ·b + d, and b replaces d.
struct RMSprop {
  double rate = 0.01;       ///< η
  double alpha = 0.99;      ///< α
  double epsilon = 1e-8;    ///< ε
  double weight_decay = 0;  ///< λ
  double momentum = 0;      ///< μ
  bool centered = false;    ///< whether to divide by the standard deviation of the gradients

  /// The averages and the momentum buffer.
  template <class V>
  struct State {
    V square_avg;       ///< v
    V grad_avg;         ///< a, if `centered`
    V momentum_buffer;  ///< b, with momentum
  };
  /// See UpdateRule.
  ///@{
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const;
  void check(const Location& where) const;
  ///@}
};

}  // namespace wengert::optim
