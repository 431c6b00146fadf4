// L-BFGS against PyTorch, and derivatives through optimiser steps.
#include "optim/problem.hpp"

using namespace wengert;
using namespace wengert::testing;
using namespace wengert::optim;

namespace {

template <class T>
Var<T> rosenbrock(Var<T> p) {
  const auto n = static_cast<std::ptrdiff_t>(p.size());
  const auto head = slice(p, {xt::range(0, n - 1)}), tail = slice(p, {xt::range(1, n)});
  return sum(100 * square(tail - square(head)) + square(1 - head));
}

// Compares each call with a row of reference.npz: parameters, loss before the call, number of evaluations so far.
template <class Module>
void check(const std::string& name, const Module& module, const LBFGSOptions& options,
           const LBFGS<double>::Loss& loss) {
  CAPTURE(name);
  LBFGS<double> optimizer(module, options);
  const Tensor<double>& expected = reference("lbfgs." + name);
  std::size_t evaluations = 0;
  for (std::size_t call = 0; call < expected.shape(0); ++call) {
    CAPTURE(call);
    LBFGS<double> resumed(module, options);
    resumed.load_state(optimizer.state());
    optimizer = std::move(resumed);
    const LBFGSReport report = optimizer.step(loss);
    evaluations += report.evaluations;
    std::size_t k = 0;
    for (const auto& named : named_parameters(module))
      for (const double x : named.parameter.value()) CHECK(std::abs(x - expected(call, k++)) < 1e-8);
    CHECK(report.loss_before == doctest::Approx(expected(call, k)).epsilon(1e-8));
    CHECK(evaluations == static_cast<std::size_t>(expected(call, k + 1)));
    Tape<double> tape;
    CHECK(report.loss == loss(tape).item());
  }
}

}  // namespace

TEST_CASE("L-BFGS takes PyTorch's steps, also when it is saved and loaded between them") {
  const Parameter<double> two(Tensor<double>{-1.2, 1}, "p"), four(Tensor<double>{-1.2, 1, -0.5, 2}, "p");
  check("rosenbrock", two, {.max_iterations = 5}, [&](auto& tape) { return rosenbrock(tape.variable(two)); });
  check("rosenbrock4", four, {.max_iterations = 1, .max_evaluations = 100, .history = 3},
        [&](auto& tape) { return rosenbrock(tape.variable(four)); });
  const Problem<double> problem;
  check("network", problem, {.rate = 0.8, .max_iterations = 4, .history = 5},
        [&](auto& tape) { return problem.loss(tape.constant(reference("x")), tape.constant(reference("y"))); });
}

TEST_CASE("L-BFGS finds a minimum, in float too") {
  const Parameter<float> p(Tensor<float>{-1.2F, 1, 0.3F}, "p");
  LBFGS<float> optimizer(p, {.max_iterations = 100});
  const auto report = optimizer.step([&](auto& tape) { return rosenbrock(tape.variable(p)); });
  CHECK(report.loss < 1e-6);
  CHECK(report.iterations < 60);
  for (const float x : p.value()) CHECK(x == doctest::Approx(1).epsilon(1e-2));
}

TEST_CASE("L-BFGS leaves frozen parameters alone, and all if the loss throws or is not finite") {
  Parameter<double> p(Tensor<double>{-1.2, 1}, "p"), frozen(Tensor<double>{2}, "q");
  frozen.set_trainable(false);
  LBFGS<double> optimizer(std::vector{p, frozen});
  int calls = 0;
  const auto loss = [&](Tape<double>& tape) {
    if (++calls == 4) throw ValueError("test", "thrown");
    return rosenbrock(tape.variable(p)) + sum(square(tape.variable(frozen)));
  };
  CHECK(message_of<ValueError>([&] { optimizer.step(loss); }) == "[test] thrown");
  CHECK(p.value() == Tensor<double>{-1.2, 1});
  optimizer.step(loss);
  CHECK(frozen.value() == Tensor<double>{2});
  CHECK(p.value()(0) == doctest::Approx(1).epsilon(0.5));

  Parameter<double> x(Tensor<double>{4}, "x");  // √x + 1/(2√x) has its minimum √2 at ½; it is NaN below 0
  LBFGS<double> careful(x, {.rate = 30, .max_iterations = 60, .max_evaluations = 1000});
  bool was_nan = false;
  const auto report = careful.step([&](auto& tape) {
    const auto v = tape.variable(x);
    const auto value = sum(sqrt(v) + 0.5 * sqrt(1 / v));
    was_nan = was_nan || std::isnan(value.item());
    return value;
  });
  CHECK(was_nan);
  CHECK(report.loss == doctest::Approx(std::sqrt(2)).epsilon(1e-9));
  CHECK(x.value()(0) == doctest::Approx(0.5).epsilon(1e-4));
}

TEST_CASE("L-BFGS refuses what it cannot do") {
  const Parameter<double> p(Tensor<double>{1}, "p");
  CHECK_ERROR(ValueError, "[LBFGS] rate -1", LBFGS<double>(p, {.rate = -1}));
  CHECK_ERROR(ValueError, "[LBFGS] history 0", LBFGS<double>(p, {.history = 0}));
  CHECK_ERROR(ValueError, "[LBFGS] no parameters", LBFGS<double>(std::vector<Parameter<double>>{}));
  LBFGS<double> optimizer(p);
  CHECK_ERROR(GradientError, "expected a scalar; reduce it",
              optimizer.step([&](auto& tape) { return broadcast_to(tape.variable(p), {3}); }));
  CHECK_ERROR(ValueError, "state 'change' is missing",
              optimizer.load_state(std::vector{NamedParameter<double>{"gradient", p}}));
  const Parameter<double> q(Tensor<double>{1, 2}, "q");
  CHECK_ERROR(ShapeError, "state 'change' has 2 elements: expected 1, as many as the trainable parameters",
              optimizer.load_state(std::vector{NamedParameter<double>{"change", q}, {"gradient", q}}));
}

TEST_CASE("L-BFGS forgets when other parameters of the same size become trainable") {
  const auto loss = [](const Parameter<double>& p, const Parameter<double>& q) {
    return [&](Tape<double>& tape) { return rosenbrock(tape.variable(p)) + rosenbrock(2 * tape.variable(q)); };
  };
  Parameter<double> p(Tensor<double>{-1.2, 1}, "p"), q(Tensor<double>{0.3, 0.2}, "q");
  q.set_trainable(false);
  LBFGS<double> optimizer(std::vector{p, q}, {.max_iterations = 3});
  optimizer.step(loss(p, q));
  p.set_trainable(false);
  q.set_trainable(true);
  Parameter<double> alone(q.value(), "q");
  LBFGS<double> fresh(alone, {.max_iterations = 3});
  optimizer.step(loss(p, q));
  fresh.step(loss(p, alone));
  CHECK(q.value() == alone.value());
}

TEST_CASE("L-BFGS keeps the end of a history that is too long") {
  const Parameter<double> p(Tensor<double>{-1.2, 1}, "p");
  const auto loss = [&](Tape<double>& tape) { return rosenbrock(tape.variable(p)); };
  LBFGS<double> optimizer(p, {.max_iterations = 8, .history = 5}), shorter(p, {.history = 2});
  optimizer.step(loss);
  const auto state = optimizer.state();
  REQUIRE(state.back().name == "history.4.gradient");
  shorter.load_state(state);
  CHECK(shorter.state().back().name == "history.1.gradient");
  CHECK(shorter.state().back().parameter.value() == state.back().parameter.value());
}

TEST_CASE("L-BFGS commits what the loss queues, at each evaluation") {
  const Parameter<double> p(Tensor<double>{-1.2, 1}, "p"), calls(Tensor<double>(0.0), "calls", false);
  LBFGS<double> optimizer(p, {.max_iterations = 5});
  const auto report = optimizer.step([&](Tape<double>& tape) {
    tape.update(calls, tape.variable(calls) + 1);
    return rosenbrock(tape.variable(p));
  });
  CHECK(report.evaluations > 5);
  CHECK(calls.value()() == static_cast<double>(report.evaluations));
}

TEST_CASE("steps of every rule are differentiated through") {
  const std::vector<std::pair<std::string, Rule<double>>> rules{
      {"SGD", SGD{.momentum = 0.9, .weight_decay = 0.01, .nesterov = true}},
      {"Adam", Adam{}},
      {"AdamW", AdamW{.amsgrad = true}},
      {"Adagrad", Adagrad{.rate_decay = 0.1}},
      {"Adadelta", Adadelta{.epsilon = 0.01}},
      {"RMSprop", RMSprop{.alpha = 0.9, .momentum = 0.5, .centered = true}},
      {"Adamax", Adamax{}},
      {"NAdam", NAdam{}},
      {"RAdam", RAdam{.beta2 = 0.9}},
      {"Lion", Lion{}},
  };
  const Tensor<double> w{0.3, -0.7, 1.1}, target{0.5, 0.2, -0.4};
  for (const auto& [name, rule] : rules) {
    CAPTURE(name);
    // The loss after three steps on another loss, as a function of the start, the rate and the scale of that loss.
    const auto after_steps = [&rule = rule](auto start, auto rate, auto scale) {
      auto& tape = start.tape();
      auto at = start;
      std::vector<Var<double>> state;
      for (const auto& part : rule.start(start)) state.push_back(part.second);
      for (int t = 1; t <= 3; ++t) {
        const auto [g] = grad(sum(scale * square(square(at)) + exp(at)), at);
        at = rule(at, g, state, {rate, tape.constant(static_cast<double>(t))});
      }
      return sum(square(at - 0.25));
    };
    CHECK(gradcheck(after_steps, w, Tensor<double>(0.05), target));
  }
}

TEST_CASE("a gradient of zero has a finite meta-gradient") {
  Tape<double> tape;
  const auto scale = tape.variable(Tensor<double>{0, 1});
  const auto w = tape.variable(Tensor<double>{1, 1});
  const Adam rule;
  auto state = rule.start(w);
  const auto [g] = grad(sum(scale * square(w)), w);
  const auto next = rule(w, g, state, {tape.constant(0.1), tape.constant(1)});
  for (const double x : grad(sum(square(next)), scale)[0].value()) CHECK(std::isfinite(x));
}

TEST_CASE("L-BFGS refuses what an Optimizer refuses") {
  Parameter<double> w(Tensor<double>{1, 2}, "w"), stray(Tensor<double>{3, 4}, "stray");
  optim::LBFGS<double> optimizer(w);
  const auto both = [&](Tape<double>& tape) { return sum(square(tape.variable(w)) * square(tape.variable(stray))); };
  CHECK_ERROR(ValueError, "[LBFGS] the loss depends on trainable parameters that belong to no optimiser (stray (2,)",
              optimizer.step(both));
  CHECK(w.value() == Tensor<double>{1, 2});
  stray.set_trainable(false);
  CHECK(optimizer.step(both).loss < 1);
  w.set_trainable(false);
  CHECK_ERROR(ValueError, "[LBFGS] all parameters of the optimiser are frozen ('w')", optimizer.step(both));
}
