// The update rule SGD, with momentum, dampening and Nesterov's variant.
#include "optim/averages.hpp"
#include "optim/checks.hpp"
#include <wengert/optim/sgd.hpp>

namespace wengert::optim {

void SGD::check(const Location& where) const {
  require_not_negative("SGD", "rate", rate, where);
  require_not_negative("SGD", "momentum", momentum, where);
  require_not_negative("SGD", "weight_decay", weight_decay, where);
  if (!std::isfinite(dampening))
    throw ValueError("SGD", fmt::format("dampening {}: expected a number", dampening), where);
  if (nesterov && (momentum == 0 || dampening != 0))
    throw ValueError("SGD",
                     fmt::format("nesterov with momentum {} and dampening {}: expected a positive momentum and no "
                                 "dampening",
                                 momentum, dampening),
                     where);
}

template <class T>
SGD::State<Var<T>> SGD::start(Var<T> w) const {
  return {momentum == 0 ? Var<T>() : zeros_like(w)};
}

template <class T>
Var<T> SGD::operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const {
  g = with_weight_decay(g, w, weight_decay);
  if (momentum == 0) return descend(w, at.rate, g);
  Var<T>& b = state.momentum_buffer;
  if (dampening == 0)
    b = momentum * b + g;
  else
    b = momentum * b + where(equal(at.step, 1), g, (1 - dampening) * g);
  return descend(w, at.rate, nesterov ? g + momentum * b : b);
}

#define WENGERT_INSTANTIATE(T)                          \
  template SGD::State<Var<T>> SGD::start(Var<T>) const; \
  template Var<T> SGD::operator()(Var<T>, Var<T>, State<Var<T>>&, const Progress<T>&) const;
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::optim
