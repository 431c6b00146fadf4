// Gradient descent, with or without momentum.
#pragma once

#include <wengert/optim/rule.hpp>

namespace wengert::optim {

/// Stochastic gradient descent, w ← w − η·d (Robbins and Monro 1951), as in PyTorch. Without momentum, d = g. With
/// momentum μ (Polyak 1964) and dampening τ, b ← μ·b + (1 − τ)·g, or b ← g at the first step, and d = b. With
/// Nesterov's momentum (Sutskever et al. 2013), d = g + μ·b, which requires μ > 0 and τ = 0.
struct SGD {
  double rate = 0.001;      ///< η
  double momentum = 0;      ///< μ
  double dampening = 0;     ///< τ, reduces the share of the gradient that enters the momentum
  double weight_decay = 0;  ///< λ
  bool nesterov = false;    ///< whether to use Nesterov's momentum

  /// The momentum buffer.
  template <class V>
  struct State {
    V momentum_buffer;  ///< b
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
