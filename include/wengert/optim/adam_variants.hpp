// Variants and successors of Adam: Adamax, NAdam, RAdam, Lion.
#pragma once

#include <wengert/optim/rule.hpp>

namespace wengert::optim {

/// Adamax (Kingma and Ba 2015, section 7.1): w ← w − η / (1 − β₁ᵗ) · m / u, where m ← β₁·m + (1 − β₁)·g and
/// u ← max(β₂·u, |g| + ε).
struct Adamax {
  double rate = 0.002;      ///< η
  double beta1 = 0.9;       ///< β₁
  double beta2 = 0.999;     ///< β₂
  double epsilon = 1e-8;    ///< ε
  double weight_decay = 0;  ///< λ

  /// The moving average, and the decaying maximum.
  template <class V>
  struct State {
    V exp_avg;  ///< m
    V exp_inf;  ///< u
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

/// NAdam (Dozat 2016), Adam with Nesterov's momentum: w ← w − η · m̂ / (√v̂ + ε), where m and v̂ are Adam's,
/// m̂ = μₜ₊₁·m / (1 − Πₜ·μₜ₊₁) + (1 − μₜ)·g / (1 − Πₜ), μₜ = β₁·(1 − ½·0.96^(t·ψ)) and Πₜ = μ₁·…·μₜ. PyTorch up to
/// 1.13 has Πₜ·μₜ·μₜ₊₁ in the first denominator, an error that later versions fix.
struct NAdam {
  double rate = 0.002;            ///< η
  double beta1 = 0.9;             ///< β₁
  double beta2 = 0.999;           ///< β₂
  double epsilon = 1e-8;          ///< ε
  double weight_decay = 0;        ///< λ
  double momentum_decay = 0.004;  ///< ψ, the rate at which μₜ approaches β₁

  /// Adam's averages and the product of the μₜ.
  template <class V>
  struct State {
    V exp_avg;     ///< m
    V exp_avg_sq;  ///< v
    V mu_product;  ///< Πₜ, of shape ()
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

/// RAdam (Liu et al. 2020), Adam without the large variance of its first steps: w ← w − η·m̂·r·√(1 − β₂ᵗ) / (√v + ε)
/// once ρₜ > 5, and w ← w − η·m̂ until then; m̂ and v are Adam's, ρ∞ = 2 / (1 − β₂) − 1,
/// ρₜ = ρ∞ − 2t·β₂ᵗ / (1 − β₂ᵗ) and r² = (ρₜ − 4)(ρₜ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρₜ).
struct RAdam {
  double rate = 0.001;      ///< η
  double beta1 = 0.9;       ///< β₁
  double beta2 = 0.999;     ///< β₂
  double epsilon = 1e-8;    ///< ε
  double weight_decay = 0;  ///< λ

  /// Adam's averages.
  template <class V>
  struct State {
    V exp_avg;     ///< m
    V exp_avg_sq;  ///< v
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

/// Lion (Chen et al. 2023): w ← w − η·(sgn(β₁·m + (1 − β₁)·g) + λ·w), then m ← β₂·m + (1 − β₂)·g. Every step moves each
/// element by η, so choose a rate three to ten times below Adam's, and a λ larger by the same factor.
struct Lion {
  double rate = 0.0001;     ///< η
  double beta1 = 0.9;       ///< β₁
  double beta2 = 0.99;      ///< β₂
  double weight_decay = 0;  ///< λ

  /// The average.
  template <class V>
  struct State {
    V exp_avg;  ///< m
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
