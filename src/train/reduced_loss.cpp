// Weighted means of losses, sums of their terms, and the op finite_loss: the identity, which throws if the loss is not
// finite.
#include "train/reduced_loss.hpp"

#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/tape/structural.hpp>

#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>

namespace wengert::train {
namespace {

struct FiniteLoss {
  static constexpr std::string_view name = "finite_loss";
  static constexpr std::string_view notation = "y = x";
  static constexpr std::size_t arity = 1;
  Shape shape(const Shape& x) const {
    if (x.elements() != 1)
      throw ShapeError(name, fmt::format("a loss of shape {}: expected one number, such as a mean", to_string(x)));
    return x;
  }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    if (!std::isfinite(*x.data)) throw ValueError(name, fmt::format("the loss is {}", *x.data));
    *y.data = *x.data;
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return g;
  }
  static std::vector<StructuralExample<FiniteLoss>> examples() { return {{{}, {{}}}}; }
};

template <class T>
void check_value(const Var<T>& value, const std::string& what, std::size_t samples, const Var<T>& weights,
                 std::string_view subject, const Location& where) {
  const Shape shape = value.shape();
  if (weights.empty()) {
    if (shape.elements() == 1 || shape == Shape{samples}) return;
    throw ShapeError(
        subject,
        fmt::format("{} of shape {}: expected one number, such as mean(…), or one for each of the {} samples", what,
                    to_string(shape), samples),
        where);
  }
  if (shape == weights.shape()) return;
  if (shape.empty())
    throw ValueError(
        subject,
        fmt::format("samples or classes have weights, but {} is one number: expected one value per weight, "
                    "{}, such as a loss with Reduction::none",
                    what, to_string(weights.shape())),
        where);
  throw ShapeError(subject,
                   fmt::format("{} of shape {}, weights of shape {}: expected equal shapes", what, to_string(shape),
                               to_string(weights.shape())),
                   where);
}

// A sum of weights of 0 gives 0.
template <class T>
Var<T> mean_of(const Var<T>& value, const Var<T>& weights) {
  if (weights.empty()) return value.shape().empty() ? value : mean(value);
  return sum(value * weights) / maximum(sum(weights), static_cast<double>(std::numeric_limits<T>::min()));
}

}  // namespace

template <class T>
void check_reducible(const RecordedLoss<T>& recorded, std::size_t samples, const Var<T>& weights,
                     std::string_view subject, const Location& where) {
  if (!recorded.loss.empty()) return check_value(recorded.loss, "a loss", samples, weights, subject, where);
  if (recorded.terms.empty()) throw ValueError(subject, "a loss without terms: expected at least one", where);
  std::set<std::string_view> names;
  for (const LossTerm<T>& term : recorded.terms) {
    if (term.name.empty() || !names.insert(term.name).second)
      throw ValueError(subject, fmt::format("a term of the loss is called '{}': expected distinct names", term.name),
                       where);
    if (!std::isfinite(term.weight))
      throw ValueError(subject, fmt::format("term '{}' has the weight {}: expected a number", term.name, term.weight),
                       where);
    check_value(term.value, fmt::format("term '{}'", term.name), samples, weights, subject, where);
  }
}

template <class T>
void reduce_loss(RecordedLoss<T>& recorded, const Var<T>& weights) {
  if (recorded.terms.empty()) {
    recorded.loss = mean_of(recorded.loss, weights);
    return;
  }
  recorded.loss = {};
  for (LossTerm<T>& term : recorded.terms) {
    term.value = mean_of(term.value, weights);
    const Var<T> part = term.weight == 1 ? term.value : term.weight * term.value;
    recorded.loss = recorded.loss.empty() ? part : recorded.loss + part;
  }
}

template <class T>
Var<T> finite_loss(Var<T> loss, Location where) {
  return record(FiniteLoss{}, where, loss);
}
#define INSTANTIATE(T)                                                                                \
  template void check_reducible(const RecordedLoss<T>&, std::size_t, const Var<T>&, std::string_view, \
                                const Location&);                                                     \
  template void reduce_loss(RecordedLoss<T>&, const Var<T>&);                                         \
  template Var<T> finite_loss(Var<T>, Location);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
