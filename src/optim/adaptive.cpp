// The update rules Adagrad, Adadelta and RMSprop.
#include "optim/averages.hpp"
#include "optim/checks.hpp"
#include <wengert/optim/adaptive.hpp>

namespace wengert::optim {

void Adagrad::check(const Location& where) const {
  require_not_negative("Adagrad", "rate", rate, where);
  require_not_negative("Adagrad", "rate_decay", rate_decay, where);
  require_not_negative("Adagrad", "weight_decay", weight_decay, where);
  require_not_negative("Adagrad", "initial_sum", initial_sum, where);
  require_not_negative("Adagrad", "epsilon", epsilon, where);
}

template <class T>
Adagrad::State<Var<T>> Adagrad::start(Var<T> w) const {
  return {zeros_like(w) + initial_sum};
}

template <class T>
Var<T> Adagrad::operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const {
  g = with_weight_decay(g, w, weight_decay);
  state.sum += square(g);
  const Var<T> rate_now = rate_decay == 0 ? at.rate : at.rate / (1 + rate_decay * (at.step - 1));
  return descend(w, rate_now, over_root(g, state.sum, 1, epsilon));
}

void Adadelta::check(const Location& where) const {
  require_not_negative("Adadelta", "rate", rate, where);
  require_decay("Adadelta", "rho", rho, where);
  require_not_negative("Adadelta", "epsilon", epsilon, where);
  require_not_negative("Adadelta", "weight_decay", weight_decay, where);
}

template <class T>
Adadelta::State<Var<T>> Adadelta::start(Var<T> w) const {
  return {zeros_like(w), zeros_like(w)};
}

template <class T>
Var<T> Adadelta::operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const {
  g = with_weight_decay(g, w, weight_decay);
  state.square_avg = moving_average_of_square(state.square_avg, g, rho);
  const Var<T> d = sqrt((state.acc_delta + epsilon) / (state.square_avg + epsilon)) * g;
  state.acc_delta = moving_average_of_square(state.acc_delta, d, rho);
  return descend(w, at.rate, d);
}

void RMSprop::check(const Location& where) const {
  require_not_negative("RMSprop", "rate", rate, where);
  require_decay("RMSprop", "alpha", alpha, where);
  require_not_negative("RMSprop", "epsilon", epsilon, where);
  require_not_negative("RMSprop", "weight_decay", weight_decay, where);
  require_not_negative("RMSprop", "momentum", momentum, where);
}

template <class T>
RMSprop::State<Var<T>> RMSprop::start(Var<T> w) const {
  return {zeros_like(w), centered ? zeros_like(w) : Var<T>(), momentum != 0 ? zeros_like(w) : Var<T>()};
}

template <class T>
Var<T> RMSprop::operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const {
  g = with_weight_decay(g, w, weight_decay);
  state.square_avg = moving_average_of_square(state.square_avg, g, alpha);
  Var<T> v = state.square_avg;
  if (centered) {
    state.grad_avg = moving_average(state.grad_avg, g, alpha);
    v = maximum(v - square(state.grad_avg), 0);  // rounding may have made it negative
  }
  Var<T> d = over_root(g, v, 1, epsilon);
  if (momentum != 0) d = state.momentum_buffer = momentum * state.momentum_buffer + d;
  return descend(w, at.rate, d);
}

#define WENGERT_INSTANTIATE(Rule, T)                      \
  template Rule::State<Var<T>> Rule::start(Var<T>) const; \
  template Var<T> Rule::operator()(Var<T>, Var<T>, State<Var<T>>&, const Progress<T>&) const;
WENGERT_INSTANTIATE(Adagrad, float)
WENGERT_INSTANTIATE(Adagrad, double)
WENGERT_INSTANTIATE(Adadelta, float)
WENGERT_INSTANTIATE(Adadelta, double)
WENGERT_INSTANTIATE(RMSprop, float)
WENGERT_INSTANTIATE(RMSprop, double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::optim
