// Averages of the weights: EMA and SWA against PyTorch, in Programs and on the tape; swapping, saving, freezing.
#include "optim/problem.hpp"
#include "temporary_folder.hpp"

#include <cctype>
#include <sstream>

using namespace wengert;
using namespace wengert::testing;
using namespace wengert::optim;

namespace {

const std::vector<std::pair<std::string, Average>>& averages() {
  static const std::vector<std::pair<std::string, Average>> all{
      {"average.ema", EMA{.decay = 0.99}},
      {"average.corrected", EMA{.decay = 0.99, .bias_correction = true}},
      {"average.swa", SWA{}},
      {"average.swa_options", SWA{.start = 40, .every = 20}},
  };
  return all;
}

void train_on_tape(const Problem<double>& problem, Optimizer<double>& optimizer, int from, int to) {
  Tape<double> tape;
  for (int i = from; i < to; ++i) {
    tape.clear();
    optimizer.update(problem.loss(tape.constant(batch<double>("x", i)), tape.constant(batch<double>("y", i))));
    tape.commit();
  }
}

std::vector<double> flat_state(const Optimizer<double>& optimizer) {
  std::vector<double> result;
  for (const auto& part : optimizer.state())
    result.insert(result.end(), part.parameter.value().begin(), part.parameter.value().end());
  return result;
}

}  // namespace

TEST_CASE("averages agree with PyTorch's AveragedModel, and the network gets its weights back") {
  for (const auto& [name, average] : averages()) {
    CAPTURE(name);
    const Problem<double> problem;
    Optimizer<double> optimizer(problem, Adam{.rate = 0.01}, {.average = average});
    const Tensor<double>& expected = reference(name);
    double worst = 0;
    train(problem, optimizer, 1000, [&](int i) {
      if (i % 100 != 99) return;
      const std::vector<double> weights = problem.flat();
      {
        const AverageScope scope(optimizer);
        CHECK(optimizer.average_swapped());
        const std::vector<double> got = problem.flat();
        for (std::size_t k = 0; k < got.size(); ++k)
          worst = larger_error(worst, std::abs(got[k] - expected(static_cast<std::size_t>(i / 100), k)));
      }
      CHECK(!optimizer.average_swapped());
      CHECK(problem.flat() == weights);
    });
    CHECK(worst < 1e-8);
  }
}

TEST_CASE("averages on the tape, in unfused and in fused Programs agree, and the weights are those without average") {
  for (const auto& [name, average] : averages()) {
    CAPTURE(name);
    const auto run = [&average = average](const auto& steps) {
      const Problem<double> problem;
      Optimizer<double> optimizer(problem, Adam{.rate = 0.01}, {.average = average});
      steps(problem, optimizer);
      std::vector<double> result = flat_state(optimizer);
      for (const double x : problem.flat()) result.push_back(x);
      return result;
    };
    const auto eager = run([](auto& problem, auto& optimizer) { train_on_tape(problem, optimizer, 0, 80); });
    const auto unfused =
        run([](auto& problem, auto& optimizer) { train(problem, optimizer, 80, [](int) {}, {.fuse = false}); });
    const auto fused = run([](auto& problem, auto& optimizer) { train(problem, optimizer, 80, [](int) {}); });
    CHECK(eager == unfused);
    REQUIRE(eager.size() == fused.size());
    for (std::size_t i = 0; i < eager.size(); ++i) CHECK(std::abs(eager[i] - fused[i]) < 1e-12);
    const Problem<double> plain;
    Optimizer<double> without(plain, Adam{.rate = 0.01});
    train_on_tape(plain, without, 0, 80);
    CHECK(std::vector<double>(eager.end() - static_cast<std::ptrdiff_t>(plain.flat().size()), eager.end()) ==
          plain.flat());
  }
}

TEST_CASE("a compiled step computes the average in the pass of the update") {
  for (const auto& [name, average] : averages()) {
    CAPTURE(name);
    const Parameter<double> w(random_tensor({20, 30}, 1), "w"), b(random_tensor({30}, 2), "b");
    Optimizer<double> optimizer(std::vector{w, b}, Adam{}, {.average = average});
    auto step = compiled<double>([&](auto& tape, auto x, auto y) {
      optimizer.update({x, y});
      return tape.constant(0.0);
    });
    const auto& program = step(random_tensor({20, 30}, 3), random_tensor({30}, 4));
    std::istringstream text(program.to_string());
    std::size_t groups = 0;
    for (std::string line; std::getline(text, line);) groups += std::isdigit(line.front()) != 0 && contains(line, ":");
    CAPTURE(program.to_string());
    CHECK(groups == 4);                                          // one of scalars, and the check that weights are in
    CHECK(program.memory().arena_bytes < 600 * sizeof(double));  // only scalars are stored in between
  }
}

TEST_CASE("training with an average resumes from a saved state to the last bit, also while averages are swapped in") {
  const TemporaryFolder folder;
  for (const auto& [name, average] : averages())
    for (const bool swapped : {false, true}) {
      CAPTURE(name);
      CAPTURE(swapped);
      const Problem<double> whole, first, second;
      Optimizer<double> uninterrupted(whole, Adam{.rate = 0.01}, {.average = average}),
          one(first, Adam{.rate = 0.01}, {.average = average}), other(second, Adam{.rate = 0.01}, {.average = average});
      train_on_tape(whole, uninterrupted, 0, 120);
      train_on_tape(first, one, 0, 80);
      if (swapped) one.swap_average();
      std::vector<io::NamedTensor<double>> saved;
      for (const auto& part : one.state()) saved.push_back({part.name, part.parameter.value()});
      io::save_npz(folder / "state.npz", saved);
      other.load_state(io::load_npz<double>(folder / "state.npz"));
      for (std::size_t i = 0; i < 4; ++i) {
        Parameter<double> to = other.parameters()[i].parameter;
        to.assign(one.parameters()[i].parameter.value());
      }
      CHECK(other.has_average());
      CHECK(other.average_swapped() == swapped);
      if (swapped) other.swap_average();
      train_on_tape(second, other, 80, 120);
      CHECK(second.flat() == whole.flat());
      CHECK(flat_state(other) == flat_state(uninterrupted));
    }
}

TEST_CASE("the first averaged step copies the weights exactly, in float too") {
  for (const Average& average : {Average(EMA{.decay = 0.3}), Average(EMA{.decay = 0.3, .bias_correction = true}),
                                 Average(EMA{.decay = 0, .bias_correction = true}), Average(SWA{})}) {
    const Parameter<float> w(Tensor<float>{1e8F, 0.1F, 3}, "w");
    Optimizer<float> optimizer(w, SGD{.rate = 1}, {.average = average});
    Tape<float> tape;
    optimizer.update(std::vector{tape.constant(Tensor<float>{1e8F, 0.3F, 1e-9F})});
    tape.commit();
    const Tensor<float> weights = w.value();
    optimizer.swap_average();
    CHECK(w.value() == weights);
  }
}

TEST_CASE("a step is refused while the network holds its averages, also in a replay, and changes nothing") {
  const Problem<double> problem;
  Optimizer<double> optimizer(problem, Adam{.rate = 0.01}, {.average = EMA{}});
  const auto loss = [&](Tape<double>& tape) {
    return problem.loss(tape.constant(reference("x")), tape.constant(reference("y")));
  };
  auto step = compiled<double>([&](Tape<double>& tape) {
    const auto value = loss(tape);
    optimizer.update(value);
    return value;
  });
  for (int i = 0; i < 3; ++i) step();
  const std::vector<double> weights = problem.flat();
  optimizer.swap_average();
  const std::vector<double> averaged = problem.flat();
  CHECK(averaged != weights);
  const std::vector<double> state = flat_state(optimizer);
  const std::string expected =
      "[Optimizer] the network holds the averages of its weights: swap_average() before the next step";
  Tape<double> tape;
  CHECK_ERROR(ValueError, expected, (optimizer.update(loss(tape)), 0));
  CHECK_ERROR(ValueError, expected, (optimizer.update(optimizer.gradients(loss(tape))), 0));
  CHECK(tape.updates().empty());
  CHECK(contains(message_of<ValueError>([&] { step(); }), "the network holds the averages of its weights"));
  CHECK(problem.flat() == averaged);
  CHECK(flat_state(optimizer) == state);
  optimizer.swap_average();
  CHECK(problem.flat() == weights);
  step();
  CHECK(optimizer.steps() == 4);
}

TEST_CASE("parameters that were always frozen are not swapped, and one that is unfrozen late begins its average") {
  Problem<double> problem;
  problem.first.w.set_trainable(false);
  Optimizer<double> optimizer(problem, SGD{.rate = 0.1}, {.average = SWA{}});
  problem.first.w.assign(2 * problem.first.w.value());  // weights loaded after the optimiser was made
  const Tensor<double> frozen = problem.first.w.value();
  train_on_tape(problem, optimizer, 0, 5);
  {
    const AverageScope scope(optimizer);
    CHECK(problem.first.w.value() == frozen);
  }
  CHECK(problem.first.w.value() == frozen);
  problem.first.w.set_trainable(true);
  train_on_tape(problem, optimizer, 5, 6);
  const Tensor<double> late = problem.first.w.value(), early = problem.first.b.value();
  CHECK(late != frozen);
  optimizer.swap_average();
  CHECK(problem.first.w.value() == late);
  CHECK(problem.first.b.value() != early);
}

TEST_CASE("an average begins after `start` steps; until then there is none to swap") {
  const Problem<double> problem;
  Optimizer<double> optimizer(problem, SGD{.rate = 0.1}, {.average = EMA{.decay = 0.5, .start = 3, .every = 2}});
  for (int i = 0; i < 4; ++i) {
    CHECK(!optimizer.has_average());
    const std::vector<double> weights = problem.flat();
    const AverageScope scope(optimizer);  // changes nothing
    CHECK(problem.flat() == weights);
    CHECK_ERROR(ValueError,
                "[Optimizer] no step was averaged yet: " + std::to_string(i) +
                    " steps were taken, and the average is EMA, decay 0.5, start 3, every 2",
                optimizer.swap_average());
    train_on_tape(problem, optimizer, i, i + 1);
  }
  train_on_tape(problem, optimizer, 4, 5);
  CHECK(optimizer.has_average());
  const std::vector<double> fifth = problem.flat();
  train_on_tape(problem, optimizer, 5, 7);
  const std::vector<double> seventh = problem.flat();
  optimizer.swap_average();
  for (std::size_t k = 0; k < fifth.size(); ++k)
    CHECK(problem.flat()[k] == doctest::Approx((fifth[k] + seventh[k]) / 2).epsilon(1e-14));
}

TEST_CASE("mistakes with averages are errors") {
  const Problem<double> problem;
  const auto with = [&](const Average& average, const Location& where = Location::current()) {
    return Optimizer<double>(problem, SGD{}, {.average = average}, where);
  };
  CHECK_ERROR(ValueError, "[EMA] decay 1: expected a number of at least 0 and less than 1", with(EMA{.decay = 1}));
  CHECK_ERROR(ValueError, "[EMA] start -1: expected a number of steps", with(EMA{.start = -1}));
  CHECK_ERROR(ValueError, "[SWA] every 0: expected at least 1", with(SWA{.every = 0}));
  Optimizer<double> none = with({});
  CHECK(!none.has_average());
  CHECK_ERROR(ValueError, "[Optimizer] there is no average of the weights: expected the option .average",
              none.swap_average());
  Optimizer<double> optimizer = with(EMA{});
  train_on_tape(problem, optimizer, 0, 1);
  CHECK_ERROR(HandleError, "[Optimizer] swap_average while a Program is recorded",
              compiled<double>([&](Tape<double>& tape) {
                optimizer.swap_average();
                return tape.constant(0.0);
              })());
  CHECK(!optimizer.average_swapped());
  auto state = optimizer.state();
  std::string names;
  for (const auto& part : state) names += part.name + " ";
  CHECK(names ==
        "rate step swapped first.w.step first.w.average first.w.averaged first.b.step first.b.average "
        "first.b.averaged second.w.step second.w.average second.w.averaged second.b.step second.b.average "
        "second.b.averaged ");
  CHECK_ERROR(ValueError, "unexpected state 'first.b.average': was it saved with another rule", none.load_state(state));
}
