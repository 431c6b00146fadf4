// One training step of the 784-128-10 network with biases: recorded each time (eager), and replayed as a Program.
#include "tensors.hpp"

namespace {

using namespace bench;

class Network : public Training {
 protected:
  explicit Network(std::size_t batch)
      : inputs_(tensor<float>({batch, mlp::inputs}, 1, 0, 1)), targets_(one_hot(batch, mlp::classes, 2)) {}

  struct Recorded {
    wg::Var<float> w1, b1, w2, b2, loss;
  };
  Recorded record(wg::Tape<float>& tape, wg::Var<float> x, wg::Var<float> y) const {
    Recorded r;
    r.w1 = tape.variable(w1_), r.b1 = tape.variable(b1_);
    r.w2 = tape.variable(w2_), r.b2 = tape.variable(b2_);
    const auto hidden = sigmoid(matmul(x, r.w1) + r.b1);
    r.loss = cross_entropy_with_logits(matmul(hidden, r.w2) + r.b2, y);
    return r;
  }

  wg::Tensor<float> inputs_, targets_;
  wg::Parameter<float> w1_ = parameter(mlp::weights[0], 3), b1_ = parameter(mlp::weights[1], 4);
  wg::Parameter<float> w2_ = parameter(mlp::weights[2], 5), b2_ = parameter(mlp::weights[3], 6);

 private:
  std::vector<wg::Parameter<float>> parameters() override { return {w1_, b1_, w2_, b2_}; }
};

class Eager : public Network {
 public:
  explicit Eager(std::size_t batch) : Network(batch) {}

  void step() override {
    tape_.clear();
    const auto [w1, b1, w2, b2, loss] = record(tape_, tape_.borrow(inputs_), tape_.borrow(targets_));
    const auto [dw1, db1, dw2, db2] = grad(loss, w1, b1, w2, b2);
    w1_ -= mlp::rate * dw1.view();
    b1_ -= mlp::rate * db1.view();
    w2_ -= mlp::rate * dw2.view();
    b2_ -= mlp::rate * db2.view();
    loss_ = static_cast<double>(loss.item());
  }

 private:
  wg::Tape<float> tape_;
};

class Replayed : public Network {
 public:
  explicit Replayed(std::size_t batch) : Network(batch), program_(compiled()) {}

  void step() override { program_(inputs_, targets_); }
  double value() override { return static_cast<double>(program_.item()); }

 private:
  wg::Program<float> compiled() const {
    return wg::compile_recorded<float>([this](auto& tape, auto& inputs) {
      const auto x = tape.borrow(inputs_), y = tape.borrow(targets_);
      inputs = {x, y};
      const auto [w1, b1, w2, b2, loss] = record(tape, x, y);
      const auto [dw1, db1, dw2, db2] = grad(loss, w1, b1, w2, b2);
      tape.update(w1_, w1 - mlp::rate * dw1);
      tape.update(b1_, b1 - mlp::rate * db1);
      tape.update(w2_, w2 - mlp::rate * dw2);
      tape.update(b2_, b2 - mlp::rate * db2);
      return std::vector<wg::ProgramVar<float>>{loss};
    });
  }

  wg::Program<float> program_;
};

const bool offered = [] {
  for (const std::size_t batch : {1U, 32U, 128U, 1024U, 10000U}) {
    const std::string model = "mlp-" + std::to_string(batch);
    offer<Eager>(model + "/eager", batch);
    offer<Replayed>(model + "/program", batch);
  }
  return true;
}();

}  // namespace
