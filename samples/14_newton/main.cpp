// Newton's method with Hessian-vector products instead of the Hessian, an n×n matrix for n weights.
//
// Each step solves H·s = −g by conjugate gradients, which need only products of H with vectors; `hvp` computes one at
// about the cost of two gradients. Fits a softmax regression of 1,640 weights to random labels. Prints the norm of the
// gradient at each step, which converges quadratically near the minimum.
#include <wengert/wengert.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>

namespace wg = wengert;
using Tensor = wg::Tensor<double>;

double dot(const Tensor& a, const Tensor& b) { return xt::sum(a * b)(); }

// Solves H·s = b by conjugate gradients (Hestenes and Stiefel 1952). `multiply` returns the product of the positive
// definite matrix H with a vector. In exact arithmetic, b.size() products give the solution.
template <class Multiply>
Tensor conjugate_gradients(const Multiply& multiply, const Tensor& b, double tolerance, int& products) {
  Tensor s = xt::zeros_like(b), rest = b, direction = b;
  double size = dot(rest, rest);
  const double goal = size * tolerance * tolerance;
  for (std::size_t i = 0; i < b.size() && size > goal; ++i, ++products) {
    const Tensor product = multiply(direction);
    const double length = size / dot(direction, product);
    s += length * direction;
    rest -= length * product;
    const double next = dot(rest, rest);
    direction = rest + next / size * direction;
    size = next;
  }
  return s;
}

int main() {
  xt::random::seed(1964);
  const std::size_t samples = 500, features = 40, classes = 41;
  const Tensor x = xt::random::randn<double>({samples, features});
  const wg::Indices labels = xt::random::randint<std::int64_t>({samples}, 0, static_cast<std::int64_t>(classes));
  wg::Parameter<double> w(Tensor(xt::zeros<double>({features, classes})), "w");

  // The convex loss −ln softmax(x·w) with weight decay.
  const auto loss_of = [&](wg::Var<double> weights) {
    return cross_entropy(matmul(weights.tape().borrow(x), weights), labels) + 0.005 * sum(square(weights));
  };
  // Two Programs, which read w in place: the loss with its gradient, and the Hessian-vector product.
  auto value_and_gradient = wg::compiled<double>([&](auto& tape) {
    const auto weights = tape.variable(w);
    const auto loss = loss_of(weights);
    return std::tuple(loss, wg::grad(loss, weights)[0]);
  });
  auto hessian_times = wg::compiled<double>([&](auto& tape, auto v) {
    const auto weights = tape.variable(w);
    return wg::hvp(loss_of(weights), {weights}, {v})[0];
  });

  for (int step = 0, products = 0;; ++step) {
    const auto& now = value_and_gradient();
    const double loss = now.item(0);
    const Tensor g = now.value(1);
    const double norm = std::sqrt(dot(g, g));
    fmt::print("step {}   loss {:.12f}   gradient {:.2e}   {:>4} products with the Hessian\n", step, loss, norm,
               products);
    if (norm < 1e-13 || step == 20) return norm < 1e-13 ? 0 : 1;
    // A rough solution suffices far from the minimum; near it, the tolerance must shrink with the gradient.
    const Tensor s = conjugate_gradients([&](const Tensor& v) { return hessian_times(v).value(); }, -g,
                                         std::min(0.1, norm), products);
    w += s;
  }
}
