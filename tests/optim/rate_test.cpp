// Who sets the learning rate: groups, rate factors, schedules, RateControl, and rules with step sizes of their own.
#include "optim/problem.hpp"

using namespace wengert;
using namespace wengert::testing;
using namespace wengert::optim;

namespace {

// How far a step with gradients of 1 moves each parameter.
std::vector<double> moves(Optimizer<double>& optimizer, bool in_program) {
  std::vector<Tensor<double>> before;
  for (const auto& named : optimizer.parameters()) before.push_back(named.parameter.value());
  const auto record_step = [&](Tape<double>& tape) {
    std::vector<Var<double>> ones;
    for (const Tensor<double>& value : before) ones.push_back(tape.constant(xt::ones_like(value)));
    optimizer.update(ones);
    return tape.constant(0.0);
  };
  if (in_program) {
    compiled<double>(record_step)();
  } else {
    Tape<double> tape;
    record_step(tape);
    tape.commit();
  }
  std::vector<double> result;
  for (std::size_t i = 0; i < before.size(); ++i)
    result.push_back(before[i].flat(0) - optimizer.parameters()[i].parameter.value().flat(0));
  return result;
}

void check_close(const std::vector<double>& got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(expected[i]).epsilon(1e-12));
}

}  // namespace

TEST_CASE("a rate is the optimiser's times the group's ratio times the first rate factor that matches") {
  for (const bool in_program : {false, true}) {
    const Problem<double> problem;
    Optimizer<double> optimizer(
        problem, SGD{.rate = 1},
        {.groups = {{"second", SGD{.rate = 0.5}}}, .rate_factors = {{"first.w", 0.1}, {"*.b", 0.25}, {"", 3}}});
    check_close(moves(optimizer, in_program), {0.1, 0.25, 1.5, 0.125});  // first.w, first.b, second.w, second.b
    optimizer.set_rate(0.2);                                             // as a schedule would
    check_close(moves(optimizer, in_program), {0.02, 0.05, 0.3, 0.025});
    CHECK(optimizer.rate_factors().size() == 3);
  }
}

TEST_CASE("layer-wise decay multiplies the rate by the decay for each layer before the last") {
  const Problem<double> problem;
  const std::vector<RateFactor> factors = layerwise_decay({"first.w", "first.b", "second"}, 0.5);
  Optimizer<double> optimizer(problem, SGD{.rate = 0.1}, {.rate_factors = factors});
  check_close(moves(optimizer, true), {0.025, 0.05, 0.1, 0.1});
  CHECK(layerwise_decay({}, 0.5).empty());
  CHECK_ERROR(ValueError, "[layerwise_decay] a decay of 0: expected a positive number", layerwise_decay({"a"}, 0));
}

TEST_CASE("rate factors out of range, or without parameters, are refused") {
  const Problem<double> problem;
  const auto with = [&](std::vector<RateFactor> factors, const Location& where = Location::current()) {
    return Optimizer<double>(problem, SGD{}, {.rate_factors = std::move(factors)}, where);
  };
  CHECK_ERROR(ValueError, "rate factor 0 of 'first': expected a positive number; freeze parameters that must not",
              with({{"first", 0}}));
  CHECK_ERROR(ValueError, "rate factor inf of 'first'", with({{"first", std::numeric_limits<double>::infinity()}}));
  CHECK_ERROR(ValueError, "rate factor 'third' matches no parameter: the parameters are 'first.w', 'first.b'",
              with({{"third", 2}}));
  CHECK_ERROR(ValueError,
              "rate factor 'first.b' has no parameters left: 'first.b' belongs to the earlier rate factor 'first'; put "
              "the narrower rate factor first",
              with({{"first", 2}, {"first.b", 3}}));
}

TEST_CASE("a schedule moves the rates of groups in proportion, as in PyTorch") {
  const Problem<double> problem;
  Optimizer<double> optimizer(problem, SGD{.rate = 0.1}, {.groups = {{"*.b", SGD{.rate = 0.02}}}});
  const ExponentialDecay schedule{.rate = 0.1, .factor = 0.998};
  const Tensor<double>& expected = reference("groups.scheduled");
  double worst = 0;
  train(problem, optimizer, 1000, [&](int i) {
    optimizer.set_rate(schedule(i + 1));
    if (i % 100 != 99) return;
    const std::vector<double> got = problem.flat();
    for (std::size_t k = 0; k < got.size(); ++k)
      worst = larger_error(worst, std::abs(got[k] - expected(static_cast<std::size_t>(i / 100), k)));
  });
  CHECK(worst < 1e-8);
}

TEST_CASE("while something controls the rate, set_rate is refused, also of a copy, and so is a second control") {
  const Problem<double> problem;
  const auto check_control = [](AnyOptimizer<double>& optimizer, AnyOptimizer<double>& copy, const std::string& name) {
    {
      RateControl<double> control(optimizer, "the schedule of fit");
      control.set_rate(0.25);
      CHECK(optimizer.rate() == 0.25);
      CHECK_ERROR(ValueError,
                  "[" + name +
                      "] set_rate(0.5) while the schedule of fit sets the rate, which would replace it: let one of "
                      "them set it",
                  optimizer.set_rate(0.5));
      CHECK_ERROR(ValueError, "set_rate(0.5) while the schedule of fit sets the rate", copy.set_rate(0.5));
      CHECK_ERROR(ValueError,
                  "[RateControl] the schedule of fit and a plateau would both set the rate: let one of them set it",
                  RateControl<double>(copy, "a plateau"));
      CHECK_ERROR(ValueError, "rate -1: expected a finite number", control.set_rate(-1));
      CHECK(copy.rate() == 0.25);
    }
    optimizer.set_rate(0.5);
    CHECK(copy.rate() == 0.5);
    CHECK_ERROR(ValueError, "[RateControl] the owner has no name", RateControl<double>(copy, ""));
  };
  Optimizer<double> optimizer(problem, SGD{.rate = 0.1}), copy = optimizer;
  check_control(optimizer, copy, "Optimizer");
  LBFGS<double> newton(problem), twin = newton;
  check_control(newton, twin, "LBFGS");
}

TEST_CASE("Rprop reads the rate at a parameter's first step only, so setting it later is refused") {
  Parameter<double> w(Tensor<double>{1, -2}, "w");
  const auto step = [&](Optimizer<double>& optimizer) {
    Tape<double> tape;
    optimizer.update(sum(square(tape.variable(w))));
    tape.commit();
  };
  Optimizer<double> optimizer(w, Rprop{.rate = 0.5});
  optimizer.set_rate(0.25);
  step(optimizer);
  CHECK(w.value() == Tensor<double>{0.75, -1.75});
  step(optimizer);
  CHECK(w.value() == Tensor<double>{0.45, -1.45});  // by 1.2 · 0.25
  CHECK_ERROR(ValueError,
              "[Optimizer] set_rate(0.1) would change nothing: Rprop reads it at the first step only, and 2 steps were "
              "taken",
              optimizer.set_rate(0.1));
  optimizer.set_rate(0.25);
  Optimizer<double> mixed(w, SGD{.rate = 0.5}, {.groups = {{"w", Rprop{}}}});
  step(mixed);
  mixed.set_rate(0.1);
  CHECK_ERROR(ValueError, "[Rprop] eta_minus 1 and eta_plus 1.2: expected numbers between 0 and 1, and above 1",
              Optimizer<double>(w, Rprop{.eta_minus = 1}));
  CHECK_ERROR(ValueError, "[Rprop] eta_minus 0.5 and eta_plus 1", Optimizer<double>(w, Rprop{.eta_plus = 1}));
  CHECK_ERROR(ValueError, "[Rprop] min_step_size -1", Optimizer<double>(w, Rprop{.min_step_size = -1}));
  CHECK_ERROR(ValueError, "[Rprop] max_step_size 0.1: expected at least min_step_size, 0.2",
              Optimizer<double>(w, Rprop{.min_step_size = 0.2, .max_step_size = 0.1}));
}

TEST_CASE("settings list the rule, its options except the rate, groups, factors, limits and the average") {
  const Problem<double> problem;
  const Optimizer<double> optimizer(problem, SGD{.rate = 0.1, .momentum = 0.9},
                                    {.groups = {{"second", Rprop{.rate = 0.2}}},
                                     .rate_factors = {{"*.b", 0.5}},
                                     .clip_norm = 2,
                                     .average = EMA{.decay = 0.99, .every = 5}});
  std::string text;
  for (const auto& [name, value] : optimizer.settings()) text += name + "=" + value + "\n";
  CHECK(text ==
        "optimizer=SGD\noptimizer.momentum=0.9\noptimizer.dampening=0\noptimizer.weight_decay=0\n"
        "optimizer.nesterov=0\noptimizer.group.second=Rprop, rate 0.2, eta_minus 0.5, eta_plus 1.2, min_step_size "
        "1e-06, max_step_size 50\noptimizer.rate_factor.*.b=0.5\nclip_norm=2\naverage=EMA, decay 0.99, every 5\n");
  text.clear();
  for (const auto& [name, value] : LBFGS<double>(problem).settings()) text += name + "=" + value + "\n";
  CHECK(text ==
        "optimizer=LBFGS\noptimizer.max_iterations=20\noptimizer.max_evaluations=25\n"
        "optimizer.gradient_tolerance=1e-07\noptimizer.change_tolerance=1e-09\noptimizer.history_size=100\n");
}
