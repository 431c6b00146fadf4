// Interpolation and pixel shuffling against PyTorch.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("interpolation and pixel shuffling agree with PyTorch") {
  Oracle oracle("resize", {{"linear", "upsample_linear"},
                           {"bilinear", "upsample_bilinear"},
                           {"trilinear", "upsample_trilinear"},
                           {"nearest1d", "upsample_nearest1d"},
                           {"nearest2d", "upsample_nearest2d"},
                           {"nearest3d", "upsample_nearest3d"}});
  oracle.check("nearest1d", [](auto x) { return upsample_nearest1d(x, 8); });
  oracle.check("nearest1d.smaller", [](auto x) { return upsample_nearest1d(x, 4); });
  oracle.check("nearest2d", [](auto x) { return upsample_nearest2d(x, {6, 7}); });
  oracle.check("nearest2d.mixed", [](auto x) { return upsample_nearest2d(x, {3, 10}); });
  oracle.check("nearest3d", [](auto x) { return upsample_nearest3d(x, {4, 4, 3}); });
  for (const auto corners : {AlignCorners::no, AlignCorners::yes}) {
    const std::string aligned = corners == AlignCorners::yes ? ".aligned" : "";
    oracle.check("linear" + aligned, [&](auto x) { return upsample_linear(x, 8, corners); });
    oracle.check("linear" + aligned + ".smaller", [&](auto x) { return upsample_linear(x, 4, corners); });
    oracle.check("linear" + aligned + ".one", [&](auto x) { return upsample_linear(x, 1, corners); });
    oracle.check("linear" + aligned + ".from_one", [&](auto x) { return upsample_linear(x, 3, corners); });
    oracle.check("bilinear" + aligned, [&](auto x) { return upsample_bilinear(x, {6, 7}, corners); });
    oracle.check("bilinear" + aligned + ".mixed", [&](auto x) { return upsample_bilinear(x, {3, 10}, corners); });
    oracle.check("trilinear" + aligned, [&](auto x) { return upsample_trilinear(x, {4, 4, 3}, corners); });
  }
  oracle.check("pixel_shuffle", [](auto x) { return pixel_shuffle(x, 3); });
  oracle.check("pixel_shuffle.single", [](auto x) { return pixel_shuffle(x, 2); });
  oracle.check("pixel_unshuffle", [](auto x) { return pixel_unshuffle(x, 3); });
  oracle.check_all_were_checked();
}
