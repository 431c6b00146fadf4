// Register chains, in which ops pass values on in registers, against the same ops one by one.
#include "program/executable.hpp"
#include "testing.hpp"

#include <random>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// A user's op of few operations with a parameter, and one with too many operations for a register chain.
constexpr auto leaky = elementwise<"leaky_chained", params<1>>([](auto x, auto a) { return where(x > 0, x, a * x); });
constexpr auto heavy = elementwise<"heavy_chained">([](auto x) { return 1 / (1 + exp(-x)); });

// Records random ops that mostly read recent values, so that register chains form, split, and are read again.
template <class T>
std::vector<Var<T>> record(const std::vector<Var<T>>& inputs, unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  std::vector<Var<T>> values{inputs[0] + inputs[1]};
  const auto recent = [&] { return values[values.size() - 1 - below(std::min<std::size_t>(values.size(), 2))]; };
  const auto any = [&] { return below(2) == 0 ? inputs[below(inputs.size())] : values[below(values.size())]; };
  for (int i = 0; i < 20; ++i) {
    const Var<T> x = recent(), y = any();
    switch (below(10)) {
      case 0:
        values.push_back(x * y);
        break;
      case 1:
        values.push_back(y - x);
        break;
      case 2:
        values.push_back(maximum(x, y));
        break;
      case 3:
        values.push_back(where(less(x, y), x, T(0.25)));
        break;
      case 4:
        values.push_back(relu(x));
        break;
      case 5:
        values.push_back(leaky(x, 0.125));
        break;
      case 6:
        values.push_back(heavy(x));
        break;
      case 7:
        values.push_back(x * x);
        break;
      case 8:
        values.push_back(T(1.5) - abs(x));
        break;
      default:
        values.push_back(x * T(0.5) + y);
        break;
    }
    if (values.back().shape() != values.front().shape()) values.pop_back();
  }
  Var<T> loss = sum(values.back() * values[values.size() / 2]);
  std::vector<Var<T>> results{values.back(), values[values.size() / 2], loss, sum(values.back(), 0)};
  for (const Var<T>& g : grad<T>(loss, {inputs[0], inputs[1]})) results.push_back(g);
  return results;
}

// Returns the number of ops that receive a value in registers.
template <class T>
std::size_t chained_ops(Tape<T>& tape, const std::vector<Var<T>>& inputs, const std::vector<Var<T>>& outputs) {
  auto graph = program::eliminate_dead_code(program::capture<T>(tape, inputs, outputs, tape.updates()));
  const program::Schedule schedule = program::schedule(graph, true);
  const program::MemoryPlan plan = program::plan_memory(graph, schedule);
  const program::Executable<T> executable = program::lower(graph, schedule, plan);
  std::size_t count = 0;
  for (const auto& chain : executable.chains) count += chain.last - chain.first - 1;
  for (const auto& group : executable.groups)
    for (const auto& chain : group.chains) count += chain.last - chain.first - 1;
  return count;
}

}  // namespace

TEST_CASE_TEMPLATE("register chains compute what their ops compute one by one, to the last bit", T, float, double) {
  const std::vector<std::vector<Shape>> cases = {
      {{16}, {16}, {}},          // one lane or a few
      {{64}, {64}, {1}},         // four lanes
      {{3, 64}, {64}, {3, 1}},   // rows with broadcast operands
      {{5, 80}, {5, 1}, {80}},   // a remainder after groups of four lanes
      {{7, 13}, {7, 13}, {13}},  // rows that are not whole lanes
      {{1000}, {1000}, {}},      // a remainder at the end of the row
      {{20'003}, {20'003}, {}},  // several tiles
      {{150, 256}, {256}, {150, 1}},
      {{2, 3, 4, 64}, {3, 1, 64}, {2, 1, 4, 1}},
  };
  for (const std::vector<Shape>& shapes : cases)
    for (unsigned seed = 1; seed <= 12; ++seed) {
      CAPTURE(to_string(shapes[0]));
      CAPTURE(seed);
      Tape<T> tape;
      std::vector<Var<T>> inputs;
      std::vector<Tensor<T>> others;
      for (std::size_t i = 0; i < shapes.size(); ++i) {
        inputs.push_back(tape.variable(random_tensor<T>(shapes[i], static_cast<unsigned>(i))));
        others.push_back(random_tensor<T>(shapes[i], static_cast<unsigned>(i) + 10));
      }
      const std::vector<Var<T>> results = record(inputs, seed);
      auto fused = compile(tape, {inputs.begin(), inputs.end()}, {results.begin(), results.end()}, {.fuse = true});
      auto single = compile(tape, {inputs.begin(), inputs.end()}, {results.begin(), results.end()}, {.fuse = false});
      const std::vector<ProgramInput<T>> bound(others.begin(), others.end());
      for (int replay = 0; replay < 2; ++replay) fused.run(bound);
      single.run(bound);
      for (std::size_t k = 0; k < results.size(); ++k) {
        CAPTURE(k);
        const Tensor<T> got = fused.value(k), want = single.value(k);
        if (k < 2)
          CHECK(got == want);
        else  // sums add in another order
          CHECK(distance(got, want) <= (sizeof(T) == 4 ? 2e-4 : 1e-12) * (1 + distance(want, Tensor<T>(want * T(0)))));
      }
    }
}

TEST_CASE("a register chain is found wherever an op of few operations reads the one before it") {
  Tape<float> tape;
  const auto x = tape.variable(random_tensor<float>({4, 64}, 1));
  const bool stages = tape.node((x * x).index()).op->stage != nullptr;  // not available with every compiler
  const auto y = relu(x * 2 + 1), z = heavy(y), u = leaky(z - x, 0.5) * z;
  CHECK(chained_ops<float>(tape, {x}, {u}) == (stages ? 4 : 0));
}

TEST_CASE("updates in place run in register chains") {
  Parameter<float> w(random_tensor<float>({100, 64}, 1), "w"), m(Tensor<float>(xt::zeros<float>({100, 64})), "m");
  const Tensor<float> before = w.value();
  Tape<float> tape;
  const auto g = tape.variable(random_tensor<float>({100, 64}, 2));
  const auto momentum = 0.5F * tape.variable(m) + g;
  tape.update(m, momentum);
  tape.update(w, tape.variable(w) - 0.25F * (g + 0.5F * momentum));
  auto program = compile(tape, {g}, {momentum});
  const Tensor<float> gradient = random_tensor<float>({100, 64}, 3);
  program(gradient);
  program(gradient);
  CHECK(distance(m.value(), Tensor<float>(gradient * 1.5F)) < 1e-6);
  CHECK(distance(w.value(), Tensor<float>(before - gradient * (0.25F * (1.5F + 1.75F)))) < 1e-6);
}
