// Learning-rate schedules against PyTorch's rates, recorded by reference.py.
#include "optim/problem.hpp"

using namespace wengert;
using namespace wengert::testing;
using namespace wengert::optim;

namespace {

void check(const std::string& name, const Schedule& schedule) {
  CAPTURE(name);
  const Tensor<double>& expected = reference("schedule." + name);
  for (std::size_t t = 0; t < expected.size(); ++t) {
    CAPTURE(t);
    CHECK(schedule(static_cast<double>(t)) == doctest::Approx(expected(t)).epsilon(1e-9));
  }
}

void check_plateau(const std::string& name, Plateau plateau) {
  CAPTURE(name);
  const Tensor<double>& expected = reference("plateau." + name);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    Plateau saved = plateau;
    CHECK(plateau(reference("plateau.measures")(i)) == doctest::Approx(expected(i)).epsilon(1e-12));
    CHECK(saved(reference("plateau.measures")(i)) == plateau.rate);
  }
}

}  // namespace

TEST_CASE("schedules give PyTorch's rates") {
  check("step", StepDecay{.rate = 0.1, .every = 30});
  check("multi_step", MultiStepDecay{.rate = 0.1, .milestones = {10, 50, 51}, .factor = 0.5});
  check("exponential", ExponentialDecay{.rate = 0.1, .factor = 0.97});
  check("cosine", CosineDecay{.rate = 0.1, .steps = 99, .final_rate = 0.01});
  check("restarts", CosineRestarts{.rate = 0.1, .period = 10, .period_factor = 2, .final_rate = 0.001});
  check("periods", CosineRestarts{.rate = 0.1, .period = 15});
  check("one_cycle", OneCycle{.max_rate = 0.1, .steps = 101});
  check("one_cycle.options",
        OneCycle{.max_rate = 0.2, .steps = 101, .rise = 0.4, .start_divisor = 10, .end_divisor = 100});
  check("warmup",
        LinearWarmup{.steps = 20, .start_factor = 0.1, .then = ExponentialDecay{.rate = 0.1, .factor = 0.97}});
}

TEST_CASE("schedules stay at their end") {
  CHECK(CosineDecay{.rate = 0.1, .steps = 10, .final_rate = 0.01}(25) == doctest::Approx(0.01));
  CHECK(OneCycle{.max_rate = 0.1, .steps = 100}(1000) == doctest::Approx(4e-7).epsilon(1e-12).scale(0));
  CHECK(LinearWarmup{.steps = 4, .then = ConstantRate{.rate = 0.3}}(100) == 0.3);
}

TEST_CASE("a plateau lowers the rate as PyTorch's does") {
  check_plateau("default", {.rate = 0.1});
  check_plateau("patient", {.rate = 0.1, .factor = 0.5, .patience = 3, .cooldown = 2, .min_rate = 0.01});
  check_plateau("largest", {.rate = 0.1,
                            .factor = 0.5,
                            .patience = 4,
                            .threshold = 0.05,
                            .kind = Plateau::Threshold::absolute,
                            .goal = Plateau::Goal::largest});
}

TEST_CASE("schedules refuse options out of their range") {
  CHECK(contains(message_of<ValueError>([] { StepDecay{.rate = 0.1, .every = 0}(1); }),
                 "[StepDecay] every 0: expected a positive"));
  CHECK(contains(message_of<ValueError>([] { ConstantRate{.rate = -1}(0); }), "[ConstantRate] rate -1"));
  CHECK(contains(message_of<ValueError>([] { ExponentialDecay{.rate = 0.1}(-1); }), "[ExponentialDecay] t -1"));
  CHECK(contains(message_of<ValueError>([] { OneCycle{.max_rate = 0.1, .steps = 3}(0); }), "[OneCycle] 3 steps"));
  CHECK(contains(message_of<ValueError>([] { CosineRestarts{.rate = 0.1, .period_factor = 0.5}(0); }),
                 "period_factor 0.5"));
  CHECK(contains(message_of<ValueError>([] { LinearWarmup{.then = {}}(0); }), "no schedule after the warmup"));
  CHECK(contains(message_of<ValueError>([] { Plateau{.rate = 0.1, .factor = 1}(0); }), "[Plateau] factor 1"));
}

TEST_CASE("a schedule without a rate is refused: it would replace the optimiser's by a default") {
  const auto check_refused = [](const char* expected, auto schedule) {
    CHECK(contains(message_of<ValueError>([&] { schedule(0); }), expected));
  };
  check_refused("[ConstantRate] no rate: expected .rate = …, which replaces that of the optimiser's", ConstantRate{});
  check_refused("[StepDecay] no rate", StepDecay{});
  check_refused("[MultiStepDecay] no rate", MultiStepDecay{});
  check_refused("[ExponentialDecay] no rate", ExponentialDecay{});
  check_refused("[CosineDecay] no rate", CosineDecay{.steps = 10});
  check_refused("[CosineRestarts] no rate", CosineRestarts{});
  check_refused("[OneCycle] no max_rate: expected .max_rate = …", OneCycle{.steps = 100});
  check_refused("[ConstantRate] no rate", LinearWarmup{.steps = 3});
  check_refused("[Plateau] no rate", Plateau{});
}
