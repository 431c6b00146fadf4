// Reductions, norms, cumulative ops and positions of extremes against PyTorch.
#include "oracle.hpp"

#include <limits>

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("reductions agree with PyTorch") {
  Oracle oracle("reduce", {{"norm1", "norm"}, {"norm2", "norm"}, {"norm3", "norm"}, {"norm_inf", "norm"}});
  oracle.check("amin", [](auto x) { return amin(x, {0, 2}); });
  oracle.check("amax", [](auto x) { return amax(x, {0, 2}); });
  oracle.check("var", [](auto x) { return var(x, {0, 2}, KeepDims::yes); });
  oracle.check("var.ddof", [](auto x) { return var(x, 1, {}, 1); });
  oracle.check("stddev", [](auto x) { return stddev(x, {}, {}, 1); });
  oracle.check("logsumexp", [](auto x) { return logsumexp(x, {0, 1}); });
  oracle.check("logsumexp.edges", [](auto x) { return logsumexp(x, 1); });
  oracle.check("norm1", [](auto x) { return norm(x, 1, 1); });
  oracle.check("norm2", [](auto x) { return norm(x, 2, 1); });
  oracle.check("norm2.zero", [](auto x) { return norm(x); });
  oracle.check("norm3", [](auto x) { return norm(x, 3, 1); });
  oracle.check("norm_inf", [](auto x) { return norm(x, std::numeric_limits<double>::infinity(), {0, 1}); });
  oracle.check("cumsum", [](auto x) { return cumsum(x, 1); });
  oracle.check("cumprod", [](auto x) { return cumprod(x, 1); });
  oracle.check("cumprod.zeros", [](auto x) { return cumprod(x, 1); });
  oracle.check("logcumsumexp", [](auto x) { return logcumsumexp(x, 1); });
  oracle.check("logcumsumexp.edges", [](auto x) { return logcumsumexp(x, 1); });
  oracle.check("prod", [](auto x) { return prod(x, {0, 2}); });
  oracle.check("prod.zeros", [](auto x) { return prod(x, 1); });
  oracle.check("amax.apart", [](auto x) { return amax(x, {0, 2}); });
  oracle.check("stddev.equal", [](auto x) { return stddev(x, 1); });
  oracle.check("logsumexp.empty", [](auto x) { return logsumexp(x, 1); });
  oracle.check("amin.ties", [](auto x) { return amin(x, 1); });
  oracle.check("norm_inf.ties", [](auto x) { return norm(x, std::numeric_limits<double>::infinity(), 1); });
  const auto x_of = [&](auto& tape, const char* name) { return tape.constant(oracle.array(name, "x0")); };
  oracle.check_exactly("argmax", [&](auto& tape) { return argmax(x_of(tape, "argmax")); });
  oracle.check_exactly("argmax.axis", [&](auto& tape) { return argmax(x_of(tape, "argmax.axis"), 1); });
  oracle.check_exactly("argmax.keep", [&](auto& tape) { return argmax(x_of(tape, "argmax.keep"), -1, KeepDims::yes); });
  oracle.check_exactly("argmin", [&](auto& tape) { return argmin(x_of(tape, "argmin")); });
  oracle.check_exactly("argmin.axis", [&](auto& tape) { return argmin(x_of(tape, "argmin.axis"), 0); });
  oracle.check_all_were_checked();
}
