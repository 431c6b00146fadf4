// L-BFGS against PyTorch, and derivatives through optimiser steps.
#include "optim/problem.hpp"
#include "temporary_folder.hpp"

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
    optimizer = resumed;
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
  check("rosenbrock4", four, {.max_iterations = 1, .max_evaluations = 100, .history_size = 3},
        [&](auto& tape) { return rosenbrock(tape.variable(four)); });
  const Problem<double> problem;
  check("network", problem, {.rate = 0.8, .max_iterations = 4, .history_size = 5},
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
  CHECK_ERROR(ValueError, "[LBFGS] max_iterations 0: expected at least 1", LBFGS<double>(p, {.max_iterations = 0}));
  CHECK_ERROR(ValueError, "[LBFGS] history_size 0", LBFGS<double>(p, {.history_size = 0}));
  CHECK_ERROR(ValueError, "[LBFGS] no parameters", LBFGS<double>(std::vector<Parameter<double>>{}));
  LBFGS<double> optimizer(p);
  CHECK_ERROR(GradientError, "expected a scalar; reduce it",
              optimizer.step([&](auto& tape) { return broadcast_to(tape.variable(p), {3}); }));
  const Parameter<double> scalar(Tensor<double>(0.5), "s"), q(Tensor<double>{1, 2}, "q");
  std::vector<NamedParameter<double>> state{{"rate", scalar}, {"step", scalar}, {"p.gradient", p}};
  CHECK_ERROR(ValueError, "[LBFGS] state 'p.change' is missing: expected each part", optimizer.load_state(state));
  state.push_back({"p.change", q});
  CHECK_ERROR(ShapeError, "[LBFGS] state 'p.change' of shape (2,): expected (1,)", optimizer.load_state(state));
  state.back() = {"step", scalar};
  CHECK_ERROR(ValueError, "[LBFGS] state 'step' is given twice", optimizer.load_state(state));
  state.erase(state.begin());
  state.pop_back();
  CHECK_ERROR(ValueError, "[LBFGS] state 'rate' is missing", optimizer.load_state(state));
  CHECK_ERROR(
      ValueError, "[LBFGS] unexpected state 'q.gradient': was it saved for other parameters?",
      optimizer.load_state(std::vector<NamedParameter<double>>{{"rate", scalar}, {"step", scalar}, {"q.gradient", q}}));
  CHECK(optimizer.rate() == 1);
}

TEST_CASE("L-BFGS takes the same steps from a Program that computes loss and gradients") {
  const Problem<double> recorded, computed;
  const LBFGSOptions options{.max_iterations = 4, .history_size = 5};
  LBFGS<double> one(recorded, options), other(computed, options);
  auto loss_and_gradients = compiled<double>([&](Tape<double>& tape) {
    const auto loss = computed.loss(tape.constant(reference("x")), tape.constant(reference("y")));
    auto [w1, b1, w2, b2] = grad(loss, tape.variable(computed.first.w), tape.variable(computed.first.b),
                                 tape.variable(computed.second.w), tape.variable(computed.second.b));
    return std::tuple(loss, w1, b1, w2, b2);
  });
  for (int call = 0; call < 5; ++call) {
    const auto expected = one.step(
        [&](auto& tape) { return recorded.loss(tape.constant(reference("x")), tape.constant(reference("y"))); });
    const auto report = other.step_with_gradients([&](std::vector<Tensor<double>>& gradients) {
      const auto& program = loss_and_gradients();
      REQUIRE(gradients.size() == 4);
      for (std::size_t k = 0; k < 4; ++k) gradients[k] = program.output(k + 1);
      return program.item(0);
    });
    CHECK(report.loss == doctest::Approx(expected.loss).epsilon(1e-10));
    CHECK(report.iterations == expected.iterations);
    CHECK(report.evaluations == expected.evaluations);
  }
  const std::vector<double> a = recorded.flat(), b = computed.flat();
  for (std::size_t k = 0; k < a.size(); ++k) CHECK(std::abs(a[k] - b[k]) < 1e-9);
  CHECK(other.steps() == 5);
  const std::vector<double> before = computed.flat();
  CHECK_ERROR(ShapeError, "[LBFGS] 3 gradients: expected one for each of 4 trainable parameters",
              other.step_with_gradients([](auto& gradients) {
                gradients.pop_back();
                return 1.0;
              }));
  CHECK_ERROR(ShapeError, "[LBFGS] a gradient of shape (2,) for a parameter of shape (4, 3): expected equal shapes",
              other.step_with_gradients([](auto& gradients) {
                gradients[0] = Tensor<double>{1, 2};
                return 1.0;
              }));
  CHECK_ERROR(ValueError, "[LBFGS] the loss is nan", other.step_with_gradients([&](auto& gradients) {
    for (std::size_t k = 0; k < 4; ++k) gradients[k] = xt::zeros_like(other.parameters()[k].parameter.value());
    return std::nan("");
  }));
  CHECK(computed.flat() == before);
}

TEST_CASE("L-BFGS resumes from a saved state to the last bit, also with another set of frozen parameters") {
  const auto run = []<class T>(T, bool interrupted, int frozen) {
    Problem<T> problem;
    if (frozen != 0) (frozen == 1 ? problem.first.b : problem.second.w).set_trainable(false);
    const LBFGSOptions options{.rate = 0.7, .max_iterations = 3, .history_size = 4};
    const auto loss = [&](auto& tape) {
      return problem.loss(tape.constant(xt::cast<T>(reference("x"))), tape.constant(xt::cast<T>(reference("y"))));
    };
    LBFGS<T> first(problem, options);
    for (int i = 0; i < 3; ++i) first.step(loss);
    first.set_rate(0.8);
    if (!interrupted) {
      for (int i = 0; i < 3; ++i) first.step(loss);
      return problem.flat();
    }
    const TemporaryFolder folder;
    std::vector<io::NamedTensor<T>> saved;
    for (const auto& part : first.state()) saved.push_back({part.name, part.parameter.value()});
    io::save_npz(folder / "state.npz", saved);
    LBFGS<T> second(problem, options);
    second.load_state(io::load_npz<T>(folder / "state.npz"));
    CHECK(second.rate() == first.rate());
    CHECK(second.steps() == 3);
    for (int i = 0; i < 3; ++i) second.step(loss);
    return problem.flat();
  };
  for (const int frozen : {0, 1, 2}) {
    CHECK(run(0.0, true, frozen) == run(0.0, false, frozen));
    CHECK(run(0.0F, true, frozen) == run(0.0F, false, frozen));
  }
}

TEST_CASE("copies of L-BFGS share the state") {
  const Parameter<double> p(Tensor<double>{-1.2, 1}, "p"), q(p.value(), "p");
  const auto loss = [](const Parameter<double>& of) {
    return [&](Tape<double>& tape) { return rosenbrock(tape.variable(of)); };
  };
  LBFGS<double> one(p, {.max_iterations = 2}), alone(q, {.max_iterations = 2});
  LBFGS<double> copy = one;
  const LBFGS<double> moved = std::move(one);  // which leaves a copy behind
  for (int i = 0; i < 3; ++i) {
    (i % 2 == 0 ? one : copy).step(loss(p));
    alone.step(loss(q));
  }
  CHECK(p.value() == q.value());
  CHECK(one.steps() == 3);  // NOLINT
  CHECK(moved.steps() == 3);
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
  LBFGS<double> optimizer(p, {.max_iterations = 8, .history_size = 5}), shorter(p, {.history_size = 2});
  optimizer.step(loss);
  const auto state = optimizer.state();
  REQUIRE(state.back().name == "p.gradient_changes");
  const Tensor<double> long_history = state.back().parameter.value();
  REQUIRE(long_history.shape(0) == 5);
  shorter.load_state(state);
  CHECK(shorter.state().back().parameter.value() == xt::view(long_history, xt::range(3, 5)));
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
      {"Rprop", Rprop{}},
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

TEST_CASE("L-BFGS ends by gradient_tolerance and change_tolerance, at the first iteration that meets them") {
  // x⁴ from 4: the parameter after at most as many iterations, and their number.
  const auto run = [](LBFGSOptions options, std::size_t iterations) {
    const Parameter<double> p(Tensor<double>{4}, "p");
    if (iterations == 0) return std::pair(4.0, std::size_t{0});
    options.max_iterations = iterations;
    options.max_evaluations = 10'000;
    LBFGS<double> optimizer(p, options);
    const auto report = optimizer.step([&](auto& tape) { return sum(square(square(tape.variable(p)))); });
    return std::pair(p.value()(0), report.iterations);
  };
  std::size_t last = 0;
  for (const double tolerance : {1.0, 1e-3}) {
    const LBFGSOptions options{.gradient_tolerance = tolerance, .change_tolerance = 0};
    const auto [end, iterations] = run(options, 200);
    CHECK(4 * std::abs(end * end * end) <= tolerance);
    REQUIRE((iterations > last && iterations < 200));
    CHECK(4 * std::pow(std::abs(run(options, iterations - 1).first), 3) > tolerance);
    last = iterations;
  }
  CHECK(run({.gradient_tolerance = 256}, 200) == std::pair(4.0, std::size_t{0}));  // the gradient at 4

  last = 0;
  for (const double tolerance : {0.1, 1e-3}) {
    const LBFGSOptions options{.gradient_tolerance = 0, .change_tolerance = tolerance};
    const auto [end, iterations] = run(options, 200);
    REQUIRE((iterations > std::max<std::size_t>(last, 1) && iterations < 200));
    const auto small = [&](double from, double to) {
      return std::abs(to - from) <= tolerance || std::abs(std::pow(to, 4) - std::pow(from, 4)) <= tolerance;
    };
    const double before = run(options, iterations - 1).first;
    CHECK(small(before, end));
    CHECK_FALSE(small(run(options, iterations - 2).first, before));
    last = iterations;
  }
}
