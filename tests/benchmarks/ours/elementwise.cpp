// Eight elementwise ops on 10⁷ floats, without a gradient.
#include "tensors.hpp"

namespace {

using namespace bench;

class Eager : public Work {
 public:
  void step() override {
    tape_.clear();
    const auto x = tape_.borrow(x_);
    const auto y = elementwise_chain(x);
    value_ = y.view().data()[0];
    result_ = y;
  }
  double value() override { return static_cast<double>(value_); }
  std::vector<Array> arrays() override { return {array("y", result_.value())}; }

 private:
  static wg::Var<float> elementwise_chain(wg::Var<float> x) {
    auto y = relu(x * 1.5F + 0.25F);  // 3 ops
    y = abs(y * x - 0.5F);            // 6 ops
    return maximum(y, 0.125F) * x;    // 8 ops
  }

  wg::Tensor<float> x_ = tensor<float>({elementwise::size}, 1, -1, 1);
  wg::Tape<float> tape_;
  wg::Var<float> result_;
  float value_ = 0;
};

const bool offered = offer<Eager>("elementwise/eager");

}  // namespace
