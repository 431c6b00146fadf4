// Programs against the tape they were compiled from.
#include "testing.hpp"

#include <array>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// The tutorial's network with a whole training step.
template <class T>
struct Step {
  Parameter<T> w1{random_tensor<T>({6, 9}, 2), "w1"}, b1{random_tensor<T>({9}, 3), "b1"};
  Parameter<T> w2{random_tensor<T>({9, 4}, 4), "w2"}, b2{random_tensor<T>({4}, 5), "b2"};
  std::vector<Parameter<T>> parameters{w1, b1, w2, b2};

  Var<T> record(Tape<T>& tape, Var<T> x, Var<T> y) const {
    std::vector<Var<T>> p;
    for (const auto& parameter : parameters) p.push_back(tape.variable(parameter));
    const auto loss = cross_entropy_with_logits(matmul(sigmoid(matmul(x, p[0]) + p[1]), p[2]) + p[3], y);
    const std::vector<Var<T>> g = grad<T>(loss, p);
    for (std::size_t i = 0; i < p.size(); ++i) tape.update(parameters[i], p[i] - T(0.1) * g[i]);
    return loss;
  }
};

template <class T>
Tensor<T> one_hot(std::size_t rows, std::size_t classes) {
  Tensor<T> y = xt::zeros<T>({rows, classes});
  for (std::size_t i = 0; i < rows; ++i) y(i, (3 * i) % classes) = 1;
  return y;
}

}  // namespace

TEST_CASE_TEMPLATE("a compiled training step does what recording it anew does", T, float, double) {
  for (const bool fuse : {false, true}) {
    CAPTURE(fuse);
    Step<T> eager, compiled;
    const Tensor<T> y = one_hot<T>(7, 4);
    Tape<T> tape, source;
    const auto x = source.constant(random_tensor<T>({7, 6}, 100)), target = source.constant(y);
    const auto recorded = compiled.record(source, x, target);
    auto program = compile(source, {x, target}, {recorded}, {.fuse = fuse});
    source.clear();  // the Program needs it no longer
    for (unsigned i = 0; i < 5; ++i) {
      const Tensor<T> input = random_tensor<T>({7, 6}, i);
      tape.clear();
      const auto loss = eager.record(tape, tape.constant(input), tape.constant(y));
      const T cost = program(input, y).item();
      if (fuse)
        CHECK(cost == doctest::Approx(static_cast<double>(loss.item())).epsilon(sizeof(T) == 4 ? 1e-6 : 1e-14));
      else
        CHECK(cost == loss.item());
      tape.commit();
      for (std::size_t k = 0; k < eager.parameters.size(); ++k) {
        const auto &a = eager.parameters[k].value(), &b = compiled.parameters[k].value();
        if (fuse)
          CHECK(distance(a, b) < (sizeof(T) == 4 ? 1e-6 : 1e-14));
        else
          CHECK(a == b);
      }
    }
  }
}

TEST_CASE("a parameter that a Program wrote is newer than what tapes recorded before") {
  Parameter<double> w(Tensor<double>{1, 2}, "w");
  Tape<double> tape;
  const auto v = tape.variable(w);
  tape.update(w, v * 2);
  auto program = compile(tape, {}, {});
  program();
  CHECK(w.value() == Tensor<double>{2, 4});
  program();
  CHECK(w.value() == Tensor<double>{4, 8});
  CHECK_THROWS_AS(v + 1, HandleError);
}

TEST_CASE("updates read all old values first") {
  for (const bool fuse : {false, true}) {
    CAPTURE(fuse);
    Parameter<double> a(Tensor<double>{1, 2}, "a"), b(Tensor<double>{10, 20}, "b"), m(Tensor<double>{{1, 2}, {3, 4}}, "m");
    Tape<double> tape;
    const auto va = tape.variable(a), vb = tape.variable(b), vm = tape.variable(m);
    tape.update(a, vb * 1);  // a swap, and a matrix that becomes its transpose plus another's old value
    tape.update(b, va * 1);
    tape.update(m, transpose(vm) + va);
    auto program = compile(tape, {}, {va, vb}, {.fuse = fuse});
    program();
    CHECK(a.value() == Tensor<double>{10, 20});
    CHECK(b.value() == Tensor<double>{1, 2});
    CHECK(m.value() == Tensor<double>{{2, 5}, {3, 6}});
    CHECK(program.value(0) == Tensor<double>{1, 2});  // results are from before the updates
    CHECK(program.value(1) == Tensor<double>{10, 20});
    program();
    CHECK(a.value() == Tensor<double>{1, 2});
    CHECK(m.value() == Tensor<double>{{12, 23}, {15, 26}});
  }
}

TEST_CASE("momentum, a moving average and a product that accumulates, many steps") {
  for (const bool fuse : {false, true}) {
    CAPTURE(fuse);
    const auto build = [](std::vector<Parameter<double>>& p) {
      return [&p](Tape<double>& tape, Var<double> x) {
        const auto w = tape.variable(p[0]), v = tape.variable(p[1]), average = tape.variable(p[2]);
        const auto y = tanh(matmul(x, w));
        const auto [g] = grad(mean(square(y)), w);
        const auto velocity = 0.9 * v + g;
        const auto next = w - 0.3 * velocity;
        tape.update(p[0], next);
        tape.update(p[1], velocity);
        tape.update(p[2], 0.5 * average + 0.5 * next);
        return mean(square(y));
      };
    };
    const auto fresh = [] {
      return std::vector<Parameter<double>>{Parameter<double>(random_tensor({5, 3}, 1), "w"),
                                            Parameter<double>(random_tensor({5, 3}, 2), "v"),
                                            Parameter<double>(random_tensor({5, 3}, 3), "average")};
    };
    auto p = fresh(), q = fresh();
    auto step = compiled<double>(build(q), {.fuse = fuse});
    Tape<double> tape;
    for (unsigned i = 0; i < 10; ++i) {
      const Tensor<double> x = random_tensor({4, 5}, 10 + i);
      tape.clear();
      const double expected = build(p)(tape, tape.constant(x)).item();
      CHECK(step(x).item() == doctest::Approx(expected).epsilon(1e-13));
      tape.commit();
      for (std::size_t k = 0; k < p.size(); ++k) CHECK(distance(p[k].value(), q[k].value()) < 1e-14);
    }
    CHECK(step.size() == 1);
  }
}

TEST_CASE("results of every kind: computed, views, inputs, parameters, constants, whole numbers") {
  Parameter<double> w(Tensor<double>{{1, 2}, {3, 4}}, "w");
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>{{1, 5, 2}, {7, 0, 1}});
  const auto labels = tape.indices(Indices{1, 0});
  const auto u = tape.variable(w);
  auto program = compile(tape, {x, labels},
                         {x + 1, transpose(x), transpose(u), tape.constant(3.0), argmax(x), labels, transpose(exp(x))});
  const Tensor<double> input{{3, 1, 1}, {0, 0, 9}};
  const Indices numbers{4, 5};
  program(input, numbers);
  CHECK(program.value(0) == input + 1);
  CHECK(program.value(1) == xt::transpose(input));
  CHECK(program.value(2) == Tensor<double>{{1, 3}, {2, 4}});
  CHECK(program.item(3) == 3);
  CHECK(program.indices(4) == Indices{0, 2});
  CHECK(program.indices(5) == numbers);
  CHECK(program.value(6) == xt::transpose(Tensor<double>(exp(tape.constant(input)).value())));
  CHECK(program.output(1)(2, 1) == 9);
  CHECK(message_of<ValueError>([&] { (void)program.value(4); }) == "[program] output 4 is of whole numbers: use indices(4)");
  CHECK(message_of<ValueError>([&] { (void)program.indices(0); }) == "[program] output 0 is not of whole numbers: use value(0)");
  CHECK(message_of<ValueError>([&] { (void)program.value(7); }) == "[program] output 7: it has 7");
  CHECK(contains(message_of<ShapeError>([&] { (void)program.item(0); }), "output 0 has shape (2, 3): only a value of size 1"));
}

TEST_CASE("broadcast, strided, empty and scalar operands") {
  for (const bool fuse : {false, true}) {
    CAPTURE(fuse);
    Tape<double> tape;
    const auto x = tape.constant(random_tensor({3, 4, 5}, 1)), row = tape.constant(random_tensor({5}, 2));
    const auto column = tape.constant(random_tensor({4, 1}, 3)), plane = tape.constant(random_tensor({3, 1, 5}, 4));
    const auto scalar = tape.constant(2.5), empty = tape.constant(Tensor<double>(xt::zeros<double>({0, 5})));
    const auto a = exp(x * row) + column;
    const auto b = a * plane - scalar * a + x;
    const auto c = sum(transpose(b, {2, 0, 1}) * 2.0, {0, 2}) + sum(b);
    const auto d = amax(b / (1 + square(b)), 1) + mean(b, {0, 1});
    const auto e = empty * row + 1;
    const std::vector<Var<double>> results{a, b, c, d, e, sum(e), sum(b, 0), sum(b, {0, 1}), sum(b, 2), sum(scalar * 3)};
    auto program = compile(tape, {x, row, column, plane, scalar, empty}, {results.begin(), results.end()}, {.fuse = fuse});
    for (unsigned i = 0; i < 2; ++i) {
      const auto in = [&](const Shape& shape, unsigned seed) { return random_tensor(shape, seed + 50 * i); };
      const Tensor<double> nothing = xt::zeros<double>({0, 5}), factor(2.5 + i);
      program(in({3, 4, 5}, 1), in({5}, 2), in({4, 1}, 3), in({3, 1, 5}, 4), factor, nothing);
      if (i == 0)
        for (std::size_t k = 0; k < results.size(); ++k) {
          CAPTURE(k);
          if (fuse)
            CHECK(distance(program.value(k), results[k].value()) < 1e-13);
          else
            CHECK(program.value(k) == results[k].value());
        }
    }
    CHECK(distance(program.value(9), Tensor<double>(10.5)) == 0);
  }
}

TEST_CASE("large elementwise groups run in tiles, with sums over all, rows and columns") {
  Tape<float> tape;
  const auto x = tape.constant(random_tensor<float>({130, 257}, 1)), y = tape.constant(random_tensor<float>({257}, 2));
  const auto long_rows = tape.constant(random_tensor<float>({3, 20011}, 3));
  const auto column = tape.constant(random_tensor<float>({3, 1}, 4));
  const auto a = tanh(x * y + 1.0) * exp(-square(x));
  const auto b = sigmoid(long_rows * column) + long_rows;
  const std::vector<Var<float>> results{a, sum(a), sum(a, 0), sum(a * 2, 1), b, sum(b, 1), sum(square(b), 0), sum(b)};
  auto program = compile(tape, {x, y, long_rows, column}, {results.begin(), results.end()});
  program(random_tensor<float>({130, 257}, 1), random_tensor<float>({257}, 2), random_tensor<float>({3, 20011}, 3),
          random_tensor<float>({3, 1}, 4));
  for (std::size_t k = 0; k < results.size(); ++k) {
    CAPTURE(k);
    const Tensor<float> expected = results[k].value();
    CHECK(distance(program.value(k), expected) <= 1e-6 * std::max(1.0, static_cast<double>(xt::amax(xt::abs(expected))())));
  }
}

TEST_CASE("a user's op is fused like any other") {
  constexpr auto swish = elementwise<"swish_of_program_test">([](auto x) { return x / (1 + exp(-x)); });
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({40, 30}, 1));
  const auto y = sum(swish(x * 2) + x);
  const auto [g] = grad(y, x);
  auto program = compile(tape, {x}, {y, g}, {.keep_passes = true});
  CHECK(contains(program.to_string(), "entries fused"));
  CHECK(contains(program.to_string(), "swish_of_program_test"));
  const Tensor<double> input = random_tensor({40, 30}, 9);
  program(input);
  tape.clear();
  const auto again = tape.variable(input);
  const auto expected = sum(swish(again * 2) + again);
  CHECK(program.item(0) == doctest::Approx(expected.item()).epsilon(1e-13));
  CHECK(distance(program.value(1), grad(expected, again)[0].value()) < 1e-13);
}

TEST_CASE("draws go on in their generator's stream, as recording anew would") {
  Generator eager(7), replayed(7);
  const auto noisy = [](Generator& generator) {
    return [&generator](auto& tape, auto x) {
      return std::tuple(dropout(x, 0.5, generator) + normal(tape, {4}, generator), uniform(tape, {3}, generator));
    };
  };
  auto f = compiled<double>(noisy(replayed));
  const Tensor<double> x{1, 2, 3, 4};
  Tape<double> tape;
  for (int i = 0; i < 4; ++i) {
    tape.clear();
    const auto [a, b] = noisy(eager)(tape, tape.constant(x));
    auto& program = f(x);
    CHECK(program.value(0) == a.value());
    CHECK(program.value(1) == b.value());
    CHECK(replayed.counter() == eager.counter());
  }
  replayed.seek(0);  // a resumed run
  eager.seek(0);
  tape.clear();
  CHECK(f(x).value(0) == std::get<0>(noisy(eager)(tape, tape.constant(x))).value());
}

TEST_CASE("custom rules and checkpoints are replayed") {
  const auto cube = custom_vjp([](auto x) { return x * x * x; }, [](auto g, auto, auto x) { return g * 3 * square(x); });
  for (const bool fuse : {false, true}) {
    auto f = compiled<double>(
        [&](auto&, auto x) {
          const auto y = checkpoint([](auto v) { return sin(v) * exp(v); })(x);
          const auto z = sum(cube(y) + clip_gradient(y, -0.5, 0.5));
          return std::tuple(z, grad(z, x)[0]);
        },
        {.fuse = fuse, .checked = true});
    for (unsigned i = 0; i < 3; ++i) {
      const Tensor<double> x = random_tensor({5}, i);
      auto& program = f(x);
      Tensor<double> expected = xt::sin(x) * xt::exp(x);
      const Tensor<double> slope = 3 * expected * expected + 0.5;
      CHECK(distance(program.value(1), Tensor<double>(slope * xt::exp(x) * (xt::sin(x) + xt::cos(x)))) < 1e-13);
    }
  }
}

TEST_CASE("batch normalisation's statistics are updates like any other") {
  const auto run = [](bool program) {
    BatchNormState<double> state(3);
    auto f = [&](auto&, auto x) { return batch_norm(x, state, Training::yes); };
    auto step = compiled<double>(f);
    Tape<double> tape;
    for (unsigned i = 0; i < 3; ++i) {
      const Tensor<double> x = random_tensor({6, 3}, i);
      tape.clear();
      if (program) {
        step(x);
      } else {
        f(tape, tape.constant(x));
        tape.commit();
      }
    }
    return std::pair(state.running_mean.value(), state.running_variance.value());
  };
  const auto [mean, variance] = run(false);
  const auto [program_mean, program_variance] = run(true);
  CHECK(distance(mean, program_mean) < 1e-15);
  CHECK(distance(variance, program_variance) < 1e-15);
}

TEST_CASE("a function compiles once for each signature of shapes") {
  int recorded = 0;
  Parameter<float> w(random_tensor<float>({4, 2}, 1), "w");
  auto f = compiled<float>([&](auto& tape, auto x, auto labels) {
    ++recorded;
    return cross_entropy(matmul(x, tape.variable(w)), labels);
  });
  for (const std::size_t n : {3U, 5U, 3U, 5U, 3U}) {
    const Tensor<float> x = random_tensor<float>({n, 4}, 1);
    const Indices labels = Indices(xt::arange<std::int64_t>(static_cast<std::int64_t>(n)) % 2);
    Tape<float> tape;
    const auto expected = cross_entropy(matmul(tape.constant(x), tape.variable(w)), tape.indices(labels));
    CHECK(f(x, labels).item() == doctest::Approx(static_cast<double>(expected.item())).epsilon(1e-6));
  }
  CHECK(recorded == 2);
  CHECK(f.size() == 2);
}

TEST_CASE("a value that is read while recording is refused, unless allowed") {
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>{1, 2});
  const auto y = x.value()(0) > 0 ? exp(x) : -x;
  CHECK(contains(message_of<ValueError>([&] { compile(tape, {x}, {y}); }), "[compile] a value was read at " __FILE__));
  CHECK(compile(tape, {x}, {y}, {.allow_value_dependence = true})(Tensor<double>{0, 0}).value() == Tensor<double>{1, 1});
  tape.clear();
  const auto u = tape.constant(Tensor<double>{1, 2});
  const auto total = sum(u);
  CHECK(total.item() == 3);  // after everything was recorded
  CHECK(compile(tape, {u}, {total})(Tensor<double>{4, 5}).item() == 9);
  auto f = compiled<double>([](auto&, auto v) { return sum(v).item() > 0 ? v : -v; });
  CHECK(contains(message_of<HandleError>([&] { f(Tensor<double>{1}); }), "[value] the tape is recorded for a Program"));
  auto allowed = compiled<double>([](auto&, auto v) { return sum(v).item() > 0 ? v + 1 : -v; }, {.allow_value_dependence = true});
  CHECK(allowed(Tensor<double>{1}).item() == 2);
}

TEST_CASE("a checked function notices what a Program cannot see") {
  double outside = 1;
  auto f = compiled<double>([&](auto&, auto x) { return x * outside; }, {.checked = true});
  CHECK(f(Tensor<double>{2, 3}).value() == Tensor<double>{2, 3});
  outside = 2;
  CHECK(message_of<ValueError>([&] { f(Tensor<double>{2, 3}); }) ==
        "[program] checked replay: element (0,) of output 0 is 2, recorded again it is 4");
  Parameter<double> w(Tensor<double>{1}, "w");
  auto g = compiled<double>(
      [&](auto& tape, auto x) {
        tape.update(w, tape.variable(w) + outside * x);
        return x;
      },
      {.checked = true});
  g(Tensor<double>{1});
  outside = 5;
  CHECK(contains(message_of<ValueError>([&] { g(Tensor<double>{1}); }), "element (0,) of parameter 'w' is 5"));
}

TEST_CASE("mistakes are refused and change nothing") {
  Parameter<double> w(Tensor<double>{1, 2}, "w");
  Tape<double> tape, other;
  const auto x = tape.constant(Tensor<double>{1, 2}), y = x + 1, u = tape.variable(w);
  const auto labels = tape.indices(Indices{0, 1});
  CHECK_ERROR(HandleError, "[compile] input 1 is computed by add_scalar", compile(tape, {y}, {y}));
  CHECK_ERROR(HandleError, "[compile] input 2 is a parameter", compile(tape, {x, u}, {y}));
  CHECK_ERROR(HandleError, "[compile] input 2 is named twice", compile(tape, {x, x}, {y}));
  CHECK_ERROR(HandleError, "[compile] handle of another tape", compile(other, {x}, {}));
  CHECK_ERROR(HandleError, "[compile] empty handle", compile(tape, {x}, {Var<double>()}));
  tape.update(w, u + y);
  auto program = compile(tape, {x, labels}, {y});
  const auto refused = [&](const std::string& text, auto&& call) {
    CHECK(message_of<ShapeError>(call) == text);
    CHECK(w.value() == Tensor<double>{1, 2});
  };
  const Tensor<double> good{1, 2}, bad{1, 2, 3};
  refused("[program] 1 inputs given: it was compiled for 2", [&] { program(good); });
  refused("[program] input 1 has shape (3,): it was compiled for (2,); compile again for another shape",
          [&] { program(bad, Indices{0, 1}); });
  refused("[program] input 2 is of numbers: it was compiled for whole numbers", [&] { program(good, good); });
  CHECK_THROWS_AS(ProgramInput<double>(std::span<const double>(good.data(), 2), Shape{3}), ShapeError);
}

TEST_CASE("an op that throws in a replay names its line and leaves parameters and generators as they were") {
  Parameter<double> w(Tensor<double>{1, 2}, "w");
  Generator generator(1);
  auto f = compiled<double>([&](auto& tape, auto p) {
    const auto u = tape.variable(w);
    tape.update(w, u + 1);
    return bernoulli(p, generator);
  });
  f(Tensor<double>{0, 1});
  CHECK(w.value() == Tensor<double>{2, 3});
  const auto counter = generator.counter();
  const std::string message = message_of<ValueError>([&] { f(Tensor<double>{0, 7}); });
  CHECK(contains(message, "[bernoulli] the probability at position 1 is 7"));
  CHECK(contains(message, __FILE__));
  CHECK(w.value() == Tensor<double>{2, 3});
  CHECK(generator.counter() == counter);
}

TEST_CASE("what a Program costs: a profile by op, as a table and as a trace, and its memory") {
  Step<float> step;
  Tape<float> tape;
  const auto x = tape.constant(random_tensor<float>({64, 6}, 1)), y = tape.constant(one_hot<float>(64, 4));
  const auto loss = step.record(tape, x, y);
  auto program = compile(tape, {x, y}, {loss}, {.keep_passes = true});
  program.measure(true);
  for (int i = 0; i < 3; ++i) program(random_tensor<float>({64, 6}, 1), one_hot<float>(64, 4));
  const Profile measured = program.profile();
  CHECK(measured.replays == 3);
  double flops = 0, seconds = 0;
  for (const ProfileRow& row : measured.rows) flops += row.flops, seconds += row.seconds;
  CHECK(flops == 2.0 * 64 * (6 * 9 + 9 * 4) * 2 + 2.0 * 64 * 9 * 4);  // forward, both weights, the hidden layer
  CHECK(seconds > 0);
  CHECK(contains(measured.to_string(), "matmul"));
  CHECK(contains(measured.to_chrome_trace(), "\"traceEvents\""));
  CHECK(program.memory().arena_bytes > 64 * 9 * sizeof(float));
  CHECK(program.memory().parameter_bytes == sizeof(float) * (6 * 9 + 9 + 9 * 4 + 4));
  CHECK(program.passes().front().first == "capture");
  CHECK(contains(profile(tape).to_string(), "sigmoid"));
}
