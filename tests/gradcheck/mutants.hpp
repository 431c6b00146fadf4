// Mutants for tests of gradcheck: faults injected into the vjp of an op.
#pragma once

#include "testing.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace wengert::testing {

/// A fault in a cotangent that an op's vjp returns, or in the one that it receives.
enum class Injected {
  sign,  // one input's cotangent negated
  twice,
  half,
  times_size,  // multiplied by N, its number of elements
  over_size,
  dropped,
  one_element,
  wrong_shape,  // an extra axis, as if a broadcast axis were not reduced
  transposed,   // the last two axes exchanged, if of equal extent
  upstream,     // the received cotangent replaced by ones
  swapped,      // exchanged with the next input's cotangent, if of the same shape
};
inline constexpr std::array all_injected{Injected::sign,        Injected::twice,       Injected::half,
                                         Injected::times_size,  Injected::over_size,   Injected::dropped,
                                         Injected::one_element, Injected::wrong_shape, Injected::transposed,
                                         Injected::upstream,    Injected::swapped};
inline constexpr std::array injected_names{"opposite sign", "times 2",          "times 1/2",   "times N",
                                           "times 1/N",     "dropped",          "one element", "wrong shape",
                                           "transposed",    "upstream ignored", "swapped"};

/// A copy of an op's table whose vjp runs the original vjp on the same operands and alters a cotangent.
struct Mutant : Op<double> {
  Mutant(const Op<double>& op, Injected what, std::size_t of_input)
      : Op<double>(op), original(&op), injected(what), input(of_input) {
    vjp = &Mutant::mutated_vjp;
  }
  const Op<double>* original;
  Injected injected;
  std::size_t input;

  Var<double> alter(Var<double> g) const {
    const auto size = static_cast<double>(g.size());
    switch (injected) {
      case Injected::sign:
        return -g;
      case Injected::twice:
        return 2 * g;
      case Injected::half:
        return g / 2;
      case Injected::times_size:
        return g * size;
      case Injected::over_size:
        return g / size;
      case Injected::dropped:
        return g * 0;
      case Injected::one_element: {
        auto offset = Tensor<double>(xt::zeros<double>(xt::dynamic_shape<std::size_t>(g.shape())));
        if (offset.size() > 0) offset.data()[offset.size() - 1] = 0.5;
        return g + offset;
      }
      case Injected::wrong_shape: {
        Shape unreduced{2};
        for (const std::size_t extent : g.shape()) unreduced.push_back(extent);
        return broadcast_to(g, unreduced);
      }
      case Injected::transposed:
        return swapaxes(g, -1, -2);
      default:
        return g;
    }
  }

  static void mutated_vjp(Pullback<double>& pullback) {
    const auto& self = static_cast<const Mutant&>(*pullback.node().op);
    Tape<double>& tape = pullback.tape();
    // Each operand gets its own node, so that an operand used twice has two cotangents.
    std::vector<Var<double>> operands;
    std::vector<Var<double>> differentiated;
    std::vector<std::size_t> positions;
    for (std::size_t i = 0; i < pullback.arity(); ++i) {
      const Var<double> x = pullback.input(i);
      const bool indices = tape.node(x.index()).holds_indices;
      operands.push_back(indices ? x : reshape(x, x.shape()));
      if (indices) continue;
      differentiated.push_back(operands.back());
      positions.push_back(i);
    }
    const Var<double> y =
        tape.record(*self.original, pullback.node().attributes,
                    self.original->attribute_size(pullback.node().attributes), operands, pullback.node().where);
    Var<double> cotangent = pullback.cotangent();
    if (self.injected == Injected::upstream) cotangent = broadcast_to(tape.constant(1.0), y.shape());
    std::vector<Var<double>> given = grad<double>(seed(y, cotangent), differentiated);
    if (self.injected == Injected::swapped)
      std::swap(given[self.input], given[self.input + 1]);
    else
      given[self.input] = self.alter(given[self.input]);
    for (std::size_t k = 0; k < given.size(); ++k) pullback.give(positions[k], given[k]);
  }
};

/// Records an example, then its last op again with a mutant instead.
inline Var<double> apply_mutant(const OpExample& example, const Mutant& mutant, std::span<const Var<double>> x) {
  const Var<double> y = example.apply(x);
  Tape<double>& tape = y.tape();
  std::vector<Var<double>> operands;
  for (const std::uint32_t input : tape.inputs(y.index())) operands.push_back(tape.at(input));
  const Node<double>& node = tape.node(y.index());
  return tape.record(mutant, node.attributes, mutant.attribute_size(node.attributes), operands, node.where);
}

/// The op of an example's last node, and the shapes of its differentiable operands.
struct Target {
  const Op<double>* op;
  std::vector<Shape> shapes;
};
inline std::optional<Target> target_of(const OpExample& example) {
  Tape<double> tape;
  std::vector<Var<double>> x;
  for (const Shape& shape : example.shapes) x.push_back(tape.variable(random_tensor(shape, 1, 0.3, 0.7)));
  const Var<double> y = example.apply(x);
  const Node<double>& node = tape.node(y.index());
  if (node.op == nullptr || (node.op->kernels[0] == nullptr && node.op->view == nullptr && node.op->shape == nullptr))
    return std::nullopt;  // a leaf, or a node with a custom rule
  Target target{node.op, {}};
  for (const std::uint32_t input : tape.inputs(y.index()))
    if (!tape.node(input).holds_indices) target.shapes.push_back(tape.at(input).shape());
  return target;
}

}  // namespace wengert::testing
