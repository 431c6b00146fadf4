// Inverses, determinants, linear systems and factorisations against PyTorch.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

Oracle& linalg_oracle() {
  static Oracle figures("linalg");
  return figures;
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
  linalg_oracle().check_each("inv", {"3", "1", "stack", "5"}, [](auto a) { return inv(a); });
  linalg_oracle().check("inv.transposed", [](auto a) { return inv(swapaxes(a, -1, -2)); });
  linalg_oracle().check_each("det", {"3", "1", "stack", "5", "rank2", "rank1"}, [](auto a) { return det(a); });
  linalg_oracle().check_each("slogdet", {"3", "1", "stack", "5"}, [](auto a) { return slogdet(a).log_abs; });
  linalg_oracle().check_each("solve", {"matrix", "vector", "stack", "one_matrix", "broadcast"},
                             [](auto a, auto b) { return solve(a, b); });
  linalg_oracle().check("solve.one_side", [](auto a, auto b) { return solve(a, b); });
  linalg_oracle().check_each("triangular_solve", {"lower", "one_matrix"},
                             [](auto a, auto b) { return triangular_solve(a, b); });
  linalg_oracle().check_each("triangular_solve", {"upper", "broadcast"},
                             [](auto a, auto b) { return triangular_solve(a, b, Triangle::upper); });
  linalg_oracle().check("triangular_solve.lower_unit",
                        [](auto a, auto b) { return triangular_solve(a, b, Triangle::lower, UnitDiagonal::yes); });
  linalg_oracle().check("triangular_solve.upper_unit",
                        [](auto a, auto b) { return triangular_solve(a, b, Triangle::upper, UnitDiagonal::yes); });
  linalg_oracle().check_each("cholesky", {"3", "1", "stack", "lower"}, [](auto a) { return cholesky(a); });
  linalg_oracle().check_each("eigh.values", {"3", "1", "stack"}, [](auto a) { return eigh(a).values; });
  linalg_oracle().check("eigh.lower", [](auto a) { return eigh(a).values; });
  linalg_oracle().check_each("eigh.vectors", {"3", "1", "stack"}, [](auto a) { return square(eigh(a).vectors); });
  linalg_oracle().check_each("eigh.both", {"3", "1", "stack"}, [](auto a) {
    const auto [w, v] = eigh(a);
    return matmul(v * row(sin(w)), swapaxes(v, -1, -2));
  });
  const auto shapes = {"square", "tall", "wide", "stack", "column", "row"};
  linalg_oracle().check_each("qr.q", shapes, [](auto a) { return qr(a).q; });
  linalg_oracle().check_each("qr.r", shapes, [](auto a) { return qr(a).r; });
  linalg_oracle().check_each("qr.both", shapes, [](auto a) {
    const auto [q, r] = qr(a);
    return matmul(q, tanh(r));
  });
  linalg_oracle().check_each("svd.values", shapes, [](auto a) { return svd(a).s; });
  linalg_oracle().check_each("svd.u", shapes, [](auto a) { return square(svd(a).u); });
  linalg_oracle().check_each("svd.vh", shapes, [](auto a) { return square(svd(a).vh); });
  linalg_oracle().check_each("svd.both", shapes, [](auto a) {
    const auto [u, s, vh] = svd(a);
    return matmul(u * row(exp(-s)), vh);
  });
  linalg_oracle().check_all_were_checked();
}
