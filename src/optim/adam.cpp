// The update rules Adam and AdamW, optionally with AMSGrad.
#include "optim/averages.hpp"
#include "optim/checks.hpp"
#include <wengert/optim/adam.hpp>

namespace wengert::optim {

void Adam::check(const Location& where) const {
  require_like_adam("Adam", rate, beta1, beta2, epsilon, weight_decay, where);
}

template <class T>
Adam::State<Var<T>> Adam::start(Var<T> w) const {
  return {zeros_like(w), zeros_like(w), amsgrad ? zeros_like(w) : Var<T>()};
}

template <class T>
Var<T> Adam::operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const {
  g = with_weight_decay(g, w, weight_decay);
  state.exp_avg = moving_average(state.exp_avg, g, beta1);
  state.exp_avg_sq = moving_average_of_square(state.exp_avg_sq, g, beta2);
  if (amsgrad) state.max_exp_avg_sq = maximum(state.max_exp_avg_sq, state.exp_avg_sq);
  const Var<T> v = amsgrad ? state.max_exp_avg_sq : state.exp_avg_sq;
  const Var<T> step_size = at.rate / bias_correction(at.step, beta1);
  return descend(w, step_size, over_root(state.exp_avg, v, rsqrt(bias_correction(at.step, beta2)), epsilon));
}

void AdamW::check(const Location& where) const {
  require_like_adam("AdamW", rate, beta1, beta2, epsilon, weight_decay, where);
}

template <class T>
AdamW::State<Var<T>> AdamW::start(Var<T> w) const {
  return adam().start(w);
}

template <class T>
Var<T> AdamW::operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const {
  return adam()(descend(w, weight_decay * at.rate, w), g, state, at);
}

#define WENGERT_INSTANTIATE(T)                                                                \
  template Adam::State<Var<T>> Adam::start(Var<T>) const;                                     \
  template Var<T> Adam::operator()(Var<T>, Var<T>, State<Var<T>>&, const Progress<T>&) const; \
  template AdamW::State<Var<T>> AdamW::start(Var<T>) const;                                   \
  template Var<T> AdamW::operator()(Var<T>, Var<T>, State<Var<T>>&, const Progress<T>&) const;
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::optim
