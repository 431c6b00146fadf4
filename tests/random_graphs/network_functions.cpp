// Functions of random graphs: convolutions, pooling, image resizing, normalisations, and attention.
#include "random_graphs/functions.hpp"

namespace wengert::random_graphs {
namespace {

template <std::size_t n, class A>
ConvOptions<n> conv_options(A& a, std::ptrdiff_t groups) {
  ConvOptions<n> options;
  options.stride = 1 + a.below(2);
  if (a.below(4) == 3)
    options.stride = 1, options.padding = same_padding;
  else
    options.padding = PerAxis<n>(a.below(2));
  options.dilation = 1 + a.below(2);
  options.groups = groups;
  return options;
}
template <std::size_t n, class A>
ConvTransposeOptions<n> transposed_options(A& a, std::ptrdiff_t groups) {
  ConvTransposeOptions<n> options;
  options.stride = 2;
  options.padding = a.below(2);
  options.output_padding = a.below(2);
  options.groups = groups;
  return options;
}

template <std::size_t n>
Shape with_extents(Shape shape, std::size_t extent) {
  for (std::size_t axis = 0; axis < n; ++axis) shape.push_back(extent);
  return shape;
}

// Returns a convolution over n spatial axes. It calls f with x and the weights, and with a bias if so chosen.
template <std::size_t n, class Options, class F>
Function convolution(const char* name, Options options_of, bool transposed, F f) {
  return function(name, 3, [=](auto& a) {
    const std::size_t samples = 1 + a.below(2), groups = 1 + a.below(2), in = groups * (1 + a.below(2)),
                      out = groups * (1 + a.below(2)), kernel = 1 + a.below(2), extent = 3 + a.below(2);
    const auto x = fit(a.x[0], with_extents<n>(Shape{samples, in}, extent), a.flag());
    const auto w =
        fit(a.x[1], with_extents<n>(transposed ? Shape{in, out / groups} : Shape{out, in / groups}, kernel), a.flag());
    const auto options = options_of(a, static_cast<std::ptrdiff_t>(groups));
    return a.flag() ? f(options, x, w, fit(a.x[2], {out})) : f(options, x, w);
  });
}

std::vector<Function> convolutions() {
  const auto options1 = [](auto& a, std::ptrdiff_t groups) { return conv_options<1>(a, groups); };
  const auto options2 = [](auto& a, std::ptrdiff_t groups) { return conv_options<2>(a, groups); };
  const auto options3 = [](auto& a, std::ptrdiff_t groups) { return conv_options<3>(a, groups); };
  const auto transposed1 = [](auto& a, std::ptrdiff_t groups) { return transposed_options<1>(a, groups); };
  const auto transposed2 = [](auto& a, std::ptrdiff_t groups) { return transposed_options<2>(a, groups); };
  const auto transposed3 = [](auto& a, std::ptrdiff_t groups) { return transposed_options<3>(a, groups); };
  return {convolution<1>("conv1d", options1, false, [](auto& options, auto... x) { return conv1d(x..., options); }),
          convolution<2>("conv2d", options2, false, [](auto& options, auto... x) { return conv2d(x..., options); }),
          convolution<3>("conv3d", options3, false, [](auto& options, auto... x) { return conv3d(x..., options); }),
          convolution<1>("conv_transpose1d", transposed1, true,
                         [](auto& options, auto... x) { return conv_transpose1d(x..., options); }),
          convolution<2>("conv_transpose2d", transposed2, true,
                         [](auto& options, auto... x) { return conv_transpose2d(x..., options); }),
          convolution<3>("conv_transpose3d", transposed3, true,
                         [](auto& options, auto... x) { return conv_transpose3d(x..., options); }),
          function("unfold", 1,
                   [](auto& a) {
                     const auto x = fit(a.x[0], {2, 2, 4, 3}, a.flag());
                     return unfold(x, 2, {.stride = 1 + a.below(2), .padding = a.below(2)});
                   }),
          function("fold", 1, [](auto& a) {
            return fold(fit(a.x[0], {2, 4, 4}, a.flag()), 3, 2);
          })};
}

// Returns pooling over n axes, by windows or to a size.
template <std::size_t n, class F>
Function pooling(const char* name, F f) {
  return function(name, 1, [f](auto& a) {
    const auto x = fit(a.x[0], with_extents<n>(Shape{1 + a.below(2), 1 + a.below(2)}, 4 + a.below(2)), a.flag());
    return f(a, x);
  });
}
template <class Options, class A>
Options pooling_options(A& a) {
  Options options;
  options.stride = 1 + a.below(3);
  options.padding = a.below(2);
  options.ceil_mode = a.flag();
  if constexpr (requires { options.count_include_pad; })
    options.count_include_pad = a.flag();
  else
    options.dilation = 1 + a.below(2);
  return options;
}

std::vector<Function> pools() {
  return {
      pooling<1>("max_pool1d", [](auto& a, auto x) { return max_pool1d(x, 2, pooling_options<MaxPool1dOptions>(a)); }),
      pooling<2>("max_pool2d", [](auto& a, auto x) { return max_pool2d(x, 2, pooling_options<MaxPool2dOptions>(a)); }),
      pooling<3>("max_pool3d", [](auto& a, auto x) { return max_pool3d(x, 2, pooling_options<MaxPool3dOptions>(a)); }),
      pooling<2>("max_pool2d_with_indices",
                 [](auto& a, auto x) {
                   const auto [y, indices] = max_pool2d_with_indices(x, 2, pooling_options<MaxPool2dOptions>(a));
                   a.indices->push_back(indices);
                   return a.flag() ? y : max_unpool2d(y, indices, Shape(std::span(x.shape().end() - 2, 2)));
                 }),
      pooling<1>("avg_pool1d", [](auto& a, auto x) { return avg_pool1d(x, 2, pooling_options<AvgPool1dOptions>(a)); }),
      pooling<2>("avg_pool2d", [](auto& a, auto x) { return avg_pool2d(x, 2, pooling_options<AvgPool2dOptions>(a)); }),
      pooling<3>("avg_pool3d", [](auto& a, auto x) { return avg_pool3d(x, 2, pooling_options<AvgPool3dOptions>(a)); }),
      pooling<2>("adaptive_max_pool2d", [](auto& a, auto x) { return adaptive_max_pool2d(x, 1 + a.below(4)); }),
      pooling<2>("adaptive_avg_pool2d", [](auto& a, auto x) { return adaptive_avg_pool2d(x, 1 + a.below(4)); }),
      pooling<1>("upsample_nearest1d", [](auto& a, auto x) { return upsample_nearest1d(x, 2 + a.below(6)); }),
      pooling<2>("upsample_bilinear", [](auto& a, auto x) {
        return upsample_bilinear(x, {2 + a.below(6), 3}, a.flag() ? AlignCorners::yes : AlignCorners::no);
      })};
}

std::vector<Function> normalisations() {
  return {
      function("layer_norm", 3,
               [](auto& a) {
                 const auto x = fit(a.x[0], {1 + a.below(3), 2, 3}, a.flag());
                 const Shape normalised = a.flag() ? Shape{2, 3} : Shape{3};
                 if (a.flag()) return layer_norm(x, normalised);
                 return layer_norm(x, normalised, fit(a.x[1], normalised), fit(a.x[2], normalised));
               }),
      function("rms_norm", 2,
               [](auto& a) {
                 const auto x = fit(a.x[0], {2, 1 + a.below(4)}, a.flag());
                 const Shape normalised{x.shape()[1]};
                 return a.flag() ? rms_norm(x, normalised) : rms_norm(x, normalised, fit(a.x[1], normalised));
               }),
      function(
          "batch_norm", 3,
          [](auto& a) {
            const auto x = a.flag() ? fit(a.x[0], {2 + a.below(3), 3}, a.flag()) : fit(a.x[0], {2, 3, 1 + a.below(3)});
            const Training training = a.below(3) == 1 ? Training::no : Training::yes;
            if (a.flag()) return batch_norm(x, a.world.statistics, training);
            return batch_norm(x, a.world.statistics, training, fit(a.x[1], {3}), fit(a.x[2], {3}));
          },
          2),
      function("group_norm", 3,
               [](auto& a) {
                 const auto x = fit(a.x[0], {1 + a.below(2), 4, 1 + a.below(3)}, a.flag());
                 const std::size_t groups = 1 + a.below(2);
                 return a.flag() ? group_norm(x, groups) : group_norm(x, groups, fit(a.x[1], {4}), fit(a.x[2], {4}));
               }),
      function("instance_norm", 3,
               [](auto& a) {
                 const auto x = fit(a.x[0], {2, 2, 2 + a.below(3)}, a.flag());
                 return a.flag() ? instance_norm(x) : instance_norm(x, fit(a.x[1], {2}), fit(a.x[2], {2}));
               }),
      function("attention", 4,
               [](auto& a) {
                 using T = typename std::remove_reference_t<decltype(a)>::T;
                 const std::size_t queries = 1 + a.below(3), keys = 1 + a.below(3);
                 const auto q = fit(a.x[0], {2, queries, 2}, a.flag()), k = fit(a.x[1], {2, keys, 2}, a.flag()),
                            v = fit(a.x[2], {2, keys, 3});
                 AttentionOptions<T> options;
                 options.causal = a.flag();
                 if (a.flag()) options.mask = fit(a.x[3], {queries, keys}) > 0;
                 if (a.flag()) options.bias = fit(a.x[3], {2, queries, keys});
                 if (a.flag()) options.scale = 0.5;
                 if (a.flag()) options.on_weights = [&a](Var<T> w) { return dropout(w, 0.25, a.world.generator); };
                 if (!a.flag()) return scaled_dot_product_attention(q, k, v, options);
                 const auto result = scaled_dot_product_attention_with_weights(q, k, v, options);
                 return a.flag() ? result.weights : result.output + sum(result.weights * result.weights);
               }),
      function("attention with lengths", 3, [](auto& a) {
        using T = typename std::remove_reference_t<decltype(a)>::T;
        const auto q = fit(a.x[0], {4, 3, 2}, a.flag()), k = fit(a.x[1], {4, 2, 2}, a.flag());
        AttentionOptions<T> options;
        if (a.flag()) options.mask = fit(a.x[2], {3, 2}) > 0;
        options.lengths = a.labels;
        options.causal = a.flag();
        return scaled_dot_product_attention(q, k, fit(a.x[2], {4, 2, 3}), options);
      })};
}

}  // namespace

std::vector<Function> network_functions() {
  std::vector<Function> result = convolutions();
  for (const auto& family : {pools(), normalisations()}) result.insert(result.end(), family.begin(), family.end());
  return result;
}

}  // namespace wengert::random_graphs
