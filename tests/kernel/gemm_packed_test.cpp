// Products with packed matrices against plain loops, for every remainder of rows, columns and terms.
#include "kernel/gemm_packed.hpp"

#include "testing.hpp"

#include <algorithm>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Returns the largest error of an element of x·W, relative to the sum of the sizes of its terms; infinity if the
// product writes beyond its result.
template <class T>
double packed_error(std::size_t m, std::size_t n, std::size_t k, std::size_t stride, bool transposed) {
  const Tensor<T> x = random_tensor<T>({m, stride}, 1);
  const Tensor<T> w = transposed ? random_tensor<T>({n, k}, 2) : random_tensor<T>({k, n}, 2);
  std::vector<T> packed(kernel::packed_size<T>(k, n), T(5)), y(m * n + 64, T(-77));
  kernel::pack<T>(k, n, {w.data(), transposed ? k : n, transposed}, packed.data());
  kernel::gemm_packed<T>(m, n, k, x.data(), stride, packed.data(), y.data());
  double worst = 0;
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double sum = 0, size = 0;
      for (std::size_t p = 0; p < k; ++p) {
        const double term = static_cast<double>(x(i, p)) * static_cast<double>(transposed ? w(j, p) : w(p, j));
        sum += term;
        size += std::abs(term);
      }
      worst = larger_error(worst, std::abs(static_cast<double>(y[i * n + j]) - sum) / (size + 1e-30));
    }
  const bool intact =
      std::all_of(y.begin() + static_cast<std::ptrdiff_t>(m * n), y.end(), [](T e) { return e == -77; });
  return intact ? worst : infinity;
}

}  // namespace

TEST_CASE_TEMPLATE("products with packed matrices", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 4e-15;
  for (const std::size_t m : Sizes{1, 2, 3, 5, 6, 7, 8, 9, 15, 17, 33})
    for (const std::size_t n : Sizes{1, 4, 7, 8, 10, 16, 17, 31, 32, 33, 50, 64, 65})
      for (const std::size_t k : Sizes{1, 2, 3, 4, 5, 31, 256, 257, 515}) {
        CAPTURE(m);
        CAPTURE(n);
        CAPTURE(k);
        CHECK(packed_error<T>(m, n, k, k, (m + n) % 2 == 0) < tolerance);
      }
  CHECK(packed_error<T>(9, 40, 30, 37, true) < tolerance);  // rows with gaps
  CHECK(packed_error<T>(70, 33, 20, 20, true) < tolerance);
}

TEST_CASE("products with packed matrices on two threads") {
  const int before = num_threads();
  set_num_threads(2);
  CHECK(packed_error<float>(64, 700, 300, 300, true) < 2e-6);
  CHECK(packed_error<float>(900, 70, 300, 300, false) < 2e-6);
  CHECK(packed_error<float>(1, 2000, 300, 300, false) < 2e-6);
  set_num_threads(before);
}

TEST_CASE_TEMPLATE("packing pays for few rows, and for a vector by a matrix in the cache or a transposed one", T, float,
                   double) {
  const auto pays = [](std::size_t m, std::size_t n, std::size_t k, bool transposed) {
    return kernel::packing_pays<T>(m, n, k, {nullptr, transposed ? k : n, transposed});
  };
  const std::size_t cached = (std::size_t{1} << 20) / sizeof(T) / 256;  // rows of 256 columns in 1 MiB
  CHECK(pays(1, 256, cached, false));
  CHECK(!pays(1, 256, cached + 1, false));
  CHECK(pays(1, 256, cached + 1, true));
  CHECK(pays(2, 256, cached + 1, false));
  CHECK(pays(64, 256, 10, false));
  CHECK(!pays(65, 256, 10, false));
  CHECK(!pays(2, 32 / sizeof(T) - 1, 10, false));
  CHECK(!pays(0, 256, 10, false));
  CHECK(!pays(2, 256, 0, false));
}
