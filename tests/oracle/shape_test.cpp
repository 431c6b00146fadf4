// Shape, slice and join ops against PyTorch.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("shape ops agree with PyTorch") {
  using xt::placeholders::_;
  Oracle oracle("shape", {{"flatten", "reshape"}, {"moveaxis", "transpose"}});
  const auto check = [&](const char* name, auto f) {
    oracle.check(
        name, [f](auto... x) requires requires { f(x...); } { return square(f(x...)); });
  };
  check("flatten", [](auto x) { return flatten(x, 1); });
  check("moveaxis", [](auto x) { return moveaxis(x, 0, 2); });
  check("moveaxis.back", [](auto x) { return moveaxis(x, -1, 0); });
  check("moveaxis.lists", [](auto x) { return moveaxis(x, {0, 1}, {-1, 0}); });
  check("slice", [](auto x) { return slice(x, {xt::range(1, _), xt::range(1, 4, 2), -2}); });
  check("slice.negative", [](auto x) { return slice(x, 1, xt::range(-2, _, -2)); });
  check("flip", [](auto x) { return flip(x, {0, 2}); });
  check("diagonal", [](auto x) { return diagonal(x, 1, 2, 0); });
  check("diag.vector", [](auto x) { return diag(x, -2); });
  check("diag.matrix", [](auto x) { return diag(x, 1); });
  oracle.check("trace", [](auto x) { return trace(square(x)); });
  check("tril", [](auto x) { return tril(x, -1); });
  check("triu", [](auto x) { return triu(x, 1); });
  check("concatenate", [](auto x, auto m) { return concatenate({x, expand_dims(m, 0), x}); });
  check("stack", [](auto x) { return stack({x, x * x, exp(x)}, -1); });
  check("split", [](auto x) { return split(x, {1, 4}, 2)[1]; });
  check("split_with_sizes", [](auto x) { return split_with_sizes(x, {1, 0, 3}, 1)[2]; });
  check("chunk", [](auto x) { return chunk(x, 3, 1)[1]; });
  check("tile", [](auto x) { return tile(x, {2, 1, 3}); });
  check("repeat", [](auto x) { return repeat(x, 3, 0); });
  check("roll", [](auto x) { return roll(x, -2, 1); });
  check("roll.axes", [](auto x) { return roll(x, 1, {0, 2}); });
  check("roll.lists", [](auto x) { return roll(x, {1, -2}, {0, -1}); });
  check("roll.flat", [](auto x) { return roll(x, 7); });
  check("pad.constant", [](auto x) { return pad(x, {{0, 3}, {1, 2}}, PadMode::constant, 0.5); });
  check("pad.edge", [](auto x) { return pad(x, {{2, 1}}, PadMode::edge); });
  check("pad.reflect", [](auto x) { return pad(x, {{3, 2}}, PadMode::reflect); });
  oracle.check_all_were_checked();
}
