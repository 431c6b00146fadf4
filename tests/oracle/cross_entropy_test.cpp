// cross_entropy and nll_loss against PyTorch: weights, smoothing, ignored labels, soft targets and reductions.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("cross_entropy and nll_loss agree with PyTorch") {
  Oracle oracle("cross_entropy", {{"nll", "nll_loss"}, {"nll_all", "nll_loss"}, {"", "cross_entropy"}});
  const auto weights = [w = oracle.array("weights.none", "c0")]<class T>(Var<T> z) {
    return z.tape().constant(Tensor<T>(xt::cast<T>(w)));
  };
  const auto labels = oracle.indices("labels.none", "i0"), some = oracle.indices("ignored.none", "i0"),
             plane = oracle.indices("plane.none", "i0");
  for (const auto& [name, reduction] : {std::pair<std::string, Reduction>{"none", Reduction::none},
                                        {"mean", Reduction::mean},
                                        {"sum", Reduction::sum}}) {
    const Reduction r = reduction;
    oracle.check("labels." + name, [&, r](auto z) { return cross_entropy(z, labels, {.reduction = r}); });
    oracle.check("weights." + name,
                 [&, r](auto z) { return cross_entropy(z, labels, {.weights = weights(z), .reduction = r}); });
    oracle.check("smoothing." + name,
                 [&, r](auto z) { return cross_entropy(z, labels, {.label_smoothing = 0.2, .reduction = r}); });
    oracle.check("ignored." + name,
                 [&, r](auto z) { return cross_entropy(z, some, {.ignore_index = -100, .reduction = r}); });
    oracle.check("all." + name, [&, r](auto z) {
      return cross_entropy(z, some,
                           {.weights = weights(z), .label_smoothing = 0.2, .ignore_index = -100, .reduction = r});
    });
    oracle.check("plane." + name, [&, r](auto z) {
      return cross_entropy(z, plane, {.weights = weights(z), .label_smoothing = 0.1, .reduction = r});
    });
    oracle.check("soft." + name, [r](auto z, auto y) { return cross_entropy(z, y, {.reduction = r}); });
    oracle.check("soft_all." + name, [&, r](auto z, auto y) {
      return cross_entropy(z, y, {.weights = weights(z), .label_smoothing = 0.3, .reduction = r});
    });
    oracle.check("nll." + name, [&, r](auto z) { return nll_loss(z, labels, {.reduction = r}); });
    oracle.check("nll_all." + name, [&, r](auto z) {
      return nll_loss(z, some, {.weights = weights(z), .ignore_index = -100, .reduction = r});
    });
  }
  oracle.check("soft_plane", [&](auto z, auto y) { return cross_entropy(z, y, {.weights = weights(z)}); });
  oracle.check("vector", [](auto z) { return cross_entropy(z, Indices(3)); });
  oracle.check("one_class", [](auto z) { return cross_entropy(z, {0, 0, 0}); });
  oracle.check("far", [](auto z) { return cross_entropy(z, {0, 0, 1}, {.reduction = Reduction::none}); });
  oracle.check_all_were_checked();
}
