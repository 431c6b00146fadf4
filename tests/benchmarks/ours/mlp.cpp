// One training step of 784-128-10 with biases, recorded anew each time.
#include "tensors.hpp"

namespace {

using namespace bench;

class Eager : public Training {
 public:
  explicit Eager(std::size_t batch)
      : inputs_(tensor<float>({batch, mlp::inputs}, 1, 0, 1)), targets_(one_hot(batch, mlp::classes, 2)) {}

  void step() override {
    tape_.clear();
    const auto x = tape_.borrow(inputs_), y = tape_.borrow(targets_);
    const auto w1 = tape_.variable(w1_), b1 = tape_.variable(b1_);
    const auto w2 = tape_.variable(w2_), b2 = tape_.variable(b2_);
    const auto hidden = sigmoid(matmul(x, w1) + b1);
    const auto loss = cross_entropy_with_logits(matmul(hidden, w2) + b2, y);
    const auto [dw1, db1, dw2, db2] = grad(loss, w1, b1, w2, b2);
    w1_ -= mlp::rate * dw1.view();
    b1_ -= mlp::rate * db1.view();
    w2_ -= mlp::rate * dw2.view();
    b2_ -= mlp::rate * db2.view();
    loss_ = loss.item();
  }

 private:
  std::vector<wg::Parameter<float>> parameters() override { return {w1_, b1_, w2_, b2_}; }

  wg::Tensor<float> inputs_, targets_;
  wg::Parameter<float> w1_ = parameter(mlp::weights[0], 3), b1_ = parameter(mlp::weights[1], 4);
  wg::Parameter<float> w2_ = parameter(mlp::weights[2], 5), b2_ = parameter(mlp::weights[3], 6);
  wg::Tape<float> tape_;
};

const bool offered = [] {
  for (const std::size_t batch : {1U, 32U, 128U, 1024U, 10000U})
    offer<Eager>("mlp-" + std::to_string(batch) + "/eager", batch);
  return true;
}();

}  // namespace
