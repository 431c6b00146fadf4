// stop_gradient, gradient hooks, custom_vjp and checkpoint: gradients, memory, random draws and updates.
#include "../testing.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("stop_gradient has the value and no gradient") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{1, 2, 3});
  const auto held = stop_gradient(x);
  CHECK(held.value() == x.value());
  CHECK(grad(sum(x * held), x)[0].value() == x.value());  // 2x without it
  CHECK(stop_gradient(transpose(tape.variable(random_tensor({2, 3}, 1)))).shape() == Shape{3, 2});
}

TEST_CASE("hooks change the gradient only") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{1, -2, 3});
  CHECK(grad(sum(square(scale_gradient(x, -1))), x)[0].value() == Tensor<double>{-2, 4, -6});
  CHECK(grad(sum(square(clip_gradient(x, -3, 5))), x)[0].value() == Tensor<double>{2, -3, 5});
  CHECK(grad(sum(square(map_gradient(x, [](auto g) { return g * g; }))), x)[0].value() == Tensor<double>{4, 16, 36});
  CHECK(map_gradient(x, [](auto g) { return g; }).value() == x.value());
  CHECK_ERROR(ValueError, "[clip_gradient] limits 1 and -1: the lower must not exceed the upper", clip_gradient(x, 1, -1));
  const auto wrong = sum(map_gradient(x, [](auto g) { return sum(g); }));
  const auto size = tape.size();
  CHECK(
      contains(message_of<ShapeError>([&] { grad(wrong, x); }),
               "[map_gradient] the function returned shape () for a cotangent of shape (3,): expected the same shape"));
  CHECK(tape.size() == size);
  // Hooks are recorded, so they can be differentiated again.
  const auto [dx] = grad(sum(x * x * scale_gradient(x, 2)), x);  // 2x² + 2x²
  CHECK(dx.value() == Tensor<double>{4, 16, 36});
}

TEST_CASE("custom_vjp uses the rule given, to any order") {
  int called = 0;
  const auto log1pexp = custom_vjp([](auto x) { return log(1 + exp(x)); },
                                   [&called](auto g, auto, auto x) {
                                     ++called;
                                     return g * (1 - 1 / (1 + exp(x)));
                                   });
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{0, 100});
  const auto before = tape.size();
  const auto y = log1pexp(x);
  CHECK(tape.size() == before + 3 + 2);  // the nodes of the function, the rule and the result
  CHECK(y.value()(0) == doctest::Approx(std::log(2)));
  const auto [dx] = grad(sum(y), x);
  CHECK(called == 1);
  CHECK(distance(dx.value(), Tensor<double>{0.5, 1}) < 1e-15);
  const auto [second] = grad(sum(dx), x);
  CHECK(distance(second.value(), Tensor<double>{0.25, 0}) < 1e-15);
  CHECK(gradcheck([&](auto v) { return log1pexp(v); }, random_tensor({3, 2}, 1)).ok());
}

TEST_CASE("custom_vjp of several inputs") {
  const auto product =
      custom_vjp([](auto a, auto b) { return a * b; },
                 [](auto g, auto, auto a, auto b) { return std::tuple([=] { return g * b; }, [=] { return g * a; }); });
  CHECK(gradcheck([&](auto a, auto b) { return product(a, b); }, random_tensor({3}, 1), random_tensor({3}, 2)).ok());
  const auto first_only = custom_vjp([](auto a, auto b) { return a * b; },
                                     [](auto g, auto, auto, auto b) { return std::tuple(g * b, no_gradient); });
  Tape<double> tape;
  const auto a = tape.variable(2.0 * xt::ones<double>({2})), b = tape.variable(Tensor<double>{3, 4});
  const auto [da, db] = grad(sum(first_only(a, b)), a, b);
  CHECK(da.value() == Tensor<double>{3, 4});
  CHECK(db.value() == Tensor<double>{0, 0});
}

TEST_CASE("a custom rule that fails leaves the tape as it was; its errors name the line of the forward function") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{1, 2, 3}), y = tape.variable(Tensor<double>{1, 2});
  const auto bad =
      custom_vjp([](auto a, auto b) { return a * a + b; }, [](auto g, auto, auto, auto) { return std::tuple(g, g); });
  const auto size = tape.size();
  CHECK(contains(message_of<ShapeError>([&] { bad(x, y); }), "control_test.cpp"));
  CHECK(tape.size() == size);
}

namespace {
const auto block = [](auto x, auto w) { return tanh(matmul(x, w) + sin(x)); };
}

TEST_CASE("checkpoint gives the same value and gradients, and keeps one node") {
  const auto x0 = random_tensor({4, 5}, 1), w0 = random_tensor({5, 5}, 2);
  Tape<double> plain, saving;
  const auto run = [&](Tape<double>& tape, const auto& f) {
    const auto x = tape.variable(x0), w = tape.variable(w0);
    auto a = x;
    for (int i = 0; i < 4; ++i) a = f(a, w);  // the weights are shared by all blocks
    const auto [dx, dw] = grad(sum(a * a), x, w);
    const auto [second] = grad(sum(dw * w), x);
    return std::array{a.value(), dx.value(), dw.value(), second.value()};
  };
  const auto expected = run(plain, block), got = run(saving, checkpoint(block));
  for (std::size_t i = 0; i < 4; ++i) CHECK(distance(got[i], expected[i]) < 1e-13);

  Tape<double> tape;
  const auto x = tape.variable(x0), w = tape.variable(w0);
  const auto before = tape.size();
  block(x, w);
  const auto inner = tape.size() - before;
  checkpoint(block)(x, w);
  CHECK(tape.size() == before + 2 * inner + 2);  // inner nodes remain without their values
}

TEST_CASE("checkpoint: what the function captures gets its gradient, without being counted twice") {
  Tape<double> tape;
  const auto w = tape.variable(random_tensor({3, 3}, 1));
  const auto x = matmul(tape.constant(random_tensor({2, 3}, 2)), w);  // depends on w, too
  const auto f = [w](auto a) { return tanh(matmul(a, w)); };
  const auto expected = gradients(sum(f(f(x))), w)[0];
  const auto saving = checkpoint(f);
  CHECK(distance(gradients(sum(saving(saving(x))), w)[0], expected) < 1e-14);
}

TEST_CASE("checkpoint saves memory in a first-order sweep") {
  const auto peak = [](bool saving) {
    Tape<float> tape;
    const auto deep = [](auto v) {
      for (int i = 0; i < 20; ++i) v = sin(v) * 1.1;
      return v;
    };
    const auto x = tape.variable(random_tensor<float>({100000}, 1));
    auto a = x;
    for (int i = 0; i < 10; ++i) a = saving ? checkpoint(deep)(a) : deep(a);
    gradients(sum(a), x);
    return tape.reserved_bytes();
  };
  CHECK(static_cast<double>(peak(true)) < 0.35 * static_cast<double>(peak(false)));
}

TEST_CASE("a checkpoint draws the same numbers when it computes again, and goes on behind them") {
  for (const bool by_value : {false, true}) {
    CAPTURE(by_value);
    Generator generator(3), plain(3);
    Tape<double> tape;
    const auto x = tape.variable(Tensor<double>(xt::ones<double>({32})));
    const auto noisy = [&generator, copy = generator, by_value](auto v) {
      Generator g = by_value ? copy : generator;
      return dropout(exp(v), 0.5, g) + dropout(v, 0.5, g) - v;
    };
    const auto y = checkpoint(noisy)(x);
    const auto expected = dropout(exp(x), 0.5, plain) + dropout(x, 0.5, plain) - x;
    CHECK(y.value() == expected.value());
    CHECK(generator.counter() == plain.counter());
    CHECK(grad(sum(y), x)[0].value() == grad(sum(expected), x)[0].value());
    CHECK(generator.counter() == plain.counter());
    CHECK(gradients(sum(y), x)[0] == gradients(sum(expected), x)[0]);
  }
}

TEST_CASE("parameters that a checkpoint records get their gradients") {
  const Parameter<double> w(Tensor<double>{{1, 2}, {3, 4}}), b(Tensor<double>{5, 6});
  const auto layer = [&](auto x) { return tanh(matmul(x, x.tape().variable(w)) + x.tape().variable(b)); };
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({3, 2}, 1, -0.1, 0.1));
  const auto y = sum(checkpoint(layer)(checkpoint(layer)(x)));
  const auto found = grad(y, x, tape.variable(w), tape.variable(b));
  const auto expected = grad(sum(layer(layer(x))), x, tape.variable(w), tape.variable(b));
  for (std::size_t i = 0; i < 3; ++i) CHECK(distance(found[i].value(), expected[i].value()) < 1e-15);
}

TEST_CASE("what a checkpoint or a custom_vjp updates is written, and once") {
  for (const bool custom : {false, true}) {
    CAPTURE(custom);
    Parameter<double> count(Tensor<double>{0, 0});
    const auto counted = [&](auto x) {
      auto& tape = x.tape();
      tape.update(count, tape.updated(count) + 1.0);
      return x * tape.updated(count);
    };
    Tape<double> tape;
    const auto x = tape.variable(Tensor<double>{1, 2});
    auto y = custom ? custom_vjp(counted, [](auto g, auto, auto) { return g; })(x) : checkpoint(counted)(x);
    for (int i = 0; i < 20; ++i) y = y * 10.0;  // reuses the released memory
    CHECK(grad(sum(y), x)[0].value() == Tensor<double>{1e20, 1e20});
    CHECK(tape.updates().size() == 1);
    tape.commit();
    CHECK(count.value() == Tensor<double>{1, 1});
  }
}

TEST_CASE("batch normalisation inside a checkpoint") {
  const BatchNormState<double> state(3), expected(3);
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({4, 3}, 1));
  const auto weights = tape.constant(random_tensor({4, 3}, 2));
  const auto y = checkpoint([&](auto v) { return batch_norm(v, state, Training::yes); })(x);
  const auto z = batch_norm(x, expected, Training::yes);
  CHECK(distance(grad(sum(y * weights), x)[0].value(), grad(sum(z * weights), x)[0].value()) < 1e-15);
  tape.commit();
  CHECK(state.running_mean.value() == expected.running_mean.value());
  CHECK(state.running_variance.value() == expected.running_variance.value());
}

TEST_CASE("a checkpointed function that records another shape the second time") {
  int calls = 0;
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{1, 2});
  const auto y = checkpoint([&](auto v) { return calls++ == 0 ? v * v : sum(v, 0, KeepDims::yes); })(x);
  CHECK(contains(message_of<ShapeError>([&] { grad(sum(y), x); }),
                 "[checkpoint] the function returned shape (2,) and, when called again, (1,)"));
}
