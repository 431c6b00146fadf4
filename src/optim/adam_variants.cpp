// The update rules Adamax, NAdam, RAdam and Lion.
#include "optim/averages.hpp"
#include "optim/checks.hpp"
#include <wengert/optim/adam_variants.hpp>

namespace wengert::optim {

void Adamax::check(const Location& where) const {
  require_like_adam("Adamax", rate, beta1, beta2, epsilon, weight_decay, where);
}

template <class T>
Adamax::State<Var<T>> Adamax::start(Var<T> w) const {
  return {zeros_like(w), zeros_like(w)};
}

template <class T>
Var<T> Adamax::operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const {
  g = with_weight_decay(g, w, weight_decay);
  state.exp_avg = moving_average(state.exp_avg, g, beta1);
  state.exp_inf = maximum(beta2 * state.exp_inf, abs(g) + epsilon);
  return descend(w, at.rate / bias_correction(at.step, beta1), state.exp_avg / state.exp_inf);
}

void NAdam::check(const Location& where) const {
  require_like_adam("NAdam", rate, beta1, beta2, epsilon, weight_decay, where);
  require_not_negative("NAdam", "momentum_decay", momentum_decay, where);
}

template <class T>
NAdam::State<Var<T>> NAdam::start(Var<T> w) const {
  return {zeros_like(w), zeros_like(w), w.tape().constant(T(1))};
}

template <class T>
Var<T> NAdam::operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const {
  g = with_weight_decay(g, w, weight_decay);
  state.exp_avg = moving_average(state.exp_avg, g, beta1);
  state.exp_avg_sq = moving_average_of_square(state.exp_avg_sq, g, beta2);
  const auto momentum_at = [&](Var<T> step) { return beta1 * (1 - 0.5 * exp(momentum_decay * std::log(0.96) * step)); };
  const Var<T> mu = momentum_at(at.step), mu_next = momentum_at(at.step + 1);
  state.mu_product *= mu;
  const Var<T> of_gradient = at.rate * (1 - mu) / (1 - state.mu_product),
               of_average = at.rate * mu_next / (1 - state.mu_product * mu_next);
  return w - over_root(of_gradient * g + of_average * state.exp_avg, state.exp_avg_sq,
                       rsqrt(bias_correction(at.step, beta2)), epsilon);
}

void RAdam::check(const Location& where) const {
  require_like_adam("RAdam", rate, beta1, beta2, epsilon, weight_decay, where);
}

template <class T>
RAdam::State<Var<T>> RAdam::start(Var<T> w) const {
  return {zeros_like(w), zeros_like(w)};
}

template <class T>
Var<T> RAdam::operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const {
  g = with_weight_decay(g, w, weight_decay);
  state.exp_avg = moving_average(state.exp_avg, g, beta1);
  state.exp_avg_sq = moving_average_of_square(state.exp_avg_sq, g, beta2);
  const Var<T> step_size = at.rate / bias_correction(at.step, beta1);
  const double rho_end = 2 / (1 - beta2) - 1;
  if (rho_end <= 5) return descend(w, step_size, state.exp_avg);
  const Var<T> correction = bias_correction(at.step, beta2);
  const Var<T> rho = rho_end - 2 * at.step * (1 - correction) / correction;
  const Var<T> rho_or_5 = maximum(rho, 5);  // the branch that is not taken must not be NaN, or its gradient would be
  const Var<T> r = sqrt((rho_or_5 - 4) * (rho_or_5 - 2) / rho_or_5 * (rho_end / ((rho_end - 4) * (rho_end - 2))));
  const Var<T> adaptive = over_root(r * sqrt(correction) * state.exp_avg, state.exp_avg_sq, 1, epsilon);
  return descend(w, step_size, where(rho > 5, adaptive, state.exp_avg));
}

void Lion::check(const Location& where) const { require_like_adam("Lion", rate, beta1, beta2, 0, weight_decay, where); }

template <class T>
Lion::State<Var<T>> Lion::start(Var<T> w) const {
  return {zeros_like(w)};
}

template <class T>
Var<T> Lion::operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const {
  const Var<T> direction = sign(moving_average(state.exp_avg, g, beta1));
  state.exp_avg = moving_average(state.exp_avg, g, beta2);
  return descend(w, at.rate, with_weight_decay(direction, w, weight_decay));
}

#define WENGERT_INSTANTIATE(Rule, T)                      \
  template Rule::State<Var<T>> Rule::start(Var<T>) const; \
  template Var<T> Rule::operator()(Var<T>, Var<T>, State<Var<T>>&, const Progress<T>&) const;
WENGERT_INSTANTIATE(Adamax, float)
WENGERT_INSTANTIATE(Adamax, double)
WENGERT_INSTANTIATE(NAdam, float)
WENGERT_INSTANTIATE(NAdam, double)
WENGERT_INSTANTIATE(RAdam, float)
WENGERT_INSTANTIATE(RAdam, double)
WENGERT_INSTANTIATE(Lion, float)
WENGERT_INSTANTIATE(Lion, double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::optim
