// One training step of two transformer blocks, normalised before each half, with a mean squared error on top.
#include "tensors.hpp"

namespace {

using namespace bench;
using namespace bench::transformer;

using V = wg::Var<float>;

// (batch, length, width) as (batch, heads, length, width / heads).
V in_heads(V x) { return swapaxes(reshape(x, {batch, length, heads, width / heads}), 1, 2); }

V block(V x, std::span<const V> p) {
  const auto linear = [&](V a, std::size_t i) { return matmul(a, p[i]) + p[i + 1]; };
  const auto normalised = layer_norm(x, {width}, p[0], p[1]);
  const auto attention = scaled_dot_product_attention(in_heads(linear(normalised, 2)), in_heads(linear(normalised, 4)),
                                                      in_heads(linear(normalised, 6)));
  x = x + linear(reshape(swapaxes(attention, 1, 2), {batch, length, width}), 8);
  return x + linear(gelu(linear(layer_norm(x, {width}, p[10], p[11]), 12)), 14);
}

class Eager : public Training {
 public:
  void step() override {
    tape_.clear();
    auto& v = variables_;
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = tape_.variable(parameters_[i]);
    V x = tape_.borrow(inputs_);
    for (std::size_t b = 0; b < blocks; ++b)
      x = block(x, std::span<const V>(v).subspan(b * weights_a_block, weights_a_block));
    const V loss = mse_loss(x, tape_.borrow(targets_));
    gradients_into<float>(loss, v, gradients_);
    for (std::size_t i = 0; i < v.size(); ++i) parameters_[i] -= rate * gradients_[i];
    loss_ = loss.item();
  }

 private:
  std::vector<wg::Parameter<float>> parameters() override { return parameters_; }

  wg::Tensor<float> inputs_ = tensor<float>({batch, length, width}, 1, -1, 1);
  wg::Tensor<float> targets_ = tensor<float>({batch, length, width}, 2, -1, 1);
  std::vector<wg::Parameter<float>> parameters_ = [] {
    std::vector<wg::Parameter<float>> result;
    for (std::size_t b = 0; b < blocks; ++b)
      for (const Weights& w : weights) result.push_back(parameter(w, result.size() + 3, std::to_string(b) + "."));
    return result;
  }();
  wg::Tape<float> tape_;
  std::array<V, blocks * weights_a_block> variables_;
  std::array<wg::Tensor<float>, blocks * weights_a_block> gradients_;
};

const bool offered = offer<Eager>("transformer/eager");

}  // namespace
