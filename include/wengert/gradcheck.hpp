// gradcheck: a gradient held against numerical differentiation, element by element.
//
// The differences are Ridders': central differences with halving steps, extrapolated to step 0 in a tableau whose
// neighbouring cells tell the error (C. J. F. Ridders, "Accurate computation of F′(x) and F′(x)F″(x)", Advances in
// Engineering Software 4 (1982) 75–76; Press et al., "Numerical Recipes", 3rd edition, section 5.7). So a verdict is
// right, wrong or inconclusive, and never rests on one fixed step.
#pragma once

#include <wengert/parameter.hpp>
#include <wengert/tape.hpp>
#include <wengert/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert {

/// What a gradient check compares.
enum class GradcheckMode {
  full,  ///< every element of the Jacobian
  fast   ///< random projections u·J·v, whose cost hardly grows with size; if one fails, all elements, to explain it
};

/// How `gradcheck` differentiates and when it is content.
struct GradcheckOptions {
  int orders = 2;                            ///< 1: the gradient; 2: the gradient of the gradient as well
  GradcheckMode mode = GradcheckMode::full;  ///< all elements, or random projections
  double relative_tolerance = 1e-6;          ///< of the larger of both values
  double absolute_tolerance = 1e-8;          ///< for values near zero
  double float_tolerance = 1e-4;             ///< of the largest element, for `also_in_float`
  double step = 0x1p-5;                      ///< the longest step of the differences, relative to max(1, |x|)
  std::size_t projections = 3;               ///< of the fast mode, for each order
  std::size_t max_rows = 256;                ///< a result of more elements is checked in a few random weightings
  std::size_t max_columns = 512;             ///< the elements looked at to explain a failure of the fast mode
  bool dot_test = true;              ///< ⟨u, J v⟩ = ⟨Jᵀu, v⟩ without steps, jvp being the vjp of the vjp
  bool determinism = true;           ///< two runs must agree to the last bit
  bool explain = true;               ///< look for the op at fault and for the pattern of the mistake
  bool vacuous_passes = false;       ///< whether a check that compared nothing but zeros passes
  std::uint64_t seed = 0;            ///< of the random directions and weights
  std::vector<std::string> names{};  ///< of the inputs, in order; may be fewer
};

/// What a check says of a derivative.
enum class Verdict {
  right,        ///< both values agree, and the numerical one is exact enough to tell
  wrong,        ///< they differ by more than the numerical error explains
  inconclusive  ///< the numerical value is too inexact to tell, or does not exist
};

/// One element of a derivative, taken both ways: of `output` with respect to `index` of `input`.
struct GradcheckEntry {
  int order = 1;                     ///< 1: of a gradient; 2: of the gradient of a gradient
  std::size_t input = 0;             ///< counted from 0
  Shape index;                       ///< of the element in that input
  std::size_t source = 0;            ///< order 2: the input whose gradient is differentiated
  Shape output;                      ///< of the element of the result (order 2: of that gradient)
  double analytic = 0;               ///< from the tape
  double numeric = 0;                ///< from differences
  double error = 0;                  ///< what the numeric value may be off by
  Verdict verdict = Verdict::right;  ///< what follows from the two values and the error
  /// |analytic − numeric|; NaN if either is.
  double difference() const;
};

/// The kinds of mistakes that a check can name.
enum class Fault {
  opposite_sign,
  constant_factor,
  transposed,
  permuted,          ///< the right elements in another order: reversed or rolled along an axis, or any
  upstream_ignored,  ///< the vjp does not depend on the cotangent it is given
  wrong_shape,       ///< the vjp gives a cotangent of another shape: an axis that was broadcast is not reduced
  missing,           ///< an input gets no gradient, although the result depends on it
  swapped,           ///< two inputs have each other's gradient
  some_elements,     ///< right but for some elements
  unexplained,       ///< wrong in no known way
  not_linear,        ///< the dot test failed: the vjp is not linear in the cotangent, or not the transpose of the jvp
  float_differs,     ///< right in double, not in float
  not_deterministic,
  not_a_number,
  vacuous  ///< nothing was compared but zeros
};

/// One mistake in words.
struct GradcheckFinding {
  Fault fault = Fault::unexplained;  ///< the kind of mistake
  std::string text{};                ///< a sentence
  std::string op{};                  ///< the op at fault; empty: the function as a whole
  std::string where{};               ///< the line that recorded the op, `file:line`
  std::size_t input = 0;             ///< of the op, or of the function; counted from 0
  double factor = 1;                 ///< of `constant_factor`
};

/// What `gradcheck` found. True if everything compared is right.
///
/// `CHECK(gradcheck(f, x))` in a doctest and `EXPECT_TRUE(gradcheck(f, x))` in GoogleTest print the table if it fails.
class GradcheckReport {
 public:
  /// Wrong if an element is wrong or a mistake was found otherwise, else inconclusive if an element is, else right.
  Verdict verdict() const;
  /// Whether everything compared is right.
  ///@{
  bool ok() const { return verdict() == Verdict::right; }
  explicit operator bool() const { return ok(); }
  ///@}
  /// GoogleTest's AssertionResult, with the table as its message.
  template <class Assertion>
  requires requires(Assertion assertion) { assertion.failure_message(); }
  operator Assertion() const {  // NOLINT(google-explicit-constructor)
    return Assertion(ok()) << to_string();
  }
  /// How many derivatives were compared: pairs of an input's and a result's element, or projections, over all orders.
  std::size_t checked() const { return checked_; }
  /// How many of these lie at a kink, where any slope between the left and the right one is accepted, or (order 2) at
  /// a jump of the gradient, where none is expected.
  std::size_t kinks() const { return kinks_; }
  /// The derivatives that are wrong, the largest difference first.
  const std::vector<GradcheckEntry>& mismatches() const { return mismatches_; }
  /// Those that the differences could not decide.
  const std::vector<GradcheckEntry>& inconclusive() const { return inconclusive_; }
  /// The mistakes in words: which op, which input, in what way.
  const std::vector<GradcheckFinding>& findings() const { return findings_; }
  /// The Parameters, by name or else shape, that the function recorded though they are not among its inputs: their
  /// gradients were not checked. Of a network, which should have been searched for them, that counts as wrong.
  const std::vector<std::string>& overlooked() const { return overlooked_; }
  /// The size of the largest derivative of order 1, by either way.
  double largest() const { return largest_; }
  /// The largest difference met, in units of what was tolerated there.
  double worst() const { return worst_; }
  /// The report as a table: the findings, then input, element, both values and the error of the worst mismatches.
  std::string to_string() const;
  /// Writes `to_string()`.
  friend std::ostream& operator<<(std::ostream& out, const GradcheckReport& report);

 private:
  friend class Gradcheck;
  std::string input_name(std::size_t input) const;
  std::string overlooked_text() const;

  std::size_t checked_ = 0;
  std::size_t kinks_ = 0;
  double worst_ = 0;
  double largest_ = 0;
  std::vector<GradcheckEntry> mismatches_;
  std::vector<GradcheckEntry> inconclusive_;
  std::vector<GradcheckFinding> findings_;
  std::vector<std::string> overlooked_;
  std::vector<std::string> names_;
};

/// The function that `gradcheck` differentiates, on Vars of the given inputs.
using GradcheckFunction = std::function<Var<double>(std::span<const Var<double>>)>;
/// The same function in float; empty if it is not checked there.
using GradcheckFunctionInFloat = std::function<Var<float>(std::span<const Var<float>>)>;

/// Checks the derivatives of `f` at `inputs`, in double.
///
/// Each element of the Jacobian is compared with extrapolated central differences. At a kink, any slope between the
/// left and the right one is right. A gradient of zeros against differences of zeros fails as vacuous, and so do NaNs
/// and missing inputs. A function that is not the same twice fails. The second order checks the gradient of a weighted
/// sum of the results likewise. Where a derivative is wrong, each op is checked on its own, and the report names the
/// one at fault. With `in_float`, its float gradients are compared with the double ones. Throws what `f` throws; errors
/// of its gradient are findings.
GradcheckReport gradcheck_inputs(const GradcheckFunction& f, const std::vector<Tensor<double>>& inputs,
                                 const GradcheckOptions& options = {}, const GradcheckFunctionInFloat& in_float = {});

namespace detail {

/// An input that is a Parameter, which the function reads by itself.
template <class T>
struct WatchedParameter {
  std::size_t input;  // its number
  Parameter<T> parameter;
};
/// A function under a check: of Vars, one for each input, and of Parameters that are inputs as well.
template <class T>
struct CheckedFunction {
  std::function<Var<T>(std::span<const Var<T>>)> call{};  // empty: there is none
  std::vector<WatchedParameter<T>> watched{};
};
/// What all forms of `gradcheck` end in. Leaves the Parameters as they were.
GradcheckReport run_gradcheck(const CheckedFunction<double>& f, const std::vector<Tensor<double>>& inputs,
                              const GradcheckOptions& options, const CheckedFunction<float>& in_float);

}  // namespace detail

/// An argument of `gradcheck` with the name that the report calls it by; made by `named`.
template <class A>
struct NamedInput {
  std::string name;  ///< as the report shall call it
  const A& value;    ///< the tensor, parameter or struct
};
/// Gives an argument of `gradcheck` a name: `gradcheck(f, named("x", X))`. Of a struct, the name goes before the paths
/// of its members.
template <class A>
NamedInput<A> named(std::string_view name, const A& value) {
  return {std::string(name), value};
}

/// Asks `gradcheck` to check a function of double inputs in float as well: `gradcheck(f, X, W, also_in_float)`.
struct AlsoInFloat {};
/// See AlsoInFloat.
inline constexpr AlsoInFloat also_in_float{};

}  // namespace wengert

#include <wengert/gradcheck_arguments.hpp>

namespace wengert {

/// Checks the derivatives of a function, or of a network: `gradcheck(loss_of, X, W1, W2, fixed(Y))`.
///
/// Its arguments may be tensors and xtensor expressions of any floating type, Parameters, and trees of these (structs,
/// vectors, … see tree.hpp), all of which `f` gets as Vars and is differentiated by; `fixed(…)` ones and whole numbers,
/// by which it is not; and any other struct, which `f` gets as it is, and whose trainable Parameters are inputs as well
/// (see parameters.hpp), called by their paths. `f` itself may be such a struct: `gradcheck(network, X)` checks what
/// `network(x)` gives by x and by every parameter, which the report calls `encoder.0.weight`; these are counted last.
/// Any argument may be `named(…)`; `also_in_float` and GradcheckOptions may stand among them.
///
/// The check is made in double. If all inputs are float, the function is then run in float, too, and compared; to do
/// without, give it `xt::cast<double>(X)`. Structs of float Parameters are copied for it into double ones, for which
/// they must be templates over the scalar type. Parameters keep their values. Otherwise as `gradcheck_inputs`.
template <class F, class... Arguments>
GradcheckReport gradcheck(const F& f, const Arguments&... arguments) {
  return detail::GradcheckCall<F, Arguments...>(f, arguments...).run();
}

}  // namespace wengert
