#include <wengert/gradcheck.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/transforms.hpp>

#include <algorithm>
#include <cmath>
#include <ostream>

#include <fmt/format.h>

namespace wengert {

double GradcheckEntry::difference() const { return std::abs(analytic - numeric); }

// Fixed weights in [0.5, 1.5], so that no two elements can cancel or be exchanged unseen. Weyl's sequence of √2.
static Tensor<double> weights(const Shape& shape, double offset) {
  auto result = Tensor<double>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  for (std::size_t i = 0; i < result.size(); ++i) {
    const double x = offset + static_cast<double>(i + 1) * 1.4142135623730951;
    result.data()[i] = 0.5 + (x - std::floor(x));
  }
  return result;
}

static Var<double> weighted_sum(Var<double> y, double offset) { return sum(y * weights(y.shape(), offset)); }

/// One run of `gradcheck`.
class Gradcheck {
 public:
  Gradcheck(const GradcheckFunction& f, const std::vector<Tensor<double>>& inputs, const GradcheckOptions& options)
      : f_(f), inputs_(inputs), options_(options) {}

  GradcheckReport run() {
    if (inputs_.empty()) throw GradientError("gradcheck", "no inputs: there is nothing to check");
    for (int order = 1; order <= options_.orders; ++order) check(order);
    std::stable_sort(report_.mismatches_.begin(), report_.mismatches_.end(), [](const auto& a, const auto& b) {
      return std::isnan(a.difference()) ? !std::isnan(b.difference()) : a.difference() > b.difference();
    });
    return std::move(report_);
  }

 private:
  std::vector<Var<double>> record_inputs() {
    tape_.clear();
    std::vector<Var<double>> x;
    for (const Tensor<double>& input : inputs_) x.push_back(tape_.variable(input));
    return x;
  }
  // The scalar whose gradient an order checks.
  Var<double> scalar(int order, const std::vector<Var<double>>& x) {
    const Var<double> weighted = weighted_sum(f_(x), 0.25);
    if (order == 1) return weighted;
    Var<double> total;
    double offset = 0.5;
    for (const Var<double>& g : grad(weighted, x)) {
      const Var<double> part = weighted_sum(g, offset += 0.123);
      total = total.empty() ? part : total + part;
    }
    return total;
  }
  double scalar_value(int order) {
    const auto x = record_inputs();
    return scalar(order, x).item();
  }
  // Richardson's extrapolation of the central differences with steps h and h/2.
  double numeric(int order, double& element) {
    const double x = element;
    const double h = options_.step * std::max(1.0, std::abs(x));
    const auto difference = [&](double step) {
      element = x + step;
      const double up = scalar_value(order);
      element = x - step;
      const double down = scalar_value(order);
      element = x;
      return (up - down) / (2 * step);
    };
    const double coarse = difference(h);
    const double fine = difference(h / 2);
    return (4 * fine - coarse) / 3;
  }
  void check(int order) {
    const auto x = record_inputs();
    std::vector<Tensor<double>> analytic;
    for (const Var<double>& g : grad(scalar(order, x), x)) analytic.push_back(g.value());
    for (std::size_t input = 0; input < inputs_.size(); ++input)
      for (std::size_t i = 0; i < inputs_[input].size(); ++i)
        compare({order, input, index_of(i, Shape(inputs_[input].shape())), analytic[input].data()[i],
                 numeric(order, inputs_[input].data()[i])});
  }
  void compare(const GradcheckEntry& entry) {
    ++report_.checked_;
    const double tolerated = options_.absolute_tolerance +
                             options_.relative_tolerance * std::max(std::abs(entry.analytic), std::abs(entry.numeric));
    const double excess = entry.difference() / tolerated;
    if (!(excess <= report_.worst_)) report_.worst_ = excess;
    if (!(excess <= 1)) report_.mismatches_.push_back(entry);  // a NaN is a mismatch
  }
  static Shape index_of(std::size_t element, Shape shape) {
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      const std::size_t extent = shape[axis];
      shape[axis] = element % extent;
      element /= extent;
    }
    return shape;
  }

  const GradcheckFunction& f_;
  std::vector<Tensor<double>> inputs_;
  GradcheckOptions options_;
  Tape<double> tape_;
  GradcheckReport report_;
};

GradcheckReport gradcheck_inputs(const GradcheckFunction& f, const std::vector<Tensor<double>>& inputs,
                                 const GradcheckOptions& options) {
  return Gradcheck(f, inputs, options).run();
}

std::string GradcheckReport::to_string() const {
  if (ok())
    return fmt::format("gradcheck: all {} elements agree; the worst used {:.2g} of its tolerance", checked_, worst_);
  constexpr std::size_t shown = 10;
  std::string text =
      fmt::format("gradcheck: {} of {} elements disagree\n{:>5} {:>5}  {:<14} {:>16} {:>16} {:>12}\n",
                  mismatches_.size(), checked_, "order", "input", "element", "analytic", "numeric", "difference");
  for (std::size_t i = 0; i < std::min(shown, mismatches_.size()); ++i) {
    const GradcheckEntry& e = mismatches_[i];
    text += fmt::format("{:>5} {:>5}  {:<14} {:>16.9g} {:>16.9g} {:>12.3g}\n", e.order, e.input + 1,
                        wengert::to_string(e.index), e.analytic, e.numeric, e.difference());
  }
  if (mismatches_.size() > shown) text += fmt::format("  … and {} more\n", mismatches_.size() - shown);
  return text;
}

std::ostream& operator<<(std::ostream& out, const GradcheckReport& report) { return out << report.to_string(); }

}  // namespace wengert
