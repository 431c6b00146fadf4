// How reductions and softmax are exported.
#include "onnx/emit.hpp"
#include "ops/attributes/axes.hpp"

namespace wengert::onnx::detail {

namespace {

// The reduced axes; none for a scalar, whose sum and maximum it is itself.
std::vector<std::int64_t> reduced_axes(const attributes::Reduction& reduction) {
  std::vector<std::int64_t> axes;
  for (std::int64_t axis = reduction.first; axis < reduction.last; ++axis) axes.push_back(axis);
  return axes;
}
std::int64_t kept(const attributes::Reduction& reduction) { return reduction.keep == KeepDims::yes ? 1 : 0; }

template <class T>
std::string sum_over_axes(const Emit<T>& e) {
  const auto& reduction = e.template attributes<attributes::Reduction>();
  const std::vector<std::int64_t> axes = reduced_axes(reduction);
  if (axes.empty()) return e.x();
  return e.node("ReduceSum", {e.x(), e.integers({axes.begin(), axes.end()})}, {{"keepdims", kept(reduction)}});
}

template <class T>
std::string maximum_over_axes(const Emit<T>& e) {
  const auto& reduction = e.template attributes<attributes::Reduction>();
  const std::vector<std::int64_t> axes = reduced_axes(reduction);
  if (axes.empty()) return e.x();
  return e.node("ReduceMax", {e.x()}, {{"axes", axes}, {"keepdims", kept(reduction)}});
}

// A reduction of the last axis.
template <class T>
std::string by_row(const Emit<T>& e, const char* onnx_op) {
  return e.node(onnx_op, {e.x()},
                {{"axes", std::vector{static_cast<std::int64_t>(e.rank(0)) - 1}}, {"keepdims", std::int64_t{0}}});
}

// An op along the last axis.
template <class T>
std::string along_rows(const Emit<T>& e, const char* onnx_op) {
  return e.node(onnx_op, {e.x()}, {{"axis", std::int64_t{-1}}});
}

}  // namespace

template <class T>
std::span<const Mapping<T>> reduction_mappings() {
  using E = const Emit<T>&;
  static constexpr Mapping<T> all[] = {
      {"sum", "ReduceSum", sum_over_axes<T>},
      {"amax", "ReduceMax", maximum_over_axes<T>},
      {"prod", "ReduceProd", [](E e) { return by_row(e, "ReduceProd"); }},
      {"log_sum_exp", "ReduceLogSumExp", [](E e) { return by_row(e, "ReduceLogSumExp"); }},
      {"euclidean_norm", "ReduceL2", [](E e) { return by_row(e, "ReduceL2"); }},
      {"softmax", "Softmax", [](E e) { return along_rows(e, "Softmax"); }},
      {"log_softmax", "LogSoftmax", [](E e) { return along_rows(e, "LogSoftmax"); }},
  };
  return all;
}

template std::span<const Mapping<float>> reduction_mappings<float>();
template std::span<const Mapping<double>> reduction_mappings<double>();

}  // namespace wengert::onnx::detail
