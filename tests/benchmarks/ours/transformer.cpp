// One training step of two pre-norm transformer blocks with a mean squared error.
#include "tensors.hpp"

namespace {

using namespace bench;
using namespace bench::transformer;

using V = wg::Var<float>;

// Reshapes (batch, length, width) to (batch, heads, length, width / heads).
V in_heads(V x) { return swapaxes(reshape(x, {batch, length, heads, width / heads}), 1, 2); }

V block(V x, std::span<const V> p) {
  const auto linear = [&](V a, std::size_t i) { return matmul(a, p[i]) + p[i + 1]; };
  const auto normalised = layer_norm(x, {width}, p[0], p[1]);
  const auto attention = scaled_dot_product_attention(in_heads(linear(normalised, 2)), in_heads(linear(normalised, 4)),
                                                      in_heads(linear(normalised, 6)));
  x = x + linear(reshape(swapaxes(attention, 1, 2), {batch, length, width}), 8);
  return x + linear(gelu(linear(layer_norm(x, {width}, p[10], p[11]), 12)), 14);
}

class Network : public Training {
 protected:
  using Variables = std::array<V, blocks * weights_a_block>;

  Variables record_parameters(wg::Tape<float>& tape) const {
    Variables v;
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = tape.variable(parameters_[i]);
    return v;
  }
  static V loss(V x, V y, const Variables& v) {
    for (std::size_t b = 0; b < blocks; ++b) x = block(x, std::span(v).subspan(b * weights_a_block, weights_a_block));
    return mse_loss(x, y);
  }

  wg::Tensor<float> inputs_ = tensor<float>({batch, length, width}, 1, -1, 1);
  wg::Tensor<float> targets_ = tensor<float>({batch, length, width}, 2, -1, 1);
  std::vector<wg::Parameter<float>> parameters_ = [] {
    std::vector<wg::Parameter<float>> result;
    for (std::size_t b = 0; b < blocks; ++b)
      for (const Weights& w : weights) result.push_back(parameter(w, result.size() + 3, std::to_string(b) + "."));
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
    const V mean_loss = loss(tape_.borrow(inputs_), tape_.borrow(targets_), v);
    gradients_into<float>(mean_loss, v, gradients_);
    for (std::size_t i = 0; i < v.size(); ++i) parameters_[i] -= rate * gradients_[i];
    loss_ = static_cast<double>(mean_loss.item());
  }

 private:
  wg::Tape<float> tape_;
  std::array<wg::Tensor<float>, blocks * weights_a_block> gradients_;
};

class Replayed : public Network {
 public:
  void step() override { program_(inputs_, targets_); }
  double value() override { return static_cast<double>(program_.item()); }

 private:
  wg::Program<float> program_ = [this] {
    wg::Tape<float> tape;
    const V x = tape.borrow(inputs_), y = tape.borrow(targets_);
    const Variables v = record_parameters(tape);
    const V mean_loss = loss(x, y, v);
    const auto gradients = grad<float>(mean_loss, std::vector(v.begin(), v.end()));
    for (std::size_t i = 0; i < v.size(); ++i) tape.update(parameters_[i], v[i] - rate * gradients[i]);
    return wg::compile(tape, {x, y}, {mean_loss});
  }();
};

const bool offered = offer<Eager>("transformer/eager") && offer<Replayed>("transformer/program");

}  // namespace
