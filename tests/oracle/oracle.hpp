// Comparison of ops with reference values of PyTorch, which lie in .npz files beside the scripts that write them.
#pragma once

#include "../testing.hpp"
#include "error_bounds.hpp"
#include <wengert/io/npz.hpp>

#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace wengert::testing {

/// Tolerances of the comparison with PyTorch.
struct OracleTolerance {
  double value = 1e-10;  ///< relative to the largest entry of the array
  double first = 1e-10;
  double second = 1e-10;
  double in_float = 2e-5;  ///< float against double, relative to the largest entry; for values and first gradients
};

/// The cases of one family, from tests/oracle/<family>.npz; oracle.py documents the arrays of a case.
///
/// The name of a case up to the first dot is the name of its op, unless `ops` maps it to another. The entry "" of `ops`
/// applies to all cases without an entry of their own.
class Oracle {
 public:
  explicit Oracle(const std::string& family, std::map<std::string, std::string> ops = {}) : ops_(std::move(ops)) {
    for (auto& [name, value] : io::load_npz<double>(fmt::format("{}/tests/oracle/{}.npz", PROJECT_SOURCE_DIR, family)))
      arrays_.emplace(std::move(name), std::move(value));
  }

  /// Returns an array of a case, for example the value "y" or the first input "x0".
  const Tensor<double>& array(const std::string& name, const std::string& letter) const {
    const auto found = arrays_.find(fmt::format("{}.{}", name, letter));
    if (found == arrays_.end())
      throw std::runtime_error(fmt::format("no array {}.{} in the oracle's file", name, letter));
    return found->second;
  }
  /// Returns integers of a case, for example "i0".
  Indices indices(const std::string& name, const std::string& letter) const {
    return xt::cast<std::int64_t>(array(name, letter));
  }
  bool has(const std::string& name, const std::string& letter) const {
    return arrays_.contains(fmt::format("{}.{}", name, letter));
  }

  /// Checks the value and the first and second gradients of `f`, a generic lambda of the case's inputs as Vars, as far
  /// as the case contains them; then compares float with double.
  template <class F>
  void check(const std::string& name, const F& f, const OracleTolerance& tolerance = {}) {
    CAPTURE(name);
    std::size_t count = 0;
    while (has(name, fmt::format("x{}", count))) ++count;
    dispatch(name, f, tolerance, count, std::make_index_sequence<8>{});
    checked_.push_back(name);
  }

  /// Checks that `f`, a function of a tape, returns exactly the integers of the case.
  template <class F>
  void check_exactly(const std::string& name, const F& f) {
    CAPTURE(name);
    Tape<double> tape;
    const auto got = f(tape).value();
    const Tensor<double> expected = array(name, "y");
    REQUIRE(Shape(got.shape()) == Shape(expected.shape()));
    CHECK(std::equal(got.begin(), got.end(), expected.begin()));
    check_bound(name, {0, -1, -1});
    checked_.push_back(name);
  }

  /// Checks that every case of the file was checked.
  void check_all_were_checked() const {
    for (const auto& [key, value] : arrays_) {
      const std::string name = key.substr(0, key.rfind('.'));
      CAPTURE(name);
      CHECK(std::find(checked_.begin(), checked_.end(), name) != checked_.end());
    }
  }

  /// Checks `f` on each case `family.label`.
  template <class F>
  void check_each(const std::string& family, std::initializer_list<const char*> labels, const F& f) {
    for (const char* label : labels) check(family + "." + label, f);
  }

 private:
  template <class F, std::size_t... I>
  void dispatch(const std::string& name, const F& f, const OracleTolerance& tolerance, std::size_t count,
                std::index_sequence<I...>) {
    bool called = false;
    (
        [&] {
          if constexpr (invocable<F>(std::make_index_sequence<I + 1>{}))
            if (count == I + 1) {
              compare<I + 1>(name, f, tolerance);
              called = true;
            }
        }(),
        ...);
    INFO("the function must take the case's ", count, " inputs");
    CHECK(called);
  }
  template <class F, std::size_t... I>
  static constexpr bool invocable(std::index_sequence<I...>) {
    return std::is_invocable_v<F, std::enable_if_t<(I < 8), Var<double>>...>;
  }

  template <class T, std::size_t count, class F>
  static auto apply(const F& f, const std::vector<Var<T>>& x) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) { return f(x[I]...); }
    (std::make_index_sequence<count>{});
  }
  // Returns the value, then the first gradients, for inputs rounded to float.
  template <class T, std::size_t count, class F>
  std::vector<Tensor<double>> replay(const std::string& name, const F& f) const {
    Tape<T> tape;
    std::vector<Var<T>> x;
    for (std::size_t i = 0; i < count; ++i)
      x.push_back(tape.variable(Tensor<T>(xt::cast<T>(xt::cast<float>(array(name, fmt::format("x{}", i)))))));
    const auto y = apply<T, count>(f, x);
    std::vector<Tensor<double>> result{Tensor<double>(xt::cast<double>(y.value()))};
    if (has(name, "w"))
      for (const Var<T>& g : grad<T>(sum(y * Tensor<T>(xt::cast<T>(array(name, "w")))), x))
        result.push_back(Tensor<double>(xt::cast<double>(g.value())));
    return result;
  }

  template <std::size_t count, class F>
  void compare(const std::string& name, const F& f, const OracleTolerance& tolerance) {
    Tape<double> tape;
    std::vector<Var<double>> x;
    for (std::size_t i = 0; i < count; ++i) x.push_back(tape.variable(array(name, fmt::format("x{}", i))));
    const Var<double> y = apply<double, count>(f, x);
    std::array<double, 3> errors{near("value", y.value(), array(name, "y"), tolerance.value), -1, -1};
    const std::size_t end = tape.size();
    std::size_t end_of_first = end;
    if (has(name, "w")) {
      const std::vector<Var<double>> first = grad<double>(sum(y * array(name, "w")), x);
      end_of_first = tape.size();
      for (std::size_t i = 0; i < count; ++i)
        errors[1] = std::max(errors[1],
                             near("gradient", first[i].value(), array(name, fmt::format("g{}", i)), tolerance.first));
      if (has(name, "v0")) {
        Var<double> total = sum(first[0] * array(name, "v0"));
        for (std::size_t i = 1; i < count; ++i) total = total + sum(first[i] * array(name, fmt::format("v{}", i)));
        const std::vector<Var<double>> second = grad<double>(total, x);
        for (std::size_t i = 0; i < count; ++i)
          errors[2] = std::max(errors[2], near("second gradient", second[i].value(), array(name, fmt::format("h{}", i)),
                                               tolerance.second));
      }
    }
    // Where the oracle itself is inexact, the difference is no error of the op.
    const OracleTolerance exact;
    if (tolerance.value > exact.value) errors[0] = -1;
    if (tolerance.first > exact.first) errors[1] = -1;
    if (tolerance.second > exact.second) errors[2] = -1;
    for (double& error : errors)
      if (error == 0) error = 1e-16;  // only integers are exact
    ErrorBounds& bounds = ErrorBounds::instance();
    for (std::size_t k = 0; k < tape.size(); ++k) {  // the value of an op in a gradient is that gradient
      if (tape.node(k).op == nullptr) continue;
      const std::string op(tape.node(k).op->name);
      if (k < end)
        bounds.note(op, errors, ErrorBound::Of::functions);
      else if (k < end_of_first)
        bounds.note(op, {errors[1], errors[2], -1}, ErrorBound::Of::functions);
      else
        bounds.note(op, {errors[2], -1, -1}, ErrorBound::Of::second_gradients);
    }
    check_bound(name, errors);
    const auto in_double = replay<double, count>(name, f), in_float = replay<float, count>(name, f);
    for (std::size_t k = 0; k < in_double.size(); ++k)
      near(k == 0 ? "value in float" : "gradient in float", in_float[k], in_double[k], tolerance.in_float);
  }

  // Compares errors with the kept ones.
  void check_bound(const std::string& name, const std::array<double, 3>& errors) const {
    const std::string op = op_of(name);
    ErrorBounds& bounds = ErrorBounds::instance();
    INFO("the case ", name, " is of no op of the registry: say which to the Oracle");
    REQUIRE(is_registered(op));
    bounds.note(op, errors, ErrorBound::Of::own);
    if (!bounds.are_compared()) return;
    INFO("if ", op, " is new or has new cases: bash tests/ops/update_op_reference.sh");
    const auto kept = bounds.kept(op);
    REQUIRE(kept);
    for (std::size_t k = 0; k < 3; ++k)  // a margin of one power of ten for other compilers and instruction sets
      CHECK((errors[k] < 0 || errors[k] <= 10 * kept->worst[k]));
  }
  std::string op_of(const std::string& name) const {
    const std::string start = name.substr(0, name.find('.'));
    for (const std::string& key : {start, std::string()})
      if (const auto found = ops_.find(key); found != ops_.end()) return found->second;
    return start;
  }

  // Returns the largest difference, relative to the largest finite expected entry; NaN equals NaN, and ∞ equals ∞.
  static double near(const char* what, const Tensor<double>& got, const Tensor<double>& expected, double tolerance) {
    CAPTURE(what);
    REQUIRE(Shape(got.shape()) == Shape(expected.shape()));
    double scale = 0, worst = 0;
    for (const double e : expected)
      if (std::isfinite(e)) scale = std::max(scale, std::abs(e));
    if (scale == 0) scale = 1;
    std::size_t at = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double g = got.data()[i], e = expected.data()[i];
      const bool same = g == e || (std::isnan(g) && std::isnan(e));
      const double d = same ? 0 : std::abs(g - e) / scale;
      if (!(d <= worst)) worst = std::isnan(d) ? std::numeric_limits<double>::infinity() : d, at = i;
    }
    INFO("element ", at, ": ", got.size() > 0 ? got.data()[at] : 0, " instead of ",
         got.size() > 0 ? expected.data()[at] : 0, ", ", worst, " of the largest entry");
    CHECK(worst <= tolerance);
    return worst;
  }

  std::map<std::string, std::string> ops_;
  std::map<std::string, Tensor<double>> arrays_;
  std::vector<std::string> checked_;
};

}  // namespace wengert::testing
