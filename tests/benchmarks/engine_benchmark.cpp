// The engine's cost: recording tiny ops, and one whole training step of 784-128-10.
#include <wengert/wengert.hpp>

#include <benchmark/benchmark.h>

using namespace wengert;

namespace {

// x ← tanh(x)·c + x on 16 floats, 1,000 times; items are ops.
struct Chain {
  Tape<float> tape;
  Var<float> c = tape.constant(Tensor<float>(0.01F * xt::ones<float>({16})));
  Var<float> x0 = tape.variable(Tensor<float>(0.5F * xt::ones<float>({16})));
  Tape<float>::Mark start = tape.mark();

  Var<float> record() {
    tape.rewind(start);
    Var<float> x = x0;
    for (int i = 0; i < 1000; ++i) x = tanh(x) * c + x;
    return x;
  }
};

void tiny_ops_forward(benchmark::State& state) {
  Chain chain;
  for (auto _ : state) benchmark::DoNotOptimize(chain.record());
  state.SetItemsProcessed(state.iterations() * 3000);
}

void tiny_ops_with_gradient(benchmark::State& state) {
  Chain chain;
  for (auto _ : state) benchmark::DoNotOptimize(grad(sum(chain.record()), chain.x0));
  state.SetItemsProcessed(state.iterations() * 3000);
}

void mlp_step(benchmark::State& state) {
  set_num_threads(1);
  const auto n = static_cast<std::size_t>(state.range(0));
  const Tensor<float> x = xt::ones<float>({n, std::size_t{784}}) * 0.3F;
  Tensor<float> y = xt::zeros<float>({n, std::size_t{10}});
  for (std::size_t i = 0; i < n; ++i) y(i, i % 10) = 1;
  Parameter<float> w1(Tensor<float>(xt::ones<float>({784, 128}) * 0.01F)), b1(Tensor<float>(xt::zeros<float>({128})));
  Parameter<float> w2(Tensor<float>(xt::ones<float>({128, 10}) * 0.01F)), b2(Tensor<float>(xt::zeros<float>({10})));
  Tape<float> tape;
  for (auto _ : state) {
    tape.clear();
    const auto u1 = tape.variable(w1), c1 = tape.variable(b1), u2 = tape.variable(w2), c2 = tape.variable(b2);
    const auto hidden = sigmoid(matmul(tape.borrow(x), u1) + c1);
    const auto loss = cross_entropy_with_logits(matmul(hidden, u2) + c2, tape.borrow(y));
    const auto [d1, e1, d2, e2] = grad(loss, u1, c1, u2, c2);
    w1 -= 0.1F * d1.view();
    b1 -= 0.1F * e1.view();
    w2 -= 0.1F * d2.view();
    b2 -= 0.1F * e2.view();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(tiny_ops_forward);
BENCHMARK(tiny_ops_with_gradient);
BENCHMARK(mlp_step)->Arg(1)->Arg(32)->Arg(128)->Arg(1024)->Arg(10000)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
