// One training step of LeNet-5 with relu and max pooling on 64 pictures of 28×28.
#include "tensors.hpp"

namespace {

using namespace bench;

class Eager : public Training {
 public:
  void step() override {
    tape_.clear();
    auto& v = variables_;
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = tape_.variable(parameters_[i]);
    auto a = max_pool2d(relu(conv2d(tape_.borrow(inputs_), v[0], v[1], {.padding = 2})), 2);
    a = max_pool2d(relu(conv2d(a, v[2], v[3])), 2);
    a = flatten(a, 1);
    a = relu(matmul(a, v[4]) + v[5]);
    a = relu(matmul(a, v[6]) + v[7]);
    const auto loss = cross_entropy_with_logits(matmul(a, v[8]) + v[9], tape_.borrow(targets_));
    gradients_into<float>(loss, v, gradients_);
    for (std::size_t i = 0; i < v.size(); ++i) parameters_[i] -= cnn::rate * gradients_[i];
    loss_ = loss.item();
  }

 private:
  std::vector<wg::Parameter<float>> parameters() override { return parameters_; }

  wg::Tensor<float> inputs_ = tensor<float>({cnn::batch, 1, cnn::pixels, cnn::pixels}, 1, 0, 1);
  wg::Tensor<float> targets_ = one_hot(cnn::batch, cnn::classes, 2);
  std::vector<wg::Parameter<float>> parameters_ = [] {
    std::vector<wg::Parameter<float>> result;
    for (const Weights& w : cnn::weights) result.push_back(parameter(w, result.size() + 3));
    return result;
  }();
  wg::Tape<float> tape_;
  std::array<wg::Var<float>, cnn::weights.size()> variables_;
  std::array<wg::Tensor<float>, cnn::weights.size()> gradients_;
};

const bool offered = offer<Eager>("cnn/eager");

}  // namespace
