// The benchmark models in libtorch's C++ interface: tensors and autograd, with in-place updates under NoGradGuard.
#include "../common/sizes.hpp"
#include "../common/work.hpp"

#include <string>
#include <torch/torch.h>
#include <vector>

namespace {

using namespace bench;
using torch::Tensor;

Tensor numbers_in(torch::IntArrayRef shape, std::uint64_t stream, double low, double high, bool floats = true) {
  Tensor result = torch::empty(shape, floats ? torch::kFloat32 : torch::kFloat64);
  const auto count = static_cast<std::size_t>(result.numel());
  if (floats)
    fill(std::span<float>(result.data_ptr<float>(), count), stream, low, high);
  else
    fill(std::span<double>(result.data_ptr<double>(), count), stream, low, high);
  return result;
}

Tensor one_hot(std::size_t rows, std::size_t classes, std::uint64_t stream) {
  Tensor result = torch::empty({static_cast<long>(rows), static_cast<long>(classes)});
  fill_one_hot(std::span<float>(result.data_ptr<float>(), rows * classes), stream, classes);
  return result;
}

Tensor parameter(const Weights& w, std::uint64_t stream) {
  std::vector<long> shape(w.extents.begin(), w.extents.begin() + static_cast<std::ptrdiff_t>(w.rank));
  Tensor result = torch::empty(shape);
  fill_weights(std::span<float>(result.data_ptr<float>(), static_cast<std::size_t>(result.numel())), stream, w.inputs);
  return result.requires_grad_();
}

Array elements(std::string name, const Tensor& t) {
  const Tensor flat = t.detach().contiguous().to(torch::kFloat64);
  return {std::move(name), std::vector<double>(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel())};
}

// Mean cross entropy with rows of probabilities as targets.
Tensor cross_entropy(const Tensor& logits, const Tensor& targets) {
  return torch::nn::functional::cross_entropy(logits, targets);
}

// Gradient descent on the parameters made by `add`.
class Training : public Work {
 public:
  void step() override {
    const Tensor mean_loss = loss();
    const auto gradients = torch::autograd::grad({mean_loss}, p_);
    torch::NoGradGuard no_gradient;
    for (std::size_t i = 0; i < p_.size(); ++i) p_[i].sub_(gradients[i], rate_);
    value_ = static_cast<double>(mean_loss.item<float>());
  }
  double value() override { return value_; }
  bool trains() const override { return true; }
  std::vector<Array> arrays() override {
    std::vector<Array> result;
    for (std::size_t i = 0; i < p_.size(); ++i) result.push_back(elements(names_[i], p_[i]));
    return result;
  }

 protected:
  explicit Training(float rate) : rate_(rate) {}
  virtual Tensor loss() = 0;
  void add(const Weights& w, const std::string& prefix = "") {
    p_.push_back(parameter(w, p_.size() + 3));
    names_.push_back(prefix + w.name);
  }
  std::vector<Tensor> p_;

 private:
  float rate_;
  std::vector<std::string> names_;
  double value_ = 0;
};

class Mlp : public Training {
 public:
  explicit Mlp(std::size_t batch)
      : Training(mlp::rate),
        x_(numbers_in({static_cast<long>(batch), mlp::inputs}, 1, 0, 1)),
        y_(one_hot(batch, mlp::classes, 2)) {
    for (const Weights& w : mlp::weights) add(w);
  }

 private:
  Tensor loss() override {
    const Tensor hidden = torch::sigmoid(torch::addmm(p_[1], x_, p_[0]));
    return cross_entropy(torch::addmm(p_[3], hidden, p_[2]), y_);
  }
  Tensor x_, y_;
};

// The forward pass of the same network, without autograd.
class Inference : public Work {
 public:
  explicit Inference(std::size_t batch) : x_(numbers_in({static_cast<long>(batch), mlp::inputs}, 1, 0, 1)) {
    for (const Weights& w : mlp::weights) p_.push_back(parameter(w, p_.size() + 3).detach());
  }

  void step() override {
    const c10::InferenceMode inference;
    z_ = torch::addmm(p_[3], torch::sigmoid(torch::addmm(p_[1], x_, p_[0])), p_[2]);
  }
  double value() override { return static_cast<double>(z_[0][0].item<float>()); }
  std::vector<Array> arrays() override { return {elements("outputs", z_)}; }

 private:
  Tensor x_, z_;
  std::vector<Tensor> p_;
};

class Cnn : public Training {
 public:
  Cnn() : Training(cnn::rate) {
    for (const Weights& w : cnn::weights) add(w);
  }

 private:
  Tensor loss() override {
    Tensor a = torch::max_pool2d(torch::relu(torch::conv2d(x_, p_[0], p_[1], 1, 2)), 2);
    a = torch::max_pool2d(torch::relu(torch::conv2d(a, p_[2], p_[3])), 2);
    a = torch::flatten(a, 1);
    a = torch::relu(torch::addmm(p_[5], a, p_[4]));
    a = torch::relu(torch::addmm(p_[7], a, p_[6]));
    return cross_entropy(torch::addmm(p_[9], a, p_[8]), y_);
  }
  Tensor x_ = numbers_in({cnn::batch, 1, cnn::pixels, cnn::pixels}, 1, 0, 1);
  Tensor y_ = one_hot(cnn::batch, cnn::classes, 2);
};

class Transformer : public Training {
 public:
  Transformer() : Training(transformer::rate) {
    for (std::size_t b = 0; b < transformer::blocks; ++b)
      for (const Weights& w : transformer::weights) add(w, std::to_string(b) + ".");
  }

 private:
  static constexpr long width = transformer::width, heads = transformer::heads, length = transformer::length,
                        batch = transformer::batch;

  static Tensor in_heads(const Tensor& x) { return x.view({batch, length, heads, width / heads}).transpose(1, 2); }
  static Tensor block(Tensor x, const Tensor* p) {
    const auto linear = [&](const Tensor& a, std::size_t i) {
      return torch::addmm(p[i + 1], a.reshape({batch * length, -1}), p[i]).view({batch, length, -1});
    };
    const Tensor normalised = torch::layer_norm(x, {width}, p[0], p[1]);
    const Tensor q = in_heads(linear(normalised, 2)), k = in_heads(linear(normalised, 4));
    const Tensor scores = torch::matmul(q, k.transpose(2, 3)) / std::sqrt(static_cast<double>(width / heads));
    const Tensor attention = torch::matmul(torch::softmax(scores, 3), in_heads(linear(normalised, 6)));
    x = x + linear(attention.transpose(1, 2).reshape({batch, length, width}), 8);
    return x + linear(torch::gelu(linear(torch::layer_norm(x, {width}, p[10], p[11]), 12)), 14);
  }
  Tensor loss() override {
    Tensor x = x_;
    for (std::size_t b = 0; b < transformer::blocks; ++b) x = block(x, p_.data() + b * transformer::weights_a_block);
    return torch::mse_loss(x, y_);
  }
  Tensor x_ = numbers_in({batch, length, width}, 1, -1, 1), y_ = numbers_in({batch, length, width}, 2, -1, 1);
};

// A value and, optionally, its gradient with respect to some tensors.
class Gradient : public Work {
 public:
  void step() override {
    const Tensor y = objective();
    value_ = y.item<double>();
    if (gradient_) results_ = torch::autograd::grad({y}, wrt_);
  }
  double value() override { return value_; }
  std::vector<Array> arrays() override {
    std::vector<Array> result;
    for (std::size_t i = 0; i < results_.size(); ++i) result.push_back(elements(names_[i], results_[i]));
    return result;
  }

 protected:
  explicit Gradient(bool gradient) : gradient_(gradient) {}
  virtual Tensor objective() = 0;
  Tensor wrt(std::string name, const Tensor& t) {
    wrt_.push_back(t);
    names_.push_back(std::move(name));
    return t.requires_grad_();
  }

 private:
  bool gradient_;
  std::vector<Tensor> wrt_, results_;
  std::vector<std::string> names_;
  double value_ = 0;
};

class Chain : public Gradient {
 public:
  explicit Chain(bool gradient) : Gradient(gradient) {}
  double items() const override { return static_cast<double>(chain::ops); }

 private:
  Tensor objective() override {
    Tensor x = x_;
    for (std::size_t i = 0; i < chain::steps; ++i) x = torch::tanh(x) * c_ + x;
    return torch::sum(x);
  }
  Tensor x_ = wrt("x", numbers_in({chain::width}, 1, -1, 1)), c_ = numbers_in({chain::width}, 2, 0, 0.01);
};

class Lstm : public Gradient {
 public:
  Lstm(std::size_t layers, bool gradient)
      : Gradient(gradient),
        layers_(static_cast<long>(layers)),
        main_(wrt("main", numbers_in({layers_, 8, width}, 2, -1, 1, false))),
        extra_(wrt("extra", numbers_in({3, width}, 3, -1, 1, false))),
        state_(numbers_in({layers_, 2, width}, 4, -1, 1, false)) {}
  double items() const override { return static_cast<double>(lstm::ops(static_cast<std::size_t>(layers_))); }

 private:
  static constexpr long width = lstm::width;

  Tensor objective() override {
    std::vector<std::vector<Tensor>> p;
    std::vector<Tensor> hidden, cell;
    for (long l = 0; l < layers_; ++l) {
      p.push_back(main_[l].unbind());
      hidden.push_back(state_[l][0]);
      cell.push_back(state_[l][1]);
    }
    const auto extra = extra_.unbind(), sequence = sequence_.unbind();
    Tensor total = torch::zeros({}, torch::kFloat64);
    for (std::size_t t = 0; t < lstm::steps; ++t) {
      Tensor x = sequence[t] * extra[0];
      for (std::size_t l = 0; l < p.size(); ++l) {
        const Tensor forget = torch::sigmoid(x * p[l][0] + p[l][4]);
        const Tensor ingate = torch::sigmoid(hidden[l] * p[l][1] + p[l][5]);
        const Tensor outgate = torch::sigmoid(x * p[l][2] + p[l][6]);
        const Tensor change = torch::tanh(hidden[l] * p[l][3] + p[l][7]);
        cell[l] = cell[l] * forget + ingate * change;
        hidden[l] = outgate * torch::tanh(cell[l]);
        x = hidden[l];
      }
      const Tensor prediction = x * extra[1] + extra[2];
      const Tensor normalised = prediction - torch::log(2 + torch::sum(torch::exp(prediction)));
      total = total + torch::sum(sequence[t + 1] * normalised);
    }
    return total / -static_cast<double>(lstm::steps * lstm::width);
  }
  long layers_;
  Tensor main_, extra_, state_;
  Tensor sequence_ = numbers_in({lstm::characters, width}, 1, 0, 1, false);
};

class Mixture : public Gradient {
 public:
  Mixture(std::size_t d, bool gradient)
      : Gradient(gradient),
        d_(static_cast<long>(d)),
        alphas_(wrt("alphas", numbers_in({components}, 2, -1, 1, false))),
        means_(wrt("means", numbers_in({components, d_}, 3, -1, 1, false))),
        factors_(wrt("factors", numbers_in({components, d_, d_}, 4, -0.5, 0.5, false))),
        x_(numbers_in({gmm::points, d_}, 1, -1, 1, false)) {}

 private:
  static constexpr long components = gmm::components;

  Tensor objective() override {
    const Tensor log_diagonal = torch::diagonal(factors_, 0, 1, 2), below = torch::tril(factors_, -1);
    const Tensor scales = torch::exp(log_diagonal), log_det = torch::sum(log_diagonal, 1);
    const Tensor q = below + torch::diag_embed(scales);
    const Tensor scaled = torch::bmm(x_ - means_.unsqueeze(1), q.transpose(1, 2));
    const Tensor terms = (alphas_ + log_det).unsqueeze(1) - 0.5 * torch::sum(torch::square(scaled), 2);
    const Tensor likelihood =
        torch::sum(torch::logsumexp(terms, 0)) - static_cast<double>(gmm::points) * torch::logsumexp(alphas_, 0);
    const Tensor prior =
        0.5 * gmm::gamma * gmm::gamma * (torch::sum(torch::square(scales)) + torch::sum(torch::square(below))) -
        gmm::m * torch::sum(log_det);
    return likelihood + prior + gmm::constant(static_cast<std::size_t>(d_));
  }
  long d_;
  Tensor alphas_, means_, factors_, x_;
};

const bool offered = [] {
  for (const std::size_t batch : {1U, 32U, 128U, 1024U, 10000U})
    offer<Mlp>("mlp-" + std::to_string(batch) + "/torch", batch);
  for (const std::size_t batch : {1U, 256U}) offer<Inference>("inference-" + std::to_string(batch) + "/torch", batch);
  offer<Cnn>("cnn/torch");
  offer<Transformer>("transformer/torch");
  for (const bool gradient : {false, true}) {
    const std::string variant = gradient ? "/gradient-torch" : "/objective-torch";
    offer<Chain>(gradient ? "chain/gradient-torch" : "chain/forward-torch", gradient);
    for (const std::size_t layers : {2U, 4U}) offer<Lstm>("lstm-" + std::to_string(layers) + variant, layers, gradient);
    for (const std::size_t d : {10U, 32U}) offer<Mixture>("gmm-" + std::to_string(d) + variant, d, gradient);
  }
  return true;
}();

}  // namespace

void bench::set_threads(int count) { at::set_num_threads(count); }
