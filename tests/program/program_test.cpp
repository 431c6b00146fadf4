// Programs against the tapes from which they were compiled.
#include "testing.hpp"

#include <array>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// The tutorial's network with a complete training step.
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
    source.clear();  // the Program no longer needs the tape
    for (unsigned i = 0; i < 5; ++i) {
      const Tensor<T> input = random_tensor<T>({7, 6}, i);
      tape.clear();
      const auto loss = eager.record(tape, tape.constant(input), tape.constant(y));
      const T replayed = program(input, y).item();
      if (fuse)
        CHECK(replayed == doctest::Approx(static_cast<double>(loss.item())).epsilon(sizeof(T) == 4 ? 1e-6 : 1e-14));
      else
        CHECK(replayed == loss.item());
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
    Parameter<double> a(Tensor<double>{1, 2}, "a"), b(Tensor<double>{10, 20}, "b"),
        m(Tensor<double>{{1, 2}, {3, 4}}, "m");
    Tape<double> tape;
    const auto va = tape.variable(a), vb = tape.variable(b), vm = tape.variable(m);
    tape.update(a, vb * 1);  // exchanges a and b; m becomes its transpose plus the old a
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

TEST_CASE("results of every kind: computed, views, inputs, parameters, constants, indices") {
  Parameter<double> w(Tensor<double>{{1, 2}, {3, 4}}, "w");
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>{{1, 5, 2}, {7, 0, 1}});
  const auto labels = tape.indices(Indices{1, 0});
  const auto u = tape.variable(w);
  auto program =
      compile(tape, {x, labels},
              {x + 1, transpose(x), transpose(u), tape.constant(3.0), argmax(x, 1), labels, transpose(exp(x))});
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
  CHECK_ERROR(ValueError, "[program] output 4 holds indices: use indices(4)", program.value(4));
  CHECK_ERROR(ValueError, "[program] output 0 does not hold indices: use value(0)", program.indices(0));
  CHECK_ERROR(ValueError, "[program] there is no output 7: the Program has 7", program.value(7));
  CHECK(contains(message_of<ShapeError>([&] { (void)program.item(0); }),
                 "output 0 has shape (2, 3): expected a value of size 1"));
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
    const std::vector<Var<double>> results{
        a, b, c, d, e, sum(e), sum(b, 0), sum(b, {0, 1}), sum(b, 2), sum(scalar * 3)};
    auto program =
        compile(tape, {x, row, column, plane, scalar, empty}, {results.begin(), results.end()}, {.fuse = fuse});
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

TEST_CASE("what no cache holds is streamed to memory, and is the same") {
  const Tensor<float> value = random_tensor<float>({3, 1'500'007}, 1);
  Tape<float> tape;
  const auto x = tape.variable(value);
  const auto y = x * 2 + 1, z = abs(y) - x;  // y is read again in the group, z is not
  const auto total = sum(z);
  auto program = compile(tape, {x}, {y, z, total});
  program(value);
  CHECK(program.value(0) == y.value());
  CHECK(program.value(1) == z.value());
  CHECK(program.item(2) == doctest::Approx(total.item()).epsilon(1e-5));
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
    CHECK(distance(program.value(k), expected) <=
          1e-6 * std::max(1.0, static_cast<double>(xt::amax(xt::abs(expected))())));
  }
}

TEST_CASE(
    "tiles on several threads: sums and results are the same from run to run, and one thread's are the serial ones") {
  Tape<float> tape;
  const auto x = tape.constant(random_tensor<float>({700, 300}, 1)), y = tape.constant(random_tensor<float>({300}, 2));
  const auto a = tanh(x * y + 1.0) * x;
  const std::vector<Var<float>> results{a, sum(a), sum(a, 0), sum(a * 2, 1), sum(exp(reshape(x, {210000})))};
  const Tensor<float> in = random_tensor<float>({700, 300}, 1), row = random_tensor<float>({300}, 2);
  const int before = num_threads();
  const auto run = [&](int threads, Program<float>& program) {
    set_num_threads(threads);
    program(in, row);
    std::vector<Tensor<float>> values;
    for (std::size_t k = 0; k < results.size(); ++k) values.push_back(program.value(k));
    set_num_threads(before);
    return values;
  };
  auto program = compile(tape, {x, y}, {results.begin(), results.end()});
  const auto serial = run(1, program), two = run(2, program);
  CHECK(run(2, program) == two);
  CHECK(run(1, program) == serial);
  for (std::size_t k = 0; k < results.size(); ++k) {
    CAPTURE(k);
    CHECK(distance(serial[k], two[k]) <= 1e-6 * std::max(1.0, static_cast<double>(xt::amax(xt::abs(serial[k]))())));
    CHECK(distance(serial[k], results[k].value()) <=
          1e-5 * std::max(1.0, static_cast<double>(xt::amax(xt::abs(serial[k]))())));
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

TEST_CASE("a value that is read while recording is refused, unless allowed") {
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>{1, 2});
  const auto y = x.value()(0) > 0 ? exp(x) : -x;
  CHECK(contains(message_of<ValueError>([&] { compile(tape, {x}, {y}); }), "[compile] a value was read at " __FILE__));
  CHECK(compile(tape, {x}, {y}, {.allow_value_dependence = true})(Tensor<double>{0, 0}).value() ==
        Tensor<double>{1, 1});
  tape.clear();
  const auto u = tape.constant(Tensor<double>{1, 2});
  const auto total = sum(u);
  CHECK(total.item() == 3);  // read after the last node was recorded
  CHECK(compile(tape, {u}, {total})(Tensor<double>{4, 5}).item() == 9);
  auto f = compiled<double>([](auto&, auto v) { return sum(v).item() > 0 ? v : -v; });
  CHECK(contains(message_of<HandleError>([&] { f(Tensor<double>{1}); }), "[value] the tape is recorded for a Program"));
  auto allowed =
      compiled<double>([](auto&, auto v) { return sum(v).item() > 0 ? v + 1 : -v; }, {.allow_value_dependence = true});
  CHECK(allowed(Tensor<double>{1}).item() == 2);
}

TEST_CASE("a value that was read is remembered when its node is rewound") {
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>{1, 2});
  const auto mark = tape.mark();
  const bool positive = sum(x).item() > 0;
  tape.rewind(mark);
  const auto y = positive ? exp(x) : -x;
  CHECK(contains(message_of<ValueError>([&] { compile(tape, {x}, {y}); }), "[compile] a value was read at " __FILE__));
  CHECK_NOTHROW(compile(tape, {x}, {y}, {.allow_value_dependence = true}));
  tape.rewind(mark);
  CHECK_NOTHROW(compile(tape, {x}, {x}));  // nothing was recorded after the read
  tape.clear();                            // the following nodes are another recording
  const auto u = tape.constant(Tensor<double>{1, 2}), v = u * 2;
  CHECK_NOTHROW(compile(tape, {u}, {v}));
  // A function that fails after reading a value.
  const auto refused = [](auto a) { return masked_select(a, a > 0) + Tensor<double>{1, 2, 3}; };
  const auto from = tape.mark();
  CHECK_THROWS_AS(refused(v), ShapeError);
  tape.rewind(from);
  const auto z = exp(v);
  CHECK_THROWS_AS(compile(tape, {u}, {z}), ValueError);
}

TEST_CASE("mistakes are refused and change nothing") {
  Parameter<double> w(Tensor<double>{1, 2}, "w");
  Tape<double> tape, other;
  const auto x = tape.constant(Tensor<double>{1, 2}), y = x + 1, u = tape.variable(w);
  const auto labels = tape.indices(Indices{0, 1});
  CHECK_ERROR(HandleError, "[compile] input 1 is computed by add_scalar", compile(tape, {y}, {y}));
  CHECK_ERROR(HandleError, "[compile] input 2 is a parameter", compile(tape, {x, u}, {y}));
  CHECK_ERROR(HandleError, "[compile] input 2 is named twice", compile(tape, {x, x}, {y}));
  CHECK_ERROR(HandleError, "[compile] the handle belongs to another tape", compile(other, {x}, {}));
  CHECK_ERROR(HandleError, "[compile] the operand is an empty handle", compile(tape, {x}, {Var<double>()}));
  tape.update(w, u + y);
  auto program = compile(tape, {x, labels}, {y});
  const auto refused = [&](const std::string& text, auto&& call) {
    CHECK(message_of<ShapeError>(call).starts_with(text + " (" + __FILE__ + ":"));
    CHECK(w.value() == Tensor<double>{1, 2});
  };
  const Tensor<double> good{1, 2}, bad{1, 2, 3};
  refused("[program] 1 inputs given: it was compiled for 2", [&] { program(good); });
  refused("[program] input 1 has shape (3,): it was compiled for (2,); compile again for another shape", [&] {
    program(bad, Indices{0, 1});
  });
  refused("[program] input 2 holds numbers: it was compiled for indices", [&] { program(good, good); });
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

TEST_CASE("the profile of a tape has every op on it, whatever its leaves are") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({30, 30}, 1));
  const auto k = tape.indices({0, 2});
  sum(tanh(matmul(x, tape.constant(random_tensor({30, 30}, 2)))));
  take(x, k, 0);
  const std::string table = profile(tape).to_string();
  for (const char* op : {"matmul", "tanh", "sum", "take"}) CHECK(contains(table, op));
}

TEST_CASE("what a Program costs: a profile by op, as a table and as a trace, and its memory") {
  Step<float> step;
  Tape<float> tape;
  const auto x = tape.constant(random_tensor<float>({64, 6}, 1)), y = tape.constant(one_hot<float>(64, 4));
  const auto loss = step.record(tape, x, y);
  auto program = compile(tape, {x, y}, {loss}, {.keep_passes = true});
  const Tensor<float> inputs = random_tensor<float>({64, 6}, 1), targets = one_hot<float>(64, 4);
  const Profile measured = profile(program, {inputs, targets}, 3);
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
