// Gradients of any order: polynomials, seeded cotangents, intermediate values, and a network's Hessian.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("derivatives of x·sin x to order 4") {
  for (const double v : {-2.0, 0.0, 0.7, 3.1}) {
    Tape<double> tape;
    const auto x = tape.variable(Tensor<double>(v));
    const auto y = x * sin(x);
    const auto [d1] = grad(y, x);
    const auto [d2] = grad(d1, x);
    const auto [d3] = grad(d2, x);
    const auto [d4] = grad(d3, x);
    CHECK(d1.item() == doctest::Approx(std::sin(v) + v * std::cos(v)).epsilon(1e-14));
    CHECK(d2.item() == doctest::Approx(2 * std::cos(v) - v * std::sin(v)).epsilon(1e-14));
    CHECK(d3.item() == doctest::Approx(-3 * std::sin(v) - v * std::cos(v)).epsilon(1e-14));
    CHECK(d4.item() == doctest::Approx(-4 * std::cos(v) + v * std::sin(v)).epsilon(1e-14));
  }
}

TEST_CASE("polynomials differentiate down to zero") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>(2.0));
  auto y = 3 * x * x * x - x * x / 4 + 7;
  const double expected[] = {36 - 1, 36 - 0.5, 18, 0, 0};
  for (const double value : expected) {
    y = grad(y, x)[0];
    CHECK(y.item() == doctest::Approx(value).epsilon(1e-14));
  }
}

TEST_CASE("a variable the scalar does not depend on gets zeros of its shape") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3}, 1)), unused = tape.variable(random_tensor({4}, 2));
  const auto loss = sum(x * x);
  const auto later = tape.variable(random_tensor({2, 2}, 3));
  const auto [dx, du, dl] = grad(loss, x, unused, later);
  CHECK(dx.value() == 2 * x.value());
  CHECK(du.value() == xt::zeros<double>({4}));
  CHECK(dl.value() == xt::zeros<double>({2, 2}));
  const auto [gx, gu, gl] = gradients(loss, x, unused, later);
  CHECK(gx == 2 * x.value());
  CHECK(gu == xt::zeros<double>({4}));
  CHECK(gl == xt::zeros<double>({2, 2}));
}

TEST_CASE("gradients with respect to intermediate values, the scalar itself, and one variable twice") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>(3.0));
  const auto y = x * x;
  const auto z = y * y + x;
  const auto [dx, dy, dz, dx2] = grad(z, x, y, z, x);
  CHECK(dx.item() == 4 * 27 + 1);
  CHECK(dy.item() == 18);
  CHECK(dz.item() == 1);
  CHECK(dx2.item() == dx.item());
  const auto [gx, gy, gz, gx2] = gradients(z, x, y, z, x);
  CHECK(gx() == 4 * 27 + 1);
  CHECK(gy() == 18);
  CHECK(gz() == 1);
  CHECK(gx2() == gx());
}

TEST_CASE("a cotangent gives the gradient of a value that is not a scalar") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3}, 1)), c = tape.constant(random_tensor({2, 3}, 2));
  const auto [dx] = grad(seed(exp(x), c), x);
  CHECK(distance(dx.value(), c.value() * xt::exp(x.value())) < 1e-15);
  const auto [gx] = gradients(seed(exp(x), c), x);
  CHECK(gx == dx.value());
  const auto [dc] = grad(sum(dx * dx), c);  // differentiates the gradient with respect to the cotangent
  CHECK(distance(dc.value(), 2 * dx.value() * xt::exp(x.value())) < 1e-14);
  CHECK_ERROR(ShapeError, "[grad] a cotangent of shape (2,) for a value of shape (2, 3)",
              grad(seed(exp(x), tape.constant(Tensor<double>{1, 2})), x));
  CHECK_ERROR(GradientError, "[grad] a value of shape (2, 3): expected a scalar", grad(exp(x), x));
  CHECK_ERROR(HandleError, "[seed] the cotangent is an empty handle", grad(seed(exp(x), Var<double>()), x));
}

TEST_CASE("cotangents of several values give the gradients of all together, on the tape and in a Program") {
  const auto at = random_tensor({2, 3}, 1), c = random_tensor({2, 3}, 2), d = random_tensor({3, 2}, 3);
  const auto dx_of = [&](const auto& x) { return Tensor<double>(c * xt::exp(x) + 2 * x * xt::transpose(d)); };
  Tape<double> tape;
  const auto x = tape.variable(at), y = tape.variable(at);
  const auto first = exp(x), second = transpose(square(x) + y);
  const Seeded<double> one = seed(first, tape.constant(c)), other = seed(second, tape.constant(d));
  const auto [dx, dy] = grad({one, other}, x, y);
  CHECK(distance(dx.value(), dx_of(at)) < 1e-14);
  CHECK(dy.value() == xt::transpose(d));
  CHECK(grad(std::vector{one, other}, x)[0].value() == dx.value());
  CHECK(grad({one}, x)[0].value() == grad(one, x)[0].value());
  CHECK(grad({one, other, one}, std::vector{y})[0].value() == dy.value());
  const auto [ddx] = grad(sum(dx), x);
  CHECK(distance(ddx.value(), c * xt::exp(at) + 2 * xt::transpose(d)) < 1e-14);
  const auto size = tape.size();
  const auto [gx, gy] = gradients({one, other}, x, y);
  CHECK(gx == dx.value());
  CHECK(gy == dy.value());
  CHECK(tape.size() == size);

  auto program = compile(tape, {x}, {dx, dy}, {.allow_value_dependence = true});
  const auto elsewhere = random_tensor({2, 3}, 4);
  program(elsewhere);
  CHECK(distance(program.value(0), dx_of(elsewhere)) < 1e-14);
  CHECK(program.value(1) == xt::transpose(d));
}

TEST_CASE("cotangents of several values count as constants, like that of one, but the results depend on them") {
  const auto at = random_tensor({2, 3}, 1), ct = random_tensor({2, 3}, 2);
  Tape<double> tape;
  const auto x = tape.variable(at), c = tape.variable(ct);
  const auto y = exp(x), z = square(x), d = x * c;  // d depends on x
  const auto [dx, dc] = grad({seed(y, c), seed(z, d)}, x, c);
  const Tensor<double> expected = ct * xt::exp(at) + 2 * at * at * ct;
  CHECK(distance(dx.value(), expected) < 1e-14);
  CHECK(distance(dx.value(), (grad(seed(y, c), x)[0] + grad(seed(z, d), x)[0]).value()) < 1e-14);
  CHECK(dc.value() == xt::zeros<double>({2, 3}));
  CHECK(distance(grad(sum(dx), c)[0].value(), Tensor<double>(xt::exp(at) + 2 * at * at)) < 1e-14);
  const auto early = grad({seed(x, c), seed(y, c)}, y)[0];  // x precedes the variable
  CHECK(early.value() == ct);
  auto program = compile(tape, {x, c}, {dx, dc}, {.allow_value_dependence = true});
  const auto elsewhere = random_tensor({2, 3}, 4), other = random_tensor({2, 3}, 5);
  program(elsewhere, other);
  CHECK(distance(program.value(0), Tensor<double>(other * xt::exp(elsewhere) + 2 * elsewhere * elsewhere * other)) <
        1e-14);
  CHECK(program.value(1) == xt::zeros<double>({2, 3}));
}

TEST_CASE("several values that do not fit are refused, and nothing is recorded") {
  Tape<double> tape, foreign;
  const auto x = tape.variable(random_tensor({2, 3}, 1)), c = tape.constant(random_tensor({2, 3}, 2));
  const auto y = exp(x), z = square(x), e = exp(foreign.variable(random_tensor({2, 3}, 3)));
  const auto vector = tape.constant(Tensor<double>{1, 2, 3});
  const auto size = tape.size();
  CHECK_ERROR(GradientError, "[grad] no values to differentiate: expected at least one",
              grad(std::vector<Seeded<double>>{}, x));
  CHECK_ERROR(ShapeError, "[grad] a cotangent of shape (3,) for a value of shape (2, 3)",
              grad({seed(y, c), seed(z, vector)}, x));
  CHECK_ERROR(HandleError, "[seed] the cotangent is an empty handle", grad({seed(y, c), seed(z, Var<double>())}, x));
  CHECK_ERROR(HandleError, "[grad] value 2 is an empty handle", grad({seed(y, c), seed(Var<double>(), c)}, x));
  CHECK_ERROR(HandleError, "[grad] value 2 belongs to another tape", grad({seed(y, c), seed(e, c)}, x));
  CHECK_ERROR(HandleError, "[grad] cotangent 2 belongs to another tape", gradients({seed(y, c), seed(z, e)}, x));
  CHECK(tape.size() == size);

  const Parameter<double> w(Tensor<double>{1, 2});
  const auto before = tape.variable(w), early = sum(square(before));
  tape.update(w, before - 1);
  tape.commit();
  const auto after = tape.variable(w), late = sum(square(after)), unit = tape.constant(1.0);
  CHECK_ERROR(HandleError, "was changed and recorded again", grad({seed(late, unit), seed(early, unit)}, after));
}

TEST_CASE("gradients() leaves the tape as it found it and agrees with grad() to the bit") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({5, 4}, 1)), w = tape.variable(random_tensor({4, 3}, 2)),
             b = tape.variable(random_tensor({3}, 3));
  const auto y = Tensor<double>(xt::zeros<double>({5, 3}));
  const auto loss = cross_entropy_with_logits(tanh(matmul(x, w) + b) * 3, y + 1.0 / 3) + sum(relu(w));
  const auto size = tape.size();
  const auto [gx, gw, gb] = gradients(loss, x, w, b);
  CHECK(tape.size() == size);
  const auto [dx, dw, db] = grad(loss, x, w, b);
  CHECK(gx == dx.value());
  CHECK(gw == dw.value());
  CHECK(gb == db.value());
  CHECK(gradients(loss, x)[0] == gx);
}

TEST_CASE("any number of variables") {
  Tape<double> tape;
  std::vector<Var<double>> x;
  auto loss = tape.constant(0.0);
  for (int i = 0; i < 100; ++i) {
    x.push_back(tape.variable(Tensor<double>(static_cast<double>(i))));
    loss += x.back() * x.back();
  }
  const auto dx = grad(loss, x);
  std::vector<Tensor<double>> results(100);
  gradients_into<double>(loss, x, results);
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(dx[i].item() == 2.0 * static_cast<double>(i));
    CHECK(results[i]() == dx[i].item());
  }
  CHECK_ERROR(ShapeError, "[gradients] 3 results for 100 variables",
              (gradients_into<double>(loss, x, std::span(results).first(3)), 0));
}

TEST_CASE("the Hessian of a small network's loss against finite differences of the gradient") {
  const auto X = random_tensor({4, 3}, 1), W1 = random_tensor({3, 2}, 2), W2 = random_tensor({2, 3}, 3);
  Tensor<double> Y = xt::zeros<double>({4, 3});
  for (std::size_t i = 0; i < 4; ++i) Y(i, i % 3) = 1;
  const auto gradient = [&](const Tensor<double>& w1) {
    Tape<double> tape;
    const auto w = tape.variable(w1);
    return gradients(cross_entropy_with_logits(matmul(sigmoid(matmul(tape.constant(X), w)), tape.constant(W2)), Y),
                     w)[0];
  };
  Tape<double> tape;
  const auto w = tape.variable(W1);
  const auto loss = cross_entropy_with_logits(matmul(sigmoid(matmul(tape.constant(X), w)), tape.constant(W2)), Y);
  const auto [dw] = grad(loss, w);
  for (std::size_t i = 0; i < W1.size(); ++i) {
    Tensor<double> one = xt::zeros_like(W1), up = W1, down = W1;
    one.data()[i] = 1;
    up.data()[i] += 1e-5;
    down.data()[i] -= 1e-5;
    const Tensor<double> row = gradients(sum(dw * one), w)[0];
    CHECK(distance(row, (gradient(up) - gradient(down)) / 2e-5) < 1e-9);
  }
}

TEST_CASE("work is done only for what is asked: a constant operand gets no product") {
  Tape<double> tape;
  const auto x = tape.constant(random_tensor({50, 40}, 1)), w = tape.variable(random_tensor({40, 3}, 2));
  const auto loss = sum(matmul(x, w));
  const auto before = tape.size();
  grad(loss, w);
  std::size_t products = 0;
  for (std::size_t i = before; i < tape.size(); ++i)
    if (tape.node(i).op != nullptr && tape.node(i).op->name == "matmul") ++products;
  CHECK(products == 1);
}
