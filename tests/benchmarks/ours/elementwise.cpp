// Eight elementwise ops on 10⁷ floats, without a gradient.
#include "tensors.hpp"

namespace {

using namespace bench;

class Chain : public Work {
 protected:
  static wg::Var<float> record(wg::Var<float> x) {
    auto y = relu(x * 1.5F + 0.25F);  // 3 ops
    y = abs(y * x - 0.5F);            // 6 ops
    return maximum(y, 0.125F) * x;    // 8 ops
  }
  wg::Tensor<float> x_ = tensor<float>({elementwise::size}, 1, -1, 1);
};

class Eager : public Chain {
 public:
  void step() override {
    tape_.clear();
    y_ = record(tape_.borrow(x_));
  }
  double value() override { return static_cast<double>(y_.view()(0)); }
  std::vector<Array> arrays() override { return {array("y", y_.value())}; }

 private:
  wg::Tape<float> tape_;
  wg::Var<float> y_;
};

class Replayed : public Chain {
 public:
  void step() override { program_(x_); }
  double value() override { return static_cast<double>(program_.output()(0)); }
  std::vector<Array> arrays() override { return {array("y", program_.value())}; }

 private:
  wg::Program<float> program_ = [this] {
    wg::Tape<float> tape;
    const auto x = tape.borrow(x_);
    return wg::compile(tape, {x}, {record(x)});
  }();
};

const bool offered = offer<Eager>("elementwise/eager") && offer<Replayed>("elementwise/program");

}  // namespace
