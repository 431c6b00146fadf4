// Compiles and runs the code of docs/optimisers.md and compares it with the page.
// clang-format off
// [headers]
#include <wengert/optim.hpp>
#include <wengert/wengert.hpp>

namespace wg = wengert;
namespace optim = wengert::optim;
// [end]

#include "snippets.hpp"
#include "testing.hpp"

using namespace wengert::testing;

namespace {

// [stateless]
struct SignDescent {
  double rate = 0.01;
  auto operator()(auto w, auto g, const auto& at) const { return w - at.rate * sign(g); }
};
// [stateful]
struct Heavy {
  double rate = 0.01, friction = 0.1;
  template <class V>
  struct State { V velocity; };
  template <class T>
  State<wg::Var<T>> start(wg::Var<T> w) const { return {optim::zeros_like(w)}; }
  template <class T>
  wg::Var<T> operator()(wg::Var<T> w, wg::Var<T> g, State<wg::Var<T>>& state, const optim::Progress<T>& at) const {
    state.velocity = (1 - friction) * state.velocity - at.rate * g;
    return w + state.velocity;
  }
};
// [end]
// clang-format on

template <class T>
struct Layers {
  struct Layer {
    wg::Parameter<T> weight, bias;
    wg::Var<T> operator()(wg::Var<T> x) const { return matmul(x, x.tape().variable(weight)) + x.tape().variable(bias); }
  };
  static Layer layer(std::size_t from, std::size_t to, unsigned seed) {
    return {wg::Parameter<T>(random_tensor<T>({from, to}, seed)), wg::Parameter<T>(wg::Tensor<T>(xt::zeros<T>({to})))};
  }
  Layer first = layer(20, 16, 2), last = layer(16, 3, 3);
  wg::Var<T> operator()(wg::Var<T> x) const { return last(tanh(first(x))); }
};

struct Task {
  wg::Tensor<float> X = random_tensor<float>({64, 20}, 1), Y = xt::zeros<float>({64, 3});
  Layers<float> network;
  Task() {
    for (std::size_t i = 0; i < 64; ++i) Y(i, X(i, 0) > 0 ? (X(i, 1) > 0 ? 0 : 1) : 2) = 1;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Task, "optimisers.md: train, compiled and on a tape") {
  float last_loss = 0;
  // clang-format off
  // [train]
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 1e-2});
  auto step = wg::compiled<float>([&](auto&, auto x, auto y) {
    auto loss = cross_entropy_with_logits(network(x), y);
    optimizer.update(loss);                              // gradients and updates, queued on the tape
    return loss;
  });
  for (int i = 0; i < 200; ++i) last_loss = step(X, Y).item();
  // [end]
  CHECK(last_loss < 0.1F);
  wg::Tape<float> tape;
  // [eager]
  tape.clear();
  optimizer.update(cross_entropy_with_logits(network(tape.borrow(X)), tape.borrow(Y)));
  tape.commit();
  // [end]
  // clang-format on
  CHECK(optimizer.steps() == 201);
}

TEST_CASE_FIXTURE(Task, "optimisers.md: groups and layer-wise rates") {
  // clang-format off
  // [groups]
  optim::Optimizer<float> optimizer(network, optim::AdamW{.rate = 1e-3},
                                    {.groups = {{"last", optim::AdamW{.rate = 1e-2}},
                                                {"*.bias", optim::AdamW{.rate = 1e-3, .weight_decay = 0}}},
                                     .clip_norm = 1});
  // [rate factors]
  optim::Optimizer<float> slow_body(network, optim::AdamW{.rate = 1e-3}, {.rate_factors = {{"first", 0.1}}});
  optim::Optimizer<float> decayed(network, optim::AdamW{.rate = 1e-3},
                                  {.rate_factors = optim::layerwise_decay({"first", "last"}, 0.5)});
  // [end]
  // clang-format on
  CHECK(optimizer.parameters().size() == 4);
  CHECK(slow_body.rate_factors().front().factor == 0.1);
  CHECK(decayed.rate_factors().front().factor == 0.5);
}

TEST_CASE_FIXTURE(Task, "optimisers.md: averages of the weights") {
  const auto loss_of = [&](const Layers<float>& layers) {
    wg::Tape<float> tape;
    return cross_entropy_with_logits(layers(tape.borrow(X)), tape.borrow(Y)).item();
  };
  // clang-format off
  // [average]
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 1e-2}, {.average = optim::EMA{.decay = 0.99}});
  // [end]
  // clang-format on
  auto step = wg::compiled<float>([&](auto&, auto x, auto y) {
    auto loss = cross_entropy_with_logits(network(x), y);
    optimizer.update(loss);
    return loss;
  });
  for (int i = 0; i < 100; ++i) step(X, Y);
  const float last_loss = loss_of(network);
  float average_loss = 0;
  // clang-format off
  // [swap]
  {
    const optim::AverageScope averaged(optimizer);         // until the end of the block, the network holds the averages
    average_loss = loss_of(network);
  }
  optimizer.swap_average();                                // for good: to save or to use the network
  // [end]
  // clang-format on
  CHECK(average_loss != last_loss);
  CHECK(loss_of(network) == average_loss);
}

TEST_CASE_FIXTURE(Task, "optimisers.md: a schedule, and rules of one's own") {
  const auto train = [&](optim::Optimizer<float> optimizer) {
    float last_loss = 0;
    auto step = wg::compiled<float>([&](auto&, auto x, auto y) {
      auto loss = cross_entropy_with_logits(network(x), y);
      optimizer.update(loss);
      return loss;
    });
    // clang-format off
    // [schedule]
    const optim::LinearWarmup schedule{.steps = 20, .then = optim::CosineDecay{.rate = 0.5, .steps = 180}};
    for (int i = 0; i < 200; ++i) {
      optimizer.set_rate(schedule(i));
      last_loss = step(X, Y).item();
    }
    // [end]
    // clang-format on
    return last_loss;
  };
  CHECK(train(optim::Optimizer<float>(network, Heavy{})) < 0.2F);
  network = {};
  CHECK(train(optim::Optimizer<float>(network, SignDescent{})) < 2.0F);
}

TEST_CASE("optimisers.md: meta-learning") {
  const wg::Tensor<double> W{0.3, -0.7}, Rate(0.05);
  const double task = 1, other_task = 0.5;
  const auto loss_on = [](double centre, auto w) { return sum(square(square(w) - centre)); };
  // clang-format off
  // [meta-learning]
  auto after_training = [&](auto w, auto rate) {
    const optim::Adam rule;
    auto state = rule.start(w);
    for (int t = 1; t <= 2; ++t) {
      auto [g] = grad(loss_on(task, w), w);
      w = rule(w, g, state, {rate, w.tape().constant(t)});
    }
    return loss_on(other_task, w);
  };
  auto [dw, drate] = wg::grad(after_training, W, Rate);
  CHECK(wg::gradcheck(after_training, W, Rate));
  // [end]
  // clang-format on
  CHECK(dw.size() == 2);
  CHECK(drate.size() == 1);
}

TEST_CASE("optimisers.md: L-BFGS") {
  wg::Parameter<double> P(wg::Tensor<double>{-1.2, 1}, "P");
  // clang-format off
  // [L-BFGS]
  optim::LBFGS<double> optimizer(P, {.max_iterations = 100});
  auto report = optimizer.step([&](auto& tape) {         // Rosenbrock's function
    auto p = tape.variable(P);
    auto x = slice(p, {0}), y = slice(p, {1});
    return 100 * square(y - square(x)) + square(1 - x);
  });
  // [end]
  // clang-format on
  CHECK(report.loss < 1e-8);
}

TEST_CASE("every block of C++ in docs/optimisers.md stands in this file") {
  CHECK(check_snippets("docs/optimisers.md", "tests/optim/snippets_test.cpp") == 12);
}
