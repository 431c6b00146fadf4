// gradcheck: compares Jacobians or random projections with finite differences, and explains mismatches.
#include "gradcheck/diagnosis.hpp"
#include "gradcheck/differences.hpp"
#include "gradcheck/in_float.hpp"
#include "gradcheck/projection.hpp"
#include "gradcheck/recording.hpp"
#include "gradcheck/subject.hpp"
#include <wengert/gradcheck/gradcheck.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include <fmt/format.h>

namespace wengert {

using detail::CheckedFunction;
using detail::Comparison;
using detail::Judgement;
using detail::random_weights;
using detail::Subject;

namespace {

constexpr std::size_t weightings = 8;   // number of weighted sums of a result with too many elements
constexpr double dot_tolerance = 1e-9;  // relative to the sum of the products' magnitudes
constexpr std::size_t findings_listed = 8;
constexpr std::size_t wrong_elements_sought = 8;  // by bisection, if only a sample of the elements is checked

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}
double dot_of_magnitudes(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0, std::plus{},
                            [](double x, double y) { return std::abs(x * y); });
}

}  // namespace

/// One run of `gradcheck`.
class Gradcheck {
 public:
  Gradcheck(const CheckedFunction<double>& f, const std::vector<Tensor<double>>& inputs,
            const GradcheckOptions& options)
      : f_(f), inputs_(inputs), options_(options) {
    report_.names_ = options.names;
  }
  // Marks the check of a single op: its failure is not explained by further ops.
  void of_isolated_op() { isolated_ = true; }

  GradcheckReport run(const CheckedFunction<float>& in_float) {
    if (inputs_.empty()) {
      add({.fault = Fault::vacuous, .text = "there are no inputs: nothing was checked"});
      return std::move(report_);
    }
    for (int order = 1; order <= options_.orders && report_.verdict() != Verdict::wrong; ++order) check(order);
    if (report_.verdict() != Verdict::wrong && !options_.vacuous_passes &&
        report_.largest_ <= options_.absolute_tolerance)
      add({.fault = Fault::vacuous,
           .text = report_.checked() == 0
                       ? "nothing was checked: there are no elements to differentiate"
                       : fmt::format("nothing was checked: all derivatives are at most {} in magnitude, by differences "
                                     "too. Does the result depend on the inputs?",
                                     options_.absolute_tolerance)});
    if (in_float.call != nullptr && report_.verdict() != Verdict::wrong)
      for (auto& finding : detail::compare_in_float(f_, in_float, inputs_, options_)) add(std::move(finding));
    const auto larger = [](const auto& a, const auto& b) {
      return std::isnan(a.difference()) ? !std::isnan(b.difference()) : a.difference() > b.difference();
    };
    std::stable_sort(report_.mismatches_.begin(), report_.mismatches_.end(), larger);
    find_overlooked();
    return std::move(report_);
  }

 private:
  // Finds Parameters that the function records although they are not inputs. Those of a network should have been found;
  // others were captured by a lambda.
  void find_overlooked() {
    if (isolated_) return;
    Tape<double> tape;
    report_.overlooked_ = detail::Recording<double>(tape, f_, inputs_).overlooked(tape, f_);
    if (f_.watched.empty() || report_.overlooked_.empty()) return;
    add({.fault = Fault::vacuous,
         .text =
             fmt::format("{} of the network were not found, so their gradients were not checked: a struct of them must "
                         "be an aggregate, without constructors, private members or bases",
                         report_.overlooked_text())});
  }
  void add(GradcheckFinding finding) { report_.findings_.push_back(std::move(finding)); }
  std::string input_name(std::size_t input) const { return "input " + report_.input_name(input); }

  void check(int order) {
    Subject subject(f_, inputs_, order, options_.seed);
    if (order == 1) {
      subject.record();  // errors of the function go to the caller
      if (!is_finite(subject)) return;
    }
    try {
      subject.record();
      if (order == 1 && options_.determinism && !is_deterministic(subject)) return;
      if (options_.mode == GradcheckMode::full)
        check_all(subject, order);
      else
        check_projections(subject, order);
      if (order == 1 && options_.dot_test && report_.verdict() != Verdict::wrong) check_dot(subject);
    } catch (const std::exception& error) {
      explain_throw(subject, order, &error);
    } catch (...) {
      explain_throw(subject, order, nullptr);
    }
  }

  bool is_finite(const Subject& subject) {
    std::vector<double> y(subject.results());
    subject.values(y);
    const auto bad = std::find_if(y.begin(), y.end(), [](double value) { return !std::isfinite(value); });
    if (bad == y.end()) return true;
    add({.fault = Fault::not_a_number,
         .text = fmt::format("the result is {} at element {}: there is nothing to differentiate", *bad,
                             to_string(subject.result_place(static_cast<std::size_t>(bad - y.begin())).second))});
    return false;
  }

  // Whether two runs agree to the last bit.
  bool is_deterministic(Subject& subject) {
    std::array<std::vector<double>, 2> runs;
    for (std::vector<double>& run : runs) {
      subject.record();
      run = subject.pull(random_weights(subject.results(), options_.seed));
      run.resize(run.size() + subject.results());
      subject.values(std::span(run).last(subject.results()));
    }
    const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
    if (std::ranges::equal(runs[0], runs[1], {}, bits, bits)) return true;
    add({.fault = Fault::not_deterministic,
         .text = "two runs with the same inputs give different values or gradients"});
    return false;
  }

  // ---- fast mode: random projections -------------------------------------------------------------------------------

  void check_projections(Subject& subject, int order) {
    const GradcheckReport before = report_;
    for (std::size_t p = 0; p < options_.projections; ++p) {
      const auto u = random_weights(subject.results(), options_.seed + 2 * p + 100);
      const auto v = random_weights(subject.elements(), options_.seed + 2 * p + 101);
      const detail::Projection projection = detail::project(subject, u, v, tolerance(), options_.step);
      if (accept(projection.judgement, projection.analytic, order)) continue;
      report_ = before;
      check_all(subject, order);
      const bool sampled = subject.elements() > options_.max_columns;
      if (sampled && report_.ok()) list_projection(projection, order);
      return;
    }
  }

  // Lists a projection that fails although no examined element does.
  void list_projection(const detail::Projection& projection, int order) {
    const auto& [analytic, judgement] = projection;
    if (judgement.verdict == Verdict::wrong)
      add({.text = fmt::format("the derivative along a random direction is {:.9g}, by differences {:.9g} ± {:.1g}; "
                               "none of the checked elements is wrong",
                               analytic, judgement.numeric, judgement.error)});
    else
      report_.inconclusive_.push_back(
          {order, 0, {}, 0, {}, analytic, judgement.numeric, judgement.error, judgement.verdict});
  }

  // The elements to check one by one: all, or those that explain a failure of the fast mode.
  std::vector<std::size_t> elements_to_check(Subject& subject) const {
    std::vector<std::size_t> elements(subject.elements());
    std::iota(elements.begin(), elements.end(), std::size_t{0});
    if (options_.mode == GradcheckMode::full || elements.size() <= options_.max_columns) return elements;
    const auto wrong =
        detail::find_wrong_elements(subject, wrong_elements_sought, options_.seed + 30, tolerance(), options_.step);
    elements = detail::sample_elements(subject, options_.max_columns, options_.seed + 40);
    elements.insert(elements.end(), wrong.begin(), wrong.end());
    std::sort(elements.begin(), elements.end());
    elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
    return elements;
  }

  // ---- full mode: the Jacobian -------------------------------------------------------------------------------------

  void check_all(Subject& subject, int order) {
    const std::size_t results = subject.results();
    const bool weighted = results > options_.max_rows;
    const std::size_t rows = weighted ? weightings : results;
    // The cotangents are not 1, to detect a vjp that uses 1 in their place.
    const std::vector<double> scales = random_weights(rows, options_.seed + 50);
    std::vector<std::vector<double>> weights(weighted ? rows : 0);
    for (std::size_t r = 0; r < weights.size(); ++r) weights[r] = random_weights(results, options_.seed + 60 + r);
    const auto rows_of = [&](std::span<const double> y, std::span<double> into) {
      for (std::size_t r = 0; r < rows; ++r) into[r] = weighted ? dot(weights[r], y) : y[r];
    };

    Comparison jacobian{.rows = rows, .elements = elements_to_check(subject)};
    const std::size_t columns = jacobian.elements.size();
    jacobian.wrong.resize(rows * columns);
    jacobian.numeric.resize(rows * columns);
    for (std::size_t r = 0; r < rows; ++r) {
      std::vector<double> cotangent(results);
      if (weighted)
        cotangent = weights[r];
      else
        cotangent[r] = scales[r];
      const std::vector<double> row = subject.pull(cotangent);
      for (const std::size_t j : jacobian.elements)
        jacobian.analytic.push_back(weighted ? row[j] : row[j] / scales[r] + 0.0);
    }

    std::vector<double> y(results);
    std::vector<double> at_zero(rows);
    subject.values(y);
    rows_of(y, at_zero);
    std::vector<double> column(rows);
    for (std::size_t c = 0; c < columns; ++c) {
      const std::size_t j = jacobian.elements[c];
      const double x = subject.element(j);
      const auto along = [&](double t, std::span<double> values) {
        subject.element(j) = x + t;
        if (subject.evaluate(y))
          rows_of(y, values);
        else
          std::fill(values.begin(), values.end(), std::numeric_limits<double>::quiet_NaN());
      };
      for (std::size_t r = 0; r < rows; ++r) column[r] = jacobian.analytic[r * columns + c];
      const auto judgements = detail::judge_derivatives(along, at_zero, column, tolerance(), options_.step, x);
      subject.element(j) = x;
      for (std::size_t r = 0; r < rows; ++r) {
        jacobian.numeric[r * columns + c] = judgements[r].numeric;
        if (accept(judgements[r], column[r], order)) continue;
        subject.record();
        jacobian.wrong[r * columns + c] = list(subject, judgements[r], column[r], order, weighted ? 0 : r, j);
      }
    }
    subject.record();
    if (report_.verdict() == Verdict::wrong && options_.explain) explain(subject, jacobian);
  }

  detail::Tolerance tolerance() const { return {options_.relative_tolerance, options_.absolute_tolerance}; }

  // Counts one comparison; returns whether it is right. A gradient that jumps (a kink) has no derivative and passes.
  bool accept(const Judgement& judgement, double analytic, int order) {
    ++report_.checked_;
    if (judgement.kink || (judgement.jump && order > 1)) ++report_.kinks_;
    if (judgement.jump && order > 1) return true;
    if (order == 1) {
      if (!(std::abs(analytic) <= report_.largest_)) report_.largest_ = std::abs(analytic);
      if (std::abs(judgement.numeric) > report_.largest_) report_.largest_ = std::abs(judgement.numeric);
    }
    if (judgement.kink && judgement.verdict == Verdict::right) return true;
    const double excess = std::abs(analytic - judgement.numeric) / tolerance().at(analytic, judgement.numeric);
    if (!(excess <= report_.worst_)) report_.worst_ = excess;
    return judgement.verdict == Verdict::right;
  }

  // Lists an element that is not right; returns whether it is wrong.
  bool list(const Subject& subject, const Judgement& judgement, double analytic, int order, std::size_t row,
            std::size_t column) {
    const auto [input, index] = subject.place(column);
    const auto [source, output] = subject.result_place(row);
    const GradcheckEntry entry{
        order, input, index, source, output, analytic, judgement.numeric, judgement.error, judgement.verdict};
    const bool wrong = judgement.verdict == Verdict::wrong;
    (wrong ? report_.mismatches_ : report_.inconclusive_).push_back(entry);
    return wrong;
  }

  // ---- the dot test ------------------------------------------------------------------------------------------------

  void check_dot(Subject& subject) {
    const auto u = random_weights(subject.results(), options_.seed + 10);
    const auto v = random_weights(subject.elements(), options_.seed + 11);
    const auto elsewhere = random_weights(subject.results(), options_.seed + 12);
    const std::vector<double> pulled = subject.pull(u);
    const std::vector<double> pushed = subject.push(elsewhere, v);
    const double forward = dot(u, pushed);
    const double reverse = dot(pulled, v);
    const double rounding = 1e-3 * options_.absolute_tolerance;  // of terms that cancelled before
    const double tolerated = rounding + dot_tolerance * (dot_of_magnitudes(u, pushed) + dot_of_magnitudes(pulled, v));
    if (std::abs(forward - reverse) <= tolerated) return;
    if (options_.explain && !isolated_ && explain_by_ops(subject)) return;
    add({.fault = Fault::not_linear,
         .text = fmt::format("the dot test fails: ⟨u, J v⟩ is {:.12g}, ⟨Jᵀu, v⟩ is {:.12g}; a vjp is not linear in the "
                             "cotangent, or its own derivative with respect to the cotangent is wrong",
                             forward, reverse)});
  }

  // ---- explanations ------------------------------------------------------------------------------------------------

  void explain(Subject& subject, Comparison& jacobian) {
    if (!isolated_ && explain_by_ops(subject)) return;
    const auto u = random_weights(subject.results(), options_.seed + 20);
    std::vector<double> twice(u.size());
    std::transform(u.begin(), u.end(), twice.begin(), [](double value) { return 2 * value; });
    const std::vector<double> once = subject.pull(u);
    const std::vector<double> again = subject.pull(twice);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const auto first = once.begin() + static_cast<std::ptrdiff_t>(subject.first_element(i));
      const auto last = first + static_cast<std::ptrdiff_t>(inputs_[i].size());
      const bool zero = std::all_of(first, last, [](double g) { return g == 0; });
      jacobian.upstream_ignored.push_back(!zero && std::equal(first, last, again.begin() + (first - once.begin())));
    }
    const std::string remark = isolated_            ? ""
                               : unchecked_.empty() ? "; every op is correct on its own"
                                                    : "; all other ops are correct on their own: suspect " + unchecked_;
    for (GradcheckFinding& finding : detail::diagnose(jacobian, subject)) {
      finding.text = fmt::format("the gradient of {} {}{}", input_name(finding.input), finding.text, remark);
      add(std::move(finding));
    }
  }

  // Checks each recorded op on its own; returns whether one of them is wrong.
  bool explain_by_ops(Subject& subject) {
    const std::size_t before = report_.findings_.size();
    unchecked_.clear();
    for (const detail::IsolatedOp& op : detail::isolate_ops(subject)) {
      if (op.function == nullptr) {
        unchecked_ += fmt::format("{}{} ({})", unchecked_.empty() ? "" : ", ", op.name, op.where);
        continue;
      }
      for (GradcheckFinding& finding : check_op(op)) {
        finding.op = op.name;
        finding.where = op.where;
        const auto same = [&](const GradcheckFinding& known) {
          return known.op == finding.op && known.where == finding.where && known.input == finding.input;
        };
        const bool known = std::any_of(report_.findings_.begin(), report_.findings_.end(), same);
        if (!known && report_.findings_.size() < findings_listed) add(std::move(finding));
      }
    }
    return report_.findings_.size() > before;
  }

  std::vector<GradcheckFinding> check_op(const detail::IsolatedOp& op) const {
    GradcheckOptions options = options_;
    options.orders = 1;
    options.mode = GradcheckMode::fast;
    options.vacuous_passes = true;
    options.determinism = false;
    options.names.clear();
    std::vector<GradcheckFinding> findings;
    try {
      const CheckedFunction<double> function{op.function, {}};
      Gradcheck check(function, op.operands, options);
      check.of_isolated_op();
      const GradcheckReport report = check.run({});
      if (report.verdict() != Verdict::wrong) return {};
      findings = report.findings();
    } catch (...) {
      return {};  // it cannot be recorded on its own
    }
    if (findings.empty()) findings.push_back({.text = "the gradient is wrong"});
    for (GradcheckFinding& finding : findings) {
      if (finding.input < op.positions.size()) finding.input = op.positions[finding.input];
      finding.text = fmt::format("op {} ({}): {}", op.name, op.where, finding.text);
    }
    return findings;
  }

  // A gradient that cannot be recorded. Only an Error names the op; after other exceptions, each op is tried alone.
  void explain_throw(Subject& subject, int order, const std::exception* error) {
    const auto* ours = dynamic_cast<const Error*>(error);
    if (ours == nullptr && !isolated_ && explain_by_ops(subject)) return;
    const bool shape = dynamic_cast<const ShapeError*>(error) != nullptr;
    GradcheckFinding finding{.fault = shape ? Fault::wrong_shape : Fault::unexplained,
                             .op = ours ? ours->subject() : ""};
    finding.text =
        fmt::format("the gradient{} cannot be computed: {}{}", order == 1 ? "" : " of the gradient",
                    error == nullptr ? "the vjp throws an object other than a std::exception" : error->what(),
                    shape ? "; is a broadcast axis not summed over (sum_to)?" : "");
    if (ours == nullptr && !unchecked_.empty()) finding.text += "; suspect " + unchecked_;
    add(std::move(finding));
  }

  const CheckedFunction<double>& f_;
  const std::vector<Tensor<double>>& inputs_;
  GradcheckOptions options_;
  bool isolated_ = false;
  std::string unchecked_;  // the ops that could not be checked on their own
  GradcheckReport report_;
};

GradcheckReport detail::run_gradcheck(const CheckedFunction<double>& f, const std::vector<Tensor<double>>& inputs,
                                      const GradcheckOptions& options, const CheckedFunction<float>& in_float) {
  const detail::Restored restored(f.watched), restored_in_float(in_float.watched);
  return Gradcheck(f, inputs, options).run(in_float);
}

GradcheckReport gradcheck_inputs(const GradcheckFunction& f, const std::vector<Tensor<double>>& inputs,
                                 const GradcheckOptions& options, const GradcheckFunctionInFloat& in_float) {
  return detail::run_gradcheck({f, {}}, inputs, options, {in_float, {}});
}

}  // namespace wengert
