// Hand-written training step of the 784-128-10 network: two matrix products and one pass over the hidden rows.
//
// oneDNN computes X·W₁ and Xᵀ·D₁; the second product includes the update W₁ ← W₁ − α·Xᵀ·D₁. The pass over the rows
// computes the rest (softmax, loss, their gradient, both products with W₂, the gradient of the sigmoid) and needs no
// memory beyond the row. A batch of one sample uses neither product but loops over the rows of W₁.
#include "../common/sizes.hpp"
#include "../common/work.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <dnnl.h>

namespace {

using namespace bench;
using namespace bench::mlp;

// As wide as the processor's registers; the compiler would split wider lanes and pass them through memory.
#if defined(__AVX512F__)
constexpr std::size_t lanes = 16;
#elif defined(__AVX__)
constexpr std::size_t lanes = 8;
#else
constexpr std::size_t lanes = 4;
#endif
using Lanes = float __attribute__((vector_size(lanes * sizeof(float)), aligned(4), may_alias));
constexpr std::size_t held = 8;  // lanes kept in registers; processors have at least sixteen
constexpr std::size_t block = held * lanes;
static_assert(hidden % block == 0);

// g++ 12 splits a memcpy of 32 bytes into two moves of 16; clang 16 assumes that a dereferenced lane is aligned.
#if defined(__clang__)
Lanes load(const float* p) {
  Lanes v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
void store(float* p, Lanes v) { std::memcpy(p, &v, sizeof v); }
#else
Lanes load(const float* p) { return *reinterpret_cast<const Lanes*>(p); }
void store(float* p, Lanes v) { *reinterpret_cast<Lanes*>(p) = v; }
#endif

class Hand : public Work {
 public:
  explicit Hand(std::size_t batch) : n_(batch), x_(numbers<float>(batch * inputs, 1, 0, 1)) {
    fill_one_hot(std::span<float>(y_), 2, classes);
    fill_weights(std::span<float>(w1_), 3, inputs);
    fill_weights(std::span<float>(b1_), 4, inputs);
    fill_weights(std::span<float>(w2_), 5, hidden);
    fill_weights(std::span<float>(b2_), 6, hidden);
  }

  void step() override {
    if (n_ == 1)
      multiply_row();
    else
      dnnl_sgemm('N', 'N', rows(), hidden, inputs, 1, x_.data(), inputs, w1_.data(), hidden, 0, a_.data(), hidden);
    pass_rows();
    if (n_ == 1)
      update_by_row();
    else
      dnnl_sgemm('T', 'N', inputs, hidden, rows(), -rate, x_.data(), inputs, a_.data(), hidden, 1, w1_.data(), hidden);
  }
  double value() override { return static_cast<double>(loss_); }
  std::vector<Array> arrays() override {
    return {array("w1", w1_), array("b1", b1_), array("w2", w2_), array("b2", b2_)};
  }
  bool trains() const override { return true; }

 private:
  dnnl_dim_t rows() const { return static_cast<dnnl_dim_t>(n_); }

  // Computes a = x·W₁ for one row, by blocks of columns.
  void multiply_row() {
    for (std::size_t column = 0; column < hidden; column += block) {
      Lanes sums[held] = {};
      const float* w = w1_.data() + column;
      for (const float x : x_) {
        for (std::size_t v = 0; v < held; ++v) sums[v] += x * load(w + v * lanes);
        w += hidden;
      }
      for (std::size_t v = 0; v < held; ++v) store(a_.data() + column + v * lanes, sums[v]);
    }
  }

  // Updates W₁ ← W₁ − α·xᵀ·d for one row, by blocks of columns.
  void update_by_row() {
    for (std::size_t column = 0; column < hidden; column += block) {
      Lanes d[held];
      for (std::size_t v = 0; v < held; ++v) d[v] = load(a_.data() + column + v * lanes);
      float* w = w1_.data() + column;
      for (const float x : x_) {
        for (std::size_t v = 0; v < held; ++v) store(w + v * lanes, load(w + v * lanes) - rate * x * d[v]);
        w += hidden;
      }
    }
  }

  // Replaces X·W₁ in a_ by the gradient of the loss with respect to it; updates b₁, W₂ and b₂.
  void pass_rows() {
    alignas(64) std::array<std::array<float, hidden>, classes> w2, dw2{};  // transposed
    for (std::size_t k = 0; k < hidden; ++k)
      for (std::size_t j = 0; j < classes; ++j) w2[j][k] = w2_[k * classes + j];
    std::array<float, hidden> db1{};
    std::array<float, classes> db2{};
    const float scale = 1 / static_cast<float>(n_);
    float loss = 0;
    for (std::size_t i = 0; i < n_; ++i) {
      float* const a = a_.data() + i * hidden;
      for (std::size_t k = 0; k < hidden; ++k) a[k] = 1 / (1 + std::exp(-(a[k] + b1_[k])));

      std::array<float, classes> d = b2_;
      for (std::size_t j = 0; j < classes; ++j) {
        float dot = 0;
        for (std::size_t k = 0; k < hidden; ++k) dot += a[k] * w2[j][k];
        d[j] += dot;
      }
      loss += softmax_gradient(d, y_.data() + i * classes, scale);

      for (std::size_t j = 0; j < classes; ++j) db2[j] += d[j];
      for (std::size_t k = 0; k < hidden; k += lanes) {
        const Lanes h = load(a + k);
        Lanes back{};
        for (std::size_t j = 0; j < classes; ++j) {
          back += d[j] * load(&w2[j][k]);
          store(&dw2[j][k], load(&dw2[j][k]) + d[j] * h);
        }
        const Lanes delta = back * h * (1 - h);
        store(a + k, delta);
        store(&db1[k], load(&db1[k]) + delta);
      }
    }
    loss_ = loss * scale;
    for (std::size_t k = 0; k < hidden; ++k) {
      b1_[k] -= rate * db1[k];
      for (std::size_t j = 0; j < classes; ++j) w2_[k * classes + j] -= rate * dw2[j][k];
    }
    for (std::size_t j = 0; j < classes; ++j) b2_[j] -= rate * db2[j];
  }

  // Returns the cross entropy of a row of logits and replaces the logits by its gradient times `scale`.
  static float softmax_gradient(std::array<float, classes>& z, const float* y, float scale) {
    const float largest = *std::max_element(z.begin(), z.end());
    std::array<float, classes> e;
    float sum = 0, weight = 0, picked = 0;
    for (std::size_t j = 0; j < classes; ++j) {
      e[j] = std::exp(z[j] - largest);
      sum += e[j];
      weight += y[j];
      picked += y[j] * (z[j] - largest);
    }
    for (std::size_t j = 0; j < classes; ++j) z[j] = (weight * e[j] / sum - y[j]) * scale;
    return weight * std::log(sum) - picked;
  }

  std::size_t n_;
  std::vector<float> x_, y_ = std::vector<float>(n_ * classes), a_ = std::vector<float>(n_ * hidden);
  std::vector<float> w1_ = std::vector<float>(inputs * hidden), w2_ = std::vector<float>(hidden * classes);
  std::array<float, hidden> b1_;
  std::array<float, classes> b2_;
  float loss_ = 0;
};

// The two products alone: the lower bound for a step that uses oneDNN.
class Products : public Work {
 public:
  explicit Products(std::size_t batch)
      : n_(static_cast<dnnl_dim_t>(batch)), x_(numbers<float>(batch * inputs, 1, 0, 1)) {}

  void step() override {
    dnnl_sgemm('N', 'N', n_, hidden, inputs, 1, x_.data(), inputs, w_.data(), hidden, 0, a_.data(), hidden);
    dnnl_sgemm('T', 'N', inputs, hidden, n_, 1e-9F, x_.data(), inputs, a_.data(), hidden, 1, w_.data(), hidden);
  }
  double value() override { return static_cast<double>(a_[0]); }

 private:
  dnnl_dim_t n_;
  std::vector<float> x_, w_ = numbers<float>(inputs * hidden, 3, -1, 1);
  std::vector<float> a_ = std::vector<float>(static_cast<std::size_t>(n_) * hidden);
};

// The two products of inference alone: the lower bound for a network that uses oneDNN.
class InferenceProducts : public Work {
 public:
  explicit InferenceProducts(std::size_t batch)
      : n_(static_cast<dnnl_dim_t>(batch)), x_(numbers<float>(batch * inputs, 1, 0, 1)) {}

  void step() override {
    dnnl_sgemm('N', 'N', n_, hidden, inputs, 1, x_.data(), inputs, w1_.data(), hidden, 0, a_.data(), hidden);
    dnnl_sgemm('N', 'N', n_, classes, hidden, 1, a_.data(), hidden, w2_.data(), classes, 0, z_.data(), classes);
  }
  double value() override { return static_cast<double>(z_[0]); }

 private:
  dnnl_dim_t n_;
  std::vector<float> x_, w1_ = numbers<float>(inputs * hidden, 3, -1, 1),
                         w2_ = numbers<float>(hidden * classes, 4, -1, 1);
  std::vector<float> a_ = std::vector<float>(static_cast<std::size_t>(n_) * hidden);
  std::vector<float> z_ = std::vector<float>(static_cast<std::size_t>(n_) * classes);
};

const bool offered = [] {
  for (const std::size_t batch : {1U, 256U})
    offer<InferenceProducts>("inference-products-" + std::to_string(batch) + "/hand", batch);
  for (const std::size_t batch : {1U, 32U, 128U, 1024U, 10000U}) {
    offer<Hand>("mlp-" + std::to_string(batch) + "/hand", batch);
    offer<Products>("products-" + std::to_string(batch) + "/hand", batch);
  }
  return true;
}();

}  // namespace
