// gradcheck_op: checks a registered op on its examples and on random shapes, parameters and strides.
#include "gradcheck/replay.hpp"
#include <wengert/gradcheck/gradcheck_op.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/transform/transforms.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <ostream>
#include <random>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert {
namespace {

using RandomBits = std::mt19937_64;

std::size_t below(RandomBits& generator, std::size_t bound) { return generator() % bound; }

// At most 4 axes and 32 elements; one in twelve is empty.
Shape random_shape(RandomBits& generator) {
  Shape shape;
  const std::size_t rank = below(generator, 5);
  std::size_t size = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::size_t extent = size > 8 ? 1 : 1 + below(generator, 4);
    shape.push_back(extent);
    size *= extent;
  }
  if (rank > 0 && below(generator, 12) == 0) shape[below(generator, rank)] = 0;
  return shape;
}

Shape reversed(const Shape& shape) {
  Shape result;
  for (std::size_t axis = shape.rank(); axis-- > 0;) result.push_back(shape[axis]);
  return result;
}

// A shape that broadcasts to `full`: some leading axes are dropped, and some extents are 1.
Shape random_partner(RandomBits& generator, const Shape& full) {
  Shape partner;
  const std::size_t dropped = below(generator, 3) == 0 ? below(generator, full.rank() + 1) : 0;
  for (std::size_t axis = dropped; axis < full.rank(); ++axis)
    partner.push_back(below(generator, 3) == 0 ? 1 : full[axis]);
  return partner;
}

// The same application to transposed views of inputs whose axes are stored in reverse order.
template <class T>
std::function<Var<T>(std::span<const Var<T>>)> on_views(std::function<Var<T>(std::span<const Var<T>>)> apply,
                                                        std::vector<bool> strided) {
  if (apply == nullptr) return apply;
  return [apply = std::move(apply), strided = std::move(strided)](std::span<const Var<T>> x) {
    std::vector<Var<T>> views(x.begin(), x.end());
    for (std::size_t i = 0; i < views.size(); ++i)
      if (strided[i]) views[i] = transpose(views[i]);
    return apply(views);
  };
}

double evenly(RandomBits& generator, double low, double high) {
  return low + (high - low) * static_cast<double>(generator() >> 11) * 0x1p-53;
}

// Parameters to check an op with: arbitrary ones if its author gave none; one of the given sets; or the only given set
// multiplied by one factor, which preserves signs and order.
std::vector<double> random_parameters(const OpRow& op, RandomBits& generator) {
  const std::size_t count = op.table->parameters;
  if (count == 0) return {};
  const std::size_t sets = op.parameters.size() / count;
  const auto set = op.parameters.subspan(below(generator, sets) * count, count);
  std::vector<double> result(set.begin(), set.end());
  const double factor = sets > 1 ? 1 : evenly(generator, 0.8, 1.25);
  for (double& value : result) value = op.any_parameters ? evenly(generator, 0.5, 1.75) : value * factor;
  return result;
}

std::string described(const OpExample& example) {
  std::string shapes;
  for (const Shape& shape : example.shapes) shapes.append(" ").append(to_string(shape));
  return fmt::format("{} of shapes{}", example.label, shapes);
}

// The op's value and its gradients with a cotangent of ones; empty if the value holds indices.
std::vector<Tensor<double>> value_and_gradients(const OpExample& example) {
  Tape<double> tape;
  std::vector<Var<double>> x;
  for (Tensor<double>& input : random_inputs(example, 0)) x.push_back(tape.variable(std::move(input)));
  const Var<double> y = example.apply(x);
  if (tape.node(y, "gradcheck_op").holds_indices) return {};
  std::vector<Tensor<double>> result{y.value()};
  const Var<double> ones = broadcast_to(tape.constant(1.0), y.shape());
  for (const Var<double>& g : grad<double>(seed(y, ones), x)) result.push_back(g.value());
  return result;
}

// Whether the op has any nonzero gradient.
bool has_gradient(const OpExample& example) {
  const std::vector<Tensor<double>> results = value_and_gradients(example);
  for (std::size_t i = 1; i < results.size(); ++i)
    if (std::any_of(results[i].begin(), results[i].end(), [](double element) { return element != 0; })) return true;
  return false;
}

bool is_finite(const OpExample& example) {
  for (const Tensor<double>& result : value_and_gradients(example))
    if (!std::all_of(result.begin(), result.end(), [](double element) { return std::isfinite(element); })) return false;
  return true;
}

// Changes extents of an example; equal extents stay equal: 3×4 by 4×5 may become 3×1 by 1×2. Only the op knows which
// shapes it accepts, so they are tried: the example stays unchanged if the op throws, or if its value or first
// gradients are not finite, as for the deviation of one element or the mean of none.
void change_extents(OpExample& example, RandomBits& generator) {
  if (!example.any_extents) return;
  std::map<std::size_t, std::size_t> other;
  OpExample changed = example;
  for (Shape& shape : changed.shapes)
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
      const auto [entry, is_new] = other.try_emplace(shape[axis], shape[axis]);
      if (is_new && below(generator, 2) == 0) entry->second = below(generator, 8) == 0 ? 0 : 1 + below(generator, 5);
      shape[axis] = entry->second;
    }
  constexpr std::size_t most_elements = 200;
  for (const Shape& shape : changed.shapes)
    if (shape.elements() > most_elements) return;
  try {
    if (is_finite(changed)) example = std::move(changed);
  } catch (const std::exception&) {
  }
}

}  // namespace

OpExample random_example(const OpRow& op, std::uint64_t seed) {
  RandomBits generator(seed * 0x9e3779b97f4a7c15U + 1);
  std::vector<OpExample> examples = op.examples();
  if (examples.empty())
    throw ValueError("gradcheck_op", fmt::format("op {} has no examples: nothing can be checked", op.name));
  OpExample example = examples[below(generator, examples.size())];
  if (op.table != nullptr) {
    const Shape full = random_shape(generator);
    const std::size_t whole = below(generator, op.arity);
    std::vector<Shape> shapes;
    for (std::size_t i = 0; i < op.arity; ++i) shapes.push_back(i == whole ? full : random_partner(generator, full));
    const std::vector<double> parameters = random_parameters(op, generator);
    example = op.example(std::move(shapes), parameters);
    if (!parameters.empty()) example.label += fmt::format(" with parameters {}", fmt::join(parameters, ", "));
  } else {
    change_extents(example, generator);
  }
  std::vector<bool> strided;
  for (Shape& shape : example.shapes) {
    strided.push_back(shape.rank() >= 2 && below(generator, 3) == 0);
    if (strided.back()) shape = reversed(shape);
  }
  if (std::find(strided.begin(), strided.end(), true) != strided.end()) {
    example.label += " on transposed views";
    example.apply_in_float = on_views<float>(std::move(example.apply_in_float), strided);
    example.apply = on_views<double>(std::move(example.apply), strided);
  }
  return example;
}

std::vector<Tensor<double>> random_inputs(const OpExample& example, std::uint64_t seed) {
  RandomBits generator(seed + 7);
  std::vector<Tensor<double>> inputs;
  for (std::size_t i = 0; i < example.shapes.size(); ++i) {
    const Domain& domain = example.domains[i];
    inputs.push_back(Tensor<double>::from_shape(xt::dynamic_shape<std::size_t>(example.shapes[i])));
    for (double& x : inputs.back()) x = evenly(generator, domain.low, domain.high);
  }
  return inputs;
}

OpReport gradcheck_op(const OpRow& op, const OpCheckOptions& options) {
  OpReport result;
  result.name_ = op.name;
  std::vector<OpExample> applications = op.examples();
  if (applications.empty() && op.differentiable) {
    result.remark_ = "it has no examples: nothing was checked";
    return result;
  }
  if (!op.differentiable && op.table == nullptr) {  // the gradient is zero by definition, whatever the differences are
    for (const OpExample& example : applications) {
      ++result.applications_;
      if (has_gradient(example)) result.remark_ = "it has a gradient, though it is registered as not differentiable";
    }
    return result;
  }
  for (std::size_t i = 0; i < options.random; ++i) applications.push_back(random_example(op, options.seed + i));

  double largest = 0;
  for (std::size_t i = 0; i < applications.size(); ++i) {
    const OpExample& application = applications[i];
    GradcheckOptions gradcheck = options.gradcheck;
    gradcheck.seed += i;
    gradcheck.vacuous_passes = true;  // such as an empty input or a softmax over one element
    const GradcheckFunctionInFloat in_float = options.in_float ? application.apply_in_float : nullptr;
    GradcheckReport report =
        gradcheck_inputs(application.apply, random_inputs(application, options.seed + i), gradcheck, in_float);
    ++result.applications_;
    result.checked_ += report.checked();
    largest = std::max(largest, report.largest());
    std::string remark;
    if (options.replay && report.verdict() != Verdict::wrong)
      remark = detail::compare_with_replay(application, op.differentiable, options.seed + i);
    if (!report.ok() || !remark.empty())
      result.failures_.push_back({described(application), std::move(report), std::move(remark)});
  }
  if (op.differentiable && largest <= options.gradcheck.absolute_tolerance)
    result.remark_ = "all its derivatives are zero, though it is not registered as piecewise constant";
  if (!op.differentiable && largest > options.gradcheck.absolute_tolerance)
    result.remark_ = "it has a derivative, though it is registered as not differentiable";
  return result;
}

std::size_t OpReport::wrong() const {
  return static_cast<std::size_t>(std::count_if(failures_.begin(), failures_.end(), [](const OpFailure& failure) {
    return failure.report.verdict() == Verdict::wrong || !failure.remark.empty();
  }));
}

std::string OpReport::to_string() const {
  if (ok()) return fmt::format("op {}: right: {} derivatives of {} applications", name_, checked_, applications_);
  std::string text = fmt::format("op {}: {} of {} applications fail\n", name_, failures_.size(), applications_);
  if (!remark_.empty()) text += fmt::format("  * {}\n", remark_);
  constexpr std::size_t shown = 3;
  for (std::size_t i = 0; i < std::min(shown, failures_.size()); ++i) {
    const auto& [application, report, remark] = failures_[i];
    text += fmt::format("{}: {}\n", application, remark.empty() ? report.to_string() : remark);
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const OpReport& report) { return out << report.to_string(); }

}  // namespace wengert
