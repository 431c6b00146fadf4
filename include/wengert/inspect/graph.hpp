// Shows a tape as a graph, a table or formulas, and finds the first value that is not finite.
#pragma once

#include <wengert/simd/text.hpp>
#include <wengert/tape/tape.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace wengert {

/// The graph that computes the given values, in Graphviz's DOT language: `dot -Tsvg graph.dot -o graph.svg`.
///
/// Boxes are leaf nodes, with the names of variables; ellipses are ops. Both show the shape of the value.
template <class T>
std::string to_dot(const std::vector<Var<T>>& roots, Location where = Location::current());
/// The graph that computes one value.
template <class T>
std::string to_dot(Var<T> root, Location where = Location::current()) {
  return to_dot(std::vector{root}, where);
}

/// The tape as a table, one line per node: index, op, inputs, shape, bytes (none for views), source line.
template <class T>
std::string to_string(const Tape<T>& tape);
/// Prints that table.
template <class T>
void print(const Tape<T>& tape, std::FILE* out = stdout) {
  std::fputs(to_string(tape).c_str(), out);
}

/// The formulas of a value and its gradient, made by `explain`.
struct Explanation {
  /// One formula: left = right.
  struct Line {
    Text left;       ///< the value or gradient that is computed
    Text right;      ///< the formula
    Shape shape;     ///< shape of the value
    Location where;  ///< source line of the op
  };
  std::vector<Line> values;     ///< how each value is computed, in order
  std::vector<Line> gradients;  ///< the gradient with respect to each value that depends on `wrt`, in reverse order

  /// In plain text, one line each.
  std::string to_string() const;
  /// As an align* environment of LaTeX (amsmath).
  std::string to_latex() const;
};

/// The formulas of all values that a scalar is computed from, and of its gradients with respect to those that depend on
/// `wrt`: by default all named variables, or all leaf nodes if none is named.
///
/// ⊙ is elementwise multiplication, @ the matrix product, x̄ the gradient of the scalar with respect to x. Leaves the
/// tape unchanged. Throws as `grad`.
template <class T>
Explanation explain(Var<T> scalar, std::vector<Var<T>> wrt = {}, Location where = Location::current());

/// While this object exists, recording on a tape stops at the first value that is not finite, forward or in a gradient,
/// with a ValueError that names the op, the element, the inputs with their shapes, and the line. Throws HandleError for
/// a tape that computes no values.
template <class T>
class TraceNaN {
 public:
  /// Watches `tape` from now on.
  explicit TraceNaN(Tape<T>& tape, Location where = Location::current())
      : tape_(tape), before_(tape.trace_nan(true, where)) {}
  ~TraceNaN() { tape_.trace_nan(before_); }
  TraceNaN(const TraceNaN&) = delete;
  TraceNaN& operator=(const TraceNaN&) = delete;

 private:
  Tape<T>& tape_;
  bool before_;
};

}  // namespace wengert
