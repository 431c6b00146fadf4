// Adam and AdamW, which divide a moving average of the gradient by its root mean square.
#pragma once

#include <wengert/optim/rule.hpp>

namespace wengert::optim {

/// Adam (Kingma and Ba 2015): w ← w − η · m̂ / (√v̂ + ε), where m ← β₁·m + (1 − β₁)·g and v ← β₂·v + (1 − β₂)·g²,
/// m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) at step t. With `amsgrad` (Reddi et al. 2018), the largest v so far replaces
/// v in v̂.
struct Adam {
  double rate = 0.001;      ///< η
  double beta1 = 0.9;       ///< β₁
  double beta2 = 0.999;     ///< β₂
  double epsilon = 1e-8;    ///< ε
  double weight_decay = 0;  ///< λ
  bool amsgrad = false;     ///< whether the largest v so far replaces v

  /// The moving averages.
  template <class V>
  struct State {
    V exp_avg;         ///< m
    V exp_avg_sq;      ///< v
    V max_exp_avg_sq;  ///< the largest v so far, with amsgrad
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

/// AdamW (Loshchilov and Hutter 2019): Adam with decoupled weight decay λ, which does not enter the averages:
/// w ← (1 − η·λ)·w before Adam's step.
struct AdamW {
  double rate = 0.001;         ///< η
  double beta1 = 0.9;          ///< β₁
  double beta2 = 0.999;        ///< β₂
  double epsilon = 1e-8;       ///< ε
  double weight_decay = 0.01;  ///< λ
  bool amsgrad = false;        ///< as Adam's

  /// Adam's averages.
  template <class V>
  using State = Adam::State<V>;
  /// See UpdateRule.
  ///@{
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const;
  void check(const Location& where) const;
  ///@}

 private:
  Adam adam() const { return {rate, beta1, beta2, epsilon, 0, amsgrad}; }
};

}  // namespace wengert::optim
