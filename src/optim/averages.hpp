// What several rules are made of.
#pragma once

#include <wengert/ops/elementwise.hpp>
#include <wengert/optim/rule.hpp>

#include <cmath>

namespace wengert::optim {

/// √x, whose gradient at 0 is 0 and not infinite: where a gradient was never other than 0, so is its square's average.
Var<float> root(const Operand<float>& x);
Var<double> root(const Operand<double>& x);

/// β·average + (1 − β)·x.
template <class T>
Var<T> moving_average(Var<T> average, Var<T> x, double beta) {
  return beta * average + (1 - beta) * x;
}

/// 1 − βᵗ: what a moving average that started from zeros must be divided by. As −expm1(t ln β), which keeps its
/// precision in float.
template <class T>
Var<T> bias_correction(Var<T> step, double beta) {
  return -expm1(std::log(beta) * step);
}

/// g + λ·w: weight decay as the gradient of ½λ|w|².
template <class T>
Var<T> with_weight_decay(Var<T> g, Var<T> w, double weight_decay) {
  return weight_decay == 0 ? g : g + weight_decay * w;
}

}  // namespace wengert::optim
