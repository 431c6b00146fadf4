// The registry of all ops, with examples on which their derivatives are checked.
#pragma once

#include <wengert/tape/op.hpp>

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wengert {

/// The range of an op's input values in a check; values are drawn uniformly from [low, high].
struct Domain {
  double low = -2;  ///< inclusive
  double high = 2;  ///< inclusive
};

/// One application of an op, on which its derivative is checked.
struct OpExample {
  std::string label;                                                        ///< the op with its attributes
  std::vector<Shape> shapes;                                                ///< shapes of the inputs
  std::vector<Domain> domains;                                              ///< ranges of the values of each input
  std::function<Var<double>(std::span<const Var<double>>)> apply;           ///< the application, in double
  std::function<Var<float>(std::span<const Var<float>>)> apply_in_float{};  ///< empty: checked in double only
  bool any_extents = true;  ///< whether checks may try other extents, which `apply` accepts or rejects with an Error
};

/// One row of the op registry.
struct OpRow {
  std::string_view name;        ///< the op's name
  std::string_view notation;    ///< the formula in mathematical notation
  std::string_view convention;  ///< behaviour at kinks, ties and edges; empty if there are none
  bool differentiable = true;   ///< false: the derivative is zero wherever it exists, or the result holds indices
  // Elementwise ops: their examples are derived from these.
  const Op<double>* table = nullptr;          ///< the op in double
  const Op<float>* table_in_float = nullptr;  ///< the op in float
  std::size_t arity = 0;                      ///< the number of inputs
  std::span<const double> parameters{};       ///< example parameters: one set, or several sets concatenated
  bool any_parameters = false;                ///< whether checks may use other parameters
  Domain domain{};                            ///< range of the input values
  /// Structural ops, and functions composed of ops: their own examples.
  std::vector<OpExample> (*own_examples)() = nullptr;

  /// The applications on which the op's derivative is checked.
  std::vector<OpExample> examples() const;
  /// Elementwise ops: an application with these parameters to inputs of these shapes.
  OpExample example(std::vector<Shape> shapes, std::vector<double> values) const;
};

/// All ops defined in this program, in no particular order; complete before `main`.
const std::vector<OpRow>& op_registry();

/// Adds a row; returns true. The definition of an op calls it once. A function composed of ops can call it, with a
/// name, a notation and its own examples, to be listed and checked.
bool register_op(const OpRow& row);

}  // namespace wengert
