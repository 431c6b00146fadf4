// fit against descents written by hand, and what ends a training.
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>

#include <cmath>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Three classes of the plane, which two lines tell apart.
Dataset<double> three_classes(std::size_t n, unsigned seed) {
  Dataset<double> data{random_tensor({n, 2}, seed), IndexTensor::from_shape({n}), 3};
  for (std::size_t i = 0; i < n; ++i) data.labels(i) = data.inputs(i, 0) > 0 ? (data.inputs(i, 1) > 0 ? 0 : 1) : 2;
  return data;
}

auto classifier(std::uint64_t seed) {
  Generator generator(seed);
  return nn::sequential(nn::Linear<double>::make(2, 16, generator), nn::Tanh{},
                        nn::Linear<double>::make(16, 3, generator));
}

constexpr auto cross_entropy_loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };

}  // namespace

TEST_CASE("fit learns") {
  const auto data = three_classes(300, 1), held_out = three_classes(200, 2);
  const auto network = classifier(3);
  optim::Optimizer<double> optimizer(network, optim::Adam{.rate = 0.03});
  const auto result = train::fit(network, optimizer, cross_entropy_loss, data, held_out,
                                 {.epochs = 30, .batch_size = 32, .display = train::Display::quiet});
  CHECK(result.history.epochs.size() == 30);
  CHECK(result.last("validation_accuracy") > 0.95);
  CHECK(result.reason == train::StopReason::epochs);
}
