// Transforms of functions and of recorded values: value_and_grad, vjp, jvp, hvp, jacobian, hessian; trees of tensors.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class V>
struct Affine {
  V w, b;
};
template <class V>
struct TwoAffine {
  std::vector<Affine<V>> layers;
  V scale;
};

TwoAffine<Tensor<double>> small_network() {
  return {{{random_tensor({3, 4}, 1), random_tensor({4}, 2)}, {random_tensor({4, 2}, 3), random_tensor({2}, 4)}},
          Tensor<double>(1.5)};
}

const auto network_loss = [](const auto& network, const auto& x, const auto& y) {
  auto a = x;
  for (const auto& layer : network.layers) a = tanh(matmul(a, layer.w) + layer.b);
  return squared_error(network.scale * a, y);
};

// Returns central differences of a function of one tensor, element by element, in the shape f.shape + x.shape.
template <class F>
Tensor<double> numeric_jacobian(const F& f, const Tensor<double>& x) {
  const auto value = [&](const Tensor<double>& at) {
    Tape<double> tape;
    return f(tape.variable(at)).value();
  };
  const Tensor<double> y = value(x);
  auto result = Tensor<double>::from_shape({y.size(), x.size()});
  for (std::size_t j = 0; j < x.size(); ++j) {
    Tensor<double> up = x, down = x;
    up.data()[j] += 1e-5;
    down.data()[j] -= 1e-5;
    const Tensor<double> column = (value(up) - value(down)) / 2e-5;
    for (std::size_t i = 0; i < y.size(); ++i) result(i, j) = column.data()[i];
  }
  return result;
}

Tensor<double> as_matrix(Tensor<double> jacobian, std::size_t rows) {
  jacobian.reshape({rows, jacobian.size() / rows});
  return jacobian;
}

}  // namespace

TEST_CASE("value_and_grad over tensors gives the gradients in the order of the arguments") {
  const auto f = [](auto a, auto b) { return sum(a * a * b); };
  const Tensor<double> a{1, 2, 3}, b{4, 5, 6};
  const auto [value, gradients] = value_and_grad(f, a, b);
  CHECK(value == 4 + 20 + 54);
  const auto& [da, db] = gradients;
  CHECK(da == Tensor<double>{8, 20, 36});
  CHECK(db == Tensor<double>{1, 4, 9});
  const auto [same, only] = value_and_grad(f, a, fixed(b));  // one differentiated argument: no tuple
  CHECK(same == value);
  CHECK(only == da);
}

TEST_CASE("grad of a function gives tensors, or a struct of them") {
  const Tensor<double> a{1, 2, 3}, b{4, 5, 6};
  const auto [da, db] = grad([](auto x, auto y) { return sum(x * x * y); }, a, b);
  CHECK(da == Tensor<double>{8, 20, 36});
  CHECK(db == Tensor<double>{1, 4, 9});
  CHECK(grad([](auto x, auto y) { return sum(x * x * y); }, a, fixed(b)) == da);
  const auto x = random_tensor({5, 3}, 5), y = random_tensor({5, 2}, 6);
  const auto network = small_network();
  const auto of_network = grad(network_loss, network, fixed(x), fixed(y));
  CHECK(of_network.layers[1].b == value_and_grad(network_loss, network, fixed(x), fixed(y)).second.layers[1].b);
}

TEST_CASE("value_and_grad over a struct of tensors gives a struct of tensors") {
  const auto network = small_network();
  const auto x = random_tensor({5, 3}, 5), y = random_tensor({5, 2}, 6);
  const auto [loss, gradients] = value_and_grad(network_loss, network, fixed(x), fixed(y));
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(gradients)>, TwoAffine<Tensor<double>>>);
  Tape<double> tape;
  const auto recorded = map_tree(network, [&](const auto& leaf) { return tape.variable(leaf); });
  const auto again = network_loss(recorded, tape.constant(x), tape.constant(y));
  CHECK(loss == again.item());
  const auto [dw, db] = grad(again, recorded.layers[1].w, recorded.layers[1].b);
  CHECK(gradients.layers[1].w == dw.value());
  CHECK(gradients.layers[1].b == db.value());
  CHECK(gradients.scale.size() == 1);
  std::size_t leaves = 0;
  for_each_leaf(gradients, [&](const Tensor<double>&) { ++leaves; });
  CHECK(leaves == 5);
}

TEST_CASE("integers are passed as indices, Parameters by reference") {
  const Parameter<double> w(Tensor<double>{1, 2, 3}, "w");
  const Indices k{1, 2};
  const auto [value, dw] = value_and_grad(
      [](auto x, IndexVar<double> numbers) { return sum(x * x) * static_cast<double>(numbers.size()); }, w, k);
  CHECK(value == 28);
  CHECK(dw == Tensor<double>{4, 8, 12});
}

TEST_CASE("vjp gives the value and a pullback that can be used again") {
  const Tensor<double> x{0.5, -1, 2};
  const auto [y, pullback] = vjp([](auto v) { return v * v * v; }, x);
  CHECK(distance(y, x * x * x) == 0);
  CHECK(distance(pullback(Tensor<double>{1, 1, 1}), 3 * x * x) < 1e-15);
  CHECK(distance(pullback(Tensor<double>{2, 0, -1}), Tensor<double>{1.5, 0, -12}) < 1e-14);
  CHECK(contains(message_of<ShapeError>([&] { pullback(Tensor<double>{1, 1}); }), "a cotangent of shape (2,)"));
}

TEST_CASE("jvp is the derivative along a direction") {
  const auto f = [](auto a, auto b) { return tanh(matmul(a, b)); };
  const auto a = random_tensor({3, 4}, 1), b = random_tensor({4, 2}, 2);
  const auto ta = random_tensor({3, 4}, 3), tb = random_tensor({4, 2}, 4);
  const auto [y, dy] = jvp(f, std::tuple(a, b), std::tuple(ta, tb));
  const auto at = [&](double h) {
    Tape<double> tape;
    return f(tape.constant(a + h * ta), tape.constant(b + h * tb)).value();
  };
  CHECK(distance(y, at(0)) == 0);
  CHECK(distance(dy, (at(1e-5) - at(-1e-5)) / 2e-5) < 1e-9);
  const auto [square, tangent] = jvp([](auto x) { return x * x; }, Tensor<double>{3, 4}, Tensor<double>{1, 10});
  CHECK(square == Tensor<double>{9, 16});
  CHECK(tangent == Tensor<double>{6, 80});
}

TEST_CASE("a Jacobian of 100 by 100, forward, reverse and by differences") {
  const auto w = random_tensor({100, 100}, 1, -0.2, 0.2), x = random_tensor({100}, 2);
  const auto f = [&](auto v) { return sin(matmul(v, v.tape().constant(w))) * v; };
  const Tensor<double> numeric = numeric_jacobian(f, x);
  CHECK(distance(jacobian(f, x), numeric) < 1e-8);
  Tape<double> tape;
  const auto v = tape.variable(x);
  const auto y = f(v);
  const auto size = tape.size();
  const auto reverse = jacobian(y, {v}, JacobianMode::reverse)[0], forward = jacobian(y, {v}, JacobianMode::forward)[0];
  CHECK(tape.size() == size);
  CHECK(distance(reverse, forward) < 1e-14);
}

TEST_CASE("a Jacobian is made by sweeps over whichever is fewer, elements of the result or of the arguments") {
  // `counted` counts sweeps through x. In a forward Jacobian only the first sweep passes x; the others run through the
  // nodes that it recorded.
  std::size_t sweeps = 0;
  const auto counted = [&](auto x) {
    return map_gradient(x, [&](auto g) {
      ++sweeps;
      return g;
    });
  };
  const auto w = random_tensor({3, 60}, 1);
  const auto tall = [&](auto x) { return tanh(matmul(counted(x), x.tape().constant(w))); };
  const auto wide = [&](auto x) { return tanh(matmul(x.tape().constant(w), counted(x))); };
  const auto x = random_tensor({3}, 2), z = random_tensor({60}, 3);
  const Tensor<double> of_tall = jacobian(tall, x);
  CHECK(sweeps == 1);  // forward, not 60
  CHECK(distance(of_tall, numeric_jacobian(tall, x)) < 1e-8);
  sweeps = 0;
  const Tensor<double> of_wide = jacobian(wide, z);
  CHECK(sweeps == 3);  // reverse, not 60
  CHECK(distance(of_wide, numeric_jacobian(wide, z)) < 1e-8);
}

TEST_CASE("Jacobians of wide and tall functions, of several arguments") {
  const auto w = random_tensor({3, 7}, 1), x = random_tensor({2, 3}, 2);
  const auto f = [](auto a, auto b) { return exp(matmul(a, b)); };
  const auto [dx, dw] = jacobian(f, x, w);
  CHECK(Shape(dx.shape()) == Shape{2, 7, 2, 3});
  CHECK(Shape(dw.shape()) == Shape{2, 7, 3, 7});
  CHECK(distance(as_matrix(dx, 14), numeric_jacobian([&](auto v) { return f(v, v.tape().constant(w)); }, x)) < 1e-8);
  CHECK(distance(as_matrix(dw, 14), numeric_jacobian([&](auto v) { return f(v.tape().constant(x), v); }, w)) < 1e-8);
  CHECK(distance(jacobian([](auto v) { return sum(v); }, x), xt::ones<double>({2, 3})) == 0);
  const auto constant = jacobian(
      [](auto v) {
        return v.tape().constant(Tensor<double>{1, 2, 3});
      },
      Tensor<double>(1.0));
  CHECK(distance(constant, Tensor<double>{0, 0, 0}) == 0);
}

TEST_CASE("the Hessian of a small network: against differences, jacobian of grad, and hvp") {
  const auto x = random_tensor({5, 3}, 5), y = random_tensor({5, 2}, 6);
  const auto w = random_tensor({3, 2}, 7);
  const auto loss = [&](auto v) { return squared_error(sigmoid(matmul(v.tape().constant(x), v)), y); };
  const Tensor<double> h = hessian(loss, w);
  CHECK(Shape(h.shape()) == Shape{3, 2, 3, 2});
  const auto gradient = [&](auto v) { return grad(loss(v), v)[0]; };
  CHECK(distance(as_matrix(h, 6), numeric_jacobian(gradient, w)) < 1e-9);
  CHECK(distance(h, jacobian(gradient, w)) < 1e-14);
  const auto v = random_tensor({3, 2}, 8);
  const Tensor<double> product = hvp(loss, w, v);
  for (std::size_t i = 0; i < 6; ++i) {
    double expected = 0;
    for (std::size_t j = 0; j < 6; ++j) expected += h.data()[i * 6 + j] * v.data()[j];
    CHECK(product.data()[i] == doctest::Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("the Hessian over a struct comes in symmetric blocks") {
  const auto network = small_network();
  const auto x = random_tensor({5, 3}, 5), y = random_tensor({5, 2}, 6);
  const auto h = hessian(network_loss, network, fixed(x), fixed(y));
  REQUIRE(h.size() == 5);
  const auto rows = [&](std::size_t i, std::size_t j) {
    return as_matrix(h[i][j], std::array<std::size_t, 5>{12, 4, 8, 2, 1}[i]);
  };
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t j = 0; j < 5; ++j) CHECK(distance(rows(i, j), xt::transpose(rows(j, i))) < 1e-13);
  const auto product = hvp([&](const auto& n, auto a) { return network_loss(n, a, y); }, std::tuple(network, fixed(x)),
                           map_tree(network, [](const auto& leaf) { return Tensor<double>(xt::ones_like(leaf)); }));
  CHECK(product.scale() == doctest::Approx(xt::sum(h[4][0])() + xt::sum(h[4][1])() + xt::sum(h[4][2])() +
                                           xt::sum(h[4][3])() + xt::sum(h[4][4])()));
}

TEST_CASE("what cannot be transformed says why") {
  const Tensor<double> x{1, 2, 3};
  CHECK(contains(message_of<GradientError>([&] { value_and_grad([](auto v) { return v * v; }, x); }),
                 "a value of shape (3,): expected a scalar"));
  CHECK(contains(message_of<GradientError>([&] { hessian([](auto v) { return v * v; }, x); }), "functions_test.cpp"));
  CHECK(contains(message_of<ShapeError>([&] { jvp([](auto v) { return v * v; }, x, Tensor<double>{1}); }),
                 "[jvp] variable 1 has shape (3,), its vector (1,)"));
  CHECK(contains(message_of<GradientError>([&] { value_and_grad([](auto v) { return sum(v); }, fixed(x)); }),
                 "no argument to differentiate"));
  const auto big = random_tensor({1, 1, 1, 1, 2}, 1);
  CHECK(contains(message_of<ShapeError>([&] { jacobian([](auto v) { return v * v; }, big); }), "more than 8 axes"));
}
