// Gradient clipping by value and by global norm.
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/optim/clip.hpp>
#include <wengert/tape/op.hpp>

#include <fmt/format.h>

namespace wengert::optim {
namespace {

void require_limit(const char* function, double limit, const Location& where) {
  if (limit > 0) return;
  throw ValueError(function, fmt::format("a limit of {}: expected a positive number", limit), where);
}

template <class T>
void require_handles(const char* function, const std::vector<Var<T>>& gradients, const Location& where) {
  for (const Var<T>& g : gradients)
    if (&tape_of(g, function, where) != &gradients.front().tape())
      throw HandleError(function, "the gradients belong to different tapes: expected one", where);
}

}  // namespace

template <class T>
void clip_by_value(std::vector<Var<T>>& gradients, double limit, Location where) {
  require_limit("clip_by_value", limit, where);
  require_handles("clip_by_value", gradients, where);
  for (Var<T>& g : gradients) g = clip(g, -limit, limit);
}

template <class T>
Var<T> global_norm(const std::vector<Var<T>>& gradients, Location where) {
  if (gradients.empty()) throw ValueError("global_norm", "no gradients: expected at least one", where);
  require_handles("global_norm", gradients, where);
  Var<T> squares = sum(square(gradients.front()));
  for (std::size_t i = 1; i < gradients.size(); ++i) squares += sum(square(gradients[i]));
  return sqrt(squares);
}

template <class T>
Var<T> clip_by_global_norm(std::vector<Var<T>>& gradients, double limit, Location where) {
  require_limit("clip_by_global_norm", limit, where);
  const Var<T> norm = global_norm(gradients, where);
  const Var<T> factor = minimum(1, limit / (norm + 1e-6));
  for (Var<T>& g : gradients) g *= factor;
  return norm;
}

#define WENGERT_INSTANTIATE(T)                                         \
  template void clip_by_value(std::vector<Var<T>>&, double, Location); \
  template Var<T> global_norm(const std::vector<Var<T>>&, Location);   \
  template Var<T> clip_by_global_norm(std::vector<Var<T>>&, double, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::optim
