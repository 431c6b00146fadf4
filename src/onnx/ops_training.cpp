// ONNX's ops of training: gradients, and the updates of optimisers.
#include "onnx/call.hpp"
#include "onnx/operand.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/transform/transforms.hpp>

#include <string>
#include <vector>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

// The value of a name in the graph around a node: what a body without nodes returns.
template <class T>
Value<T> named_value(const Call<T>& c, const std::string& name) {
  Graph body;
  body.outputs.push_back({name, ElementType::undefined, {}});
  return c.run(body, {}).front();
}

template <class T>
Outputs<T> gradient_of(const Call<T>& c) {
  const auto names = c.texts("xs");
  std::vector<Var<T>> xs;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Value<T> inside = named_value(c, names[i]);
    const Value<T>& given = c.value(i);
    if (inside.constant() || inside.template holds<IndexVar<T>>())
      c.fail(fmt::format("'{}' is a constant or holds integers: expected an input or a weight", names[i]));
    const Var<T> x = inside.var(c.tape, c.where);
    if (given.constant() || given.template holds<IndexVar<T>>() || c.x(i).index() != x.index())
      c.fail(fmt::format("input {} is not '{}': gradients are only taken at the values of the graph", i, names[i]));
    xs.push_back(x);
  }
  const Var<T> y = named_value(c, c.text("y", "")).var(c.tape, c.where);
  std::vector<Value<T>> outputs;
  for (const Var<T>& gradient : grad<T>(Differentiated<T>(sum(y, {}, KeepDims::no, c.where), c.where), xs))
    outputs.emplace_back(gradient, c.type(outputs.size()));
  return outputs;
}

// The state of one tensor that an optimiser updates.
template <class T>
struct Updated {
  Var<T> x, gradient;           // the gradient includes that of the regularisation
  std::vector<Var<T>> moments;  // what the optimiser keeps for it
};

// Updates each of the tensors that follow the learning rate and the count: all x, then all gradients, then the first
// moments of all, and so on, which is also the order of the results. `update` replaces x and the moments.
template <class T, class F>
Outputs<T> updated_tensors(const Call<T>& c, std::size_t moments, const F& update) {
  const std::size_t groups = 2 + moments;
  if (c.size() < 2 + groups || (c.size() - 2) % groups != 0)
    c.fail(fmt::format("{} inputs: expected R, T and {} for each tensor", c.size(), groups));
  const std::size_t count = (c.size() - 2) / groups;
  const double decay = c.number("norm_coefficient", 0);
  std::vector<Value<T>> outputs((1 + moments) * count);
  for (std::size_t i = 0; i < count; ++i) {
    const Var<T> x = c.x(2 + i), gradient = c.x(2 + count + i);
    Updated<T> state{x, add(at(c, gradient), multiply(at(c, x), decay)), {}};
    for (std::size_t m = 0; m < moments; ++m) state.moments.push_back(c.x(2 + (2 + m) * count + i));
    update(state);
    outputs[i] = Value<T>(state.x, c.type(2 + i));
    for (std::size_t m = 0; m < moments; ++m) outputs[(1 + m) * count + i] = Value<T>(state.moments[m], c.type(2 + i));
  }
  return outputs;
}

// The learning rate, or the count of updates, as a scalar.
template <class T>
Var<T> scalar_of(const Call<T>& c, std::size_t input) {
  return reshape(c.x(input), Shape{}, c.where);
}

// old · factor + new · weight.
template <class T>
Var<T> weighted_sum(const Call<T>& c, Var<T> old, double factor, Var<T> fresh, const Operand<T>& weight) {
  return add(at(c, multiply(at(c, old), factor)), multiply(at(c, fresh), weight));
}

template <class T>
Outputs<T> adagrad_of(const Call<T>& c) {
  const Var<T> decays = add(at(c, multiply(operand(c, 1), c.number("decay_factor", 0))), 1);
  const Var<T> rate = divide(at(c, scalar_of(c, 0)), reshape(decays, Shape{}, c.where));
  const double epsilon = c.number("epsilon", 1e-6);
  return updated_tensors(c, 1, [&](Updated<T>& state) {
    const Var<T> squares = add(at(c, state.moments[0]), square(at(c, state.gradient)));
    const Var<T> step = divide(at(c, multiply(at(c, rate), state.gradient)), add(at(c, sqrt(at(c, squares))), epsilon));
    state.x = subtract(at(c, state.x), step);
    state.moments[0] = squares;
  });
}

template <class T>
Outputs<T> momentum_of(const Call<T>& c) {
  const std::string mode = c.text("mode", "");
  if (mode != "standard" && mode != "nesterov")
    c.fail(fmt::format("mode '{}': expected 'standard' or 'nesterov'", mode));
  const double alpha = c.number("alpha", 0);
  const Var<T> rate = scalar_of(c, 0);
  const Var<T> beta = wengert::where(at(c, greater(at(c, scalar_of(c, 1)), 0)), c.number("beta", 0), 1);
  return updated_tensors(c, 1, [&](Updated<T>& state) {
    const Var<T> velocity = weighted_sum(c, state.moments[0], alpha, state.gradient, at(c, beta));
    const Var<T> direction =
        mode == "standard" ? velocity : add(at(c, state.gradient), multiply(at(c, velocity), alpha));
    state.x = subtract(at(c, state.x), multiply(at(c, rate), direction));
    state.moments[0] = velocity;
  });
}

// alphaᵀ for the update count T.
template <class T>
Var<T> power_of_count(const Call<T>& c, double alpha) {
  return pow(at(c, alpha), at(c, scalar_of(c, 1)));
}

template <class T>
Outputs<T> adam_of(const Call<T>& c) {
  const double alpha = c.number("alpha", 0.9), beta = c.number("beta", 0.999), epsilon = c.number("epsilon", 1e-6);
  const double kept = 1 - c.number("norm_coefficient_post", 0);
  const Var<T> rate = scalar_of(c, 0);
  const Var<T> correction = divide(at(c, sqrt(at(c, subtract(at(c, 1.0), power_of_count(c, beta))))),
                                   subtract(at(c, 1.0), power_of_count(c, alpha)));
  const Var<T> adjusted =
      wengert::where(at(c, greater(at(c, scalar_of(c, 1)), 0)), multiply(at(c, rate), correction), rate);
  return updated_tensors(c, 2, [&](Updated<T>& state) {
    const Var<T> mean = weighted_sum(c, state.moments[0], alpha, state.gradient, at(c, 1 - alpha));
    const Var<T> squares = weighted_sum(c, state.moments[1], beta, square(at(c, state.gradient)), at(c, 1 - beta));
    const Var<T> step = divide(at(c, multiply(at(c, adjusted), mean)), add(at(c, sqrt(at(c, squares))), epsilon));
    state.x = multiply(at(c, subtract(at(c, state.x), step)), kept);
    state.moments = {mean, squares};
  });
}

constexpr std::string_view training_domain = "ai.onnx.preview.training";

}  // namespace

template <class T>
std::span<const Entry<T>> training_entries() {
  static constexpr Entry<T> entries[] = {
      {"Adagrad", adagrad_of<T>, false, training_domain},
      {"Adam", adam_of<T>, false, training_domain},
      {"Gradient", gradient_of<T>, true, training_domain},
      {"Momentum", momentum_of<T>, false, training_domain},
  };
  return entries;
}

template std::span<const Entry<float>> training_entries<float>();
template std::span<const Entry<double>> training_entries<double>();

}  // namespace wengert::onnx::detail
