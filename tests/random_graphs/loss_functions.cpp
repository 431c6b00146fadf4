// Functions of random graphs: losses with all their options.
#include "random_graphs/functions.hpp"

namespace wengert::random_graphs {
namespace {

template <class A>
Reduction reduction(A& a) {
  return std::array{Reduction::mean, Reduction::none, Reduction::sum, Reduction::batch_mean}[a.below(4)];
}

// Returns a random shape for a prediction and its target.
template <class A>
Shape rows_of(A& a) {
  return a.below(4) == 1 ? Shape{1 + a.below(3)} : Shape{1 + a.below(3), 1 + a.below(3)};
}

template <class F>
Function regression(const char* name, F f) {
  return function(name, 2, [f](auto& a) {
    const Shape shape = rows_of(a);
    const auto prediction = fit(a.x[0], shape, a.flag());
    return f(a, prediction, fit(a.x[1], shape));
  });
}

std::vector<Function> regressions() {
  return {
      regression("squared_error", [](auto&, auto x, auto y) { return squared_error(x, y); }),
      regression("mse_loss", [](auto& a, auto x, auto y) { return mse_loss(x, y, reduction(a)); }),
      regression("l1_loss", [](auto& a, auto x, auto y) { return l1_loss(x, y, reduction(a)); }),
      regression("huber_loss", [](auto& a, auto x, auto y) { return huber_loss(x, y, 0.5, reduction(a)); }),
      regression("smooth_l1_loss",
                 [](auto& a, auto x, auto y) {
                   return smooth_l1_loss(x, y, 0.5 * static_cast<double>(a.below(3)), reduction(a));
                 }),
      regression("poisson_nll_loss",
                 [](auto& a, auto x, auto y) {
                   PoissonOptions options;
                   options.log_input = a.flag(), options.full = a.flag(), options.reduction = reduction(a);
                   return poisson_nll_loss(options.log_input ? x : into(x, {0.1, 3}), into(y, {0, 4}), options);
                 }),
      regression("hinge_loss", [](auto& a, auto x, auto y) { return hinge_loss(x, sign(y), 0.75, reduction(a)); }),
      regression("kl_div",
                 [](auto& a, auto x, auto y) {
                   const bool logarithms = a.flag();
                   return kl_div(log_sigmoid(x), logarithms ? log_sigmoid(y) : into(y, {0, 1}),
                                 {.log_target = logarithms, .reduction = reduction(a)});
                 }),
      function("gaussian_nll_loss", 3, [](auto& a) {
        const Shape shape{1 + a.below(3), 2};
        const auto mean = fit(a.x[0], shape, a.flag());
        const auto variance = into(fit(a.x[2], a.flag() ? shape : Shape{shape[0], 1}), {a.below(4) == 3 ? -0.1 : 0, 2});
        return gaussian_nll_loss(mean, fit(a.x[1], shape), variance, {.full = a.flag(), .reduction = reduction(a)});
      })};
}

template <class T, class A>
CrossEntropyOptions<T> class_options(A& a, std::size_t classes) {
  CrossEntropyOptions<T> options;
  if (a.flag()) options.weights = into(fit(a.x[1], {classes}), {0, 2});
  if (a.flag()) options.label_smoothing = 0.1;
  if (a.flag()) options.ignore_index = static_cast<std::int64_t>(a.below(3));
  options.reduction = reduction(a);
  return options;
}

std::vector<Function> classifications() {
  return {
      function(
          "cross_entropy", 2,
          [](auto& a) {
            using T = typename std::remove_reference_t<decltype(a)>::T;
            const std::size_t classes = 3 + a.below(2);
            const auto x = fit(a.x[0], {4, classes}, a.flag());
            return cross_entropy(x, a.labels, class_options<T>(a, classes));
          },
          3),
      function(
          "nll_loss", 2,
          [](auto& a) {
            using T = typename std::remove_reference_t<decltype(a)>::T;
            const auto x = log_softmax(fit(a.x[0], {4, 3}, a.flag()), 1);
            auto options = class_options<T>(a, 3);
            options.label_smoothing = 0;
            return nll_loss(x, a.labels, options);
          },
          2),
      function("cross_entropy with probabilities", 2,
               [](auto& a) {
                 using T = typename std::remove_reference_t<decltype(a)>::T;
                 auto options = class_options<T>(a, 3);
                 options.ignore_index = {};
                 return cross_entropy(fit(a.x[0], {2, 3}, a.flag()), Operand<T>(softmax(fit(a.x[1], {2, 3}))), options);
               }),
      function("cross_entropy_with_logits", 2,
               [](auto& a) {
                 return cross_entropy_with_logits(fit(a.x[0], {2, 3}, a.flag()), softmax(fit(a.x[1], {2, 3})));
               }),
      function("binary_cross_entropy", 3,
               [](auto& a) {
                 using T = typename std::remove_reference_t<decltype(a)>::T;
                 BinaryCrossEntropyOptions<T> options;
                 options.reduction = reduction(a);
                 if (a.flag()) options.weight = fit(a.x[2], {2, 3});
                 return binary_cross_entropy(into(fit(a.x[0], {2, 3}, a.flag()), {0, 1}),
                                             into(fit(a.x[1], {2, 3}), {0, 1}), options);
               }),
      function("binary_cross_entropy_with_logits", 3,
               [](auto& a) {
                 using T = typename std::remove_reference_t<decltype(a)>::T;
                 BinaryCrossEntropyOptions<T> options;
                 options.reduction = reduction(a);
                 if (a.flag()) options.weight = fit(a.x[2], {2, 3});
                 if (a.flag()) options.positive_weight = fit(a.x[2], {3});
                 return binary_cross_entropy_with_logits(fit(a.x[0], {2, 3}, a.flag()),
                                                         into(fit(a.x[1], {2, 3}), {0, 1}), options);
               }),
      function("ctc_loss", 1, [](auto& a) {
        const auto x = log_softmax(fit(a.x[0], {4, 2, 3}, a.flag()), -1);
        CtcOptions options;
        options.zero_infinity = a.flag(), options.reduction = reduction(a);
        return ctc_loss(x, Indices{{1, 2}, {2, 2}}, Indices{4, static_cast<std::int64_t>(2 + a.below(3))},
                        Indices{2, 2}, options);
      })};
}

std::vector<Function> embeddings() {
  return {function("cosine_similarity", 2,
                   [](auto& a) {
                     const Shape shape{2, 1 + a.below(3)};
                     const auto x = fit(a.x[0], shape, a.flag());
                     return cosine_similarity(x, fit(a.x[1], shape), a.axis_of(x));
                   }),
          function("cosine_embedding_loss", 3,
                   [](auto& a) {
                     const auto x = fit(a.x[0], {2, 3}, a.flag());
                     return cosine_embedding_loss(x, fit(a.x[1], {2, 3}), sign(fit(a.x[2], {2})), 0.1, reduction(a));
                   }),
          function("triplet_margin_loss", 3,
                   [](auto& a) {
                     TripletOptions options;
                     options.p = 1 + static_cast<double>(a.below(3)), options.swap = a.flag(),
                     options.reduction = reduction(a);
                     const auto x = fit(a.x[0], {2, 3}, a.flag());
                     return triplet_margin_loss(x, fit(a.x[1], {2, 3}), fit(a.x[2], {2, 3}), options);
                   }),
          function("contrastive_loss", 3, [](auto& a) {
            const auto x = fit(a.x[0], {2, 3}, a.flag());
            return contrastive_loss(x, fit(a.x[1], {2, 3}), fit(a.x[2], {2}) > 0, 1.5, reduction(a));
          })};
}

}  // namespace

std::vector<Function> loss_functions() {
  std::vector<Function> result = regressions();
  for (const auto& family : {classifications(), embeddings()})
    result.insert(result.end(), family.begin(), family.end());
  return result;
}

}  // namespace wengert::random_graphs
