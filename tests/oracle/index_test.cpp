// Index ops against PyTorch: taking, gathering, scattering, masking and sorting.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("index ops agree with PyTorch") {
  Oracle oracle("index", {{"mean", "sum"},
                          {"count_nonzero", "sum"},
                          {"squeeze", "reshape"},
                          {"swapaxes", "transpose"},
                          {"moveaxis", "transpose"}});
  const auto check = [&](const char* name, auto f) {
    oracle.check(
        name, [f](auto... x) requires requires { f(x...); } { return square(f(x...)); });
  };
  const auto of = [&](const char* name) { return oracle.indices(name, "i0"); };
  check("take", [i = of("take")](auto x) { return take(x, i, 1); });
  check("take.first", [i = of("take.first")](auto x) { return take(x, i, -2); });
  check("take.last", [i = of("take.last")](auto x) { return take(x, i, -1); });
  check("take.flat", [i = of("take.flat")](auto x) { return take(x, i); });
  check("embedding", [i = of("embedding")](auto table) { return embedding(table, i); });
  check("index_add", [i = of("index_add")](auto x, auto s) { return index_add(x, 1, i, s); });
  check("masked_select", [](auto x, auto y) { return masked_select(x * y, x > 0); });
  check("masked_select.broadcast", [](auto x, auto m) { return masked_select(x, m > 0); });
  check("take_along_axis", [i = of("take_along_axis")](auto x) { return take_along_axis(x, i, -2); });
  check("take_along_axis.broadcast",
        [i = of("take_along_axis.broadcast")](auto m) { return take_along_axis(expand_dims(m, 0), i, 1); });
  check("gather", [i = of("gather")](auto x) { return gather(x, 1, i); });
  check("gather.last", [i = of("gather.last")](auto x) { return gather(x, -1, i); });
  check("scatter_add", [i = of("scatter_add")](auto x, auto s) { return scatter_add(x, 1, i, s); });
  check("scatter", [i = of("scatter")](auto x, auto s) { return scatter(x, 1, i, s); });
  check("scatter.scalar", [i = of("scatter.scalar")](auto x) { return scatter(x, 1, i, 0.25); });
  check("sort", [](auto x) { return sort(x, 1); });
  check("sort.descending", [](auto x) { return sort(x, -1, SortOrder::descending); });
  check("topk", [](auto x) { return topk(x, 3).values; });
  check("topk.smallest", [](auto x) { return topk(x, 2, 0, SortOrder::ascending).values; });
  oracle.check_exactly("one_hot", [&](auto& tape) { return one_hot(tape.indices(of("one_hot")), 5); });
  oracle.check_exactly("argsort", [&](auto& tape) { return argsort(tape.constant(oracle.array("argsort", "x0")), 1); });

  const auto lists = [&](const std::string& name) {
    return std::array{oracle.indices(name, "i0"), oracle.indices(name, "i1")};
  };
  check("index", [k = lists("index")](auto x) { return index(x, {k[0], k[1]}); });
  check("index.adjacent", [k = lists("index.adjacent")](auto x) { return index(x, {k[0], k[1]}, {1, 2}); });
  check("index.apart", [k = lists("index.apart")](auto x) { return index(x, {k[1], k[0]}, {-1, 0}); });
  check("index.broadcast", [k = lists("index.broadcast")](auto x) {
    return index(x, {Indices(xt::view(k[0], xt::all(), xt::newaxis())), Indices(xt::view(k[1], xt::range(0, 3)))});
  });
  check("index.three", [k = lists("index.three")](auto x) { return index(x, {k[0], k[1], k[0]}); });

  check("sum.of_scalar", [](auto s) { return sum(s, 0); });
  check("mean.of_scalar", [](auto s) { return mean(s, -1); });
  check("prod.of_scalar", [](auto s) { return prod(s, 0); });
  check("amax.of_scalar", [](auto s) { return amax(s, -1); });
  check("amin.of_scalar", [](auto s) { return amin(s, 0); });
  check("var.of_scalar", [](auto s) { return var(s, -1); });
  check("logsumexp.of_scalar", [](auto s) { return logsumexp(s, 0); });
  check("norm.of_scalar", [](auto s) { return norm(s, 3, -1); });
  check("cumsum.of_scalar", [](auto s) { return cumsum(s, 0); });
  check("cumprod.of_scalar", [](auto s) { return cumprod(s, -1); });
  check("logcumsumexp.of_scalar", [](auto s) { return logcumsumexp(s, 0); });
  check("softmax.of_scalar", [](auto s) { return softmax(s, -1); });
  check("log_softmax.of_scalar", [](auto s) { return log_softmax(s, 0); });
  check("sort.of_scalar", [](auto s) { return sort(s, -1); });
  check("topk.of_scalar", [](auto s) { return topk(s, 1, 0).values; });
  check("flip.of_scalar", [](auto s) { return flip(s, -1); });
  check("squeeze.of_scalar", [](auto s) { return squeeze(s, 0); });
  check("swapaxes.of_scalar", [](auto s) { return swapaxes(s, -1, 0); });
  check("moveaxis.of_scalar", [](auto s) { return moveaxis(s, 0, -1); });
  const Indices zero(0);
  check("gather.of_scalar", [zero](auto s) { return gather(s, -1, zero); });
  check("scatter.of_scalar", [zero](auto s) { return scatter(s, 0, zero, 0.25); });
  check("scatter_add.of_scalar", [zero](auto s) { return scatter_add(s, -1, zero, 0.25); });
  check("index_add.of_scalar", [](auto s) { return index_add(s, 0, {0}, 0.25); });
  oracle.check_exactly("argmax.of_scalar", [](auto& tape) { return argmax(tape.constant(0.75), -1); });
  oracle.check_exactly("argmin.of_scalar", [](auto& tape) { return argmin(tape.constant(0.75), 0); });
  oracle.check_exactly("argsort.of_scalar", [](auto& tape) { return argsort(tape.constant(0.75), -1); });
  oracle.check_exactly("count_nonzero.of_scalar", [](auto& tape) { return count_nonzero(tape.constant(0.75), 0); });

  const auto of_indices = [&](const std::string& name, auto f) {
    oracle.check_exactly(name, [&, f](auto& tape) { return f(tape.indices(oracle.indices(name, "i0"))); });
  };
  of_indices("slice_indices", [](auto k) { return slice(k, {xt::range(1, 3), 2}); });
  of_indices("slice_indices.backwards", [](auto k) {
    return slice(k, {Slice({}, {}, -2), xt::newaxis(), xt::range(1, 4, 2)});
  });
  of_indices("reshape_indices", [](auto k) { return reshape(k, {2, -1}); });
  of_indices("to_values", [](auto k) { return to_values(k); });
  oracle.check_exactly("to_indices",
                       [&](auto& tape) { return to_indices(tape.constant(oracle.array("to_indices", "x0"))); });
  oracle.check_all_were_checked();
}
