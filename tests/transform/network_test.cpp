// Gradients of the tape against the tutorial's deltas, derived by hand in plain xtensor.
// Backpropagation comes from the tape: no source of the library contains these deltas.
#include "testing.hpp"

#include <xtensor/xstrided_view.hpp>

using namespace wengert;
using namespace wengert::testing;

namespace {

using Matrix = Tensor<double>;

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c = xt::zeros<double>({a.shape()[0], b.shape()[1]});
  for (std::size_t i = 0; i < c.shape()[0]; ++i)
    for (std::size_t k = 0; k < a.shape()[1]; ++k)
      for (std::size_t j = 0; j < c.shape()[1]; ++j) c(i, j) += a(i, k) * b(k, j);
  return c;
}

Matrix plain_sigmoid(const Matrix& z) { return 1 / (1 + xt::exp(-z)); }

Matrix plain_softmax(const Matrix& z) {
  Matrix y = xt::exp(z);
  for (std::size_t r = 0; r < y.shape()[0]; ++r) {
    double total = 0;
    for (std::size_t c = 0; c < y.shape()[1]; ++c) total += y(r, c);
    for (std::size_t c = 0; c < y.shape()[1]; ++c) y(r, c) /= total;
  }
  return y;
}

enum class LossKind { least_squares, binary, binary_from_logits, categorical };

struct LayerArrays {
  Matrix w, b;
};

struct Data {
  Matrix x, y;
  std::vector<LayerArrays> layers;
};

Data make_data(std::size_t layers, LossKind kind) {
  const std::size_t n = 7, sizes[] = {6, 5, 4, 3, 2};
  Data data{random_tensor({n, sizes[0]}, 1), xt::zeros<double>({n, sizes[layers]}), {}};
  for (std::size_t i = 0; i < n; ++i) data.y(i, i % sizes[layers]) = 1;
  if (kind != LossKind::categorical) data.y = 0.8 * data.y + 0.1;  // targets need not be 0 or 1
  for (std::size_t l = 0; l < layers; ++l)
    data.layers.push_back({random_tensor({sizes[l], sizes[l + 1]}, 10 + static_cast<unsigned>(l)),
                           random_tensor({sizes[l + 1]}, 20 + static_cast<unsigned>(l))});
  return data;
}

// δ of the last layer, then δₗ = (δₗ₊₁·Wₗ₊₁ᵀ)·aₗ(1−aₗ); ∂J/∂Wₗ = aₗ₋₁ᵀ·δₗ and ∂J/∂bₗ = the column sums of δₗ.
std::pair<double, std::vector<LayerArrays>> by_hand(const Data& data, LossKind kind, bool biases) {
  const double n = static_cast<double>(data.x.shape()[0]);
  std::vector<Matrix> a{data.x};
  for (std::size_t l = 0; l < data.layers.size(); ++l) {
    Matrix z = product(a.back(), data.layers[l].w);
    if (biases) z = z + data.layers[l].b;
    const bool last = l + 1 == data.layers.size();
    a.push_back(last && kind == LossKind::categorical ? plain_softmax(z) : plain_sigmoid(z));
  }
  const Matrix &out = a.back(), &y = data.y;
  Matrix delta;
  double j = 0;
  if (kind == LossKind::least_squares) {
    j = xt::sum(xt::square(out - y))() / (2 * n);
    delta = (out - y) * out * (1 - out) / n;
  } else if (kind == LossKind::categorical) {
    j = -xt::sum(y * xt::log(out))() / n;
    delta = (out - y) / n;
  } else {
    j = -xt::sum(y * xt::log(out) + (1 - y) * xt::log(1 - out))() / n;
    delta = (out - y) / n;
  }
  std::vector<LayerArrays> gradient(data.layers.size());
  for (std::size_t l = data.layers.size(); l-- > 0;) {
    gradient[l].w = product(xt::transpose(a[l]), delta);
    gradient[l].b = xt::sum(delta, {0});
    if (l > 0) delta = product(delta, xt::transpose(data.layers[l].w)) * a[l] * (1 - a[l]);
  }
  return {j, gradient};
}

Var<double> loss_from(Var<double> z, const Matrix& y, LossKind kind) {
  switch (kind) {
    case LossKind::least_squares:
      return squared_error(sigmoid(z), y);
    case LossKind::binary:
      return binary_cross_entropy(sigmoid(z), y);
    case LossKind::binary_from_logits:
      return binary_cross_entropy_with_logits(z, y);
    default:
      return cross_entropy_with_logits(z, y);
  }
}

}  // namespace

TEST_CASE("the tape's gradients are the tutorial's deltas: every loss, 1 to 4 layers, with and without biases") {
  for (const LossKind kind :
       {LossKind::least_squares, LossKind::binary, LossKind::binary_from_logits, LossKind::categorical})
    for (const std::size_t layers : Sizes{1, 2, 3, 4})
      for (const bool biases : {false, true}) {
        const Data data = make_data(layers, kind);
        const auto [j, expected] = by_hand(data, kind, biases);
        Tape<double> tape;
        std::vector<Var<double>> w, b;
        auto a = tape.constant(data.x);
        for (std::size_t l = 0; l < layers; ++l) {
          w.push_back(tape.variable(data.layers[l].w));
          b.push_back(tape.variable(data.layers[l].b));
          a = matmul(a, w[l]);
          if (biases) a = a + b[l];
          if (l + 1 < layers) a = sigmoid(a);
        }
        const auto loss = loss_from(a, data.y, kind);
        const auto dw = grad(loss, w), db = grad(loss, b);
        CAPTURE(static_cast<int>(kind));
        CAPTURE(layers);
        CAPTURE(biases);
        CHECK(std::abs(loss.item() - j) < 1e-12);
        for (std::size_t l = 0; l < layers; ++l) {
          CHECK(distance(dw[l].value(), expected[l].w) < 1e-12);
          CHECK(distance(db[l].value(), biases ? expected[l].b : Matrix(xt::zeros_like(expected[l].b))) < 1e-12);
        }
      }
}

TEST_CASE("gradient descent by the tape learns XOR") {
  Tape<double> tape;
  const Matrix x{{0, 0}, {0, 1}, {1, 0}, {1, 1}}, y = xt::reshape_view(Matrix{0, 1, 1, 0}, {4, 1});
  Parameter<double> w1(random_tensor({2, 8}, 3, -2, 2)), b1(random_tensor({8}, 4)), w2(random_tensor({8, 1}, 5, -2, 2)),
      b2(random_tensor({1}, 6));
  double last_loss = 0;
  for (int step = 0; step < 4000; ++step) {
    tape.clear();
    const auto u1 = tape.variable(w1), c1 = tape.variable(b1), u2 = tape.variable(w2), c2 = tape.variable(b2);
    const auto loss = binary_cross_entropy_with_logits(matmul(sigmoid(matmul(tape.constant(x), u1) + c1), u2) + c2, y);
    const auto [d1, e1, d2, e2] = grad(loss, u1, c1, u2, c2);
    w1 -= d1.view();
    b1 -= e1.view();
    w2 -= d2.view();
    b2 -= e2.view();
    last_loss = loss.item();
  }
  CHECK(last_loss < 0.01);
}
