// L-BFGS: the two-loop recursion, and steps with a strong Wolfe line search.
#include "optim/checks.hpp"
#include "optim/lbfgs_memory.hpp"
#include "optim/line_search.hpp"
#include "optim/untracked_parameters.hpp"
#include <wengert/optim/lbfgs.hpp>
#include <wengert/transform/transforms.hpp>

#include <algorithm>
#include <cmath>

namespace wengert::optim {
namespace {

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
  const Evaluate& compute;
  const Location& where;
  std::vector<Tensor<T>> from, gradients;
  std::vector<T> along;
  std::size_t evaluations = 0;

  Line(std::vector<Parameter<T>> trained, const Evaluate& evaluate, const Location& line)
      : parameters(std::move(trained)), compute(evaluate), where(line), gradients(parameters.size()) {
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
    LinePoint<T> point{t, compute(gradients), {}, 0};
    if (gradients.size() != parameters.size())
      throw ShapeError("LBFGS",
                       fmt::format("{} gradients: expected one for each of {} trainable parameters", gradients.size(),
                                   parameters.size()),
                       where);
    for (std::size_t k = 0; k < gradients.size(); ++k) {
      if (Shape(gradients[k].shape()) != parameters[k].shape())
        throw ShapeError("LBFGS",
                         fmt::format("a gradient of shape {} for a parameter of shape {}: expected equal shapes",
                                     to_string(Shape(gradients[k].shape())), to_string(parameters[k].shape())),
                         where);
      point.gradient.insert(point.gradient.end(), gradients[k].begin(), gradients[k].end());
    }
    if (!along.empty()) point.slope = dot(point.gradient, along);
    return point;
  }
  LinePoint<T> at(double t) {
    move_to(t);
    return evaluate(t);
  }
};

template <class T>
LBFGS<T>::LBFGS(std::vector<NamedParameter<T>> parameters, const std::vector<Parameter<T>>& buffers,
                LBFGSOptions options, const Location& where)
    : AnyOptimizer<T>("LBFGS", std::move(parameters), buffers, options.rate, where),
      options_(options),
      memory_(std::make_shared<Memory>()) {
  require_not_negative("LBFGS", "rate", options.rate, where);
  require_not_negative("LBFGS", "gradient_tolerance", options.gradient_tolerance, where);
  require_not_negative("LBFGS", "change_tolerance", options.change_tolerance, where);
  if (options.max_iterations == 0) throw ValueError("LBFGS", "max_iterations 0: expected at least 1", where);
  if (options.history_size == 0) throw ValueError("LBFGS", "history_size 0: expected at least 1", where);
  if (options_.max_evaluations == 0) options_.max_evaluations = options.max_iterations * 5 / 4;
}

namespace {

// Adds the last iteration to the history.
template <class Memory, class T>
void remember(Memory& memory, const std::vector<T>& gradient, std::size_t history_size) {
  std::vector<T> change = gradient;
  add(change, -1, memory.last_gradient);
  const double curvature = dot(change, memory.last_change);
  if (!(curvature > 1e-10)) return;  // H must stay positive definite
  if (memory.history.size() == history_size) memory.history.pop_front();
  memory.history.push_back({memory.last_change, std::move(change), 1 / curvature});
}

// The two-loop recursion (Nocedal and Wright 2006, algorithm 7.4).
template <class History, class T>
std::vector<T> direction(const History& history, const std::vector<T>& gradient) {
  std::vector<T> d = scaled(-1, gradient);
  if (history.empty()) return d;
  std::vector<double> alpha(history.size());
  for (std::size_t i = history.size(); i-- > 0;) {
    alpha[i] = dot(history[i].parameters, d) * history[i].rho;
    add(d, -alpha[i], history[i].gradient);
  }
  const auto& last = history.back();
  d = scaled(1 / last.rho / dot(last.gradient, last.gradient), d);
  for (std::size_t i = 0; i < history.size(); ++i)
    add(d, alpha[i] - dot(history[i].gradient, d) * history[i].rho, history[i].parameters);
  return d;
}

}  // namespace

template <class T>
LBFGSReport LBFGS<T>::step(const Loss& loss, const Location& where) {
  Tape<T> tape;
  bool first = true;
  std::vector<Parameter<T>> parameters;
  for (const NamedParameter<T>& named : this->trainable()) parameters.push_back(named.parameter);
  const Evaluate evaluate = [&](std::vector<Tensor<T>>& gradients) {
    tape.clear();
    const Var<T> value = loss(tape);
    std::vector<Var<T>> variables;
    for (const Parameter<T>& parameter : parameters) variables.push_back(tape.recorded(parameter, where));
    if (std::exchange(first, false)) require_all_trained("LBFGS", value, parameters, this->parameters_, where);
    gradients_into<T>({value, where}, variables, gradients);
    tape.commit();
    return static_cast<double>(value.item());
  };
  return step_with_gradients(evaluate, where);
}

template <class T>
LBFGSReport LBFGS<T>::step_with_gradients(const Evaluate& evaluate, const Location& where) {
  std::vector<Parameter<T>> trainable;
  for (const NamedParameter<T>& named : this->trainable()) trainable.push_back(named.parameter);
  require_any_trained("LBFGS", trainable, this->parameters_, where);
  Memory& memory = *memory_;
  if (!(trainable == memory.trained)) reset();  // other parameters are frozen now
  memory.trained = trainable;
  Line line(std::move(trainable), evaluate, where);
  const std::vector<Tensor<T>> before = line.from;
  try {
    LinePoint<T> point = line.evaluate(0);
    require_finite(point, where);
    LBFGSReport report{point.loss, point.loss, 0, 0};
    while (report.iterations < options_.max_iterations && largest(point.gradient) > options_.gradient_tolerance) {
      ++report.iterations;
      double first = this->rate();
      if (memory.last_gradient.empty()) {
        double sum = 0;
        for (const T g : point.gradient) sum += std::abs(static_cast<double>(g));
        first *= std::min(1.0, 1 / sum);
      } else {
        remember(memory, point.gradient, options_.history_size);
      }
      line.along = direction(memory.history, point.gradient);
      memory.last_gradient = point.gradient;
      memory.last_change.assign(point.gradient.size(), T(0));
      point.slope = dot(point.gradient, line.along);
      if (!(point.slope <= -options_.change_tolerance)) break;
      line.start_here();
      const double loss_before = point.loss, extent = largest(line.along);
      point.t = 0;
      point = strong_wolfe([&](double t) { return line.at(t); }, point, first, options_.change_tolerance / extent);
      line.move_to(point.t);
      memory.last_change = scaled(point.t, line.along);
      report.loss = point.loss;
      if (line.evaluations >= options_.max_evaluations || point.t * extent <= options_.change_tolerance ||
          std::abs(point.loss - loss_before) < options_.change_tolerance)
        break;
    }
    report.evaluations = line.evaluations;
    this->step_.assign(Tensor<T>(static_cast<T>(this->steps() + 1)));
    return report;
  } catch (...) {
    line.from = before;
    line.move_to(0);
    reset();
    throw;
  }
}

template <class T>
void LBFGS<T>::reset() {
  memory_->history.clear();
  memory_->last_change.clear();
  memory_->last_gradient.clear();
}

template class LBFGS<float>;
template class LBFGS<double>;

}  // namespace wengert::optim
