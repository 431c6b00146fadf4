// Ops on padded sequences against PyTorch: masks, pooling over steps, and masked means.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("ops on padded sequences agree with PyTorch") {
  Oracle oracle("sequence");
  const auto check = [&](const char* name, auto f) {
    oracle.check(
        name, [f](auto... x) requires requires { f(x...); } { return square(f(x...)); });
  };
  const Indices n = oracle.indices("mask_steps", "i0");
  check("mask_steps", [n](auto x) { return mask_steps(x, n); });
  check("mask_steps.plain", [n](auto x) { return mask_steps(x, n); });
  check("last_step", [n](auto x) { return last_step(x, n); });
  check("mean_steps", [n](auto x) { return mean_steps(x, n); });
  check("masked_mean", [n](auto x) { return masked_mean(x, n); });
  check("masked_mean.mask", [](auto x, auto m) { return masked_mean(x, m > 0); });
  oracle.check_exactly("sequence_mask", [&](auto& tape) { return sequence_mask(tape.indices(n), 6); });
  oracle.check_all_were_checked();
}
