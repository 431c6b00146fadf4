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
  double rate = 0.001;      ///< η
  double momentum = 0;      ///< μ
  double dampening = 0;     ///< τ
  double weight_decay = 0;  ///< λ
  bool nesterov = false;    ///< whether the momentum is Nesterov's

  /// What it remembers of a parameter.
  template <class V>
  struct State {
    V momentum_buffer;  ///< b
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
