// Kernels over rows and columns of every length against plain loops in double, and the memory after their results.
#include "kernel/fold.hpp"
#include "kernel/normalise.hpp"
#include "kernel/softmax.hpp"
#include "testing.hpp"

#include <algorithm>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class T>
std::vector<T> random_numbers(std::size_t count, unsigned seed) {
  const auto tensor = random_tensor<T>({count}, seed);
  return {tensor.begin(), tensor.end()};
}

// A result buffer followed by marker values that must not change.
template <class T>
struct Guarded {
  std::size_t size;
  std::vector<T> memory;

  explicit Guarded(std::size_t count) : size(count), memory(count + 64, T(-77)) {}
  T* data() { return memory.data(); }
  bool intact() const {
    return std::all_of(memory.begin() + static_cast<std::ptrdiff_t>(size), memory.end(), [](T x) { return x == -77; });
  }
  // Returns the largest distance from `exact(i)`, relative to `scale`.
  template <class Exact>
  double worst(const Exact& exact, double scale = 1) const {
    double result = 0;
    for (std::size_t i = 0; i < size; ++i)
      result = larger_error(result, std::abs(static_cast<double>(memory[i]) - exact(i)) / scale);
    return result;
  }
};

template <class T>
constexpr double tolerance = sizeof(T) == 4 ? 2e-6 : 4e-15;

const std::size_t lengths[] = {1, 2, 3, 7, 10, 15, 16, 17, 31, 32, 33, 64, 65, 100, 130};

}  // namespace

TEST_CASE_TEMPLATE("folds of every shape", T, float, double) {
  for (const std::size_t outer : Sizes{1, 3, 9})
    for (const std::size_t count : Sizes{1, 2, 5, 16, 33, 200, 2100})
      for (const std::size_t inner : lengths) {
        const auto x = random_numbers<T>(outer * count * inner, 1);
        const auto at = [&](std::size_t i, std::size_t k) {
          return static_cast<double>(x[(i / inner * count + k) * inner + i % inner]);
        };
        CAPTURE(outer);
        CAPTURE(count);
        CAPTURE(inner);
        Guarded<T> sums(outer * inner), maxima(outer * inner);
        kernel::fold_axis<kernel::Fold::sum>(x.data(), sums.data(), outer, count, inner);
        kernel::fold_axis<kernel::Fold::maximum>(x.data(), maxima.data(), outer, count, inner);
        CHECK(sums.worst(
                  [&](std::size_t i) {
                    long double sum = 0;
                    for (std::size_t k = 0; k < count; ++k) sum += at(i, k);
                    return static_cast<double>(sum);
                  },
                  std::sqrt(static_cast<double>(count))) < tolerance<T>);
        CHECK(maxima.worst([&](std::size_t i) {
          double top = at(i, 0);
          for (std::size_t k = 1; k < count; ++k) top = std::max(top, at(i, k));
          return top;
        }) == 0);
        CHECK(sums.intact());
        CHECK(maxima.intact());
      }
}

TEST_CASE_TEMPLATE("a NaN anywhere in a fold of maxima is its result", T, float, double) {
  for (const std::size_t count : Sizes{3, 20, 70})
    for (const std::size_t inner : Sizes{1, 3, 16, 70})
      for (std::size_t at = 0; at < count; ++at) {
        auto x = random_numbers<T>(count * inner, 1);
        x[at * inner + inner / 2] = std::numeric_limits<T>::quiet_NaN();
        std::vector<T> y(inner);
        kernel::fold_axis<kernel::Fold::maximum>(x.data(), y.data(), 1, count, inner);
        CHECK(std::isnan(y[inner / 2]));
        CHECK((inner == 1 || !std::isnan(y[0])));
      }
}

TEST_CASE_TEMPLATE("long sums keep their digits", T, float, double) {
  const std::size_t count = 3'000'000;
  const auto x = random_numbers<T>(count, 1);
  double exact = 0, total = 0;
  for (const T e : x) exact += static_cast<double>(e), total += std::abs(static_cast<double>(e));
  T sum = 0;
  kernel::fold_axis<kernel::Fold::sum>(x.data(), &sum, 1, count, 1);
  CHECK(std::abs(static_cast<double>(sum) - exact) < total * (sizeof(T) == 4 ? 1e-8 : 1e-15));
}

TEST_CASE_TEMPLATE("softmax and cross entropy of rows of every length", T, float, double) {
  for (const std::size_t rows : Sizes{1, 2, 5, 17, 70})
    for (const std::size_t count : lengths) {
      const std::size_t size = rows * count;
      auto z = random_numbers<T>(size, 1), y = random_numbers<T>(size, 2), scale = random_numbers<T>(rows, 3);
      for (T& e : z) e *= 10;
      std::vector<double> log_sum(rows), weight(rows);
      double loss = 0;
      for (std::size_t r = 0; r < rows; ++r) {
        double sum = 0;
        for (std::size_t k = 0; k < count; ++k) {
          sum += std::exp(static_cast<double>(z[r * count + k]));
          weight[r] += static_cast<double>(y[r * count + k]);
        }
        log_sum[r] = std::log(sum);
        for (std::size_t k = r * count; k < (r + 1) * count; ++k)
          loss += static_cast<double>(y[k]) * (log_sum[r] - static_cast<double>(z[k]));
      }
      const auto log_p = [&](std::size_t i) { return static_cast<double>(z[i]) - log_sum[i / count]; };
      CAPTURE(rows);
      CAPTURE(count);
      Guarded<T> p(size), a(size), sums(rows), gradient(size), scaled(size);
      kernel::softmax_rows(z.data(), p.data(), rows, count);
      kernel::log_softmax_rows(z.data(), a.data(), rows, count);
      kernel::log_sum_exp_rows(z.data(), sums.data(), rows, count);
      kernel::cross_entropy_vjp_rows(z.data(), y.data(), gradient.data(), rows, count, T(0.5));
      kernel::scaled_softmax_rows(z.data(), scale.data(), scaled.data(), rows, count);
      CHECK(p.worst([&](std::size_t i) { return std::exp(log_p(i)); }) < tolerance<T>);
      CHECK(a.worst(log_p, 10) < tolerance<T>);
      CHECK(sums.worst([&](std::size_t r) { return log_sum[r]; }, 10) < tolerance<T>);
      CHECK(gradient.worst([&](std::size_t i) {
        return 0.5 * (std::exp(log_p(i)) * weight[i / count] - static_cast<double>(y[i]));
      }) < 10 * tolerance<T>);
      CHECK(scaled.worst([&](std::size_t i) { return static_cast<double>(scale[i / count]) * std::exp(log_p(i)); }) <
            tolerance<T>);
      const double got = kernel::cross_entropy_rows(z.data(), y.data(), rows, count);
      CHECK(std::abs(got - loss) < static_cast<double>(size) * 10 * tolerance<T>);
      CHECK((p.intact() && a.intact() && sums.intact() && gradient.intact() && scaled.intact()));
    }
}

TEST_CASE_TEMPLATE("a NaN in a row of softmax makes that row NaN, and no other", T, float, double) {
  for (const std::size_t count : Sizes{1, 3, 16, 20})
    for (std::size_t at = 0; at < count; ++at) {
      auto x = random_numbers<T>(3 * count, 1);
      x[count + at] = std::numeric_limits<T>::quiet_NaN();
      std::vector<T> y(3 * count), a(3 * count);
      kernel::softmax_rows(x.data(), y.data(), 3, count);
      kernel::log_softmax_rows(x.data(), a.data(), 3, count);
      for (std::size_t i = 0; i < y.size(); ++i) {
        CHECK(std::isnan(y[i]) == (i / count == 1));
        CHECK(std::isnan(a[i]) == (i / count == 1));
      }
    }
}

TEST_CASE_TEMPLATE("groups of every shape brought to mean 0 and variance 1, far from 0 too", T, float, double) {
  struct Case {
    std::size_t outer, groups, inner;
  };
  std::vector<Case> cases;
  for (const std::size_t length : lengths) {
    cases.push_back({1, 3, length});
    cases.push_back({2, 3, length});
    cases.push_back({5, length, 1});
    cases.push_back({50, length, 1});
  }
  cases.push_back({3, 300, 1});
  for (const Case& of : cases)
    for (const bool centred : {true, false})
      for (const double offset : {0.0, 100.0}) {
        const kernel::Groups n{of.outer, of.groups, of.inner, centred};
        const std::size_t size = of.outer * of.groups * of.inner;
        auto x = random_numbers<T>(size, 1), g = random_numbers<T>(size, 2), y = random_numbers<T>(size, 4);
        for (T& e : x) e += static_cast<T>(offset);
        auto r = random_numbers<T>(of.groups, 3);
        const auto group = [&](std::size_t i) { return i / of.inner % of.groups; };
        std::vector<double> mean(of.groups), variance(of.groups), of_g(of.groups), slope(of.groups);
        const double share = 1 / static_cast<double>(n.members());
        for (std::size_t i = 0; i < size && centred; ++i) {
          mean[group(i)] += share * static_cast<double>(x[i]);
          of_g[group(i)] += share * static_cast<double>(g[i]);
        }
        for (std::size_t i = 0; i < size; ++i) {
          const double d = static_cast<double>(x[i]) - mean[group(i)];
          variance[group(i)] += share * d * d;
          slope[group(i)] += share * static_cast<double>(g[i]) * static_cast<double>(y[i]);
        }
        CAPTURE(of.outer);
        CAPTURE(of.groups);
        CAPTURE(of.inner);
        CAPTURE(centred);
        CAPTURE(offset);
        const double epsilon = 0.01, far = 1 + offset;
        Guarded<T> variances(of.groups), standard(size), gradient(size);
        kernel::group_variance(x.data(), variances.data(), n);
        kernel::standardise(x.data(), standard.data(), n, epsilon);
        kernel::standardise_vjp(g.data(), y.data(), r.data(), gradient.data(), n);
        CHECK(variances.worst([&](std::size_t k) { return variance[k]; }, centred ? 1 : far * far) < tolerance<T>);
        CHECK(standard.worst(
                  [&](std::size_t i) {
                    return (static_cast<double>(x[i]) - mean[group(i)]) / std::sqrt(variance[group(i)] + epsilon);
                  },
                  10 * far) < tolerance<T>);
        CHECK(gradient.worst([&](std::size_t i) {
          return static_cast<double>(r[group(i)]) *
                 (static_cast<double>(g[i]) - of_g[group(i)] - static_cast<double>(y[i]) * slope[group(i)]);
        }) < tolerance<T>);
        CHECK((variances.intact() && standard.intact() && gradient.intact()));
      }
}
