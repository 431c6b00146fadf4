// ONNX's losses.
#include "onnx/call.hpp"
#include <wengert/ops/loss.hpp>
#include <wengert/ops/normalise.hpp>

#include <string>

namespace wengert::onnx::detail {
namespace {

template <class T>
CrossEntropyOptions<T> loss_options_of(const Call<T>& c) {
  CrossEntropyOptions<T> options;
  if (c.has(2)) options.weights = c.x(2);
  if (c.has("ignore_index")) options.ignore_index = c.integer("ignore_index", 0);
  const std::string reduction = c.text("reduction", "mean");
  if (reduction == "none")
    options.reduction = Reduction::none;
  else if (reduction == "sum")
    options.reduction = Reduction::sum;
  else if (reduction != "mean")
    c.fail("attribute reduction = '" + reduction + "': expected none, mean or sum");
  return options;
}

template <class T>
Outputs<T> negative_log_likelihood_of(const Call<T>& c) {
  return nll_loss(c.x(0), c.indices(1), loss_options_of(c), c.where);
}

template <class T>
Outputs<T> softmax_cross_entropy_of(const Call<T>& c) {
  if (c.node.outputs.size() < 2) return cross_entropy(c.x(0), c.indices(1), loss_options_of(c), c.where);
  const Var<T> log_probability = log_softmax(c.x(0), 1, c.where);
  const Var<T> loss = nll_loss(log_probability, c.indices(1), loss_options_of(c), c.where);
  return std::vector<Value<T>>{Value<T>(loss, c.type(0)), Value<T>(log_probability, c.type(0))};
}

}  // namespace

template <class T>
std::span<const Entry<T>> loss_entries() {
  static constexpr Entry<T> entries[] = {
      {"NegativeLogLikelihoodLoss", negative_log_likelihood_of<T>},
      {"SoftmaxCrossEntropyLoss", softmax_cross_entropy_of<T>},
  };
  return entries;
}
template std::span<const Entry<float>> loss_entries<float>();
template std::span<const Entry<double>> loss_entries<double>();

}  // namespace wengert::onnx::detail
