// Index ops against PyTorch: taking, gathering, scattering, masking and sorting.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("index ops agree with PyTorch") {
  Oracle oracle("index");
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
  oracle.check_all_were_checked();
}
