// Variants and successors of Adam: Adamax, NAdam, RAdam, Lion.
#pragma once

#include <wengert/optim/rule.hpp>

namespace wengert::optim {

/// Adamax (Kingma and Ba 2015, section 7.1): w ← w − η / (1 − β₁ᵗ) · m / u, where m ← β₁·m + (1 − β₁)·g and
/// u ← max(β₂·u, |g| + ε).
///
/// With weight decay λ, g ← g + λ·w first.
struct Adamax {
  double rate = 0.002;      ///< η, the learning rate
  double beta1 = 0.9;       ///< β₁, decay rate of the average of gradients
  double beta2 = 0.999;     ///< β₂, decay rate of their magnitude
  double epsilon = 1e-8;    ///< ε, keeps the denominator away from zero
  double weight_decay = 0;  ///< λ, pulls each parameter towards zero

  /// The state of each parameter.
  template <class V>
  struct State {
    V exp_avg;  ///< the average of the gradients
    V exp_inf;  ///< u, their magnitude
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

/// NAdam (Dozat 2016), Adam with Nesterov's momentum: w ← w − η · m̂ / (√v̂ + ε), where m and v̂ are Adam's,
/// m̂ = μₜ₊₁·m / (1 − Πₜ·μₜ₊₁) + (1 − μₜ)·g / (1 − Πₜ), μₜ = β₁·(1 − ½·0.96^(t·ψ)) and Πₜ = μ₁·…·μₜ.
///
/// With weight decay λ, g ← g + λ·w first. PyTorch up to 1.13 has Πₜ·μₜ·μₜ₊₁ in the first denominator, an error that
/// later versions fix.
struct NAdam {
  double rate = 0.002;            ///< η, the learning rate
  double beta1 = 0.9;             ///< β₁, decay rate of the average of gradients
  double beta2 = 0.999;           ///< β₂, decay rate of the average of their squares
  double epsilon = 1e-8;          ///< ε, keeps the denominator away from zero
  double weight_decay = 0;        ///< λ, pulls each parameter towards zero
  double momentum_decay = 0.004;  ///< ψ, the rate at which μₜ approaches β₁

  /// The state of each parameter.
  template <class V>
  struct State {
    V exp_avg;     ///< the average of the gradients
    V exp_avg_sq;  ///< the average of their squares
    V mu_product;  ///< Πₜ, of shape ()
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

/// RAdam (Liu et al. 2020), Adam without the large variance of its first steps: w ← w − η·m̂·r·√(1 − β₂ᵗ) / (√v + ε)
/// once ρₜ > 5, and w ← w − η·m̂ until then; m̂ and v are Adam's, ρ∞ = 2 / (1 − β₂) − 1,
/// ρₜ = ρ∞ − 2t·β₂ᵗ / (1 − β₂ᵗ) and r² = (ρₜ − 4)(ρₜ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρₜ).
///
/// With weight decay λ, g ← g + λ·w first.
struct RAdam {
  double rate = 0.001;      ///< η, the learning rate
  double beta1 = 0.9;       ///< β₁, decay rate of the average of gradients
  double beta2 = 0.999;     ///< β₂, decay rate of the average of their squares
  double epsilon = 1e-8;    ///< ε, keeps the denominator away from zero
  double weight_decay = 0;  ///< λ, pulls each parameter towards zero

  /// The state of each parameter.
  template <class V>
  struct State {
    V exp_avg;     ///< the average of the gradients
    V exp_avg_sq;  ///< the average of their squares
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

/// Lion (Chen et al. 2023): w ← w − η·(sgn(β₁·m + (1 − β₁)·g) + λ·w), then m ← β₂·m + (1 − β₂)·g.
///
/// Every element moves by η, so choose a rate three to ten times below Adam's, and a λ larger by the same factor.
struct Lion {
  double rate = 0.0001;     ///< η, the learning rate
  double beta1 = 0.9;       ///< β₁, decay rate of the average that a step follows
  double beta2 = 0.99;      ///< β₂, decay rate of the average that is stored
  double weight_decay = 0;  ///< λ, pulls each parameter towards zero

  /// The state of each parameter.
  template <class V>
  struct State {
    V exp_avg;  ///< the average of the gradients
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
