// Compiled functions against recording anew: draws, custom rules, updates, the cache of Programs, and lifetimes.
#include "testing.hpp"

#include <functional>
#include <span>
#include <utility>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

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
  replayed.seek(0);  // as in a resumed run
  eager.seek(0);
  tape.clear();
  CHECK(f(x).value(0) == std::get<0>(noisy(eager)(tape, tape.constant(x))).value());
}

TEST_CASE("custom rules and checkpoints are replayed") {
  const auto cube =
      custom_vjp([](auto x) { return x * x * x; }, [](auto g, auto, auto x) { return g * 3 * square(x); });
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

TEST_CASE("a checked function notices what a Program cannot see") {
  double outside = 1;
  auto f = compiled<double>([&](auto&, auto x) { return x * outside; }, {.checked = true});
  CHECK(f(Tensor<double>{2, 3}).value() == Tensor<double>{2, 3});
  outside = 2;
  CHECK(message_of<ValueError>([&] {
          f(Tensor<double>{2, 3});
        }).starts_with("[program] checked replay: element (0,) of output 0 is 2, but 4 when recorded again ("));
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

TEST_CASE("views, other expressions and scalars are inputs, by copies") {
  const Tensor<double> x = random_tensor({6, 3}, 1);
  const Indices k{2, 0, 1, 1};
  auto f = compiled<double>([](auto&, auto a, auto factor) { return sum(square(a), 1) * factor; });
  const Tensor<double> expected = 2.5 * xt::sum(xt::square(xt::view(x, xt::range(2, 5))), {1});
  CHECK(distance(f(xt::view(x, xt::range(2, 5)), 2.5).value(), expected) < 1e-15);
  CHECK(distance(f(xt::view(x, xt::range(2, 5)) * 1.0, Tensor<double>(2.5)).value(), expected) < 1e-15);
  CHECK(f.size() == 1);
  auto rows = compiled<double>([](auto&, auto a, auto index) { return take(a, index, 0); });
  CHECK(rows(x, xt::view(k, xt::range(0, 2))).value()(0, 1) == x(2, 1));
}

TEST_CASE("a checked replay compares a parameter as it was read") {
  Parameter<double> w(Tensor<double>{1, 2});
  auto f = compiled<double>(
      [&](auto& tape) {
        const auto old = tape.variable(w);
        tape.update(w, old + 10.0);
        return std::tuple(old, old * 1.0);
      },
      {.checked = true});
  CHECK(f().value(0) == Tensor<double>{1, 2});
  CHECK(f().value(1) == Tensor<double>{11, 12});
}

TEST_CASE("a Program that was moved from says so") {
  auto f = compiled<double>([](auto&, auto x) { return x * x; });
  auto& program = f(Tensor<double>{1, 2});
  const auto taken = std::move(program);
  CHECK(taken.output_count() == 1);
  CHECK(contains(message_of<HandleError>([&] { program.output_count(); }), "[program] it was moved from"));
}

namespace {

// Squares its input and counts the recordings.
struct Squares {
  int recorded = 0;
  Var<double> operator()(Tape<double>&, Var<double> x) {
    ++recorded;
    return square(x);
  }
};

Tensor<double> ones(std::size_t count) { return xt::ones<double>({count}); }

}  // namespace

TEST_CASE("of more signatures than are held the one used least recently goes, and comes back compiled anew") {
  Squares squares;
  auto f = compiled<double>([&](auto& tape, auto x) { return squares(tape, x); }, {.max_programs = 2});
  auto& one = f(ones(1));
  auto& two = f(ones(2));
  f(ones(1));
  CHECK(squares.recorded == 2);
  f(ones(3));  // replaces `two`
  CHECK(f.size() == 2);
  CHECK(f.compilations() == 3);
  CHECK(f.recompilations() == 0);
  CHECK(one.item() == 1);  // still held
  CHECK(contains(message_of<HandleError>([&] { two.value(); }),
                 "[program] it was moved from, or evicted by a compiled function, which keeps max_programs of them"));
  CHECK_THROWS_AS(two(ones(2)), HandleError);
  CHECK(f(ones(1)).item() == 1);
  CHECK(squares.recorded == 3);
  CHECK(f(ones(2) * 3.0).value() == Tensor<double>{9, 9});
  CHECK(squares.recorded == 4);
  CHECK(f.size() == 2);
  CHECK(f.compilations() == 4);
  CHECK(f.recompilations() == 1);
  CHECK(contains(message_of<ValueError>([&] { compiled<double>(squares, {.max_programs = 0}); }),
                 "[compiled] max_programs is 0: expected at least 1"));
}

TEST_CASE("replays that throw do not grow the cache beyond its bound") {
  auto f = compiled<double>([](auto&, auto x) { return gaussian_nll_loss(x, x, x); }, {.max_programs = 2});
  CHECK_NOTHROW(f(ones(1)));
  for (std::size_t n = 2; n < 7; ++n) CHECK_THROWS_AS(f(ones(n) * -1.0), ValueError);  // a variance below 0
  CHECK(f.size() == 2);
  CHECK(f.compilations() == 6);
  CHECK_NOTHROW(f(ones(6)));
  CHECK(f.compilations() == 6);
}

TEST_CASE("a result stays until the next call, which may read it in place") {
  auto f = compiled<double>([](auto&, auto x) { return slice(x, 0, xt::range(1, xt::placeholders::_)) * 2.0; },
                            {.max_programs = 1});
  auto& first = f(Tensor<double>{1, 2, 3, 4});
  const auto result = first.output();
  auto& second = f(ProgramInput<double>(std::span(result.data(), result.size()), {3}));
  CHECK(second.value() == Tensor<double>{12, 16});
  CHECK_THROWS_AS(first.value(), HandleError);
  CHECK(f.size() == 1);
}

TEST_CASE("a Program that is moved out of a compiled function leaves its place") {
  Squares squares;
  auto f = compiled<double>([&](auto& tape, auto x) { return squares(tape, x); });
  auto taken = std::move(f(ones(2)));
  CHECK(f.size() == 1);
  CHECK(f(ones(2) * 2.0).value() == Tensor<double>{4, 4});
  CHECK(squares.recorded == 2);
  CHECK(f.size() == 1);
  CHECK(taken(ones(2)).value() == Tensor<double>{1, 1});
  auto g = std::move(f);
  CHECK(g(ones(2)).value() == Tensor<double>{1, 1});
  CHECK(squares.recorded == 2);
}

TEST_CASE("a compiled function that calls itself is refused, and works afterwards") {
  std::function<void()> inner;
  auto f = compiled<double>([&](auto&, auto x) {
    if (inner) inner();
    return square(x);
  });
  inner = [&] { f(ones(2)); };
  CHECK(contains(message_of<HandleError>([&] { f(ones(1)); }), "[compiled] it is called recursively"));
  CHECK(f.size() == 0);
  inner = nullptr;
  CHECK(f(ones(1)).item() == 1);
}
