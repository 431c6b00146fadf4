// Functions of random graphs: gradients of any order, functions with custom rules, checkpoints, random draws.
#include "random_graphs/functions.hpp"

#include <iterator>

namespace wengert::random_graphs {
namespace {

// Returns a cotangent for a value: constant numbers, ones or another value.
template <class T>
Var<T> cotangent(Arguments<T>& a, Var<T> y, Var<T> other) {
  switch (a.below(3)) {
    case 0: {
      auto numbers = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(y.shape()));
      for (std::size_t i = 0; i < numbers.size(); ++i)
        numbers.data()[i] = static_cast<T>(0.25 * static_cast<double>(i % 7) - 0.5);
      return a.tape.constant(std::move(numbers));
    }
    case 1:
      return broadcast_to(a.tape.constant(T(1)), y.shape());
    default:
      return fit(other, y.shape());
  }
}

// Reads parts of a matrix (5, 3) one after another; they may overlap, and repeat.
template <class T>
Var<T> loop_over_parts(Arguments<T>& a, Var<T> x) {
  Var<T> y = slice(x, {0});
  for (std::size_t i = 0, count = 1 + a.below(5); i < count; ++i) {
    const auto k = static_cast<std::ptrdiff_t>(a.below(5));
    switch (a.below(6)) {
      case 0:
        y = tanh(y) + slice(x, {k});
        break;
      case 1:
        y = y * sum(slice(x, {Slice({}, k, -1)}), 0);
        break;
      case 2:
        y = y + sum(take(x, {k, k, 0}, 0), 0);
        break;
      case 3:
        y = y * take(x, Indices{k, 2 * k, -1});
        break;
      case 4:
        y = y - diagonal(x, 0) * x;
        break;
      default:
        y = y + gather(x, 0, Indices{{k, 1, k}});
    }
    if (y.rank() > 1) y = slice(y, {0});
  }
  return y;
}

std::vector<Function> gradients() {
  std::vector<Function> result{
      function(
          "grad", 3,
          [](auto& a) {
            const auto c = cotangent(a, a.x[0], a.x[2]);
            return std::get<0>(grad(seed(a.x[0], c), a.x[1]));
          },
          12),
      function(
          "grad of several values", 3,
          [](auto& a) {
            const auto c = cotangent(a, a.x[0], a.x[2]);
            return std::get<0>(grad({seed(a.x[0], c), seed(fit(a.x[2], {2}), fit(a.x[2], {2}))}, a.x[1]));
          },
          6),
      function(
          "grad of a sum", 2, [](auto& a) { return std::get<0>(grad(sum(a.x[0]), a.x[1])); }, 6),
      function(
          "two gradients", 3,
          [](auto& a) {
            const auto c = cotangent(a, a.x[0], a.x[2]);
            const auto [first, second] = grad(seed(a.x[0], c), a.x[1], a.x[2]);
            return first + fit(second, first.shape());
          },
          6),
      function(
          "second gradient", 3,
          [](auto& a) {
            const auto [first] = grad(seed(a.x[0], cotangent(a, a.x[0], a.x[2])), a.x[1]);
            return std::get<0>(grad(seed(first, cotangent(a, first, a.x[2])), a.x[1]));
          },
          6),
      function(
          "jvp", 3, [](auto& a) { return jvp(a.x[0], {a.x[1]}, {fit(a.x[2], a.x[1].shape())}); }, 2),
      function(
          "hvp", 3, [](auto& a) { return hvp(sum(a.x[0]), {a.x[1]}, {fit(a.x[2], a.x[1].shape())})[0]; }, 2)};
  for (Function& f : result) f.differentiates = true;
  result.push_back(function(
      "loop over parts", 1,
      [](auto& a) {
        return loop_over_parts(a, fit(a.x[0], {5, 3}, a.flag()));
      },
      4));
  result.push_back(function(
      "gradient of a loop over parts", 1,
      [](auto& a) {
        const auto x = fit(a.x[0], {5, 3}, a.flag());
        return std::get<0>(grad(sum(square(loop_over_parts(a, x))), x));
      },
      4));
  return result;
}

// Returns any function, by number; it receives the remaining choices.
template <class T>
const Function& any_function(Arguments<T>& a) {
  const auto& all = functions();
  return std::next(all.begin(), static_cast<std::ptrdiff_t>(a.below(1000) % all.size()))->second;
}
// Returns a callable that applies a function to Vars, in the same way at each call.
template <class T>
auto call_of(const Function& f, const Arguments<T>& a) {
  return [&f, &world = a.world, &tape = a.tape, labels = a.labels, choices = a.choices](auto... x) {
    std::vector<IndexVar<T>> indices;  // discarded
    Arguments<T> inner{world, tape, labels, {x...}, choices, &indices};
    while (inner.x.size() < f.arity) inner.x.push_back(inner.x.front());
    return f.template in<T>()(inner);
  };
}

std::vector<Function> rules() {
  return {function(
              "checkpoint", 2,
              [](auto& a) {
                const auto call = call_of(any_function(a), a);
                const auto captured = a.x[1];
                if (a.flag()) return checkpoint([call, captured](auto x) { return call(x, captured); })(a.x[0]);
                return checkpoint([call](auto x, auto y) { return call(x, y); })(a.x[0], a.x[1]);
              },
              8),
          function("checkpoint of a checkpoint", 2,
                   [](auto& a) {
                     const auto call = call_of(any_function(a), a);
                     return checkpoint([call](auto x, auto y) {
                       const auto inner = checkpoint([call](auto u, auto v) { return call(u, v); })(x, y);
                       return tanh(inner) * inner;
                     })(a.x[0], a.x[1]);
                   }),
          function(
              "custom_vjp", 2,
              [](auto& a) {
                const auto call = call_of(any_function(a), a);
                return custom_vjp([call](auto x, auto y) { return call(x, y); },
                                  [](auto g, auto y, auto u, auto v) {
                                    return std::tuple(fit(g * y, u.shape()) + u, fit(sin(y), v.shape()) * v);
                                  })(a.x[0], a.x[1]);
              },
              3),
          function("custom_vjp without a gradient", 2,
                   [](auto& a) {
                     return custom_vjp([](auto x, auto y) { return tanh(x) + sum(y); },
                                       [](auto g, auto y, auto, auto) { return std::tuple(g * y, no_gradient); })(
                         a.x[0], a.x[1]);
                   }),
          function("map_gradient", 1,
                   [](auto& a) { return map_gradient(a.x[0], [](auto g) { return tanh(g) * 2; }) * a.x[0]; }),
          function("scale_gradient", 1, [](auto& a) { return square(scale_gradient(a.x[0], -0.5)); }),
          function("clip_gradient", 1,
                   [](auto& a) {
                     return exp(clip_gradient(into(a.x[0], {-1, 1}), -0.25, 0.5));
                   }),
          function("stop_gradient", 1, [](auto& a) { return stop_gradient(a.x[0]) * a.x[0]; })};
}

std::vector<Function> draws() {
  return {
      function(
          "dropout", 1,
          [](auto& a) { return dropout(a.x[0], 0.25 * static_cast<double>(a.below(5)), a.world.generator); }, 2),
      function("uniform", 2, [](auto& a) { return uniform(a.x[0], fit(a.x[1], a.x[0].shape()), a.world.generator); }),
      function("normal", 2,
               [](auto& a) {
                 return normal(a.x[0], into(fit(a.x[1], a.x[0].shape()), {0.1, 2}), a.world.generator);
               }),
      function("uniform of a shape", 1,
               [](auto& a) {
                 return uniform(a.tape, Shape{2, a.below(4)}, a.world.generator);
               }),
      function("normal of a shape", 1,
               [](auto& a) { return normal(a.tape, a.x[0].shape(), a.world.generator) * a.x[0]; }),
      function("bernoulli", 1,
               [](auto& a) {
                 return bernoulli(into(a.x[0], {0, 1}), a.world.generator) * a.x[0];
               }),
      function("categorical", 1, [](auto& a) {
        const auto drawn = categorical(fit(a.x[0], {4, 3}), a.world.generator);
        a.indices->push_back(drawn);
        return take(fit(a.x[0], {3, 2}), drawn, 0);
      })};
}

}  // namespace

std::vector<Function> transform_functions() {
  std::vector<Function> result = gradients();
  for (const auto& family : {rules(), draws()}) result.insert(result.end(), family.begin(), family.end());
  return result;
}

}  // namespace wengert::random_graphs
