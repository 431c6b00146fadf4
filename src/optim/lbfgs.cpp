// L-BFGS: the two-loop recursion, steps with a strong Wolfe line search, and the saved state.
#include "optim/checks.hpp"
#include "optim/line_search.hpp"
#include "optim/untracked_parameters.hpp"
#include <wengert/optim/lbfgs.hpp>
#include <wengert/transform/transforms.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace wengert::optim {
namespace {

template <class T>
double dot(const std::vector<T>& a, const std::vector<T>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}
template <class T>
double largest(const std::vector<T>& a) {
  double result = 0;
  for (const T x : a) result = std::max(result, std::abs(static_cast<double>(x)));
  return result;
}
// a ← a + c·b.
template <class T>
void add(std::vector<T>& a, double c, const std::vector<T>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    a[i] = static_cast<T>(static_cast<double>(a[i]) + c * static_cast<double>(b[i]));
}
template <class T>
std::vector<T> scaled(double c, const std::vector<T>& a) {
  std::vector<T> result(a.size());
  add(result, c, a);
  return result;
}

// A line search can return from a point where the loss is not finite, but cannot start there.
template <class T>
void require_finite(const LinePoint<T>& point, const Location& where) {
  if (!std::isfinite(point.loss)) throw ValueError("LBFGS", fmt::format("the loss is {}", point.loss), where);
  if (!std::all_of(point.gradient.begin(), point.gradient.end(), [](T g) { return std::isfinite(g); }))
    throw ValueError("LBFGS", "the gradient is not finite; a TraceNaN on the tape names the op that causes it", where);
}

}  // namespace

// The loss along a line in the space of the trainable parameters: `from` + t · `along`.
template <class T>
struct LBFGS<T>::Line {
  std::vector<Parameter<T>> parameters;
  const std::vector<NamedParameter<T>>& named;
  const Loss& loss;
  const Location& where;
  std::vector<Tensor<T>> from;
  Vector along;
  std::size_t evaluations = 0;
  Tape<T> tape;

  Line(std::vector<Parameter<T>> trained, const std::vector<NamedParameter<T>>& all, const Loss& of,
       const Location& line)
      : parameters(std::move(trained)), named(all), loss(of), where(line) {
    start_here();
  }
  void start_here() {
    from.clear();
    for (const Parameter<T>& parameter : parameters) from.push_back(parameter.value());
  }
  void move_to(double t) {
    std::size_t at = 0;
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      Tensor<T> value = from[k];
      if (t != 0)
        for (T& x : value) x = static_cast<T>(static_cast<double>(x) + t * static_cast<double>(along[at++]));
      parameters[k].assign(value);
    }
  }
  LinePoint<T> evaluate(double t) {
    ++evaluations;
    tape.clear();
    const Var<T> value = loss(tape);
    std::vector<Var<T>> variables;
    for (const Parameter<T>& parameter : parameters) variables.push_back(tape.recorded(parameter, where));
    if (evaluations == 1) require_all_trained("LBFGS", value, parameters, named, where);
    std::vector<Tensor<T>> parts(variables.size());
    gradients_into<T>({value, where}, variables, parts);
    tape.commit();
    LinePoint<T> point{t, static_cast<double>(value.item()), {}, 0};
    for (const Tensor<T>& part : parts) point.gradient.insert(point.gradient.end(), part.begin(), part.end());
    if (!along.empty()) point.slope = dot(point.gradient, along);
    return point;
  }
  LinePoint<T> at(double t) {
    move_to(t);
    return evaluate(t);
  }
};

template <class T>
LBFGS<T>::LBFGS(std::vector<NamedParameter<T>> parameters, LBFGSOptions options, const Location& where)
    : parameters_(std::move(parameters)), options_(options) {
  if (parameters_.empty()) throw ValueError("LBFGS", "no parameters: expected at least one to train", where);
  require_not_negative("LBFGS", "rate", options.rate, where);
  require_not_negative("LBFGS", "gradient_tolerance", options.gradient_tolerance, where);
  require_not_negative("LBFGS", "change_tolerance", options.change_tolerance, where);
  if (options.history == 0) throw ValueError("LBFGS", "history 0: expected at least 1", where);
  std::vector<Parameter<T>> claimed;
  for (const NamedParameter<T>& named : parameters_) claimed.push_back(named.parameter);
  claim_ = std::make_shared<const wengert::detail::OptimiserClaim<T>>(std::move(claimed));
  if (options_.max_evaluations == 0) options_.max_evaluations = options.max_iterations * 5 / 4;
}

template <class T>
std::vector<Parameter<T>> LBFGS<T>::trainable() const {
  std::vector<Parameter<T>> result;
  for (const NamedParameter<T>& named : parameters_)
    if (named.parameter.trainable()) result.push_back(named.parameter);
  return result;
}

template <class T>
void LBFGS<T>::remember(const Vector& gradient) {
  Vector change = gradient;
  add(change, -1, last_gradient_);
  const double curvature = dot(change, last_change_);
  if (!(curvature > 1e-10)) return;  // H must stay positive definite
  if (history_.size() == options_.history) history_.pop_front();
  history_.push_back({last_change_, std::move(change), 1 / curvature});
}

// The two-loop recursion (Nocedal and Wright 2006, algorithm 7.4).
template <class T>
typename LBFGS<T>::Vector LBFGS<T>::direction(const Vector& gradient) const {
  Vector d = scaled(-1, gradient);
  if (history_.empty()) return d;
  std::vector<double> alpha(history_.size());
  for (std::size_t i = history_.size(); i-- > 0;) {
    alpha[i] = dot(history_[i].parameters, d) * history_[i].rho;
    add(d, -alpha[i], history_[i].gradient);
  }
  const Change& last = history_.back();
  d = scaled(1 / last.rho / dot(last.gradient, last.gradient), d);
  for (std::size_t i = 0; i < history_.size(); ++i)
    add(d, alpha[i] - dot(history_[i].gradient, d) * history_[i].rho, history_[i].parameters);
  return d;
}

template <class T>
LBFGSReport LBFGS<T>::step(const Loss& loss, const Location& where) {
  std::vector<Parameter<T>> trainable = this->trainable();
  if (!(trainable == trained_)) reset();  // other parameters are frozen now
  trained_ = trainable;
  Line line(std::move(trainable), parameters_, loss, where);
  const std::vector<Tensor<T>> before = line.from;
  try {
    LinePoint<T> point = line.evaluate(0);
    require_finite(point, where);
    LBFGSReport report{point.loss, point.loss, 0, 0};
    while (report.iterations < options_.max_iterations && largest(point.gradient) > options_.gradient_tolerance) {
      ++report.iterations;
      double first = options_.rate;
      if (last_gradient_.empty()) {
        double sum = 0;
        for (const T g : point.gradient) sum += std::abs(static_cast<double>(g));
        first *= std::min(1.0, 1 / sum);
      } else {
        remember(point.gradient);
      }
      line.along = direction(point.gradient);
      last_gradient_ = point.gradient;
      last_change_.assign(point.gradient.size(), T(0));
      point.slope = dot(point.gradient, line.along);
      if (!(point.slope <= -options_.change_tolerance)) break;
      line.start_here();
      const double loss_before = point.loss, extent = largest(line.along);
      point.t = 0;
      point = strong_wolfe([&](double t) { return line.at(t); }, point, first, options_.change_tolerance / extent);
      line.move_to(point.t);
      last_change_ = scaled(point.t, line.along);
      report.loss = point.loss;
      if (line.evaluations >= options_.max_evaluations || point.t * extent <= options_.change_tolerance ||
          std::abs(point.loss - loss_before) < options_.change_tolerance)
        break;
    }
    report.evaluations = line.evaluations;
    return report;
  } catch (...) {
    line.from = before;
    line.move_to(0);
    reset();
    throw;
  }
}

// ---- state ---------------------------------------------------------------------------------------------------------

template <class T>
void LBFGS<T>::reset() {
  history_.clear();
  last_change_.clear();
  last_gradient_.clear();
}

template <class T>
std::vector<NamedParameter<T>> LBFGS<T>::state() const {
  std::vector<NamedParameter<T>> result;
  const auto add_part = [&](const std::string& name, const Vector& vector) {
    Tensor<T> value = Tensor<T>::from_shape({vector.size()});
    std::copy(vector.begin(), vector.end(), value.begin());
    result.push_back({name, Parameter<T>(std::move(value), name, false)});
  };
  if (last_gradient_.empty()) return result;
  add_part("change", last_change_);
  add_part("gradient", last_gradient_);
  for (std::size_t i = 0; i < history_.size(); ++i) {
    add_part(fmt::format("history.{}.change", i), history_[i].parameters);
    add_part(fmt::format("history.{}.gradient", i), history_[i].gradient);
  }
  return result;
}

template <class T>
void LBFGS<T>::assign_state(const detail::NamedValues<T>& parts, const Location& where) {
  std::map<std::string, Vector> given;
  for (const auto& [name, value] : parts)
    if (!given.emplace(name, Vector(value.begin(), value.end())).second)
      throw ValueError("LBFGS", fmt::format("state '{}' is given twice: expected once", name), where);
  LBFGS loaded = *this;
  loaded.reset();
  loaded.trained_ = trainable();
  std::size_t size = 0;
  for (const Parameter<T>& parameter : loaded.trained_) size += parameter.value().size();
  if (!given.empty()) {
    const auto take = [&](const std::string& name) {
      auto part = given.extract(name);
      if (part.empty()) throw ValueError("LBFGS", fmt::format("state '{}' is missing", name), where);
      if (part.mapped().size() != size)
        throw ShapeError("LBFGS",
                         fmt::format("state '{}' has {} elements: expected {}, as many as the trainable parameters",
                                     name, part.mapped().size(), size),
                         where);
      return std::move(part.mapped());
    };
    loaded.last_change_ = take("change");
    loaded.last_gradient_ = take("gradient");
    while (!given.empty()) {
      const std::string name = fmt::format("history.{}.", loaded.history_.size());
      Change change{take(name + "change"), take(name + "gradient"), 0};
      change.rho = 1 / dot(change.gradient, change.parameters);
      loaded.history_.push_back(std::move(change));
    }
    while (loaded.history_.size() > options_.history) loaded.history_.pop_front();
  }
  *this = std::move(loaded);
}

template class LBFGS<float>;
template class LBFGS<double>;

}  // namespace wengert::optim
