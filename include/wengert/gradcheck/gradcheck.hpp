// gradcheck: compares gradients with numerical differentiation, element by element.
//
// The numerical derivatives use Ridders' method: central differences with successively halved steps, extrapolated to
// step 0 in a tableau whose neighbouring cells give an error estimate (C. J. F. Ridders, "Accurate computation of F′(x)
// and F′(x)F″(x)", Advances in Engineering Software 4 (1982) 75–76; Press et al., "Numerical Recipes", 3rd edition,
// section 5.7). A verdict is right, wrong or inconclusive, and never depends on a single fixed step.
#pragma once

#include <wengert/base/tensor.hpp>
#include <wengert/tape/parameter.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wengert {

/// What a gradient check compares.
enum class GradcheckMode {
  full,  ///< every element of the Jacobian
  fast   ///< random projections u·J·v, whose cost hardly grows with size; if one fails, single elements are checked
};

/// What `gradcheck` checks, and its tolerances.
struct GradcheckOptions {
  int orders = 2;                            ///< 1: the gradient; 2: also the gradient of the gradient
  GradcheckMode mode = GradcheckMode::full;  ///< all elements, or random projections
  double relative_tolerance = 1e-6;          ///< relative to the larger of the two values
  double absolute_tolerance = 1e-8;          ///< added to the relative tolerance, for values near zero
  double float_tolerance = 1e-4;             ///< relative to the largest element, for `also_in_float`
  double step = 0x1p-5;                      ///< the largest step of the differences, relative to max(1, |x|)
  std::size_t projections = 3;               ///< number of projections in fast mode, per order
  std::size_t max_rows = 256;                ///< a result with more elements is checked through eight weighted sums
  std::size_t max_columns = 512;             ///< maximum number of elements examined to explain a failure in fast mode
  bool dot_test = true;         ///< checks ⟨u, J v⟩ = ⟨Jᵀu, v⟩, without differences: J v is a vjp of the vjp
  bool determinism = true;      ///< requires that two runs agree to the last bit
  bool explain = true;          ///< searches for the faulty op and the pattern of the mistake
  bool vacuous_passes = false;  ///< whether a check that compared only zeros passes
  std::uint64_t seed = 0;       ///< seed of the random directions and weights
  std::vector<std::string> names{};  ///< names of the inputs, in order; may be fewer than the inputs
};

/// The result of checking a derivative.
enum class Verdict {
  right,        ///< both values agree, and the numerical one is accurate enough to tell
  wrong,        ///< they differ by more than the numerical error explains
  inconclusive  ///< the numerical value is too inaccurate to tell, or does not exist
};

/// One element of a derivative, computed both ways: of element `output` with respect to element `index` of `input`.
struct GradcheckEntry {
  int order = 1;                     ///< 1: a gradient; 2: the gradient of a gradient
  std::size_t input = 0;             ///< the input, counted from 0
  Shape index;                       ///< index of the element in that input
  std::size_t source = 0;            ///< order 2: the input whose gradient is differentiated
  Shape output;                      ///< index of the element in the result (order 2: in that gradient)
  double analytic = 0;               ///< from the tape
  double numeric = 0;                ///< from differences
  double error = 0;                  ///< error estimate of the numeric value
  Verdict verdict = Verdict::right;  ///< the verdict from both values and the error
  /// |analytic − numeric|; NaN if either is NaN.
  double difference() const;
};

/// The kinds of mistakes that a check can identify.
enum class Fault {
  opposite_sign,
  constant_factor,
  transposed,
  permuted,          ///< the right elements in a different order: reversed or rolled along an axis, or any other
  upstream_ignored,  ///< the vjp does not depend on the cotangent it is given
  wrong_shape,       ///< the vjp gives a cotangent of the wrong shape: a broadcast axis is not reduced
  missing,           ///< an input gets no gradient, although the result depends on it
  swapped,           ///< two inputs have each other's gradient
  some_elements,     ///< right except for some elements
  unexplained,       ///< wrong with no known pattern
  not_linear,        ///< the dot test failed: the vjp is not linear in the cotangent, or not the transpose of the jvp
  float_differs,     ///< right in double, not in float
  not_deterministic,
  not_a_number,
  vacuous  ///< only zeros were compared, or Parameters of a network were not found
};

/// A description of one mistake.
struct GradcheckFinding {
  Fault fault = Fault::unexplained;  ///< the kind of mistake
  std::string text{};                ///< a sentence that describes it
  std::string op{};                  ///< the faulty op; empty: the function as a whole
  std::string where{};               ///< the line that recorded the op, `file:line`
  std::size_t input = 0;             ///< index of the input of the op or of the function, from 0
  double factor = 1;                 ///< `constant_factor`: the factor; `swapped`: the index of the other input
};

/// The result of `gradcheck`. Converts to true if everything compared is right.
///
/// `CHECK(gradcheck(f, x))` in doctest and `EXPECT_TRUE(gradcheck(f, x))` in GoogleTest print the table on failure.
class GradcheckReport {
 public:
  /// Wrong if an element is wrong or another mistake was found, else inconclusive if an element is, else right.
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
  /// The number of derivatives compared: pairs of input and result elements, or projections, over all orders.
  std::size_t checked() const { return checked_; }
  /// The number of these at a kink, where any slope between the left and the right one is accepted, or (order 2) at a
  /// jump of the gradient, where no derivative is expected.
  std::size_t kinks() const { return kinks_; }
  /// The derivatives that are wrong, the largest difference first.
  const std::vector<GradcheckEntry>& mismatches() const { return mismatches_; }
  /// The derivatives that the differences could not decide.
  const std::vector<GradcheckEntry>& inconclusive() const { return inconclusive_; }
  /// Descriptions of the mistakes: which op, which input, in what way.
  const std::vector<GradcheckFinding>& findings() const { return findings_; }
  /// The trainable Parameters that the function recorded but that are not inputs, by name or else shape: their
  /// gradients were not checked. For a network, whose Parameters should all be found, this counts as wrong.
  const std::vector<std::string>& overlooked() const { return overlooked_; }
  /// The largest magnitude of a derivative of order 1, analytic or numeric.
  double largest() const { return largest_; }
  /// The largest difference, as a multiple of its tolerance.
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
/// The same function in float; empty if it is not checked in float.
using GradcheckFunctionInFloat = std::function<Var<float>(std::span<const Var<float>>)>;

/// Checks the derivatives of `f` at `inputs`, in double.
///
/// Each element of the Jacobian is compared with extrapolated central differences. At a kink, any slope between the
/// left and the right one is right. A check that compares only zeros, or has no inputs, fails as vacuous. NaNs fail, as
/// does a function whose two runs differ. Order 2 checks the gradient of a weighted sum of the results in the same way.
/// If a derivative is wrong, each op is checked on its own, and the report names the faulty one. The gradients of
/// `in_float` are compared with those of `f`. Throws what `f` throws; errors of its gradient become findings.
GradcheckReport gradcheck_inputs(const GradcheckFunction& f, const std::vector<Tensor<double>>& inputs,
                                 const GradcheckOptions& options = {}, const GradcheckFunctionInFloat& in_float = {});

namespace detail {

/// An input that is a Parameter, which the function reads directly.
template <class T>
struct WatchedParameter {
  std::size_t input;  // index of the input
  Parameter<T> parameter;
};
/// A function being checked: it takes Vars, one per input, and reads Parameters that are inputs as well.
template <class T>
struct CheckedFunction {
  std::function<Var<T>(std::span<const Var<T>>)> call{};  // empty: there is none
  std::vector<WatchedParameter<T>> watched{};
};
/// The implementation of all forms of `gradcheck`. Restores the Parameters.
GradcheckReport run_gradcheck(const CheckedFunction<double>& f, const std::vector<Tensor<double>>& inputs,
                              const GradcheckOptions& options, const CheckedFunction<float>& in_float);

}  // namespace detail

/// An argument of `gradcheck` with its name in the report; made by `named`.
template <class A>
struct NamedInput {
  std::string name;  ///< the name in the report
  const A& value;    ///< the tensor, parameter or struct
};
/// Gives an argument of `gradcheck` a name: `gradcheck(f, named("x", X))`. For a struct, the name is prefixed to the
/// paths of its members.
template <class A>
NamedInput<A> named(std::string_view name, const A& value) {
  return {std::string(name), value};
}

/// Asks `gradcheck` to check a function of double inputs in float as well: `gradcheck(f, X, W, also_in_float)`.
struct AlsoInFloat {};
/// See AlsoInFloat.
inline constexpr AlsoInFloat also_in_float{};

}  // namespace wengert

#include <wengert/gradcheck/arguments.hpp>

namespace wengert {

/// Checks the derivatives of a function or a network: `gradcheck(loss_of, X, W1, W2, fixed(Y))`.
///
/// Tensors and xtensor expressions of any floating-point type, Parameters, and trees of these (structs, vectors, …; see
/// tree.hpp) are inputs and passed to `f` as Vars. `fixed(…)` arguments and integers are passed, but are not inputs.
/// Any other struct is passed as it is; its trainable Parameters are inputs, named by their paths (see parameters.hpp).
/// `f` itself can be such a struct: `gradcheck(network, X)` checks the derivatives of `network(x)` with respect to x
/// and then every trainable Parameter, such as `encoder.0.weight`. Any argument can be `named(…)`; `also_in_float` and
/// GradcheckOptions can appear among the arguments.
///
/// The check runs in double. If all inputs are float, the function also runs in float for comparison; to prevent this,
/// pass `xt::cast<double>(X)`. Structs of float Parameters are copied to double, so they must be templates over the
/// scalar type. Parameters keep their values. Otherwise as `gradcheck_inputs`.
template <class F, class... Arguments>
GradcheckReport gradcheck(const F& f, const Arguments&... arguments) {
  return detail::GradcheckCall<F, Arguments...>(f, arguments...).run();
}

}  // namespace wengert
