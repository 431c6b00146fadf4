// Looking at the graph: as a picture, as a list, as formulas; and the hunt for the first NaN.
#pragma once

#include <wengert/kernel/text.hpp>
#include <wengert/tape.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace wengert {

/// The graph behind values in the language of Graphviz: `dot -Tsvg graph.dot -o graph.svg`.
///
/// Boxes are leaves, with the names of variables; ellipses are ops, with the shape of their result.
template <class T>
std::string to_dot(const std::vector<Var<T>>& roots, Location where = Location::current());
/// The graph behind one value.
template <class T>
std::string to_dot(Var<T> root, Location where = Location::current()) {
  return to_dot(std::vector{root}, where);
}

/// The tape as a table, one line a node: index, op, inputs, shapes, bytes of its own, source line.
template <class T>
std::string to_string(const Tape<T>& tape);
/// Prints that table.
template <class T>
void print(const Tape<T>& tape, std::FILE* out = stdout) {
  std::fputs(to_string(tape).c_str(), out);
}

/// The formulas of a value and of its gradient, made by `explain`.
struct Explanation {
  /// One formula: left = right.
  struct Line {
    Text left;       ///< the value or gradient that is computed
    Text right;      ///< from what
    Shape shape;     ///< of the value
    Location where;  ///< of the op
  };
  std::vector<Line> values;     ///< how each value is computed, in order
  std::vector<Line> gradients;  ///< the gradient of the scalar with respect to each of them, backwards

  /// In plain text, one line each.
  std::string to_string() const;
  /// As an align* environment of LaTeX (amsmath).
  std::string to_latex() const;
};

/// The value formula and the backward formula of every value between `wrt` and a scalar, read off the tape.
///
/// ⊙ multiplies element by element, @ is the matrix product, x̄ is the gradient of the scalar with respect to x. Without
/// `wrt`, all named variables are taken, or all leaves if none has a name. Leaves the tape as it was. Throws as `grad`.
template <class T>
Explanation explain(Var<T> scalar, std::vector<Var<T>> wrt = {}, Location where = Location::current());

/// While it lives, recording on a tape stops at the first value that is not finite, forward or in a gradient:
/// ValueError names the op, the element, the inputs with their shapes, and the line. Throws HandleError for a tape that
/// computes no values.
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
