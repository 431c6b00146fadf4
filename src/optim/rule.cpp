#include <wengert/ops/shape.hpp>
#include <wengert/optim/rule.hpp>

namespace wengert::optim {

template <class T>
Var<T> zeros_like(Var<T> x, Location where) {
  return broadcast_to(x.tape().constant(T(0), where), x.shape(), where);
}
template Var<float> zeros_like(Var<float>, Location);
template Var<double> zeros_like(Var<double>, Location);

}  // namespace wengert::optim
