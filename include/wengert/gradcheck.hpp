// gradcheck: a gradient held against numerical differentiation, element by element.
#pragma once

#include <wengert/tape.hpp>
#include <wengert/tensor.hpp>

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace wengert {

/// How `gradcheck` differentiates and when it is content.
struct GradcheckOptions {
  int orders = 2;                    ///< 1: the gradient; 2: the gradient of the gradient as well
  double step = 1e-4;                ///< of the differences, relative to max(1, |x|)
  double relative_tolerance = 1e-6;  ///< of the larger of both values
  double absolute_tolerance = 1e-8;  ///< for values near zero
};

/// One element of a derivative, taken both ways.
struct GradcheckEntry {
  int order = 1;
  std::size_t input = 0;  ///< counted from 0
  Shape index;            ///< of the element in that input
  double analytic = 0;    ///< from the tape
  double numeric = 0;     ///< from differences
  /// |analytic − numeric|; NaN if either is.
  double difference() const;
};

/// What `gradcheck` found. True if every element agreed.
class GradcheckReport {
 public:
  bool ok() const { return mismatches_.empty(); }
  explicit operator bool() const { return ok(); }
  /// How many elements were compared, over all inputs and orders.
  std::size_t checked() const { return checked_; }
  /// The elements that disagree, the largest difference first.
  const std::vector<GradcheckEntry>& mismatches() const { return mismatches_; }
  /// The largest difference met, in units of what was tolerated there.
  double worst() const { return worst_; }
  /// The report as a table: input, element, analytic and numeric value of the mismatches.
  std::string to_string() const;
  friend std::ostream& operator<<(std::ostream& out, const GradcheckReport& report);

 private:
  friend class Gradcheck;
  std::size_t checked_ = 0;
  double worst_ = 0;
  std::vector<GradcheckEntry> mismatches_;
};

/// The function that `gradcheck` differentiates, on Vars of the given inputs.
using GradcheckFunction = std::function<Var<double>(std::span<const Var<double>>)>;

/// Checks the gradient of `f` at `inputs`, in double, over every element of every input.
///
/// A result that is not a scalar is weighted with fixed pseudo-random numbers. Differences are central, extrapolated
/// from two steps (error h⁴). The second order checks the gradient of a weighted sum of the first-order gradients
/// against differences of those. Throws what `f` throws, and GradientError if there is no input to check.
GradcheckReport gradcheck_inputs(const GradcheckFunction& f, const std::vector<Tensor<double>>& inputs,
                                 const GradcheckOptions& options = {});

/// The same for a function of named Vars: `gradcheck(loss_of, X, W1, W2, Y)`. Inputs are tensors or xtensor expressions
/// of any floating type; GradcheckOptions may follow as the last argument.
template <class F, class... Arguments>
GradcheckReport gradcheck(const F& f, const Arguments&... arguments) {
  GradcheckOptions options;
  std::vector<Tensor<double>> inputs;
  const auto take = [&]<class A>(const A& argument) {
    if constexpr (std::is_same_v<A, GradcheckOptions>)
      options = argument;
    else
      inputs.push_back(Tensor<double>(xt::cast<double>(argument)));
  };
  (take(arguments), ...);
  constexpr std::size_t count = (std::size_t{0} + ... + (std::is_same_v<Arguments, GradcheckOptions> ? 0 : 1));
  return gradcheck_inputs(
      [&f](std::span<const Var<double>> x) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) { return f(x[I]...); }
        (std::make_index_sequence<count>{});
      },
      inputs, options);
}

}  // namespace wengert
