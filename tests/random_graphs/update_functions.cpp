// Functions of random graphs that queue updates: single ones, ones that read one another, and optimiser steps.
#include "random_graphs/functions.hpp"

namespace wengert::random_graphs {
namespace {

// Returns one of the trained parameters.
template <class T>
const Parameter<T>& any_parameter(Arguments<T>& a) {
  if (a.world.trained.empty()) throw ValueError("random_graphs", "no parameters");
  return a.world.trained[a.below(1000) % a.world.trained.size()].value;
}
template <class T>
Shape shape_of(const Parameter<T>& parameter) {
  return parameter.shape();
}

template <class T>
Var<T> update(Arguments<T>& a) {
  const Parameter<T>& p = any_parameter(a);
  const Shape shape = shape_of(p);
  const Var<T> w = a.tape.recorded(p), x = fit(into(a.x[0], {-1, 1}), shape, a.flag());
  switch (a.below(7)) {
    case 0:
      a.tape.update(p, w - 0.1 * x);
      break;
    case 1:
      a.tape.update(p, 0.5 * w + 0.25 * x);
      break;
    case 2:
      a.tape.update(p, x);
      break;
    case 3:  // from its own next value
      a.tape.update(p, 0.9 * a.tape.updated(p) + 0.1 * x);
      break;
    case 4:  // from another's next value
      a.tape.update(p, w - 0.5 * fit(a.tape.updated(any_parameter(a)), shape));
      break;
    case 5:  // from another's old value
      a.tape.update(p, 0.5 * w - 0.25 * fit(a.tape.recorded(any_parameter(a)), shape, a.flag()));
      break;
    default: {  // a product accumulated into it
      if (shape.rank() != 2) throw ShapeError("random_graphs", "no matrix");
      const auto left = fit(x, {3, shape[0]}), right = fit(a.x[1], {3, shape[1]});
      a.tape.update(p, 0.5 * w - a.tape.recorded(a.world.rate) * matmul(transpose(left), into(right, {-1, 1})));
    }
  }
  return a.x[0];
}

// Exchanges two parameters: each becomes the old value of the other.
template <class T>
Var<T> exchange(Arguments<T>& a) {
  const Parameter<T>&p = any_parameter(a), &q = any_parameter(a);
  const Var<T> new_p = fit(a.tape.recorded(q), shape_of(p)), new_q = fit(a.tape.recorded(p), shape_of(q));
  a.tape.update(p, new_p);
  a.tape.update(q, new_q);
  return a.x[0];
}

// Returns the product of x and all parameters that are matrices: the gradient of each reads the others.
template <class T>
Var<T> product_of_parameters(Arguments<T>& a) {
  Var<T> y = a.x[0];
  for (const auto& trained : a.world.trained) {
    const Shape shape = shape_of(trained.value);
    if (shape.rank() != 2) continue;
    y = matmul(fit(y, {shape[0], shape[0]}), a.tape.recorded(trained.value));
  }
  return y;
}

// Records an optimiser step on all trained parameters; the rate is a parameter, too, and may be updated itself.
template <class T>
Var<T> train(Arguments<T>& a) {
  const Var<T> loss = mean(square(into(a.x[0], {-1, 2})));
  std::vector<Parameter<T>> parameters;
  for (const auto& trained : a.world.trained) parameters.push_back(trained.value);
  const std::vector<Var<T>> gradients = grad<T>(loss, parameters);
  const std::size_t rule = a.below(4);
  const Var<T> rate = a.tape.recorded(a.world.rate);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [p, first, second] = a.world.trained[i];
    const Var<T> w = a.tape.recorded(p), g = gradients[i];
    switch (rule) {
      case 0:
        a.tape.update(p, w - 0.1 * g);
        break;
      case 1:
        a.tape.update(p, w - rate * g);
        break;
      case 2:  // momentum: reads the new moment
        a.tape.update(first, 0.9 * a.tape.recorded(first) + g);
        a.tape.update(p, w - rate * a.tape.updated(first));
        break;
      default:  // Adam
        a.tape.update(first, 0.9 * a.tape.recorded(first) + 0.1 * g);
        a.tape.update(second, 0.99 * a.tape.recorded(second) + 0.01 * square(g));
        a.tape.update(p, w - rate * a.tape.updated(first) / (sqrt(a.tape.updated(second)) + 1e-3));
    }
  }
  if (a.flag()) a.tape.update(a.world.rate, 0.5 * rate);
  return loss;
}

}  // namespace

std::vector<Function> update_functions() {
  return {function(
              "update", 2, [](auto& a) { return update(a); }, 16),
          function(
              "exchange", 1, [](auto& a) { return exchange(a); }, 4),
          function(
              "train", 1, [](auto& a) { return train(a); }, 10),
          function(
              "product of parameters", 1, [](auto& a) { return product_of_parameters(a); }, 4),
          function(
              "updated", 1, [](auto& a) { return a.tape.updated(any_parameter(a)); }, 6)};
}

}  // namespace wengert::random_graphs
