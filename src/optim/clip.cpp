#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/optim/clip.hpp>

namespace wengert::optim {

template <class T>
void clip_by_value(std::vector<Var<T>>& gradients, double limit) {
  for (Var<T>& g : gradients) g = clip(g, -limit, limit);
}

template <class T>
Var<T> global_norm(const std::vector<Var<T>>& gradients) {
  if (gradients.empty()) throw ValueError("global_norm", "no gradients: expected at least one");
  Var<T> squares = sum(square(gradients.front()));
  for (std::size_t i = 1; i < gradients.size(); ++i) squares += sum(square(gradients[i]));
  return sqrt(squares);
}

template <class T>
Var<T> clip_by_global_norm(std::vector<Var<T>>& gradients, double limit) {
  const Var<T> norm = global_norm(gradients);
  const Var<T> factor = minimum(1, limit / (norm + 1e-6));
  for (Var<T>& g : gradients) g *= factor;
  return norm;
}

#define WENGERT_INSTANTIATE(T)                               \
  template void clip_by_value(std::vector<Var<T>>&, double); \
  template Var<T> global_norm(const std::vector<Var<T>>&);   \
  template Var<T> clip_by_global_norm(std::vector<Var<T>>&, double);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::optim
