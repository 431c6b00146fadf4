// Update rules: trajectories against PyTorch, and eager steps against compiled steps.
#include "optim/problem.hpp"

#include <cctype>
#include <functional>
#include <sstream>

using namespace wengert;
using namespace wengert::testing;

namespace {

using Rules = std::vector<std::pair<std::string, optim::Rule<double>>>;

Rules rules() {
  using namespace optim;
  return {
      {"sgd", SGD{.rate = 0.1}},
      {"sgd.decay", SGD{.rate = 0.1, .weight_decay = 0.01}},
      {"sgd.momentum", SGD{.rate = 0.02, .momentum = 0.9}},
      {"sgd.dampening", SGD{.rate = 0.05, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.001}},
      {"sgd.nesterov", SGD{.rate = 0.02, .momentum = 0.9, .weight_decay = 0.001, .nesterov = true}},
      {"adam", Adam{.rate = 0.01}},
      {"adam.options", Adam{.rate = 0.02, .beta1 = 0.8, .beta2 = 0.99, .epsilon = 1e-5, .weight_decay = 0.01}},
      {"adam.amsgrad", Adam{.rate = 0.02, .beta2 = 0.95, .amsgrad = true}},
      {"adamw", AdamW{.rate = 0.01}},
      {"adamw.amsgrad", AdamW{.rate = 0.02, .weight_decay = 0.1, .amsgrad = true}},
      {"adagrad", Adagrad{.rate = 0.1}},
      {"adagrad.options",
       Adagrad{.rate = 0.2, .rate_decay = 0.01, .weight_decay = 0.01, .initial_sum = 0.1, .epsilon = 1e-6}},
      {"adadelta", Adadelta{}},
      {"adadelta.options", Adadelta{.rate = 0.5, .rho = 0.8, .epsilon = 1e-4, .weight_decay = 0.01}},
      {"rmsprop", RMSprop{.rate = 0.002}},
      {"rmsprop.momentum",
       RMSprop{.rate = 0.001, .alpha = 0.9, .epsilon = 1e-5, .weight_decay = 0.01, .momentum = 0.8}},
      {"rmsprop.centered", RMSprop{.rate = 0.001, .epsilon = 1e-4, .momentum = 0.5, .centered = true}},
      {"adamax", Adamax{.rate = 0.01}},
      {"adamax.options", Adamax{.rate = 0.02, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-4, .weight_decay = 0.01}},
      {"nadam", NAdam{.rate = 0.01}},
      {"nadam.options",
       NAdam{.rate = 0.02, .beta1 = 0.8, .beta2 = 0.99, .epsilon = 1e-5, .weight_decay = 0.01, .momentum_decay = 0.01}},
      {"radam", RAdam{.rate = 0.01}},
      {"radam.options", RAdam{.rate = 0.02, .beta1 = 0.8, .beta2 = 0.99, .epsilon = 1e-5, .weight_decay = 0.01}},
      {"radam.short", RAdam{.rate = 0.01, .beta1 = 0.8, .beta2 = 0.6}},
      {"rprop", Rprop{.rate = 0.001}},
      {"rprop.options",
       Rprop{.rate = 0.01, .eta_minus = 0.3, .eta_plus = 1.5, .min_step_size = 1e-4, .max_step_size = 0.02}},
      {"lion", Lion{.rate = 0.001}},
      {"lion.decay", Lion{.rate = 0.002, .beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.1}},
  };
}

}  // namespace

TEST_CASE("1,000 steps of every rule agree with PyTorch") {
  for (const auto& [name, rule] : rules()) {
    CAPTURE(name);
    const double error = trajectory_error(name, rule);
    CHECK(error < 1e-8);
  }
}

TEST_CASE("clipping and groups agree with PyTorch") {
  using namespace optim;
  CHECK(trajectory_error<double>("adam.clip_norm", Adam{.rate = 0.01}, {.clip_norm = 0.5}) < 1e-8);
  CHECK(trajectory_error<double>("sgd.clip_value", SGD{.rate = 0.1, .momentum = 0.5}, {.clip_value = 0.02}) < 1e-8);
  CHECK(trajectory_error<double>("groups", AdamW{.rate = 0.01},
                                 {.groups = {{"*.b", AdamW{.rate = 0.002, .weight_decay = 0}}}}) < 1e-8);
  CHECK(trajectory_error<double>("rprop.groups", Rprop{.rate = 0.01}, {.groups = {{"*.b", Rprop{.rate = 0.002}}}}) <
        1e-8);
}

TEST_CASE("accumulated gradients are clipped once, after the groups' gradients are put together, as in PyTorch") {
  const auto worst_error = [](const auto& steps) {
    const Problem<double> problem;
    optim::Optimizer<double> optimizer(
        problem, optim::Adam{.rate = 0.01},
        {.groups = {{"*.b", optim::Adam{.rate = 0.002}}}, .clip_value = 0.3, .clip_norm = 0.4});
    const auto record_step = [&](Tape<double>&, Var<double> x, Var<double> y, Var<double> x2, Var<double> y2) {
      std::vector<Var<double>> sums = optimizer.gradients(problem.loss(x, y));
      const std::vector<Var<double>> second = optimizer.gradients(problem.loss(x2, y2));
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] = (sums[k] + 2 * second[k]) / 3;
      optimizer.update(sums);
      return sum(sums[0]);
    };
    double worst = 0;
    steps(record_step, [&](int i) {
      if (i % 100 != 99) return;
      const std::vector<double> got = problem.flat();
      for (std::size_t k = 0; k < got.size(); ++k)
        worst = larger_error(worst, std::abs(got[k] - reference("accumulated")(static_cast<std::size_t>(i / 100), k)));
    });
    return worst;
  };
  CHECK(worst_error([](const auto& record_step, const auto& after) {
          auto step = compiled<double>(record_step);
          for (int i = 0; i < 1000; ++i) {
            step(batch<double>("x", i), batch<double>("y", i), batch<double>("x", i + 1), batch<double>("y", i + 1));
            after(i);
          }
        }) < 1e-8);
  CHECK(worst_error([](const auto& record_step, const auto& after) {
          Tape<double> tape;
          const auto leaf = [&](const char* name, int i) { return tape.constant(batch<double>(name, i)); };
          for (int i = 0; i < 300; ++i) {
            tape.clear();
            record_step(tape, leaf("x", i), leaf("y", i), leaf("x", i + 1), leaf("y", i + 1));
            tape.commit();
            after(i);
          }
        }) < 1e-8);
}

TEST_CASE("parameters frozen and unfrozen during training agree with PyTorch") {
  const std::vector<std::pair<std::string, optim::Rule<double>>> cases{
      {"frozen.adam", optim::Adam{.rate = 0.01}},
      {"frozen.momentum", optim::SGD{.rate = 0.05, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.001}},
      {"frozen.radam", optim::RAdam{.rate = 0.01}}};
  for (const auto& [name, rule] : cases) {
    CAPTURE(name);
    Problem<double> problem;
    optim::Optimizer<double> optimizer(problem, rule);
    const Tensor<double>& expected = reference(name);
    double worst = 0;
    const auto record_step = [&](Tape<double>&, Var<double> x, Var<double> y) {
      const Var<double> loss = problem.loss(x, y);
      optimizer.update(loss);
      return loss;
    };
    const auto run = [&](int from, int to) {  // in a Program, which is recorded anew, and every tenth step on a tape
      auto step = compiled<double>(record_step);
      for (int i = from; i < to; ++i) {
        if (i % 10 == 5) {
          Tape<double> tape;
          record_step(tape, tape.constant(batch<double>("x", i)), tape.constant(batch<double>("y", i)));
          tape.commit();
        } else {
          step(batch<double>("x", i), batch<double>("y", i));
        }
        if (i % 100 != 99) continue;
        const std::vector<double> got = problem.flat();
        for (std::size_t k = 0; k < got.size(); ++k)
          worst = larger_error(worst, std::abs(got[k] - expected(static_cast<std::size_t>(i / 100), k)));
      }
    };
    problem.first.w.set_trainable(false);
    run(0, 300);
    problem.first.w.set_trainable(true);
    run(300, 600);
    problem.second.w.set_trainable(false);
    run(600, 1000);
    CHECK(worst < 1e-8);
    for (const auto& part : optimizer.state()) {
      if (part.name == "first.w.step") CHECK(part.parameter.value()() == 700);
      if (part.name == "second.w.step") CHECK(part.parameter.value()() == 600);
      if (part.name == "step") CHECK(part.parameter.value()() == 1000);
    }
  }
}

TEST_CASE("eager steps, unfused and fused Programs agree") {
  for (const auto& [name, rule] : rules()) {
    CAPTURE(name);
    const auto run = [&rule = rule](const std::function<void(Problem<double>&, optim::Optimizer<double>&)>& steps) {
      Problem<double> problem;
      optim::Optimizer<double> optimizer(problem, rule);
      steps(problem, optimizer);
      CHECK(optimizer.steps() == 20);
      std::vector<double> result = problem.flat();
      for (const auto& part : optimizer.state())
        result.insert(result.end(), part.parameter.value().begin(), part.parameter.value().end());
      return result;
    };
    const auto eager = run([](auto& problem, auto& optimizer) {
      Tape<double> tape;
      for (int i = 0; i < 20; ++i) {
        tape.clear();
        optimizer.update(problem.loss(tape.constant(batch<double>("x", i)), tape.constant(batch<double>("y", i))));
        tape.commit();
      }
    });
    const auto unfused =
        run([](auto& problem, auto& optimizer) { train(problem, optimizer, 20, [](int) {}, {.fuse = false}); });
    const auto fused = run([](auto& problem, auto& optimizer) { train(problem, optimizer, 20, [](int) {}); });
    CHECK(eager == unfused);
    REQUIRE(eager.size() == fused.size());
    for (std::size_t i = 0; i < eager.size(); ++i) CHECK(std::abs(eager[i] - fused[i]) < 1e-12);
  }
}

TEST_CASE("a compiled step of a rule is one pass over each parameter") {
  for (const auto& [name, rule] : rules()) {
    CAPTURE(name);
    const Parameter<double> w(random_tensor({20, 30}, 1), "w"), b(random_tensor({30}, 2), "b");
    optim::Optimizer<double> optimizer(std::vector{w, b}, rule);
    auto step = compiled<double>([&](auto& tape, auto x, auto y) {
      optimizer.update({x, y});
      return tape.constant(0.0);
    });
    const auto& program = step(random_tensor({20, 30}, 3), random_tensor({30}, 4));
    std::istringstream text(program.to_string());
    std::size_t units = 0;
    for (std::string line; std::getline(text, line);) units += std::isdigit(line.front()) != 0 && contains(line, ":");
    CHECK(units == 3);                                           // one of them of scalars
    CHECK(program.memory().arena_bytes < 600 * sizeof(double));  // only scalars are stored in between
  }
}
