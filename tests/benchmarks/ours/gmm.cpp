// ADBench's log-likelihood of a Gaussian mixture with full covariances, under a Wishart prior, in double.
//
// The inverse covariance of a component is QᵀQ with Q lower triangular; the diagonal of `factors` holds the logarithms
// of Q's diagonal. Source: Srajer, Kukelova & Fitzgibbon 2018, see lstm.cpp.
#include "tensors.hpp"

#include <cmath>
#include <numbers>

namespace {

using namespace bench;

class Mixture : public Work {
 protected:
  explicit Mixture(std::size_t d)
      : d_(d),
        x_(tensor<double>({gmm::points, d}, 1, -1, 1)),
        means_(tensor<double>({gmm::components, d}, 3, -1, 1)),
        factors_(tensor<double>({gmm::components, d, d}, 4, -0.5, 0.5)) {}

  struct Recorded {
    wg::Var<double> x, alphas, means, factors, total;
  };
  Recorded record(wg::Tape<double>& tape) const {
    const auto x = tape.borrow(x_), alphas = tape.borrow(alphas_), means = tape.borrow(means_);
    const auto factors = tape.borrow(factors_);
    const auto identity = tape.borrow(identity_);
    const auto log_diagonal = diagonal(factors, 0, 1, 2);  // K×d
    const auto below = tril(factors, -1);                  // K×d×d
    const auto scales = exp(log_diagonal);
    const auto log_det = sum(log_diagonal, 1);
    const auto q = below + identity * expand_dims(scales, 1);
    const auto centred = x - expand_dims(means, 1);          // K×n×d
    const auto scaled = matmul(centred, swapaxes(q, 1, 2));  // K×n×d
    const auto distances = sum(square(scaled), 2);           // K×n
    const auto terms = expand_dims(alphas + log_det, 1) - 0.5 * distances;
    const auto likelihood = sum(logsumexp(terms, 0)) - static_cast<double>(gmm::points) * logsumexp(alphas);
    const auto prior =
        0.5 * gmm::gamma * gmm::gamma * (sum(square(scales)) + sum(square(below))) - gmm::m * sum(log_det);
    return {x, alphas, means, factors, likelihood + prior + gmm::constant(d_)};
  }

  std::size_t d_;
  wg::Tensor<double> x_, means_, factors_;
  wg::Tensor<double> identity_ = xt::eye<double>(d_);
  wg::Tensor<double> alphas_ = tensor<double>({gmm::components}, 2, -1, 1);
};

class Eager : public Mixture {
 public:
  Eager(std::size_t d, bool gradient) : Mixture(d), gradient_(gradient) {}

  void step() override {
    tape_.clear();
    const auto [x, alphas, means, factors, total] = record(tape_);
    value_ = total.item();
    if (gradient_) gradients_into<double>(total, std::array{alphas, means, factors}, results_);
  }
  double value() override { return value_; }
  std::vector<Array> arrays() override {
    if (!gradient_) return {};
    return {array("alphas", results_[0]), array("means", results_[1]), array("factors", results_[2])};
  }

 private:
  bool gradient_;
  wg::Tape<double> tape_;
  std::array<wg::Tensor<double>, 3> results_;
  double value_ = 0;
};

class Replayed : public Mixture {
 public:
  Replayed(std::size_t d, bool gradient) : Mixture(d), gradient_(gradient) {}

  void step() override { program_(x_, alphas_, means_, factors_); }
  double value() override { return program_.item(); }
  std::vector<Array> arrays() override {
    if (!gradient_) return {};
    return {array("alphas", program_.value(1)), array("means", program_.value(2)), array("factors", program_.value(3))};
  }

 private:
  bool gradient_;
  wg::Program<double> program_ = [this] {
    wg::Tape<double> tape;
    const auto [x, alphas, means, factors, total] = record(tape);
    if (!gradient_) return wg::compile(tape, {x, alphas, means, factors}, {total});
    const auto [da, dm, df] = grad(total, alphas, means, factors);
    return wg::compile(tape, {x, alphas, means, factors}, {total, da, dm, df});
  }();
};

const bool offered = [] {
  for (const std::size_t d : {10U, 32U}) {
    const std::string model = "gmm-" + std::to_string(d);
    for (const bool gradient : {false, true}) {
      const std::string work = model + (gradient ? "/gradient" : "/objective");
      offer<Eager>(work + "-eager", d, gradient);
      offer<Replayed>(work + "-program", d, gradient);
    }
  }
  return true;
}();

}  // namespace
