// A consumer of the component train alone: fits a linear classifier.
#include <wengert/nn/linear.hpp>
#include <wengert/ops/loss.hpp>
#include <wengert/optim/optimizer.hpp>
#include <wengert/optim/sgd.hpp>
#include <wengert/train/fit.hpp>

int main() {
  wengert::Generator generator(1);
  const wengert::data::Dataset<float> data{wengert::Tensor<float>{{-1, 0}, {1, 0}}, wengert::Indices{0, 1}, 2};
  const auto network = wengert::nn::Linear<float>::make(2, 2, generator);
  wengert::optim::Optimizer<float> optimizer(network, wengert::optim::SGD{.rate = 1});
  const auto loss = [](auto scores, auto labels) { return cross_entropy(scores, labels); };
  const auto result =
      wengert::train::fit(network, optimizer, loss, data, {.epochs = 20, .display = wengert::train::Display::quiet});
  return result.last("accuracy") == 1 ? 0 : 1;
}
