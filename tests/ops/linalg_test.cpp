// Linear algebra: edge cases and errors.
// tests/oracle/linalg_test.cpp compares values and gradients with PyTorch.
#include "testing.hpp"

#include <algorithm>
#include <limits>

using namespace wengert;
using namespace wengert::testing;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

template <class T>
Var<T> mT(Var<T> x) {
  return swapaxes(x, -1, -2);
}
Tensor<double> identity(std::size_t n) {
  Tensor<double> result = xt::zeros<double>({n, n});
  for (std::size_t i = 0; i < n; ++i) result(i, i) = 1;
  return result;
}
// Returns two matrices, the second of which is singular.
Tensor<double> second_singular() { return {{{2, 0}, {1, 1}}, {{1, 2}, {2, 4}}}; }

}  // namespace

TEST_CASE_TEMPLATE("factorisations multiply back, at sizes where LAPACK works in blocks", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 2e-4 : 1e-12;
  for (const std::size_t m : Sizes{1, 7, 150})
    for (const std::size_t n : Sizes{1, 7, 90}) {
      CAPTURE(m);
      CAPTURE(n);
      Tape<T> tape;
      const Tensor<T> A = random_tensor<T>({m, n}, 1);
      const auto a = tape.variable(A);
      const auto [q, r] = qr(a);
      CHECK(distance(matmul(q, r).value(), A) < tolerance);
      CHECK(distance(matmul(mT(q), q).value(), identity(std::min(m, n))) < tolerance);
      const auto [u, s, vh] = svd(a);
      CHECK(distance(matmul(u * reshape(s, {1, s.size()}), vh).value(), A) < tolerance);
      CHECK(distance(matmul(vh, mT(vh)).value(), identity(std::min(m, n))) < tolerance);
      CHECK(s.value()(0) >= s.value()(s.size() - 1));
      const auto gram = matmul(a, mT(a));
      const auto [w, v] = eigh(gram);
      CHECK(distance(matmul(v * reshape(w, {1, m}), mT(v)).value(), gram.value()) < 20 * tolerance);
      const auto definite = gram + Tensor<T>(xt::cast<T>(identity(m)));
      const auto factor = cholesky(definite);
      CHECK(distance(matmul(factor, mT(factor)).value(), definite.value()) < 20 * tolerance);
      CHECK(distance(matmul(inv(definite), definite).value(), identity(m)) < 20 * tolerance);
      const auto [sign, log_abs] = slogdet(definite);
      CHECK(sign.item() == 1);
      CHECK(log_abs.item() ==
            doctest::Approx(2 * sum(log(sum(factor * Tensor<T>(xt::cast<T>(identity(m))), -1))).item()).epsilon(1e-4));
    }
}

TEST_CASE("operands of any strides, repeated matrices and vectors") {
  Tape<double> tape;
  const Tensor<double> A = random_tensor({3, 3}, 1) + 3 * identity(3);
  const auto a = tape.variable(A), b = tape.variable(random_tensor({2, 3}, 2));
  const auto repeated = broadcast_to(a, {4, 3, 3});
  CHECK(distance(matmul(repeated, inv(repeated)).value(), xt::broadcast(identity(3), {4, 3, 3})) < 1e-14);
  CHECK(distance(matmul(mT(a), solve(mT(a), mT(b))).value(), mT(b).value()) < 1e-14);
  CHECK(distance(det(repeated).value(), Tensor<double>(det(a).item() * xt::ones<double>({4}))) < 1e-13);
  const auto x = solve(a, reshape(b, {2, 3, 1}));
  CHECK(x.shape() == Shape{2, 3, 1});
  CHECK(solve(tape.constant(random_tensor({2, 3, 3}, 3)), tape.constant(Tensor<double>{1, 2, 3})).shape() ==
        Shape{2, 3});
  const auto every_other = broadcast_to(reshape(tape.variable(Tensor<double>{2, 3}), {2, 1, 1}), {2, 2, 2});
  CHECK_ERROR(ValueError, "[inv] the matrix at (0,) is singular", inv(every_other));
  CHECK(
      distance(triangular_solve(broadcast_to(tape.constant(4.0), {2, 2}), tape.constant(Tensor<double>{8, 12})).value(),
               Tensor<double>{2, 1}) < 1e-15);
}

TEST_CASE("matrices without rows, stacks without matrices") {
  Tape<double> tape;
  const auto none = tape.variable(Tensor<double>::from_shape({2, 0, 0}));
  CHECK(det(none).value() == xt::ones<double>({2}));
  CHECK(slogdet(none).log_abs.value() == xt::zeros<double>({2}));
  CHECK(slogdet(none).sign.value() == xt::ones<double>({2}));
  CHECK(inv(none).shape() == Shape{2, 0, 0});
  CHECK(cholesky(none).shape() == Shape{2, 0, 0});
  CHECK(eigh(none).values.shape() == Shape{2, 0});
  CHECK(eigh(none).vectors.shape() == Shape{2, 0, 0});
  CHECK(solve(none, tape.constant(Tensor<double>::from_shape({0, 3}))).shape() == Shape{2, 0, 3});
  CHECK(grad(sum(det(none)), none)[0].shape() == Shape{2, 0, 0});
  CHECK(grad(sum(inv(none)), none)[0].shape() == Shape{2, 0, 0});
  CHECK(grad(sum(eigh(none).vectors), none)[0].shape() == Shape{2, 0, 0});
  for (const Shape& shape : {Shape{0, 3}, Shape{3, 0}, Shape{0, 2, 2}, Shape{2, 0, 3}}) {
    CAPTURE(to_string(shape));
    const auto x = tape.variable(Tensor<double>::from_shape(xt::dynamic_shape<std::size_t>(shape)));
    const auto [q, r] = qr(x);
    const auto [u, s, vh] = svd(x);
    CHECK(matmul(q, r).shape() == shape);
    Shape across = s.shape();
    across[across.rank() - 1] = 1;
    across.push_back(s.shape().back());
    CHECK(matmul(u * reshape(s, across), vh).shape() == shape);
    CHECK(grad(sum(matmul(q, r)) + sum(s) + sum(u), x)[0].shape() == shape);
  }
}

TEST_CASE("the determinant of a singular matrix has the right gradient") {
  Tape<double> tape;
  for (const Tensor<double>& A :
       {Tensor<double>{{1, 2}, {2, 4}}, Tensor<double>{{0, 0}, {0, 0}}, Tensor<double>{{0, 3}, {0, 5}}}) {
    const auto a = tape.variable(A);
    CHECK(det(a).item() == doctest::Approx(0));
    const auto da = grad(det(a), a)[0];
    CHECK(distance(da.value(), Tensor<double>{{A(1, 1), -A(1, 0)}, {-A(0, 1), A(0, 0)}}) < 1e-14);
    CHECK(distance(grad(sum(da * Tensor<double>{{1, 2}, {3, 4}}), a)[0].value(), Tensor<double>{{4, -3}, {-2, 1}}) <
          1e-14);
  }
  const auto nearly = tape.variable(Tensor<double>{{1, 2}, {2, 4 + 1e-9}});
  CHECK(distance(grad(det(nearly), nearly)[0].value(), Tensor<double>{{4 + 1e-9, -2}, {-2, 1}}) < 1e-14);
  const auto zero = tape.variable(Tensor<double>{{1, 2}, {2, 4}});
  const auto dda = grad(sum(square(grad(det(zero), zero)[0])), zero)[0];
  CHECK(contains(message_of<ValueError>([&] { grad(sum(dda), zero); }), "[inv] the matrix is singular"));
  const auto [sign, log_abs] = slogdet(zero);
  CHECK(sign.item() == 0);
  CHECK(log_abs.item() == -infinity);
  CHECK_ERROR(ValueError, "[inv] the matrix is singular: pivot 2 of 2 is zero",
              [&] { (void)grad(slogdet(zero).log_abs, zero); }());
  const auto large = tape.constant(Tensor<double>(identity(50) * -1e30));
  CHECK(slogdet(large).sign.item() == 1);
  CHECK(slogdet(large).log_abs.item() == doctest::Approx(50 * std::log(1e30)).epsilon(1e-14));
}

TEST_CASE("a NaN passes through elimination") {
  Tape<double> tape;
  const auto a = tape.variable(Tensor<double>{{1, missing}, {0, 1}});
  CHECK(std::isnan(det(a).item()));
  CHECK(std::isnan(slogdet(a).sign.item()));
  CHECK(std::isnan(inv(a).value()(0, 1)));
  CHECK(std::isnan(solve(a, tape.constant(Tensor<double>{1, 1})).value()(0)));
  CHECK(std::isnan(grad(det(a), a)[0].value()(0, 0)));
}

TEST_CASE("only one triangle is read") {
  Tape<double> tape;
  const auto lower = tape.variable(Tensor<double>{{4, missing}, {2, 5}}),
             whole = tape.variable(Tensor<double>{{4, 2}, {2, 5}});
  CHECK(cholesky(lower).value() == Tensor<double>{{2, 0}, {1, 2}});
  CHECK(eigh(lower).values.value() == eigh(whole).values.value());
  CHECK(grad(sum(cholesky(lower)), lower)[0].value() == grad(sum(cholesky(whole)), whole)[0].value());
  const auto b = tape.variable(Tensor<double>{4, 7});
  const auto x = triangular_solve(lower, b);
  CHECK(x.value() == Tensor<double>{1, 1});
  CHECK(grad(sum(x), lower)[0].value()(0, 1) == 0);
  const auto upper = triangular_solve(tape.constant(Tensor<double>{{missing, 3}, {missing, missing}}), b,
                                      Triangle::upper, UnitDiagonal::yes);
  CHECK(upper.value() == Tensor<double>{4 - 21, 7});
}

TEST_CASE("eigenvalues and singular values that repeat have a gradient, their vectors have none") {
  Tape<double> tape;
  const auto a = tape.variable(identity(3));
  CHECK(distance(grad(sum(eigh(a).values), a)[0].value(), identity(3)) < 1e-15);
  CHECK(distance(grad(sum(svd(a).s), a)[0].value(), identity(3)) < 1e-15);
  const Tensor<double> c = random_tensor({3, 3}, 1);
  CHECK(!std::isfinite(xt::sum(grad(sum(eigh(a).vectors * c), a)[0].value())()));
  const auto thin = tape.variable(Tensor<double>{{3, 0}, {0, 0}, {4, 0}});  // singular values 5 and 0
  const auto of_largest = grad(sum(svd(thin).s * Tensor<double>{1, 0}), thin)[0].value();
  CHECK(distance(of_largest, Tensor<double>{{0.6, 0}, {0, 0}, {0.8, 0}}) < 1e-15);
}

TEST_CASE("matrices without an answer are named by their place") {
  Tape<double> tape;
  const auto a = tape.variable(second_singular()), b = tape.variable(random_tensor({2, 1}, 1));
  const auto deep = reshape(a, {2, 1, 2, 2});
  const auto before = tape.size();
  CHECK_ERROR(ValueError, "[inv] the matrix at (1,) is singular: pivot 2 of 2 is zero", inv(a));
  CHECK_ERROR(ValueError, "[inv] the matrix at (1, 0) is singular", inv(deep));
  CHECK_ERROR(ValueError, "[solve] the matrix at (1,) is singular: pivot 2 of 2 is zero", solve(a, b));
  CHECK_ERROR(ValueError, "[cholesky] the matrix at (1,) is not positive definite: its leading minor of order 2 is not",
              cholesky(a));
  CHECK_ERROR(ValueError, "[cholesky] the matrix is not positive definite: its leading minor of order 1", [&] {
    const auto mark = tape.mark();
    const auto n = tape.constant(Tensor<double>(-identity(1)));
    try {
      return cholesky(n);
    } catch (...) {
      tape.rewind(mark);
      throw;
    }
  }());
  CHECK(tape.size() == before);
  CHECK_ERROR(ValueError, "[triangular_solve] the matrix is singular: pivot 1 of 2 is zero",
              triangular_solve(tape.constant(Tensor<double>{{0, 1}, {1, 1}}), b));
  const auto spoilt = tape.constant(Tensor<double>{{1, 0}, {infinity, 1}});
  CHECK_ERROR(ValueError, "[eigh] the matrix contains inf: all elements must be finite", eigh(spoilt));
  CHECK_ERROR(ValueError, "[svd] the matrix contains inf: all elements must be finite", svd(spoilt));
  const auto dependent = tape.variable(Tensor<double>{{1, 0}, {0, 0}});
  CHECK_ERROR(ValueError, "[triangular_solve] the matrix is singular",
              [&] { (void)grad(sum(qr(dependent).q), dependent); }());
}

TEST_CASE("shapes that do not fit say what is needed") {
  Tape<double> tape;
  const auto wide = tape.variable(random_tensor({2, 3}, 1)), vector = tape.variable(random_tensor({3}, 2)),
             square = tape.variable(random_tensor({3, 3}, 3)), stack = tape.variable(random_tensor({4, 3, 3}, 4));
  for (const auto& [name, f] : std::initializer_list<std::pair<const char*, Var<double> (*)(Var<double>)>>{
           {"inv", [](Var<double> x) { return inv(x); }},
           {"det", [](Var<double> x) { return det(x); }},
           {"slogdet", [](Var<double> x) { return slogdet(x).sign; }},
           {"cholesky", [](Var<double> x) { return cholesky(x); }},
           {"eigh", [](Var<double> x) { return eigh(x).values; }}}) {
    const auto told = [&](Var<double> x) { return message_of<ShapeError>([&] { f(x); }); };
    CHECK(contains(told(wide),
                   fmt::format("[{}] shape (2, 3): the matrix must be square, but has 2 rows and 3 columns", name)));
    CHECK(
        contains(told(vector),
                 fmt::format("[{}] shape (3,): expected a matrix, or a stack of matrices in the last two axes", name)));
    CHECK(contains(message_of<HandleError>([&] { f(Var<double>()); }),
                   fmt::format("[{}] operand 1 is an empty handle", name)));
  }
  CHECK_ERROR(ShapeError, "[qr] shape (3,): expected a matrix", qr(vector));
  CHECK_ERROR(ShapeError, "[svd] shape (3,): expected a matrix", svd(vector));
  CHECK_ERROR(ShapeError, "[solve] shape (2, 3): the matrix must be square", solve(wide, vector));
  CHECK_ERROR(ShapeError,
              "[solve] shapes (3, 3) and (2, 3): the matrix has 3 rows, the right-hand side 2; a right-hand side has "
              "the shape (…, n, k)",
              solve(square, wide));
  CHECK_ERROR(ShapeError, "[solve] shapes (4, 3, 3) and (2, 3, 1): the leading axes (4,) and (2,) do not broadcast",
              solve(stack, reshape(wide, {2, 3, 1})));
  CHECK_ERROR(ShapeError, "[triangular_solve] shapes (3, 3) and (2, 1): the matrix has 3 rows, the right-hand side 2",
              triangular_solve(square, tape.constant(Tensor<double>{1, 2})));
  CHECK_ERROR(ShapeError, "[solve] shape (): expected a matrix", solve(square, tape.constant(1.0)));
  CHECK_ERROR(HandleError, "[solve] operand 2 is an empty handle", solve(square, Var<double>()));
  CHECK_ERROR(HandleError, "[solve] operand 1 is an empty handle", solve(Var<double>(), square));
  CHECK_ERROR(HandleError, "[qr] operand 1 is an empty handle", qr(Var<double>()));
  CHECK_ERROR(HandleError, "[svd] operand 1 is an empty handle", svd(Var<double>()));
}

TEST_CASE("the functions are in the registry with examples and a notation") {
  for (const char* name : {"matmul", "dot", "outer", "tensordot", "einsum", "solve", "inv", "triangular_solve", "det",
                           "slogdet", "cholesky", "qr", "eigh", "svd"}) {
    CAPTURE(std::string(name));
    const auto row =
        std::find_if(op_registry().begin(), op_registry().end(), [&](const OpRow& r) { return r.name == name; });
    REQUIRE(row != op_registry().end());
    CHECK(!row->notation.empty());
    CHECK(row->examples().size() >= 2);
  }
}
