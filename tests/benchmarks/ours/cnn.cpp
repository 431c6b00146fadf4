// One training step of LeNet-5 with relu and max pooling on 64 images of 28×28 pixels.
#include "tensors.hpp"

namespace {

using namespace bench;

class Network : public Training {
 protected:
  using Variables = std::array<wg::Var<float>, cnn::weights.size()>;

  Variables record_parameters(wg::Tape<float>& tape) const {
    Variables v;
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = tape.variable(parameters_[i]);
    return v;
  }
  static wg::Var<float> loss(wg::Var<float> x, wg::Var<float> y, const Variables& v) {
    auto a = max_pool2d(relu(conv2d(x, v[0], v[1], {.padding = 2})), 2);
    a = max_pool2d(relu(conv2d(a, v[2], v[3])), 2);
    a = flatten(a, 1);
    a = relu(matmul(a, v[4]) + v[5]);
    a = relu(matmul(a, v[6]) + v[7]);
    return cross_entropy_with_logits(matmul(a, v[8]) + v[9], y);
  }

  wg::Tensor<float> inputs_ = tensor<float>({cnn::batch, 1, cnn::pixels, cnn::pixels}, 1, 0, 1);
  wg::Tensor<float> targets_ = one_hot(cnn::batch, cnn::classes, 2);
  std::vector<wg::Parameter<float>> parameters_ = [] {
    std::vector<wg::Parameter<float>> result;
    for (const Weights& w : cnn::weights) result.push_back(parameter(w, result.size() + 3));
    return result;
  }();

 private:
  std::vector<wg::Parameter<float>> parameters() override { return parameters_; }
};

class Eager : public Network {
 public:
  void step() override {
    tape_.clear();
    const Variables v = record_parameters(tape_);
    const auto mean_loss = loss(tape_.borrow(inputs_), tape_.borrow(targets_), v);
    gradients_into<float>(mean_loss, v, gradients_);
    for (std::size_t i = 0; i < v.size(); ++i) parameters_[i] -= cnn::rate * gradients_[i];
    loss_ = static_cast<double>(mean_loss.item());
  }

 private:
  wg::Tape<float> tape_;
  std::array<wg::Tensor<float>, cnn::weights.size()> gradients_;
};

class Replayed : public Network {
 public:
  void step() override { program_(inputs_, targets_); }
  double value() override { return static_cast<double>(program_.item()); }

 private:
  wg::Program<float> program_ = [this] {
    wg::Tape<float> tape;
    const auto x = tape.borrow(inputs_), y = tape.borrow(targets_);
    const Variables v = record_parameters(tape);
    const auto mean_loss = loss(x, y, v);
    const auto gradients = grad<float>(mean_loss, std::vector(v.begin(), v.end()));
    for (std::size_t i = 0; i < v.size(); ++i) tape.update(parameters_[i], v[i] - cnn::rate * gradients[i]);
    return wg::compile(tape, {x, y}, {mean_loss});
  }();
};

const bool offered = offer<Eager>("cnn/eager") && offer<Replayed>("cnn/program");

}  // namespace
