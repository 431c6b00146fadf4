// The small network for comparing optimisers with PyTorch's trajectories; reference.py describes the stored data.
#pragma once

#include "../testing.hpp"
#include <wengert/io/npz.hpp>
#include <wengert/optim.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace wengert::testing {

/// Returns an array of reference.npz by name.
inline const Tensor<double>& reference(const std::string& name) {
  static const auto arrays = [] {
    std::map<std::string, Tensor<double>> result;
    for (auto& [key, value] : io::load_npz<double>(PROJECT_SOURCE_DIR "/tests/optim/reference.npz"))
      result.emplace(std::move(key), std::move(value));
    return result;
  }();
  const auto found = arrays.find(name);
  if (found == arrays.end()) throw std::runtime_error("no array " + name + " in reference.npz");
  return found->second;
}

template <class T>
struct Dense {
  Parameter<T> w, b;
  Var<T> operator()(Var<T> x) const { return matmul(x, x.tape().variable(w)) + x.tape().variable(b); }
};

/// tanh(x w1 + b1) w2 + b2; its paths are first.w, first.b, second.w, second.b.
template <class T>
struct Problem {
  Dense<T> first = {initial("w1"), initial("b1")};
  Dense<T> second = {initial("w2"), initial("b2")};

  static Parameter<T> initial(const std::string& name) { return Parameter<T>(Tensor<T>(xt::cast<T>(reference(name)))); }
  Var<T> operator()(Var<T> x) const { return second(tanh(first(x))); }
  /// The mean squared error.
  Var<T> loss(Var<T> x, Var<T> y) const { return mean(square((*this)(x)-y)); }
  /// The elements of all parameters in one vector.
  std::vector<double> flat() const {
    std::vector<double> result;
    for_each_parameter(*this, [&](const std::string&, const Parameter<T>& parameter) {
      result.insert(result.end(), parameter.value().begin(), parameter.value().end());
    });
    return result;
  }
};

/// Returns the inputs `x` or targets `y` of a step: four of the sixteen samples, in turn.
template <class T>
Tensor<T> batch(const std::string& name, int step) {
  const int first = step % 4 * 4;
  return xt::cast<T>(xt::view(reference(name), xt::range(first, first + 4)));
}

/// Takes `steps` steps with a compiled Program; calls `after(i)` after each.
template <class T, class After>
void train(const Problem<T>& problem, optim::Optimizer<T>& optimizer, int steps, const After& after,
           const CompileOptions& options = {}) {
  auto step = compiled<T>(
      [&](Tape<T>&, Var<T> x, Var<T> y) {
        const Var<T> loss = problem.loss(x, y);
        optimizer.update(loss);
        return loss;
      },
      options);
  for (int i = 0; i < steps; ++i) {
    step(batch<T>("x", i), batch<T>("y", i));
    after(i);
  }
}

/// Returns the largest difference from the trajectory `name` of reference.npz, compared after every 100 of 1,000 steps.
template <class T = double>
double trajectory_error(const std::string& name, const optim::Rule<T>& rule,
                        const optim::OptimizerOptions<T>& options = {}) {
  const Problem<T> problem;
  optim::Optimizer<T> optimizer(problem, rule, options);
  const Tensor<double>& expected = reference(name);
  double worst = 0;
  train(problem, optimizer, 1000, [&](int i) {
    if (i % 100 != 99) return;
    const std::vector<double> got = problem.flat();
    for (std::size_t k = 0; k < got.size(); ++k)
      worst = testing::larger_error(worst, std::abs(got[k] - expected(static_cast<std::size_t>(i / 100), k)));
  });
  return worst;
}

}  // namespace wengert::testing
