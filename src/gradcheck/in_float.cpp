// Compares values and gradients computed in float with those computed in double.
#include "gradcheck/in_float.hpp"

#include "gradcheck/recording.hpp"
#include "gradcheck/subject.hpp"
#include <wengert/transform/transforms.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace wengert::detail {
namespace {

// The function's value and its gradients with a fixed cotangent, as doubles.
template <class T>
std::vector<Tensor<double>> replay(const CheckedFunction<T>& f, const std::vector<Tensor<double>>& inputs,
                                   std::uint64_t seed_number) {
  Tape<T> tape;
  const Recording<T> recording(tape, f, inputs);
  const Var<T>& y = recording.result();
  auto cotangent = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(y.shape()));
  const std::vector<double> weights = random_weights(cotangent.size(), seed_number);
  std::transform(weights.begin(), weights.end(), cotangent.data(),
                 [](double w) { return static_cast<T>(static_cast<float>(w)); });
  std::vector<Tensor<double>> result{xt::cast<double>(y.value())};
  for (const Var<T>& g : recording.gradients(seed(y, tape.constant(cotangent))))
    result.push_back(xt::cast<double>(g.value()));
  return result;
}

}  // namespace

std::vector<GradcheckFinding> compare_in_float(const CheckedFunction<double>& f, const CheckedFunction<float>& in_float,
                                               const std::vector<Tensor<double>>& inputs,
                                               const GradcheckOptions& options) {
  std::vector<Tensor<double>> rounded = inputs;
  for (Tensor<double>& input : rounded)
    for (double& x : input) x = static_cast<double>(static_cast<float>(x));
  const auto expected = replay<double>(f, rounded, options.seed);
  std::vector<GradcheckFinding> findings;
  std::vector<Tensor<double>> got;
  try {
    got = replay<float>(in_float, rounded, options.seed);
  } catch (const std::exception& error) {
    findings.push_back({.fault = Fault::float_differs, .text = fmt::format("in float it throws: {}", error.what())});
    return findings;
  }
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const std::string name = k == 0 ? "the result" : fmt::format("the gradient of input {}", k);
    GradcheckFinding finding{.fault = Fault::float_differs, .input = k == 0 ? 0 : k - 1};
    if (got[k].shape() != expected[k].shape()) {
      finding.text = fmt::format("in float {} has shape {}, in double {}", name, to_string(Shape(got[k].shape())),
                                 to_string(Shape(expected[k].shape())));
      findings.push_back(std::move(finding));
      continue;
    }
    double scale = 1e-2;  // values that cancel in double leave a residue in float
    for (const double x : expected[k]) scale = std::max(scale, std::abs(x));
    for (std::size_t i = 0; i < expected[k].size(); ++i) {
      const double a = expected[k].data()[i];
      const double b = got[k].data()[i];
      if (a == b || std::abs(a - b) <= options.float_tolerance * scale) continue;
      finding.text = fmt::format("in float {} is {:.7g} at element {}, in double {:.7g}", name, b,
                                 to_string(unravel(i, Shape(expected[k].shape()))), a);
      findings.push_back(std::move(finding));
      break;
    }
  }
  return findings;
}

}  // namespace wengert::detail
