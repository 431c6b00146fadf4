// Regression, classification and embedding losses against PyTorch, for every reduction.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

const std::initializer_list<std::pair<std::string, Reduction>> reductions{
    {"none", Reduction::none}, {"mean", Reduction::mean}, {"sum", Reduction::sum}};

// Converts a tensor of a case to the scalar type of a Var.
template <class T>
Tensor<T> as(const Tensor<double>& x) {
  return xt::cast<T>(x);
}

}  // namespace

TEST_CASE("losses agree with PyTorch") {
  Oracle oracle("loss");

  for (const auto& [name, reduction] : reductions) {
    const Reduction r = reduction;
    oracle.check("mse_loss." + name, [r](auto a, auto y) { return mse_loss(a, y, r); });
    oracle.check("l1_loss." + name, [r](auto a, auto y) { return l1_loss(a, y, r); });
    oracle.check("huber_loss." + name, [r](auto a, auto y) { return huber_loss(a, y, 0.7, r); });
    oracle.check("smooth_l1_loss." + name, [r](auto a, auto y) { return smooth_l1_loss(a, y, 0.7, r); });
    oracle.check("smooth_l1_loss.beta0." + name, [r](auto a, auto y) { return smooth_l1_loss(a, y, 0, r); });
    oracle.check("poisson_nll_loss." + name, [r](auto a, auto y) { return poisson_nll_loss(a, y, {.reduction = r}); });
    oracle.check("gaussian_nll_loss." + name,
                 [r](auto a, auto y, auto v) { return gaussian_nll_loss(a, y, v, {.reduction = r}); });
  }
  oracle.check("mse_loss.batch_mean", [](auto a, auto y) { return mse_loss(a, y, Reduction::batch_mean); });
  oracle.check("mse_loss.scalar", [](auto a, auto y) { return mse_loss(a, y); });
  oracle.check("squared_error", [](auto a, auto y) { return squared_error(a, y); });
  oracle.check("l1_loss.tie", [](auto a, auto y) { return l1_loss(a, y); });
  oracle.check("huber_loss.edge", [](auto a, auto y) { return huber_loss(a, y); });
  oracle.check("smooth_l1_loss.edge", [](auto a, auto y) { return smooth_l1_loss(a, y, 0.5); });
  oracle.check("poisson_nll_loss.rate", [](auto a, auto y) { return poisson_nll_loss(a, y, {.log_input = false}); });
  const Tensor<double> counts{{0, 1, 2}, {3, 4, 5}, {1, 0, 7}, {2.5, 1.5, 6}};
  oracle.check("poisson_nll_loss.full", [&]<class T>(Var<T> a) {
    return poisson_nll_loss(a, as<T>(counts), {.full = true, .reduction = Reduction::none});
  });
  oracle.check("poisson_nll_loss.rate_full", [](auto a, auto y) {
    return poisson_nll_loss(a, y, {.log_input = false, .full = true, .epsilon = 1e-3});
  });
  oracle.check("gaussian_nll_loss.full",
               [](auto a, auto y, auto v) { return gaussian_nll_loss(a, y, v, {.full = true}); });
  oracle.check("gaussian_nll_loss.column", [](auto a, auto y, auto v) { return gaussian_nll_loss(a, y, v); });
  oracle.check("gaussian_nll_loss.clamped",
               [](auto a, auto y, auto v) { return gaussian_nll_loss(a, y, v, {.epsilon = 0.2}); });

  const auto t = oracle.array("binary_cross_entropy_with_logits.mean", "x1");
  const auto w = oracle.array("binary_cross_entropy_with_logits.both", "c0"),
             positive = oracle.array("binary_cross_entropy_with_logits.both", "c1"),
             signs = oracle.array("hinge_loss.none", "c0");
  for (const auto& [name, reduction] : reductions) {
    const Reduction r = reduction;
    oracle.check("binary_cross_entropy." + name,
                 [&, r]<class T>(Var<T> p) { return binary_cross_entropy(p, as<T>(t), {.reduction = r}); });
    oracle.check("binary_cross_entropy.weight." + name, [&, r]<class T>(Var<T> p) {
      return binary_cross_entropy(p, as<T>(t), {.weight = p.tape().constant(as<T>(w)), .reduction = r});
    });
    oracle.check("binary_cross_entropy_with_logits." + name,
                 [r](auto z, auto y) { return binary_cross_entropy_with_logits(z, y, {.reduction = r}); });
    oracle.check("binary_cross_entropy_with_logits.weight." + name, [&, r]<class T>(Var<T> z) {
      return binary_cross_entropy_with_logits(z, as<T>(t), {.weight = z.tape().constant(as<T>(w)), .reduction = r});
    });
    oracle.check("hinge_loss." + name, [&, r]<class T>(Var<T> z) { return hinge_loss(z, as<T>(signs), 1.5, r); });
  }
  oracle.check("binary_cross_entropy_with_logits.positive_weight", [&]<class T>(Var<T> z) {
    return binary_cross_entropy_with_logits(
        z, as<T>(t), {.positive_weight = z.tape().constant(as<T>(positive)), .reduction = Reduction::mean});
  });
  oracle.check("binary_cross_entropy_with_logits.both", [&]<class T>(Var<T> z) {
    return binary_cross_entropy_with_logits(z, as<T>(t),
                                            {.weight = z.tape().constant(as<T>(w)),
                                             .positive_weight = z.tape().constant(as<T>(positive)),
                                             .reduction = Reduction::none});
  });
  oracle.check("binary_cross_entropy_with_logits.far", []<class T>(Var<T> z) {
    return binary_cross_entropy_with_logits(z, Tensor<T>{1, 0, 1, 0},
                                            {.positive_weight = z.tape().constant(T(2)), .reduction = Reduction::none});
  });

  for (const auto& [name, reduction] : {std::pair<std::string, Reduction>{"none", Reduction::none},
                                        {"mean", Reduction::mean},
                                        {"sum", Reduction::sum},
                                        {"batchmean", Reduction::batch_mean}}) {
    const Reduction r = reduction;
    oracle.check("kl_div." + name, [r](auto a, auto y) { return kl_div(a, y, {.reduction = r}); });
    oracle.check("kl_div.log_target." + name,
                 [r](auto a, auto y) { return kl_div(a, y, {.log_target = true, .reduction = r}); });
  }
  const auto q0 = oracle.array("kl_div.zero", "c0");
  oracle.check("kl_div.zero", [&]<class T>(Var<T> a) { return kl_div(a, as<T>(q0), {.reduction = Reduction::none}); });

  for (const std::ptrdiff_t axis : {0, 1, -1})
    oracle.check(fmt::format("cosine_similarity.axis{}", axis),
                 [axis](auto a, auto b) { return cosine_similarity(a, b, axis); });
  oracle.check("cosine_similarity.vector", [](auto a, auto b) { return cosine_similarity(a, b, 0); });
  oracle.check("cosine_similarity.zero", [](auto a, auto b) { return cosine_similarity(a, b, 0); });
  for (const auto& [name, reduction] : reductions) {
    const Reduction r = reduction;
    oracle.check("cosine_embedding_loss." + name, [r]<class T>(Var<T> a, Var<T> b) {
      return cosine_embedding_loss(a, b, Tensor<T>{1, -1, 1, -1}, 0.1, r);
    });
    oracle.check("triplet_margin_loss." + name,
                 [r](auto a, auto b, auto c) { return triplet_margin_loss(a, b, c, {.margin = 1.5, .reduction = r}); });
    oracle.check("contrastive_loss." + name, [r](auto a, auto b, auto y) { return contrastive_loss(a, b, y, 3, r); });
  }
  oracle.check("triplet_margin_loss.swap",
               [](auto a, auto b, auto c) { return triplet_margin_loss(a, b, c, {.swap = true}); });
  oracle.check("triplet_margin_loss.p1",
               [](auto a, auto b, auto c) { return triplet_margin_loss(a, b, c, {.p = 1, .epsilon = 0.01}); });
  oracle.check("triplet_margin_loss.p3", [](auto a, auto b, auto c) { return triplet_margin_loss(a, b, c, {.p = 3}); });
  oracle.check("triplet_margin_loss.same",
               [](auto a, auto b, auto c) { return triplet_margin_loss(a, b, c, {.epsilon = 0}); });
  oracle.check_all_were_checked();
}
