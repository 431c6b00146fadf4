// The update rule Rprop.
#include "optim/averages.hpp"
#include "optim/checks.hpp"
#include <wengert/optim/rprop.hpp>

namespace wengert::optim {

void Rprop::check(const Location& where) const {
  require_not_negative("Rprop", "rate", rate, where);
  if (!(eta_minus > 0 && eta_minus < 1 && eta_plus > 1 && std::isfinite(eta_plus)))
    throw ValueError(
        "Rprop",
        fmt::format("eta_minus {} and eta_plus {}: expected numbers between 0 and 1, and above 1", eta_minus, eta_plus),
        where);
  require_not_negative("Rprop", "min_step_size", min_step_size, where);
  if (!(max_step_size >= min_step_size))
    throw ValueError("Rprop",
                     fmt::format("max_step_size {}: expected at least min_step_size, {}", max_step_size, min_step_size),
                     where);
}

template <class T>
Rprop::State<Var<T>> Rprop::start(Var<T> w) const {
  return {zeros_like(w), zeros_like(w)};
}

template <class T>
Var<T> Rprop::operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const Progress<T>& at) const {
  const Var<T> agreement = sign(g) * sign(state.prev);  // the product of the gradients could underflow
  const Var<T> before = where(equal(at.step, 1), at.rate, state.step_size);
  const Var<T> factor = where(agreement > 0, eta_plus, where(agreement < 0, eta_minus, 1));
  state.step_size = clip(factor * before, min_step_size, max_step_size);
  state.prev = where(agreement < 0, 0, g);
  return descend(w, state.step_size, sign(state.prev));
}

#define WENGERT_INSTANTIATE(T)                              \
  template Rprop::State<Var<T>> Rprop::start(Var<T>) const; \
  template Var<T> Rprop::operator()(Var<T>, Var<T>, State<Var<T>>&, const Progress<T>&) const;
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::optim
