// ADBench's log-likelihood of a Gaussian mixture with full covariances, under a Wishart prior, in double.
//
// A component's inverse covariance is QᵀQ; Q is lower triangular, the logarithms of its diagonal stand on the diagonal
// of `factors`. Source: Srajer, Kukelova & Fitzgibbon 2018, see lstm.cpp.
#include "tensors.hpp"

#include <cmath>
#include <numbers>

namespace {

using namespace bench;

class Mixture : public Work {
 public:
  Mixture(std::size_t d, bool gradient)
      : d_(d),
        gradient_(gradient),
        x_(tensor<double>({gmm::points, d}, 1, -1, 1)),
        means_(tensor<double>({gmm::components, d}, 3, -1, 1)),
        factors_(tensor<double>({gmm::components, d, d}, 4, -0.5, 0.5)) {}

  void step() override {
    tape_.clear();
    const auto alphas = tape_.borrow(alphas_), means = tape_.borrow(means_), factors = tape_.borrow(factors_);
    const auto total = objective(alphas, means, factors);
    value_ = total.item();
    if (gradient_) gradients_into<double>(total, std::array{alphas, means, factors}, results_);
  }
  double value() override { return value_; }
  std::vector<Array> arrays() override {
    if (!gradient_) return {};
    return {array("alphas", results_[0]), array("means", results_[1]), array("factors", results_[2])};
  }

 private:
  wg::Var<double> objective(wg::Var<double> alphas, wg::Var<double> means, wg::Var<double> factors) {
    const auto x = tape_.borrow(x_), identity = tape_.constant(xt::eye<double>(d_));
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
    return likelihood + prior + gmm::constant(d_);
  }

  std::size_t d_;
  bool gradient_;
  wg::Tensor<double> x_, means_, factors_;
  wg::Tensor<double> alphas_ = tensor<double>({gmm::components}, 2, -1, 1);
  wg::Tape<double> tape_;
  std::array<wg::Tensor<double>, 3> results_;
  double value_ = 0;
};

const bool offered = [] {
  for (const std::size_t d : {10U, 32U}) {
    const std::string model = "gmm-" + std::to_string(d);
    offer<Mixture>(model + "/objective-eager", d, false);
    offer<Mixture>(model + "/gradient-eager", d, true);
  }
  return true;
}();

}  // namespace
