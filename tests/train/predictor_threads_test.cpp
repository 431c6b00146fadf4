// A Predictor that several threads call at once: right results, bounded Programs, errors in between.
#include "testing.hpp"
#include <wengert/nn.hpp>
#include <wengert/train/predictor.hpp>

#include <atomic>
#include <thread>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

using FloatPredictor = train::Predictor<Tensor<float>(Tensor<float>)>;

auto shared_network() {
  Generator generator(1);
  return nn::sequential(nn::Linear<float>::make(6, 8, generator), nn::BatchNorm<float>::make(8), nn::ReLU{},
                        nn::Dropout::make(0.5, generator), nn::Linear<float>::make(8, 3, generator));
}

// Calls `work(i)` on threads 0 … count − 1 at once.
template <class F>
void on_threads(std::size_t count, const F& work) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("eight threads call a Predictor at once, with different shapes, and get the right results") {
  const auto network = shared_network();
  std::vector<Tensor<float>> inputs, expected;
  for (std::size_t rows = 1; rows <= 4; ++rows) {
    inputs.push_back(random_tensor<float>({rows, 6}, static_cast<unsigned>(rows)));
    expected.push_back(train::predict(network, inputs.back()));
  }
  for (const std::size_t max_threads : Sizes{1, 2, 8}) {
    const FloatPredictor predictor(network, {.max_threads = max_threads, .max_programs = 2});
    std::atomic<int> wrong{0}, refused{0};
    on_threads(8, [&](std::size_t thread) {
      Tensor<float> out;
      for (std::size_t call = 0; call < 30; ++call) {
        const std::size_t i = (thread + call) % inputs.size();
        predictor.run(inputs[i], out);
        if (!(distance(out, expected[i]) < 1e-5)) ++wrong;
        if (call % 10 != thread) continue;
        try {
          predictor(Tensor<float>(xt::zeros<float>({2, 7})));
        } catch (const ShapeError&) {
          ++refused;
        }
      }
    });
    CHECK(wrong == 0);
    CHECK(refused == 24);
    CHECK(predictor.memory().programs <= 2 * max_threads);
  }
}

TEST_CASE("calls wait if max_threads run, and Programs pass from thread to thread") {
  const FloatPredictor predictor(shared_network(), {.max_threads = 2});
  const Tensor<float> x = random_tensor<float>({2, 6}, 1), expected = predictor(x);
  std::atomic<int> wrong{0};
  on_threads(6, [&](std::size_t) {
    for (int call = 0; call < 20; ++call)
      if (predictor(x) != expected) ++wrong;
  });
  CHECK(wrong == 0);
  CHECK(predictor.compilations() <= 2);
}
