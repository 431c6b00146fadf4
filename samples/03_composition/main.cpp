// The first way to add an op: a function composed of existing ops. It needs no derivative and no registration.
#include <wengert/wengert.hpp>

#include <cstdio>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>

namespace wg = wengert;

// The gated linear unit (Dauphin et al. 2017): (x·W) ⊙ sigmoid(x·V). x: N×D, w and v: D×K.
template <class T>
wg::Var<T> gated_linear_unit(wg::Var<T> x, wg::Var<T> w, wg::Var<T> v) {
  return matmul(x, w) * sigmoid(matmul(x, v));
}

// The Mahalanobis distance of each row of x from m, with precision P = L·Lᵀ. x: N×D, m: D, l: D×D; returns N.
template <class T>
wg::Var<T> mahalanobis(wg::Var<T> x, wg::Var<T> m, wg::Var<T> l) {
  return sqrt(sum(square(matmul(x - m, l)), 1));
}

int main() {
  xt::random::seed(1964);
  const wg::Tensor<double> x = xt::random::randn<double>({5, 4}), w = xt::random::randn<double>({4, 3}),
                           v = xt::random::randn<double>({4, 3}), m = xt::random::randn<double>({4}),
                           l = xt::random::randn<double>({4, 4});
  // Each call checks the first and second derivatives with respect to every element of every input.
  const auto gated = wg::gradcheck([](auto... a) { return gated_linear_unit(a...); }, x, w, v);
  const auto distance = wg::gradcheck([](auto... a) { return mahalanobis(a...); }, x, m, l);
  fmt::print("gated_linear_unit: {}\nmahalanobis:       {}\n", gated.to_string(), distance.to_string());
  return gated.ok() && distance.ok() ? 0 : 1;
}
