#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

Oracle& oracle() {
  static Oracle figures("linalg");
  return figures;
}
template <class F>
void check(const std::string& family, std::initializer_list<const char*> labels, const F& f) {
  for (const char* label : labels) oracle().check(fmt::format("{}.{}", family, label), f);
}
template <class T>
Var<T> row(Var<T> x) {
  Shape shape = x.shape();
  const std::size_t n = shape.back();
  shape[shape.rank() - 1] = 1;
  shape.push_back(n);
  return reshape(x, shape);
}

}  // namespace

TEST_CASE("equations and factorisations agree with PyTorch") {
  check("inv", {"3", "1", "stack", "5"}, [](auto a) { return inv(a); });
  oracle().check("inv.transposed", [](auto a) { return inv(swapaxes(a, -1, -2)); });
  check("det", {"3", "1", "stack", "5", "rank2", "rank1"}, [](auto a) { return det(a); });
  check("slogdet", {"3", "1", "stack", "5"}, [](auto a) { return slogdet(a).log_abs; });
  check("solve", {"matrix", "vector", "stack", "one_matrix", "broadcast"}, [](auto a, auto b) { return solve(a, b); });
  oracle().check("solve.one_side", [](auto a, auto b) { return solve(a, b); });
  check("triangular_solve", {"lower", "one_matrix"}, [](auto a, auto b) { return triangular_solve(a, b); });
  check("triangular_solve", {"upper", "broadcast"},
        [](auto a, auto b) { return triangular_solve(a, b, Triangle::upper); });
  oracle().check("triangular_solve.lower_unit",
                 [](auto a, auto b) { return triangular_solve(a, b, Triangle::lower, UnitDiagonal::yes); });
  oracle().check("triangular_solve.upper_unit",
                 [](auto a, auto b) { return triangular_solve(a, b, Triangle::upper, UnitDiagonal::yes); });
  check("cholesky", {"3", "1", "stack", "lower"}, [](auto a) { return cholesky(a); });
  check("eigh.values", {"3", "1", "stack"}, [](auto a) { return eigh(a).values; });
  oracle().check("eigh.lower", [](auto a) { return eigh(a).values; });
  check("eigh.vectors", {"3", "1", "stack"}, [](auto a) { return square(eigh(a).vectors); });
  check("eigh.both", {"3", "1", "stack"}, [](auto a) {
    const auto [w, v] = eigh(a);
    return matmul(v * row(sin(w)), swapaxes(v, -1, -2));
  });
  const auto shapes = {"square", "tall", "wide", "stack", "column", "row"};
  check("qr.q", shapes, [](auto a) { return qr(a).q; });
  check("qr.r", shapes, [](auto a) { return qr(a).r; });
  check("qr.both", shapes, [](auto a) {
    const auto [q, r] = qr(a);
    return matmul(q, tanh(r));
  });
  check("svd.values", shapes, [](auto a) { return svd(a).s; });
  check("svd.u", shapes, [](auto a) { return square(svd(a).u); });
  check("svd.vh", shapes, [](auto a) { return square(svd(a).vh); });
  check("svd.both", shapes, [](auto a) {
    const auto [u, s, vh] = svd(a);
    return matmul(u * row(exp(-s)), vh);
  });
  oracle().check_all_were_checked();
}
