// Adam and its variants, which divide a moving average of the gradient by its magnitude.
#pragma once

#include <wengert/optim/rule.hpp>

namespace wengert::optim {

/// Adam (Kingma and Ba 2015): w ← w − η · m̂ / (√v̂ + ε), where m ← β₁·m + (1 − β₁)·g and v ← β₂·v + (1 − β₂)·g²,
/// m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ) at step t.
///
/// With weight decay λ, g ← g + λ·w first. With amsgrad (Reddi et al. 2018) the largest v so far takes the place of v.
struct Adam {
  double rate = 0.001;      ///< η
  double beta1 = 0.9;       ///< β₁
  double beta2 = 0.999;     ///< β₂
  double epsilon = 1e-8;    ///< ε
  double weight_decay = 0;  ///< λ
  bool amsgrad = false;     ///< whether the largest v so far takes the place of v

  /// What it remembers of a parameter.
  template <class V>
  struct State {
    V exp_avg;         ///< m
    V exp_avg_sq;      ///< v
    V max_exp_avg_sq;  ///< the largest v, with amsgrad
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

/// AdamW (Loshchilov and Hutter 2019): Adam whose weight decay λ does not pass through the averages,
/// w ← (1 − η·λ)·w before Adam's step.
struct AdamW {
  double rate = 0.001;         ///< η
  double beta1 = 0.9;          ///< β₁
  double beta2 = 0.999;        ///< β₂
  double epsilon = 1e-8;       ///< ε
  double weight_decay = 0.01;  ///< λ
  bool amsgrad = false;        ///< whether the largest v so far takes the place of v

  /// What it remembers of a parameter.
  template <class V>
  using State = Adam::State<V>;
  /// The state before the first step.
  template <class T>
  State<Var<T>> start(Var<T> w) const;
  /// The next value of the parameter w, whose gradient is g; changes the state.
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const;
  /// Throws ValueError unless every option is in its range.
  void check(const Location& where) const;

 private:
  Adam adam() const { return {rate, beta1, beta2, epsilon, 0, amsgrad}; }
};

}  // namespace wengert::optim
