// How normalisations are exported, with the scale and shift that follow them.
#include "onnx/emit.hpp"
#include "onnx/export_parts.hpp"
#include "onnx/written.hpp"
#include "ops/attributes/axes.hpp"

namespace wengert::onnx::detail {

namespace {

// The mean of each group, with its axes kept.
template <class T>
std::string group_mean(const Emit<T>& e, const attributes::Grouped& group, const std::string& x) {
  std::vector<std::int64_t> axes;
  for (std::size_t axis = 0; axis < e.rank(0); ++axis)
    if (axis < group.first || axis >= group.last) axes.push_back(static_cast<std::int64_t>(axis));
  return axes.empty() ? x : e.node("ReduceMean", {x}, {{"axes", axes}});
}
template <class T>
std::string deviation(const Emit<T>& e, const attributes::Grouped& group) {
  return group.centred ? e.node("Sub", {e.x(), group_mean(e, group, e.x())}) : e.x();
}
template <class T>
std::string mean_square(const Emit<T>& e, const attributes::Grouped& group, const std::string& x) {
  return group_mean(e, group, e.node("Mul", {x, x}));
}

// Whether an attribute of ONNX, which is a float, has the value that T has.
template <class T>
bool is_exact(double value) {
  return std::is_same_v<T, float> || static_cast<double>(static_cast<float>(value)) == value;
}

template <class T>
std::string group_variance_of(const Emit<T>& e) {
  const auto& group = e.template attributes<attributes::Grouped>();
  return mean_square(e, group, deviation(e, group));
}

template <class T>
std::string standardise_of(const Emit<T>& e) {
  using A = attributes::Standardise;
  const attributes::Grouped group{e.template fixed<A>([](const A& a) { return a.group.first; }),
                                  e.template fixed<A>([](const A& a) { return a.group.last; }),
                                  e.template fixed<A>([](const A& a) { return a.group.centred; })};
  const double epsilon = e.template fixed<A>([](const A& a) { return a.epsilon; });
  if (group.centred && group.first == 0 && group.last < e.rank() && is_exact<T>(epsilon)) {
    const Extents extents = e.extents();
    const std::string ones = parts::expand(e, e.scalar(1), Extents(extents.begin() + group.last, extents.end()));
    return e.node("LayerNormalization", {e.x(), ones}, {{"axis", std::int64_t{group.last}}, {"epsilon", epsilon}});
  }
  const std::string distance = deviation(e, group);
  const std::string variance = e.node("Add", {mean_square(e, group, distance), e.scalar(epsilon)});
  return e.node("Div", {distance, e.node("Sqrt", {variance})});
}

// r (g − mean g − y mean(g y))
template <class T>
std::string standardise_vjp_of(const Emit<T>& e) {
  const auto& group = e.template attributes<attributes::Grouped>();
  const std::string &g = e.x(0), &y = e.x(1), &r = e.x(2);
  const std::string slope = group_mean(e, group, e.node("Mul", {g, y}));
  const std::string centred = group.centred ? e.node("Sub", {g, group_mean(e, group, g)}) : g;
  return e.node("Mul", {r, e.node("Sub", {centred, e.node("Mul", {y, slope})})});
}

// ---- scale and shift -----------------------------------------------------------------------------------------------

// LayerNormalization with scale and shift, if x is one without.
template <class T>
std::string layer_normalisation(const Emit<T>& e) {
  const Node* const node = e.graph.node_of(e.x(0));
  if (node == nullptr || node->op != "LayerNormalization" || node->inputs.size() != 2) return {};
  const Attributes attributes = node->attributes;
  const std::string x = node->inputs.front();
  const Shape shape = e.shape();
  const auto axis = static_cast<std::size_t>(std::get<std::int64_t>(attributes.at("axis")));
  const Shape normalised(std::span(shape.begin() + axis, shape.rank() - axis));
  if (stored_shape(e, e.x(1)) != normalised || stored_shape(e, e.x(2)) != normalised) return {};
  return e.node("LayerNormalization", {x, e.x(1), e.x(2)}, attributes);
}

// BatchNormalization, if scale and shift are those of stored statistics: w/√(v + ε) and b − mean·w/√(v + ε).
template <class T>
std::string batch_normalisation(const Emit<T>& e) {
  if (e.rank() < 2) return {};
  const Shape channels{e.shape()[1]};
  const auto beside_channels = [&](std::size_t i) {  // the vector; none if it is beside other axes
    if (e.rank() == 2) return e.x(i);
    const auto reshaped = inputs_of(e, "Reshape", e.x(i));
    return reshaped ? reshaped->front() : std::string();
  };
  const std::string scale = beside_channels(1);
  std::string shift = beside_channels(2), weight, bias, root = scale;
  if (const auto product = inputs_of(e, "Mul", scale)) weight = (*product)[0], root = (*product)[1];
  if (const auto sum = inputs_of(e, "Add", shift)) bias = (*sum)[0], shift = (*sum)[1];
  const auto negated = inputs_of(e, "Neg", shift), of_root = inputs_of(e, "Reciprocal", root);
  const auto product = negated ? inputs_of(e, "Mul", negated->front()) : std::nullopt;
  const auto radicand = of_root ? inputs_of(e, "Sqrt", of_root->front()) : std::nullopt;
  const auto sum = radicand ? inputs_of(e, "Add", radicand->front()) : std::nullopt;
  if (!product || !sum || (*product)[1] != scale) return {};
  const std::string mean = (*product)[0], variance = (*sum)[0];
  const std::optional<double> epsilon = stored_number(e, (*sum)[1]);
  const auto fits = [&](const std::string& name) { return name.empty() || stored_shape(e, name) == channels; };
  if (!epsilon || mean.empty() || variance.empty()) return {};
  if (!fits(weight) || !fits(bias) || !fits(mean) || !fits(variance)) return {};
  if (!is_exact<T>(*epsilon)) return {};
  const auto all = [&](T value) {
    return e.graph.constant(Tensor<T>(xt::full_like(Tensor<T>::from_shape({channels[0]}), value)));
  };
  if (weight.empty()) weight = all(1);
  if (bias.empty()) bias = all(0);
  return e.node("BatchNormalization", {e.x(0), weight, bias, mean, variance}, {{"epsilon", *epsilon}});
}

template <class T>
std::string scale_and_shift_of(const Emit<T>& e) {
  if (std::string normalised = layer_normalisation(e); !normalised.empty()) return normalised;
  if (std::string normalised = batch_normalisation(e); !normalised.empty()) return normalised;
  return e.node("Add", {e.node("Mul", {e.x(0), e.x(1)}), e.x(2)});
}

}  // namespace

template <class T>
std::span<const Mapping<T>> normalisation_mappings() {
  static constexpr Mapping<T> all[] = {
      {"group_variance", "ReduceMean, Sub, Mul", group_variance_of<T>},
      {"standardise", "LayerNormalization; ReduceMean, Sub, Mul, Sqrt, Div", standardise_of<T>},
      {"standardise_vjp", "ReduceMean, Sub, Mul", standardise_vjp_of<T>},
      {"inverse_root", "Add, Sqrt, Reciprocal",
       [](const Emit<T>& e) {
         const std::string sum = e.node("Add", {e.x(), e.scalar(e.parameter())});
         return e.node("Reciprocal", {e.node("Sqrt", {sum})});
       }},
      {"scale_and_shift", "BatchNormalization, LayerNormalization, or Mul and Add", scale_and_shift_of<T>},
  };
  return all;
}

template std::span<const Mapping<float>> normalisation_mappings<float>();
template std::span<const Mapping<double>> normalisation_mappings<double>();

}  // namespace wengert::onnx::detail
