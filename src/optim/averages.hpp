// Building blocks of the update rules: elementwise ops, so that a step is a few kernels over the same elements.
#pragma once

#include <wengert/ops/elementwise.hpp>
#include <wengert/optim/rule.hpp>

#include <cmath>

namespace wengert::optim {

// For float and double.
#define WENGERT_RULE_OPS(T)                                                                        \
  /* β·average + (1 − β)·x. */                                                               \
  Var<T> moving_average(const Operand<T>& average, const Operand<T>& x, double beta);              \
  /* β·average + (1 − β)·x². */                                                             \
  Var<T> moving_average_of_square(const Operand<T>& average, const Operand<T>& x, double beta);    \
  /* x / (c·√v + ε). */                                                                        \
  Var<T> over_root(const Operand<T>& x, const Operand<T>& v, const Operand<T>& c, double epsilon); \
  /* w − rate·d. */                                                                             \
  Var<T> descend(const Operand<T>& w, const Operand<T>& rate, const Operand<T>& d);
WENGERT_RULE_OPS(float)
WENGERT_RULE_OPS(double)
#undef WENGERT_RULE_OPS

/// 1 − βᵗ, which corrects a moving average that started from zeros. Computed as −expm1(t ln β), which is precise in
/// float too.
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
