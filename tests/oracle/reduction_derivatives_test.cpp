// Gradients and Hessian-vector products of stable reductions, over all exponents and at infinite elements.
// The reference values are from mpmath (reduction_derivatives.py).
#include "../testing.hpp"
#include "derivative_bounds.hpp"
#include <wengert/io/npz.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class T>
struct ReductionCase {
  const char* name;
  Var<T> (*apply)(Var<T>);  // row by row
  // Sums of softmax's terms cancel, so they are right only to 32 ε times the largest of all derivatives.
  ErrorScale scale = ErrorScale::point;
};

template <class T>
std::vector<ReductionCase<T>> reduction_cases() {
  return {{"logsumexp", [](Var<T> x) { return logsumexp(x, 1); }, ErrorScale::largest},
          {"logcumsumexp", [](Var<T> x) { return logcumsumexp(x, 1); }, ErrorScale::largest},
          {"softmax", [](Var<T> x) { return softmax(x, 1); }, ErrorScale::largest},
          {"log_softmax", [](Var<T> x) { return log_softmax(x, 1); }, ErrorScale::largest},
          {"norm:1", [](Var<T> x) { return norm(x, 1, 1); }},
          {"norm", [](Var<T> x) { return norm(x, 2, 1); }},
          {"norm:3", [](Var<T> x) { return norm(x, 3, 1); }},
          {"norm:inf", [](Var<T> x) { return norm(x, infinity, 1); }},
          {"var", [](Var<T> x) { return var(x, 1); }},
          {"stddev", [](Var<T> x) { return stddev(x, 1); }},
          {"mean", [](Var<T> x) { return mean(x, 1); }},
          {"prod", [](Var<T> x) { return prod(x, 1); }}};
}

}  // namespace

TEST_CASE_TEMPLATE("gradients and Hessians of reductions are right over all exponents", T, float, double) {
  constexpr double bound = sizeof(T) == 4 ? 1e-5 : 1e-13, epsilon = std::numeric_limits<T>::epsilon();
  constexpr double smallest = std::numeric_limits<T>::min(), largest = std::numeric_limits<T>::max();
  std::map<std::string, Tensor<double>> arrays;
  for (auto& [name, value] :
       io::load_npz<double>(fmt::format("{}/tests/oracle/reduction_derivatives.npz", PROJECT_SOURCE_DIR)))
    arrays.emplace(std::move(name), std::move(value));
  const auto all_cases = reduction_cases<T>();
  CHECK(arrays.size() == 3 * all_cases.size() + 2);
  for (const ReductionCase<T>& entry : all_cases) {
    const std::string name = entry.name;
    const Tensor<double>& all = arrays.at(name + ".x");
    const std::size_t count = all.shape()[1];
    std::vector<std::size_t> inside;
    for (std::size_t row = 0; row < all.shape()[0]; ++row) {
      const auto fits = [&](std::size_t i) {
        const double e = all(row, i);
        return e == static_cast<double>(static_cast<T>(e)) && (e == 0 || std::abs(e) > smallest);
      };
      if (fits(0) && fits(1) && fits(2) && fits(3)) inside.push_back(row);
    }
    auto X = Tensor<T>::from_shape({inside.size(), count});
    for (std::size_t k = 0; k < inside.size(); ++k)
      for (std::size_t i = 0; i < count; ++i) X(k, i) = static_cast<T>(all(inside[k], i));
    const Tensor<T> w = xt::cast<T>(arrays.at("w")), v = xt::cast<T>(arrays.at("v"));
    Tape<T> tape;
    const auto x = tape.variable(X);
    const Var<T> y = entry.apply(x);
    const auto first = grad(y.rank() == 1 ? sum(y) : sum(y * w), x)[0];
    const auto second = grad(sum(first * v), x)[0];
    for (const int order : {1, 2}) {
      const Tensor<T> got = order == 1 ? first.value() : second.value();
      const Tensor<double>& exact = arrays.at(fmt::format("{}.{}", name, order));
      double top = 0;  // the largest of all derivatives
      for (const std::size_t row : inside)
        for (std::size_t i = 0; i < count; ++i) top = std::max(top, std::abs(exact(row, i)));
      std::string wrong;
      double worst = 0;
      for (std::size_t k = 0; k < inside.size(); ++k) {
        double size = smallest, largest_x = 0;  // the largest in the row
        for (std::size_t i = 0; i < count; ++i) {
          size = std::max(size, std::abs(exact(inside[k], i)));
          largest_x = std::max(largest_x, std::abs(static_cast<double>(X(k, i))));
        }
        // Second derivatives of a norm h are differences of numbers of size 1/h.
        if (name.starts_with("norm") && order == 2 && largest_x > 0) size = std::max(size, 1 / largest_x);
        if (size > largest) continue;
        for (std::size_t i = 0; i < count; ++i) {
          const double e = exact(inside[k], i), g = static_cast<double>(got(k, i));
          double error = std::abs(g - e) <= 4 * smallest * epsilon ? 0 : std::abs(g - e);
          if (error != 0) error /= entry.scale == ErrorScale::largest ? top : size;
          if (std::isnan(error)) error = infinity;
          worst = std::max(worst, error);
          if (error > (entry.scale == ErrorScale::largest ? 32 * epsilon : bound))
            wrong +=
                fmt::format("\n  ({}, {}, {}, {}) [{}]: {} instead of {}", X(k, 0), X(k, 1), X(k, 2), X(k, 3), i, g, e);
        }
      }
      CAPTURE(name);
      CAPTURE(order);
      INFO(wrong);
      CHECK(wrong.empty());
      INFO("worst error ", worst, "; if that is right: bash tests/ops/update_op_reference.sh");
      CHECK(DerivativeBounds::instance().note<T>(name, static_cast<std::size_t>(order), worst, entry.scale));
    }
  }
}

TEST_CASE("mean and var down columns of floats far from 0 keep their digits") {
  auto X = Tensor<float>::from_shape({10'000, 3});  // 1e6 + {0, 1, 2, 3, 0, …}: mean 1000001.5, variance 1.25
  for (std::size_t i = 0; i < X.size(); ++i) X.data()[i] = 1e6F + static_cast<float>(i / 3 % 4);
  Tape<float> tape;
  const auto x = tape.variable(X);
  const Tensor<float> m = mean(x, 0).value(), v = var(x, 0, {}, 0).value();
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(std::abs(m(i) - 1000001.5F) <= 0.25F);  // four units in the last place
    CHECK(std::abs(v(i) - 1.25F) < 1.25e-3F);
  }
}
