// Derivatives of elementwise ops, orders 1 and 2, over all exponents and at ±0, ±∞ and NaN, against mpmath.
// derivatives.py computes the reference values.
#include "../testing.hpp"
#include "derivative_bounds.hpp"
#include <wengert/io/npz.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// The bound of an error relative to max(|f′|, ε max|f′|).
template <class T>
constexpr double derivative_bound = sizeof(T) == 4 ? 1e-5 : 1e-13;

// The exceptions of docs/ops.md: derivatives computed from the result are right only to 16 ε max|f′|; second
// derivatives of hypot, only relative to the largest one at the point.
ErrorScale scale_of(const std::string& op, std::size_t order) {
  if (op == "sigmoid" || op == "softplus_slope" || op == "tanh") return ErrorScale::largest;
  return op == "hypot" && order == 2 ? ErrorScale::point : ErrorScale::own;
}
// The derivatives of a power contain the power, so they are lost where it overflows or underflows.
bool needs_its_value(const std::string& op) { return op == "pow"; }

// Returns the differentiable elementwise ops that are not swept, with the reasons.
const std::map<std::string, const char*>& not_swept() {
  static const std::map<std::string, const char*> ops{
      {"sigmoid_slope", "part of softplus, silu and others, consistent with them only where y = sigmoid(x)"},
      {"tanh_slope", "part of mish and tanh_with_operand, consistent with them only where y = tanh(x)"},
      {"counting_logits", "part of logsumexp"},
      {"masked_product", "of degree 2, and 0 where its second input is by a convention"},
      {"over_square_sum", "the derivative of atan2"},
      {"where", "a choice"},
      {"nan_to_num", "a choice"},
      {"clip_between", "a choice"},
      {"lerp", "of degree 2 in three inputs"},
      {"scale_and_shift", "of degree 2 in three inputs"},
      {"uniform_between", "of degree 2 in three inputs"},
      {"normal_around", "of degree 2 in three inputs"},
      {"gaussian_nll_loss", "of three inputs, made of quotients"},
      {"binary_cross_entropy_with_logits_and_positive_weight", "of three inputs, made of softplus"},
      {"binary_cross_entropy", "bounded by a convention near 0 and 1"},
      {"poisson_nll_loss_of_count", "made of a logarithm"}};
  return ops;
}

using Arrays = std::map<std::string, Tensor<double>>;

const Arrays& derivatives() {
  static const Arrays arrays = [] {
    Arrays result;
    for (auto& [name, value] : io::load_npz<double>(fmt::format("{}/tests/oracle/derivatives.npz", PROJECT_SOURCE_DIR)))
      result.emplace(std::move(name), std::move(value));
    return result;
  }();
  return arrays;
}

// Returns the names of the cases. A name is that of the op, optionally followed by a colon and a label.
std::vector<std::string> derivative_cases() {
  std::vector<std::string> result;
  for (const auto& [name, value] : derivatives())
    if (name.ends_with(".x")) result.push_back(name.substr(0, name.size() - 2));
  return result;
}
std::string op_of_derivative_case(const std::string& name) { return name.substr(0, name.find(':')); }

// Returns the value at the columns of x, the first derivatives, and all second derivatives in row-major order.
template <class T>
std::array<std::vector<Tensor<T>>, 3> computed_derivatives(const std::string& name, const std::vector<Tensor<T>>& x) {
  std::vector<double> parameters;
  if (const auto found = derivatives().find(name + ".p"); found != derivatives().end())
    parameters.assign(found->second.begin(), found->second.end());
  const auto row = std::find_if(op_registry().begin(), op_registry().end(),
                                [&](const OpRow& r) { return r.name == op_of_derivative_case(name); });
  REQUIRE(row != op_registry().end());
  const OpExample example = row->example({}, parameters);
  Tape<T> tape;
  std::vector<Var<T>> inputs;
  for (const Tensor<T>& values : x) inputs.push_back(tape.variable(values));
  const auto apply = [&] {
    if constexpr (sizeof(T) == 4)
      return example.apply_in_float(inputs);
    else
      return example.apply(inputs);
  };
  const Var<T> y = apply();
  std::array<std::vector<Tensor<T>>, 3> result{{{y.value()}, {}, {}}};
  for (const Var<T>& derivative : grad<T>(sum(y), inputs)) {
    result[1].push_back(derivative.value());
    for (const Var<T>& second : grad<T>(sum(derivative), inputs)) result[2].push_back(second.value());
  }
  return result;
}

// Returns whether T represents a number exactly, as a normal number, ±0, ±∞ or NaN.
template <class T>
bool fits_derivative(double x) {
  return std::isnan(x) || (x == static_cast<double>(static_cast<T>(x)) &&
                           (x == 0 || std::abs(x) > static_cast<double>(std::numeric_limits<T>::min())));
}

// The worst error of one derivative, and the points at which it exceeds the bound.
struct DerivativeErrors {
  double worst = 0;
  std::string wrong;
};
// `sizes` holds the largest absolute value of all derivatives at each point.
template <class T>
DerivativeErrors compare_derivative(const std::vector<Tensor<T>>& x, const Tensor<T>& got,
                                    const std::vector<double>& exact, const std::vector<double>& sizes,
                                    ErrorScale scale) {
  constexpr double epsilon = std::numeric_limits<T>::epsilon(), smallest = std::numeric_limits<T>::min();
  constexpr double largest = std::numeric_limits<T>::max();
  double top = 0;  // the largest; unbounded derivatives are compared with their own size
  for (const double d : exact) top = std::isfinite(d) ? std::max(top, std::abs(d)) : top;
  const double floor = top < 10 ? epsilon * top : 0;
  DerivativeErrors result;
  for (std::size_t k = 0; k < got.size(); ++k) {
    const double g = static_cast<double>(got(k)), e = exact[k], size = std::abs(e);
    const bool edge = !std::isfinite(e) || std::any_of(x.begin(), x.end(), [&](const Tensor<T>& values) {
      return values(k) == 0 || !std::isfinite(values(k));
    });
    if (size > largest && !edge) continue;
    double error = 0;
    // Errors of results near underflow are absolute.
    if (g != e && !(std::isnan(g) && std::isnan(e)) && !(std::abs(g - e) <= 4 * smallest * epsilon))
      error = std::abs(g - e) / (scale == ErrorScale::largest ? top
                                 : scale == ErrorScale::point ? std::max(sizes[k], smallest)
                                                              : std::max({size, floor, smallest}));
    if (!std::isfinite(error)) error = infinity;
    result.worst = std::max(result.worst, error);
    if (error <= (scale == ErrorScale::largest ? 16 * epsilon : derivative_bound<T>)) continue;
    result.wrong += "\n  (";
    for (const Tensor<T>& values : x) result.wrong += fmt::format(" {}", values(k));
    result.wrong += fmt::format(" ): {} instead of {}", g, e);
  }
  return result;
}

template <class T>
void check_derivatives(const std::string& name) {
  CAPTURE(name);
  const Tensor<double>& all = derivatives().at(name + ".x");
  const std::size_t arity = all.shape()[0];
  std::vector<std::size_t> inside;
  for (std::size_t k = 0; k < all.shape()[1]; ++k) {
    bool fit = true;
    for (std::size_t i = 0; i < arity; ++i) fit = fit && fits_derivative<T>(all(i, k));
    if (fit) inside.push_back(k);
  }
  std::vector<Tensor<T>> x(arity, Tensor<T>::from_shape({inside.size()}));
  for (std::size_t i = 0; i < arity; ++i)
    for (std::size_t k = 0; k < inside.size(); ++k) x[i](k) = static_cast<T>(all(i, inside[k]));
  const auto got = computed_derivatives<T>(name, x);
  const auto free = derivatives().find(name + ".free");
  const std::string op = op_of_derivative_case(name);
  for (const std::size_t order : Sizes{1, 2}) {
    CAPTURE(order);
    const Tensor<double>& reference = derivatives().at(fmt::format("{}.{}", name, order));
    std::vector<double> sizes(inside.size());
    for (std::size_t k = 0; k < inside.size(); ++k)
      for (std::size_t row = 0; row < reference.shape()[0]; ++row)
        sizes[k] = std::max(sizes[k], std::abs(reference(row, inside[k])));
    double worst = 0;
    for (std::size_t i = 0; i < got[order].size(); ++i) {
      CAPTURE(i);
      // Of the second derivatives aa, ab, ba, bb, the reference holds aa, ab, bb.
      const std::size_t row = order == 2 && i > 1 ? i - 1 : i;
      Tensor<T> values = got[order][i];
      std::vector<double> exact;
      for (std::size_t k = 0; k < inside.size(); ++k) {
        bool demanded = order == 1 || free == derivatives().end() || free->second(row, inside[k]) == 0;
        if (needs_its_value(op) && std::isfinite(x[0](k)))
          demanded = demanded && (x[0](k) == 0 || std::isnormal(got[0][0](k)));
        exact.push_back(demanded ? reference(row, inside[k]) : 0);
        if (!demanded) values(k) = 0;
      }
      const DerivativeErrors found = compare_derivative<T>(x, values, exact, sizes, scale_of(op, order));
      INFO(found.wrong);
      CHECK(found.wrong.empty());
      worst = std::max(worst, found.worst);
    }
    INFO("worst error ", worst, "; if that is right: bash tests/ops/update_op_reference.sh");
    CHECK(DerivativeBounds::instance().note<T>(name, order, worst, scale_of(op, 2)));
  }
}

}  // namespace

TEST_CASE_TEMPLATE("derivatives of orders 1 and 2 are right over all exponents and at the edges", T, float, double) {
  for (const std::string& name : derivative_cases()) check_derivatives<T>(name);
}

TEST_CASE("every elementwise op is in the sweep of derivatives, or left out for a reason") {
  std::map<std::string, int> swept;
  for (const std::string& name : derivative_cases()) ++swept[op_of_derivative_case(name)];
  for (const OpRow& row : op_registry()) {
    if (row.table == nullptr || !row.differentiable || of_a_test(row)) continue;
    const std::string name(row.name);
    CAPTURE(name);
    CHECK(swept.contains(name) != not_swept().contains(name));
  }
}
