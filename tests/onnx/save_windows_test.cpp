// Saved convolutions, pooling and resizing, and their gradients, compute the same when they are loaded again.
#include "saved.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

using Map = std::function<Var<double>(Var<double> x)>;

// A function of a multiple of x as a network.
struct MapNetwork {
  Map f;
  Parameter<double> factor{Tensor<double>(1.5)};
  Var<double> operator()(Var<double> x) const { return f(x * x.tape().variable(factor)); }
};
// The gradient of Σ f(x)²/2 with respect to that multiple, through all ops of f.
struct MapGradient {
  Map f;
  Parameter<double> factor{Tensor<double>(1.5)};
  Var<double> operator()(Var<double> x) const {
    const auto start = x * x.tape().variable(factor);
    return grad(0.5 * sum(square(f(start))), start)[0];
  }
};
// The gradient of Σ f(x, w)²/2 with respect to a weight.
struct WeightGradient {
  Parameter<double> weight;
  std::function<Var<double>(Var<double> x, Var<double> w)> f;
  Var<double> operator()(Var<double> x) const {
    const auto w = x.tape().variable(weight);
    return grad(0.5 * sum(square(f(x, w))), w)[0];
  }
};

Var<double> fixed_weight(Var<double> x, const Shape& shape) { return x.tape().constant(random_tensor(shape, 17)); }

const Shape sample{1, 4, 7, 6};

// The importer computes positions from those of ONNX, in the whole batch, by constants that depend on the batch's size:
// what reads positions is not saved again.
void check_map(const std::string& name, const Map& f, Again again = Again::yes) {
  CAPTURE(name);
  check_saved<double>(MapNetwork{f}, sample, {{1, 4, 7, 6}, {3, 4, 7, 6}}, {}, again);
  check_saved<double>(MapGradient{f}, sample, {{3, 4, 7, 6}}, {}, Again::no);
}

}  // namespace

TEST_CASE("saved convolutions and their gradients with respect to the input") {
  const auto conv = [](const Shape& w, const Conv2dOptions& options) {
    return [=](Var<double> x) { return conv2d(x, fixed_weight(x, w), options); };
  };
  check_map("padding", conv({3, 4, 3, 3}, {.padding = 1}));
  check_map("same padding, even kernel", conv({3, 4, 2, 4}, {.padding = same_padding}));
  check_map("a stride that leaves elements unread", conv({3, 4, 2, 2}, {.stride = {3, 4}}));
  check_map("dilation and groups", conv({6, 2, 2, 3}, {.padding = {1, 2}, .dilation = {3, 2}, .groups = 2}));
  check_map("depthwise", conv({8, 1, 3, 3}, {.stride = 2, .padding = {0, 1}, .groups = 4}));
  const auto transposed = [](const Shape& w, const ConvTranspose2dOptions& options) {
    return [=](Var<double> x) { return conv_transpose2d(x, fixed_weight(x, w), options); };
  };
  check_map("transposed", transposed({4, 3, 2, 3}, {}));
  check_map("transposed, stride and output padding",
            transposed({4, 1, 3, 3}, {.stride = {2, 3}, .padding = 1, .output_padding = {1, 2}, .groups = 2}));
  check_map("transposed, output padding below the dilation",
            transposed({4, 2, 2, 2}, {.output_padding = {2, 0}, .dilation = {3, 1}}));
  check_map("one axis", [](Var<double> x) {
    return conv1d(reshape(x, {-1, 4, 42}), fixed_weight(x, {5, 4, 4}), {.stride = 2, .padding = 1});
  });
  check_map("three axes", [](Var<double> x) {
    return conv3d(reshape(x, {-1, 2, 2, 7, 6}), fixed_weight(x, {3, 2, 2, 3, 2}),
                  {.stride = {1, 2, 1}, .padding = {1, 0, 1}});
  });
}

TEST_CASE("saved gradients of convolutions with respect to the weight") {
  const auto check = [](const std::string& name, const Shape& w, const Conv2dOptions& options) {
    CAPTURE(name);
    const Parameter<double> weight(random_tensor(w, 18));
    const WeightGradient network{weight, [=](Var<double> x, Var<double> kernel) { return conv2d(x, kernel, options); }};
    check_saved<double>(network, sample, {{1, 4, 7, 6}, {3, 4, 7, 6}});
  };
  check("padding", {3, 4, 3, 3}, {.padding = 1});
  check("same padding, even kernel", {3, 4, 2, 4}, {.padding = same_padding});
  check("a stride that leaves elements unread", {3, 4, 2, 2}, {.stride = {3, 4}});
  check("a stride that leaves padding unread", {3, 4, 3, 3}, {.stride = {3, 4}, .padding = 1});
  check("dilation and groups", {6, 2, 2, 3}, {.padding = {1, 2}, .dilation = {3, 2}, .groups = 2});
  check("depthwise", {8, 1, 3, 3}, {.stride = 2, .padding = {0, 1}, .groups = 4});
  const Parameter<double> weight(random_tensor({4, 1, 3, 3}, 19));
  const auto transposed = [](Var<double> x, Var<double> w) {
    return conv_transpose2d(x, w, {.stride = {2, 3}, .padding = 1, .output_padding = {1, 2}, .groups = 2});
  };
  check_saved<double>(WeightGradient{weight, transposed}, sample, {{1, 4, 7, 6}, {3, 4, 7, 6}});
}

TEST_CASE("saved max pooling and its gradients") {
  check_map("stride below the kernel", [](Var<double> x) { return max_pool2d(x, 3, {.stride = {2, 1}}); });
  check_map("padding and dilation", [](Var<double> x) {
    return max_pool2d(x, {3, 2}, {.stride = 2, .padding = 1, .dilation = {1, 2}});
  });
  check_map("ceil mode", [](Var<double> x) { return max_pool2d(x, {3, 4}, {.padding = {1, 0}, .ceil_mode = true}); });
  check_map(
      "more padding at the end than the kernel has elements",
      [](Var<double> x) {
        return max_pool2d(x, 2, {.stride = {4, 1}, .dilation = {4, 1}, .ceil_mode = true});
      },
      Again::no);
  check_map("without a batch", [](Var<double> x) { return max_pool2d(reshape(x, {-1, 7, 6}), 2); });
  check_map("one axis", [](Var<double> x) { return max_pool1d(reshape(x, {-1, 4, 42}), 5); });
  check_map("three axes", [](Var<double> x) { return max_pool3d(reshape(x, {-1, 2, 2, 7, 6}), 2, {.stride = 1}); });
  check_map("adaptive, equal windows", [](Var<double> x) { return adaptive_max_pool2d(x, {7, 3}); });
  check_map(
      "adaptive, other windows",
      [](Var<double> x) {
        return adaptive_max_pool2d(x, {3, 4});
      },
      Again::no);
  check_map("adaptive, all", [](Var<double> x) { return adaptive_max_pool2d(x, 1); });
  check_map(
      "unpooling",
      [](Var<double> x) {
        const auto [values, positions] = max_pool2d_with_indices(x, 2);
        return max_unpool2d(values * values, positions, {7, 6});
      },
      Again::no);
}

TEST_CASE("positions of saved max pooling are those in the plane") {
  const MapNetwork network{
      [](Var<double> x) { return to_values(max_pool2d_with_indices(x, 3, {.stride = 2, .padding = 1}).indices); }};
  check_saved<double>(network, sample, {{2, 4, 7, 6}}, {}, Again::no);
}

TEST_CASE("saved average pooling and its gradients") {
  check_map("padding counts", [](Var<double> x) { return avg_pool2d(x, 3, {.stride = 2, .padding = 1}); });
  check_map("padding does not count", [](Var<double> x) {
    return avg_pool2d(x, {3, 2}, {.padding = 1, .count_include_pad = false});
  });
  check_map("ceil mode", [](Var<double> x) { return avg_pool2d(x, {3, 4}, {.padding = {1, 0}, .ceil_mode = true}); });
  check_map("ceil mode, padding does not count", [](Var<double> x) {
    return avg_pool2d(x, {3, 4}, {.padding = {1, 0}, .ceil_mode = true, .count_include_pad = false});
  });
  check_map("one axis", [](Var<double> x) { return avg_pool1d(reshape(x, {-1, 4, 42}), 5); });
  check_map("three axes", [](Var<double> x) {
    return avg_pool3d(reshape(x, {-1, 2, 2, 7, 6}), 2, {.stride = 1, .padding = 1});
  });
  check_map("adaptive, equal windows", [](Var<double> x) { return adaptive_avg_pool2d(x, {7, 3}); });
  check_map("adaptive, other windows", [](Var<double> x) { return adaptive_avg_pool2d(x, {3, 4}); });
  check_map("adaptive, all", [](Var<double> x) { return adaptive_avg_pool2d(x, 1); });
}

TEST_CASE("saved resizing and its gradients") {
  check_map("nearest", [](Var<double> x) { return upsample_nearest2d(x, {14, 5}); });
  check_map("bilinear", [](Var<double> x) { return upsample_bilinear(x, {10, 4}); });
  check_map("aligned corners", [](Var<double> x) { return upsample_bilinear(x, {13, 6}, AlignCorners::yes); });
  check_map("linear", [](Var<double> x) { return upsample_linear(reshape(x, {-1, 4, 42}), 50); });
  check_map("trilinear", [](Var<double> x) { return upsample_trilinear(reshape(x, {-1, 2, 2, 7, 6}), {3, 7, 9}); });
  check_map("pixel shuffle", [](Var<double> x) { return pixel_shuffle(x, 2); });
}

TEST_CASE("saved columns of windows and their gradients") {
  const UnfoldOptions options{.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}};
  check_map("unfold", [=](Var<double> x) { return unfold(x, {3, 2}, options); });
  check_map("fold", [=](Var<double> x) { return fold(square(unfold(x, {3, 2}, options)), {7, 6}, {3, 2}, options); });
}
