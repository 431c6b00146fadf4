// Jacobian and Hessian of a robot arm: which angles bring its hand to a point?
//
// The arm lies in a plane and has four joints. The Hessian of the squared distance, with a small cost of bending, gives
// the steps of Newton's method. The Jacobian of the hand's position tells how freely the hand can move at the solution
// (Yoshikawa's manipulability √det(J·Jᵀ)).
#include <wengert/wengert.hpp>

#include <fmt/format.h>

namespace wg = wengert;
using Tensor = wg::Tensor<double>;

int main() {
  const Tensor lengths{1, 0.8, 0.5, 0.3}, target{0.9, 1.4};
  const auto hand = [&](auto angles) {
    auto directions = cumsum(angles);
    return wg::stack({sum(lengths * cos(directions)), sum(lengths * sin(directions))});
  };
  const auto cost = [&](auto angles) { return sum(square(hand(angles) - target)) + 1e-2 * sum(square(angles)); };

  Tensor angles{0.8, 0.8, 0.8, 0.8}, g = wg::grad(cost, angles);
  for (int step = 0; step < 10; ++step) {
    wg::Tape<double> tape;
    const auto change = solve(tape.constant(wg::hessian(cost, angles)), tape.constant(g));
    angles -= change.value();
    g = wg::grad(cost, angles);
  }

  wg::Tape<double> tape;
  const auto j = tape.constant(wg::jacobian(hand, angles));
  const double freedom = sqrt(det(matmul(j, transpose(j)))).item(), slope = xt::amax(xt::abs(g))();
  fmt::print("gradient after 10 steps: {:.0e}, manipulability {:.3f}\n", slope, freedom);
  return slope < 1e-12 && freedom > 0.1 ? 0 : 1;
}
