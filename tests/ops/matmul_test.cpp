// Matrix products against plain loops: every size and layout, stacks, vectors, accumulation, and error hints.
#include "kernel/gemm.hpp"
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class A, class B>
Tensor<double> plain_product(const A& a, const B& b) {
  Tensor<double> c = xt::zeros<double>({a.shape()[0], b.shape()[1]});
  for (std::size_t i = 0; i < c.shape()[0]; ++i)
    for (std::size_t j = 0; j < c.shape()[1]; ++j)
      for (std::size_t k = 0; k < a.shape()[1]; ++k)
        c(i, j) += static_cast<double>(a(i, k)) * static_cast<double>(b(k, j));
  return c;
}

}  // namespace

TEST_CASE_TEMPLATE("matrix products of every size, each operand plain and transposed", T, float, double) {
  for (const std::size_t m : Sizes{1, 2, 7, 33})
    for (const std::size_t n : Sizes{1, 3, 17, 130})
      for (const std::size_t k : Sizes{0, 1, 5, 16, 129}) {
        Tape<T> tape;
        const auto a = random_tensor<T>({m, k}, 1), b = random_tensor<T>({k, n}, 2);
        const auto av = tape.variable(a), bv = tape.variable(b);
        const auto at = transpose(tape.constant(xt::transpose(a))), bt = transpose(tape.constant(xt::transpose(b)));
        const auto expected = plain_product(a, b);
        const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-13;
        CAPTURE(m);
        CAPTURE(n);
        CAPTURE(k);
        CHECK(distance(matmul(av, bv).value(), expected) < tolerance);
        CHECK(distance(matmul(at, bv).value(), expected) < tolerance);
        CHECK(distance(matmul(av, bt).value(), expected) < tolerance);
        CHECK(distance(matmul(at, bt).value(), expected) < tolerance);
      }
}

TEST_CASE("vectors stand for a row on the left and a column on the right") {
  Tape<double> tape;
  const auto a = random_tensor({3, 4}, 1), row = random_tensor({3}, 2), column = random_tensor({4}, 3);
  const auto av = tape.variable(a), rv = tape.variable(row), cv = tape.variable(column);
  const Tensor<double> as_row = xt::view(row, xt::newaxis(), xt::all()),
                       as_column = xt::view(column, xt::all(), xt::newaxis());
  CHECK(distance(matmul(rv, av).value(), xt::view(plain_product(as_row, a), 0)) < 1e-14);
  CHECK(distance(matmul(av, cv).value(), xt::view(plain_product(a, as_column), xt::all(), 0)) < 1e-14);
  CHECK(matmul(cv, cv).shape() == Shape{});
  CHECK(matmul(cv, cv).item() == doctest::Approx(xt::sum(column * column)()).epsilon(1e-14));
  CHECK(gradcheck([](auto x, auto y) { return matmul(x, y); }, row, a).ok());
  CHECK(gradcheck([](auto x, auto y) { return matmul(x, y); }, column, column).ok());
}

namespace {

// Returns the product of stacks, entry by entry. The leading axes of `a` and `b` have the extent of the result or 1.
Tensor<double> plain_stack(const Tensor<double>& a, const Tensor<double>& b) {
  const std::size_t count = std::max(a.shape()[0], b.shape()[0]);
  Tensor<double> c = xt::zeros<double>({count, a.shape()[1], b.shape()[2]});
  for (std::size_t e = 0; e < count; ++e)
    xt::view(c, e) = plain_product(Tensor<double>(xt::view(a, a.shape()[0] == 1 ? 0 : e)),
                                   Tensor<double>(xt::view(b, b.shape()[0] == 1 ? 0 : e)));
  return c;
}

}  // namespace

TEST_CASE_TEMPLATE("stacks of every size, plain, transposed and broadcast", T, float, double) {
  for (const std::size_t m : Sizes{1, 2, 5, 9})
    for (const std::size_t n : Sizes{1, 3, 8, 21, 40})
      for (const std::size_t k : Sizes{0, 1, 4, 17, 33})
        for (const std::size_t one : Sizes{0, 1, 2}) {  // which operand is repeated
          Tape<T> tape;
          const Shape of_a{one == 1 ? std::size_t{1} : 3, m, k}, of_b{one == 2 ? std::size_t{1} : 3, k, n};
          const auto a = random_tensor<T>(of_a, 1), b = random_tensor<T>(of_b, 2);
          const auto av = tape.variable(a), bv = tape.variable(b);
          const auto at = swapaxes(contiguous(swapaxes(av, 1, 2)), 1, 2),
                     bt = swapaxes(contiguous(swapaxes(bv, 1, 2)), 1, 2);
          const auto expected = plain_stack(xt::cast<double>(a), xt::cast<double>(b));
          const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-13;
          CAPTURE(m);
          CAPTURE(n);
          CAPTURE(k);
          CAPTURE(one);
          CHECK(distance(matmul(av, bv).value(), expected) < tolerance);
          CHECK(distance(matmul(at, bv).value(), expected) < tolerance);
          CHECK(distance(matmul(av, bt).value(), expected) < tolerance);
          CHECK(distance(matmul(at, bt).value(), expected) < tolerance);
        }
}

TEST_CASE("leading axes in any order, missing, repeated and empty; eight axes") {
  Tape<double> tape;
  const auto a = random_tensor({3, 2, 4, 5}, 1), b = random_tensor({2, 3, 5, 2}, 2);
  const auto av = tape.variable(a), bv = tape.variable(b);
  const auto c = matmul(transpose(av, {1, 0, 2, 3}), bv).value();
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      CHECK(distance(xt::view(c, i, j),
                     plain_product(Tensor<double>(xt::view(a, j, i)), Tensor<double>(xt::view(b, i, j)))) < 1e-14);
  const auto wide = matmul(reshape(av, {3, 2, 1, 1, 1, 1, 4, 5}), reshape(bv, {1, 2, 3, 1, 1, 1, 5, 2}));
  CHECK(wide.shape() == Shape{3, 2, 3, 1, 1, 1, 4, 2});
  CHECK(distance(xt::view(wide.value(), 2, 1, 0, 0, 0, 0),
                 plain_product(Tensor<double>(xt::view(a, 2, 1)), Tensor<double>(xt::view(b, 1, 0)))) < 1e-14);
  const auto none = tape.variable(random_tensor({0, 1, 4, 5}, 3));
  CHECK(matmul(none, tape.constant(random_tensor({3, 5, 2}, 4))).shape() == Shape{0, 3, 4, 2});
  CHECK(grad(sum(matmul(none, reshape(bv, {6, 5, 2}))), bv)[0].value() == xt::zeros<double>({2, 3, 5, 2}));
  const auto hollow = broadcast_to(tape.constant(random_tensor({1, 0}, 5)), {3, 0});
  CHECK(matmul(hollow, tape.constant(random_tensor({0, 2}, 6))).value() == xt::zeros<double>({3, 2}));
  CHECK(matmul(reshape(hollow, {3, 1, 0}), tape.constant(random_tensor({3, 0, 2}, 6))).value() ==
        xt::zeros<double>({3, 1, 2}));
}

TEST_CASE("vectors beside stacks lose their axis") {
  Tape<double> tape;
  const auto a = random_tensor({2, 3, 4}, 1), left = random_tensor({3}, 2), right = random_tensor({4}, 3);
  const auto av = tape.variable(a), lv = tape.variable(left), rv = tape.variable(right);
  const auto rows = matmul(lv, av).value(), columns = matmul(av, rv).value();
  CHECK(Shape(rows.shape()) == Shape{2, 4});
  CHECK(Shape(columns.shape()) == Shape{2, 3});
  for (std::size_t e = 0; e < 2; ++e) {
    const Tensor<double> entry = xt::view(a, e);
    CHECK(distance(xt::view(rows, e), xt::sum(xt::view(left, xt::all(), xt::newaxis()) * entry, {0})) < 1e-14);
    CHECK(distance(xt::view(columns, e), xt::sum(entry * right, {1})) < 1e-14);
  }
  CHECK(gradcheck([](auto x, auto y) { return matmul(x, y); }, left, a).ok());
  CHECK(gradcheck([](auto x, auto y) { return matmul(x, y); }, a, right).ok());
  CHECK(gradcheck([](auto x, auto y) { return matmul(x, y); }, a, random_tensor({4, 2}, 4)).ok());
  CHECK(gradcheck([](auto x, auto y) { return matmul(x, y); }, a, random_tensor({1, 1, 4, 2}, 4)).ok());
}

TEST_CASE("a stack times one matrix is one product, in its gradient too") {
  Tape<double> tape;
  const auto a = tape.variable(random_tensor({6, 3, 4}, 1)), b = tape.variable(random_tensor({4, 2}, 2));
  const auto loss = sum(matmul(a, b));
  const auto before = tape.size();
  grad(loss, b);
  for (std::size_t i = before; i < tape.size(); ++i)
    CHECK(tape.node(i).layout->size <= 72);  // no product per entry of the batch
}

TEST_CASE("operands that repeat elements are copied first") {
  Tape<double> tape;
  const auto row = random_tensor({1, 4}, 1), b = random_tensor({4, 2}, 2);
  const auto repeated = broadcast_to(tape.variable(row), {3, 4});
  CHECK(distance(matmul(repeated, tape.variable(b)).value(), plain_product(xt::eval(xt::broadcast(row, {3, 4})), b)) <
        1e-14);
}

TEST_CASE("products that do not fit say which sizes differ and what may be meant") {
  Tape<double> tape;
  const auto a = tape.variable(random_tensor({64, 4}, 1)), b = tape.variable(random_tensor({5, 16}, 2));
  CHECK_ERROR(ShapeError, "[matmul] shapes (64, 4) and (5, 16): inner sizes 4 and 5 differ", matmul(a, b));
  CHECK_ERROR(ShapeError, "did you mean transpose(b)?", matmul(a, a));
  CHECK_ERROR(ShapeError, "did you mean transpose(a)?", matmul(a, tape.variable(random_tensor({64, 3}, 3))));
  CHECK_ERROR(ShapeError, "did you swap the operands?", matmul(a, tape.variable(random_tensor({3, 64}, 3))));
  CHECK_ERROR(ShapeError, "both operands must be matrices or vectors", matmul(a, tape.constant(2.0)));
  const auto stack = tape.variable(random_tensor({2, 3, 4}, 4)), other = tape.variable(random_tensor({3, 4, 5}, 5));
  CHECK_ERROR(ShapeError, "[matmul] shapes (2, 3, 4) and (3, 4, 5): the leading axes (2,) and (3,) do not broadcast",
              matmul(stack, other));
  CHECK_ERROR(ShapeError, "inner sizes 4 and 3 differ; did you mean swapaxes(b, -2, -1)?", matmul(stack, stack));
  CHECK_ERROR(ShapeError, "inner sizes 4 and 64 differ", matmul(stack, a));
  CHECK_ERROR(ShapeError, "inner sizes 3 and 4 differ", matmul(tape.constant(Tensor<double>{1, 2, 3}), other));
  CHECK_ERROR(HandleError, "empty handle", matmul(Var<double>(), a));
  CHECK_ERROR(ShapeError, "inner sizes 4 and 3 differ",
              matmul(tape.constant(Tensor<double>{1, 2, 3, 4}), tape.constant(Tensor<double>{1, 2, 3})));
}

TEST_CASE(
    "a result does not depend on the number of threads in use by more than rounding, and not at all from run to run") {
  const auto a = random_tensor<float>({300, 200}, 1), b = random_tensor<float>({200, 150}, 2);
  const auto product = [&](int threads) {
    set_num_threads(threads);
    Tape<float> tape;
    return matmul(tape.variable(a), tape.variable(b)).value();
  };
  const int before = num_threads();
  const auto one = product(1), two = product(2);
  CHECK(product(1) == one);
  CHECK(product(2) == two);
  CHECK(distance(one, two) < 1e-4);
  set_num_threads(before);
  CHECK(
      contains(message_of<ValueError>([] { set_num_threads(0); }), "[set_num_threads] 0 threads: expected at least 1"));
  CHECK(contains(message_of<ValueError>([] { set_num_threads(1 << 30); }), "[set_num_threads] 1073741824 threads: "));
  CHECK(num_threads() == before);
}

TEST_CASE_TEMPLATE("a product that joins what its target holds, on every path", T, float, double) {
  struct Factors {
    T alpha, beta;
  };
  for (const std::size_t m : Sizes{1, 2, 7, 33, 70})
    for (const std::size_t n : Sizes{1, 3, 12, 33, 64, 70})
      for (const std::size_t k : Sizes{0, 1, 5, 31, 64, 70})
        for (const bool transposed_a : {false, true})
          for (const bool transposed_b : {false, true})
            for (const auto [alpha, beta] : {Factors{1, 0}, Factors{T(-0.5), 1}, Factors{2, T(0.25)}}) {
              const auto a = random_tensor<T>({m, k}, 1), b = random_tensor<T>({k, n}, 2);
              auto c = random_tensor<T>({m, n}, 3);
              const Tensor<double> product = plain_product(a, b), before = xt::cast<double>(c);
              const Tensor<double> expected = static_cast<double>(alpha) * product + static_cast<double>(beta) * before;
              if (beta == 0) c.fill(std::numeric_limits<T>::quiet_NaN());  // must not be read
              const Tensor<T> left = transposed_a ? Tensor<T>(xt::transpose(a)) : a,
                              right = transposed_b ? Tensor<T>(xt::transpose(b)) : b;
              kernel::gemm<T>(m, n, k, {left.data(), left.shape()[1], transposed_a},
                              {right.data(), right.shape()[1], transposed_b}, c.data(), alpha, beta);
              CAPTURE(m);
              CAPTURE(n);
              CAPTURE(k);
              CAPTURE(alpha);
              CHECK(distance(c, expected) < (sizeof(T) == 4 ? 4e-5 : 2e-13));
            }
}

TEST_CASE_TEMPLATE("a row times a matrix of thousands of columns", T, float, double) {
  for (const std::size_t n : Sizes{2048, 2051, 4500})
    for (const std::size_t k : Sizes{3, 10}) {
      const auto a = random_tensor<T>({1, k}, 1), b = random_tensor<T>({k, n}, 2);
      auto c = random_tensor<T>({1, n}, 3);
      const Tensor<double> expected = 2 * plain_product(a, b) - 0.5 * xt::cast<double>(c);
      kernel::gemm<T>(1, n, k, {a.data(), k, false}, {b.data(), n, false}, c.data(), T(2), T(-0.5));
      CHECK(distance(c, expected) < (sizeof(T) == 4 ? 1e-5 : 1e-13));
    }
}
