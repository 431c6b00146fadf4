// Convolutions, transposed convolutions, unfold and fold against PyTorch.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

// Checks a case with or without a bias.
template <class F>
void check(Oracle& oracle, const std::string& name, const F& f) {
  if (oracle.has(name, "x2"))
    oracle.check(name, [&](auto x, auto w, auto b) { return f(x, w, b); });
  else
    oracle.check(name, [&](auto x, auto w) { return f(x, w); });
}

}  // namespace

TEST_CASE("convolutions agree with PyTorch") {
  Oracle oracle("conv");
  const auto conv1 = [&](const std::string& name, const Conv1dOptions& options) {
    check(oracle, "conv1d." + name, [&](auto... v) { return conv1d(v..., options); });
  };
  const auto conv2 = [&](const std::string& name, const Conv2dOptions& options) {
    check(oracle, "conv2d." + name, [&](auto... v) { return conv2d(v..., options); });
  };
  const auto conv3 = [&](const std::string& name, const Conv3dOptions& options) {
    check(oracle, "conv3d." + name, [&](auto... v) { return conv3d(v..., options); });
  };
  conv1("plain", {});
  conv1("all", {.stride = 2, .padding = 1, .dilation = 2, .groups = 2});
  conv1("single", {});
  conv2("plain", {});
  conv2("bias", {});
  conv2("stride", {.stride = 2});
  conv2("padding", {.padding = 1});
  conv2("dilation", {.dilation = 2});
  conv2("all", {.stride = 2, .padding = 1, .dilation = 2, .groups = 2});
  conv2("uneven", {.stride = {2, 3}, .padding = {2, 1}, .dilation = {3, 1}});
  conv2("depthwise", {.stride = 2, .padding = 1, .groups = 5});
  conv2("multiplier", {.padding = 1, .dilation = 2, .groups = 3});
  conv2("point", {});
  conv2("point_stride", {.stride = 2});
  conv2("whole", {});
  conv2("much_padding", {.stride = 2, .padding = 3});
  conv2("same", {.padding = same_padding});
  conv2("same_dilation", {.padding = same_padding, .dilation = {3, 1}, .groups = 2});
  conv2("single", {.padding = 1});
  conv3("plain", {});
  conv3("all", {.stride = {1, 2, 2}, .padding = 1, .dilation = {2, 1, 2}, .groups = 2});
  oracle.check_all_were_checked();
}

TEST_CASE("transposed convolutions, unfold and fold agree with PyTorch") {
  Oracle oracle("conv_transpose");
  const auto transpose1 = [&](const std::string& name, const ConvTranspose1dOptions& options) {
    check(oracle, "conv_transpose1d." + name, [&](auto... v) { return conv_transpose1d(v..., options); });
  };
  const auto transpose2 = [&](const std::string& name, const ConvTranspose2dOptions& options) {
    check(oracle, "conv_transpose2d." + name, [&](auto... v) { return conv_transpose2d(v..., options); });
  };
  const auto transpose3 = [&](const std::string& name, const ConvTranspose3dOptions& options) {
    check(oracle, "conv_transpose3d." + name, [&](auto... v) { return conv_transpose3d(v..., options); });
  };
  transpose1("plain", {});
  transpose1("all", {.stride = 3, .padding = 1, .output_padding = 2, .dilation = 2, .groups = 2});
  transpose2("plain", {});
  transpose2("stride", {.stride = 2, .padding = 1, .output_padding = 1});
  transpose2("all", {.stride = 2, .padding = 1, .output_padding = 1, .dilation = 2, .groups = 2});
  transpose2("depthwise", {.stride = 2, .groups = 3});
  transpose2("output_padding", {.output_padding = {1, 2}, .dilation = 3});
  transpose2("single", {.padding = 1});
  transpose3("all", {.stride = {1, 2, 2}, .padding = {0, 1, 0}, .output_padding = {0, 1, 1}, .groups = 2});

  const UnfoldOptions all{.stride = 2, .padding = {1, 2}, .dilation = {3, 1}};
  oracle.check("unfold.plain", [](auto x) { return unfold(x, {3, 2}); });
  oracle.check("unfold.all", [&](auto x) { return unfold(x, {2, 3}, all); });
  oracle.check("unfold.single", [](auto x) { return unfold(x, 2, {.stride = 2}); });
  oracle.check("fold.plain", [](auto x) { return fold(x, {5, 4}, {3, 2}); });
  oracle.check("fold.all", [&](auto x) { return fold(x, {6, 5}, {2, 3}, all); });
  oracle.check("fold.single", [](auto x) { return fold(x, {5, 4}, 2, {.stride = 2}); });
  oracle.check_all_were_checked();
}
