// Rprop, which follows the signs of the gradient with a step size of its own for each element.
#pragma once

#include <wengert/optim/rule.hpp>

namespace wengert::optim {

/// Rprop (Riedmiller and Braun 1993; without backtracking: iRprop⁻, Igel and Hüsken 2000): w ← w − s·sgn(g), with a
/// step size s of each element, for gradients of all samples. Where the gradient has the sign of the previous one, s ←
/// min(η⁺·s, s_max); where the sign changed, s ← max(η⁻·s, s_min), and g ← 0 for this step and as the next one's
/// previous gradient.
///
/// `rate` is the initial step size, as in PyTorch: it is read at a parameter's first step only.
struct Rprop {
  double rate = 0.01;           ///< s before the first step
  double eta_minus = 0.5;       ///< η⁻, shrinks the step size
  double eta_plus = 1.2;        ///< η⁺, lets the step size grow
  double min_step_size = 1e-6;  ///< s_min
  double max_step_size = 50;    ///< s_max
  /// See UpdateRule.
  static constexpr bool rate_is_initial = true;

  /// The previous gradient and the step size.
  template <class V>
  struct State {
    V prev;       ///< g of the previous step
    V step_size;  ///< s
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
