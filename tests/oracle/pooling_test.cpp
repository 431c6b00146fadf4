// Max, average and adaptive pooling against PyTorch.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("pooling agrees with PyTorch") {
  Oracle oracle("pooling");
  oracle.check("max_pool1d.plain", [](auto x) { return max_pool1d(x, 2); });
  oracle.check("max_pool1d.all",
               [](auto x) { return max_pool1d(x, 3, {.stride = 2, .padding = 1, .dilation = 2, .ceil_mode = true}); });
  oracle.check("max_pool2d.plain", [](auto x) { return max_pool2d(x, 2); });
  oracle.check("max_pool2d.stride", [](auto x) { return max_pool2d(x, 3, {.stride = 2, .padding = 1}); });
  oracle.check("max_pool2d.all", [](auto x) {
    return max_pool2d(x, {3, 2}, {.stride = {2, 3}, .padding = 1, .dilation = {2, 1}, .ceil_mode = true});
  });
  oracle.check("max_pool2d.ceil", [](auto x) { return max_pool2d(x, 3, {.stride = 2, .ceil_mode = true}); });
  oracle.check("max_pool2d.ceil_drops",
               [](auto x) { return max_pool2d(x, 2, {.stride = 3, .padding = 1, .ceil_mode = true}); });
  oracle.check("max_pool2d.ceil_larger", [](auto x) { return max_pool2d(x, 3, {.stride = 2, .ceil_mode = true}); });
  oracle.check("max_pool2d.dilation", [](auto x) { return max_pool2d(x, 3, {.stride = 1, .dilation = 2}); });
  oracle.check("max_pool2d.single", [](auto x) { return max_pool2d(x, 2); });
  oracle.check("max_pool2d.ties", [](auto x) { return max_pool2d(x, 3, {.stride = 1, .padding = 1}); });
  oracle.check("max_pool2d.special", [](auto x) { return max_pool2d(x, 2); });
  oracle.check("max_pool3d.all", [](auto x) {
    return max_pool3d(x, {2, 3, 2}, {.stride = 2, .padding = {1, 1, 0}, .ceil_mode = true});
  });
  oracle.check("adaptive_max_pool1d", [](auto x) { return adaptive_max_pool1d(x, 4); });
  oracle.check("adaptive_max_pool2d", [](auto x) { return adaptive_max_pool2d(x, {3, 4}); });
  oracle.check("adaptive_max_pool2d.more", [](auto x) { return adaptive_max_pool2d(x, {5, 2}); });
  oracle.check("adaptive_max_pool3d", [](auto x) { return adaptive_max_pool3d(x, {2, 3, 2}); });

  oracle.check("avg_pool1d.plain", [](auto x) { return avg_pool1d(x, 2); });
  oracle.check("avg_pool1d.all", [](auto x) {
    return avg_pool1d(x, 3, {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false});
  });
  oracle.check("avg_pool2d.plain", [](auto x) { return avg_pool2d(x, 2); });
  oracle.check("avg_pool2d.stride", [](auto x) { return avg_pool2d(x, 3, {.stride = 2, .padding = 1}); });
  oracle.check("avg_pool2d.exclude",
               [](auto x) { return avg_pool2d(x, 3, {.stride = 2, .padding = 1, .count_include_pad = false}); });
  oracle.check("avg_pool2d.ceil", [](auto x) {
    return avg_pool2d(x, {3, 2}, {.stride = {2, 3}, .padding = {1, 0}, .ceil_mode = true});
  });
  oracle.check("avg_pool2d.ceil_exclude", [](auto x) {
    return avg_pool2d(x, {3, 2}, {.stride = {2, 3}, .padding = 1, .ceil_mode = true, .count_include_pad = false});
  });
  oracle.check("avg_pool2d.ceil_padded",
               [](auto x) { return avg_pool2d(x, 2, {.stride = 3, .padding = 1, .ceil_mode = true}); });
  oracle.check("avg_pool2d.single", [](auto x) { return avg_pool2d(x, 2); });
  oracle.check("avg_pool3d.all", [](auto x) {
    return avg_pool3d(x, {2, 3, 2}, {.stride = 2, .padding = {1, 1, 0}, .ceil_mode = true});
  });
  oracle.check("avg_pool3d.exclude",
               [](auto x) { return avg_pool3d(x, 3, {.stride = 2, .padding = 1, .count_include_pad = false}); });
  oracle.check("adaptive_avg_pool1d", [](auto x) { return adaptive_avg_pool1d(x, 4); });
  oracle.check("adaptive_avg_pool2d", [](auto x) { return adaptive_avg_pool2d(x, {3, 4}); });
  oracle.check("adaptive_avg_pool2d.more", [](auto x) { return adaptive_avg_pool2d(x, {5, 2}); });
  oracle.check("adaptive_avg_pool2d.one", [](auto x) { return adaptive_avg_pool2d(x, 1); });
  oracle.check("adaptive_avg_pool3d", [](auto x) { return adaptive_avg_pool3d(x, {2, 3, 2}); });
  const auto positions = [&](const char* name, auto pool) {
    oracle.check_exactly(name, [&](auto& tape) { return pool(tape.constant(oracle.array(name, "x0"))).indices; });
  };
  positions("max_pool1d.positions", [](auto x) { return max_pool1d_with_indices(x, 3, {.stride = 2, .padding = 1}); });
  positions("max_pool2d.positions", [](auto x) {
    return max_pool2d_with_indices(x, {3, 2}, {.stride = {2, 3}, .padding = 1, .dilation = {2, 1}, .ceil_mode = true});
  });
  positions("max_pool2d.positions_single", [](auto x) { return max_pool2d_with_indices(x, 2); });
  positions("max_pool2d.positions_ties",
            [](auto x) { return max_pool2d_with_indices(x, 3, {.stride = 1, .padding = 1}); });
  positions("max_pool2d.positions_special", [](auto x) { return max_pool2d_with_indices(x, 2); });
  positions("max_pool3d.positions", [](auto x) { return max_pool3d_with_indices(x, 2); });
  oracle.check("max_unpool1d", [](auto x) {
    const auto [y, indices] = max_pool1d_with_indices(x, 2);
    return max_unpool1d(square(y), indices, 9);
  });
  oracle.check("max_unpool2d", [](auto x) {
    const auto [y, indices] = max_pool2d_with_indices(x, 2);
    return max_unpool2d(square(y), indices, {7, 5});
  });
  oracle.check("max_unpool3d", [](auto x) {
    const auto [y, indices] = max_pool3d_with_indices(x, 2);
    return max_unpool3d(square(y), indices, {4, 5, 4});
  });
  oracle.check_all_were_checked();
}
