// The third way to add an op: a struct with a shape rule, a forward kernel on raw elements and a vjp on Vars.
//
// The example is a cyclic convolution, y_k = Σ_j a_j b_{k−j mod n}, which elementwise ops cannot express.
#include <wengert/wengert.hpp>

#include <cstddef>
#include <string_view>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>

namespace wg = wengert;

template <class T>
wg::Var<T> cyclic(wg::Var<T> a, wg::Var<T> b, bool correlate = false, wg::Location where = wg::Location::current());

struct Cyclic {
  static constexpr std::string_view name = "cyclic";
  static constexpr std::string_view notation = "Σⱼ aⱼ bₖ₋ⱼ";
  static constexpr std::size_t arity = 2;
  bool correlate = false;  // correlation instead of convolution: Σⱼ aⱼ bⱼ₋ₖ

  wg::Shape shape(const wg::Shape& a, const wg::Shape& b) const {
    if (a.rank() != 1 || a != b)
      throw wg::ShapeError(name, fmt::format("shapes {} and {}: both operands must be vectors of one length",
                                             to_string(a), to_string(b)));
    return a;
  }
  template <class T>
  void forward(wg::Value<const T> a, wg::Value<const T> b, wg::Value<T> y) const {
    const std::size_t n = y.size();
    for (std::size_t k = 0; k < n; ++k) {
      T total = 0;
      for (std::size_t j = 0; j < n; ++j) total += a.data[j] * b.data[(correlate ? j + n - k : k + n - j) % n];
      y.data[k] = total;
    }
  }
  // g is the cotangent of y. Cotangents of the inputs are cyclic sums again, so the op has gradients of any order.
  template <class T>
  auto vjp(wg::Var<T> g, wg::Var<T>, wg::Var<T> a, wg::Var<T> b) const {
    return std::tuple([=, this] { return correlate ? cyclic(g, b) : cyclic(g, b, true); },
                      [=, this] { return correlate ? cyclic(a, g, true) : cyclic(g, a, true); });
  }
  static std::vector<wg::StructuralExample<Cyclic>> examples() { return {{{}, {{5}, {5}}}, {{true}, {{4}, {4}}}}; }
};

template <class T>
wg::Var<T> cyclic(wg::Var<T> a, wg::Var<T> b, bool correlate, wg::Location where) {
  return record(Cyclic{correlate}, where, a, b);
}

int main() {
  xt::random::seed(1964);
  const wg::Tensor<double> a = xt::random::randn<double>({6}), b = xt::random::randn<double>({6});
  const auto report = wg::gradcheck([](auto x, auto y) { return cyclic(x, y); }, a, b);
  fmt::print("{}\n", report.to_string());
  return report.ok() ? 0 : 1;
}
