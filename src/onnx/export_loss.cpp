// How losses are exported. Those that are missing here consist of elementwise ops and reductions.
#include "onnx/emit.hpp"
#include "onnx/export_parts.hpp"
#include "onnx/extent_values.hpp"
#include "ops/attributes/indexing.hpp"

namespace wengert::onnx::detail {

namespace {

template <class T>
attributes::ByLabel by_label(const Emit<T>& e) {
  using A = attributes::ByLabel;
  return {.shared = e.template fixed<A>([](const A& a) { return a.shared; }),
          .ignores = e.template fixed<A>([](const A& a) { return a.ignores; }),
          .is_nll = e.template fixed<A>([](const A& a) { return a.is_nll; }),
          .ignored = e.template fixed<A>([](const A& a) { return a.ignored; })};
}

// The axis of classes of (N, C, …), or the only one.
std::ptrdiff_t class_axis(std::size_t rank) { return rank > 1 ? 1 : 0; }

// The labels of a node: which are ignored, and all of them with 0 for those, which every x has as a class.
struct LabelNames {
  std::string all, ignored, safe;  // `ignored` is a bool tensor; empty: none
};
template <class T>
LabelNames labels_of(const Emit<T>& e, const attributes::ByLabel& how, std::size_t operand) {
  LabelNames labels{e.x(operand), {}, e.x(operand)};
  if (!how.ignores) return labels;
  labels.ignored = e.node("Equal", {labels.all, e.graph.integer(how.ignored)});
  labels.safe = e.node("Where", {labels.ignored, e.graph.integer(0), labels.all});
  return labels;
}
template <class T>
std::string zero_if_ignored(const Emit<T>& e, const LabelNames& labels, const std::string& x) {
  return labels.ignored.empty() ? x : e.node("Where", {labels.ignored, e.scalar(0), x});
}

template <class T>
std::string picked(const Emit<T>& e, bool shared, const LabelNames& labels, const std::string& x, std::size_t rank) {
  const std::ptrdiff_t axis = class_axis(rank);
  if (shared) return zero_if_ignored(e, labels, e.node("Gather", {x, labels.safe}));
  const std::string elements =
      e.node("GatherElements", {x, parts::unsqueeze(e, labels.safe, {axis})}, {{"axis", std::int64_t{axis}}});
  return zero_if_ignored(e, labels, parts::squeeze(e, elements, {axis}));
}

// A bool tensor of the node's shape: whether the class is the label.
template <class T>
std::string at_label(const Emit<T>& e, const std::string& labels) {
  const std::ptrdiff_t axis = class_axis(e.rank());
  parts::Integers trailing;
  for (std::ptrdiff_t k = 1; axis + k < static_cast<std::ptrdiff_t>(e.rank()); ++k) trailing.push_back(k);
  const std::string classes = parts::count(e, e.extents()[static_cast<std::size_t>(axis)]);
  return e.node("Equal", {parts::unsqueeze(e, classes, trailing), parts::unsqueeze(e, labels, {axis})});
}

template <class T>
std::string pick_by_label_of(const Emit<T>& e) {
  const attributes::ByLabel how = by_label(e);
  return picked(e, how.shared, labels_of(e, how, 1), e.x(0), e.rank(0));
}

template <class T>
std::string put_by_label_of(const Emit<T>& e) {
  using A = attributes::PutByLabel;  // its shape may depend on the dynamic axes
  const attributes::ByLabel how{e.template fixed<A>([](const A& a) { return a.how.shared; }),
                                e.template fixed<A>([](const A& a) { return a.how.ignores; }), false,
                                e.template fixed<A>([](const A& a) { return a.how.ignored; })};
  const LabelNames labels = labels_of(e, how, 1);
  const std::string x = zero_if_ignored(e, labels, e.x(0));
  if (!how.shared)
    return e.node("Where", {at_label(e, labels.safe), parts::unsqueeze(e, x, {class_axis(e.rank())}), e.scalar(0)});
  const auto flat = [&](const std::string& value) { return e.node("Reshape", {value, e.integers({-1})}); };
  return e.node("ScatterElements", {parts::zeros(e, e.extents()), flat(labels.safe), flat(x)},
                {{"reduction", std::string("add")}});
}

template <class T>
std::string cross_entropy_of_label_of(const Emit<T>& e) {
  const attributes::ByLabel how = by_label(e);
  if (e.rank(0) == 2) {
    Attributes options{{"reduction", std::string("none")}};
    if (how.ignores) options["ignore_index"] = how.ignored;
    return e.node("SoftmaxCrossEntropyLoss", {e.x(0), e.x(1)}, options);
  }
  const std::string log_p = e.node("LogSoftmax", {e.x(0)}, {{"axis", std::int64_t{-1}}});
  return e.node("Neg", {picked(e, false, labels_of(e, how, 1), log_p, e.rank(0))});
}

// g (softmax(z) − 1 at the label), 0 where it is ignored; classes are the last axis.
template <class T>
std::string cross_entropy_of_label_vjp_of(const Emit<T>& e) {
  const attributes::ByLabel how = by_label(e);
  const LabelNames labels = labels_of(e, how, 2);
  const std::string p = e.node("Softmax", {e.x(1)}, {{"axis", std::int64_t{-1}}});
  const std::string difference = e.node("Sub", {p, e.mask(at_label(e, labels.safe))});
  const std::ptrdiff_t axis = class_axis(e.rank());
  const std::string result = e.node("Mul", {parts::unsqueeze(e, e.x(0), {axis}), difference});
  return labels.ignored.empty() ? result
                                : e.node("Where", {parts::unsqueeze(e, labels.ignored, {axis}), e.scalar(0), result});
}

// x divided by the number of samples of operand `logits`.
template <class T>
std::string per_sample(const Emit<T>& e, const std::string& x, std::size_t logits) {
  return e.rank(logits) == 1 ? x : e.node("Div", {x, number(e, e.extents(logits).front())});
}

// −1/N Σ y ln softmax(z)
template <class T>
std::string cross_entropy_with_logits_of(const Emit<T>& e) {
  const std::string log_p = e.node("LogSoftmax", {e.x(0)}, {{"axis", std::int64_t{-1}}});
  const std::string total = e.node("ReduceSum", {e.node("Mul", {e.x(1), log_p})}, {{"keepdims", std::int64_t{0}}});
  return per_sample(e, e.node("Neg", {total}), 0);
}

// g/N (softmax(z) Σ y − y)
template <class T>
std::string cross_entropy_with_logits_vjp_of(const Emit<T>& e) {
  const std::string p = e.node("Softmax", {e.x(1)}, {{"axis", std::int64_t{-1}}});
  const std::string total = e.node("ReduceSum", {e.x(2), e.integers({-1})}, {{"keepdims", std::int64_t{1}}});
  const std::string difference = e.node("Sub", {e.node("Mul", {p, total}), e.x(2)});
  return e.node("Mul", {per_sample(e, e.x(0), 1), difference});
}

}  // namespace

template <class T>
std::span<const Mapping<T>> loss_mappings() {
  static constexpr Mapping<T> all[] = {
      {"pick_by_label", "GatherElements or Gather, Where", pick_by_label_of<T>},
      {"put_by_label", "Equal, Where or ScatterElements", put_by_label_of<T>},
      {"cross_entropy_of_label", "SoftmaxCrossEntropyLoss", cross_entropy_of_label_of<T>},
      {"cross_entropy_of_label_vjp", "Softmax, Equal, Sub, Mul, …", cross_entropy_of_label_vjp_of<T>},
      {"cross_entropy_with_logits", "LogSoftmax, Mul, ReduceSum, Neg, Div", cross_entropy_with_logits_of<T>},
      {"cross_entropy_with_logits_vjp", "Softmax, ReduceSum, Mul, Sub, Div", cross_entropy_with_logits_vjp_of<T>},
      {"finite_loss", "its operand", [](const Emit<T>& e) { return e.x(); }},
  };
  return all;
}

template std::span<const Mapping<float>> loss_mappings<float>();
template std::span<const Mapping<double>> loss_mappings<double>();

}  // namespace wengert::onnx::detail
