// Gradient descent, with or without momentum.
#pragma once

#include <wengert/optim/rule.hpp>

namespace wengert::optim {

/// Stochastic gradient descent, w ← w − η·d (Robbins and Monro 1951), as PyTorch's SGD.
///
/// With weight decay λ, g ← g + λ·w first. Without momentum d = g. With momentum μ (Polyak 1964) and dampening τ,
/// b ← μ·b + (1 − τ)·g, which at the first step is g, and d = b; with Nesterov's momentum (Sutskever et al. 2013)
/// d = g + μ·b, for which μ must be positive and τ 0.
struct SGD {
  double rate = 0.001;      ///< η, the learning rate
  double momentum = 0;      ///< μ, the share of the last step that goes on
  double dampening = 0;     ///< takes so much off the gradient that joins the momentum
  double weight_decay = 0;  ///< λ, the pull of each parameter towards zero
  bool nesterov = false;    ///< whether the gradient is looked up ahead

  /// What is remembered of each parameter.
  template <class V>
  struct State {
    V momentum_buffer;  ///< the last step, before the rate
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
