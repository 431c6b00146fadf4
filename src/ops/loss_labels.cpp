// cross_entropy and nll_loss for class labels, with class weights, label smoothing and ignored labels.
#include "kernel/scratch.hpp"
#include "kernel/softmax.hpp"
#include "ops/attributes/indexing.hpp"
#include "ops/loss_common.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>
#include <cmath>

namespace wengert {
namespace {

constexpr std::string_view loss_name(bool is_nll) { return is_nll ? "nll_loss" : "cross_entropy"; }

// Selection by labels along the class axis: axis 1 of (N, C, …), or the only axis.
struct ByLabel : attributes::ByLabel {
  static constexpr std::size_t arity = 2;
  static constexpr std::uint8_t index_inputs = 0b10;

  // The number of classes, and the stride between them.
  struct Extents {
    std::size_t classes, inner;
  };
  Extents extents(const Shape& x) const {
    Extents e{x[x.rank() > 1 ? 1 : 0], 1};
    for (std::size_t axis = 2; axis < x.rank(); ++axis) e.inner *= x[axis];
    return e;
  }
  // Calls visit(position of the label, position of the selected element) for every label that is not ignored.
  template <class Visit>
  void each(Extents e, Value<const std::int64_t> labels, const Visit& visit) const {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const std::int64_t label = labels.data[i];
      if (ignores && label == ignored) continue;
      if (label < 0 || static_cast<std::size_t>(label) >= e.classes)
        throw ValueError(loss_name(is_nll), fmt::format("label {} at position {}: must be a class from 0 to {}{}",
                                                        label, i, static_cast<std::ptrdiff_t>(e.classes) - 1,
                                                        ignores ? fmt::format(", or {}", ignored) : ""));
      const std::size_t outer = shared ? 0 : i / e.inner;
      visit(i, shared ? static_cast<std::size_t>(label)
                      : (outer * e.classes + static_cast<std::size_t>(label)) * e.inner + i % e.inner);
    }
  }
};

template <class T>
Var<T> put_by_label(Var<T> g, IndexVar<T> labels, const ByLabel& how, const Shape& to);

struct PickByLabel : ByLabel {
  static constexpr std::string_view name = "pick_by_label";
  static constexpr std::string_view notation = "x of the class k";
  static constexpr std::string_view convention = "0 for an ignored label";

  Shape shape(const Shape&, const Shape& labels) const { return labels; }
  template <class T>
  void forward(Value<const T> x, Value<const std::int64_t> labels, Value<T> y) const {
    std::fill_n(y.data, y.size(), T(0));
    each(extents(x.shape()), labels, [&](std::size_t i, std::size_t k) { y.data[i] = x.data[k]; });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x, IndexVar<T> labels) const {
    return std::tuple([=, this] { return put_by_label(g, labels, *this, x.shape()); }, no_gradient);
  }
  static std::vector<StructuralExample<PickByLabel>> examples() {
    const Indices plane{{0, 2}, {1, 1}};
    return {{{}, {{4, 3}}, {}, {{2, 0, 2, 1}}},
            {{{false, true, false, -1}}, {{2, 3, 2}}, {}, {Indices{{0, 2}, {-1, 1}}}},
            {{{true}}, {{3}}, {}, {plane}}};
  }
};

// The adjoint of PickByLabel: zeros with elements added at the selected positions.
struct PutByLabel : attributes::PutByLabel {
  static constexpr std::string_view name = "put_by_label";
  static constexpr std::string_view notation = "y of the class k += x";
  static constexpr std::size_t arity = 2;
  static constexpr std::uint8_t index_inputs = 0b10;

  Shape shape(const Shape&, const Shape&) const { return to; }
  template <class T>
  void forward(Value<const T> x, Value<const std::int64_t> labels, Value<T> y) const {
    std::fill_n(y.data, y.size(), T(0));
    const ByLabel by{how};
    by.each(by.extents(to), labels, [&](std::size_t i, std::size_t k) { y.data[k] += x.data[i]; });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>, IndexVar<T> labels) const {
    return std::tuple([=, this] { return record(PickByLabel{{how}}, Location::current(), g, labels); }, no_gradient);
  }
  static std::vector<StructuralExample<PutByLabel>> examples() {
    return {{{{{}, {4, 3}}}, {{4}}, {}, {{2, 0, 2, 1}}}, {{{{true}, {3}}}, {{4}}, {}, {{2, 0, 2, 1}}}};
  }
};

template <class T>
Var<T> put_by_label(Var<T> g, IndexVar<T> labels, const ByLabel& how, const Shape& to) {
  return record(PutByLabel{{how, to}}, Location::current(), g, labels);
}

// The gradient of LabelCrossEntropy, in one pass over the rows.
struct LabelCrossEntropyVjp : ByLabel {
  static constexpr std::string_view name = "cross_entropy_of_label_vjp";
  static constexpr std::string_view notation = "g (softmax(z) − 1 at the class k)";
  static constexpr std::size_t arity = 3;
  static constexpr std::uint8_t index_inputs = 0b100;

  Shape shape(const Shape&, const Shape& z, const Shape&) const { return z; }
  template <class T>
  void forward(Value<const T> g, Value<const T> z, Value<const std::int64_t> labels, Value<T> out) const {
    const std::size_t classes = z.shape().back();
    kernel::scaled_softmax_rows(z.data, g.data, out.data, labels.size(), classes);
    each(extents(z.shape()), labels, [&](std::size_t i, std::size_t k) { out.data[k] -= g.data[i]; });
    for (std::size_t i = 0; i < labels.size() && ignores; ++i)
      if (labels.data[i] == ignored) std::fill_n(out.data + i * classes, classes, T(0));
  }
  template <class T>
  auto vjp(Var<T> w, Var<T>, Var<T> g, Var<T> z, IndexVar<T> labels) const {
    const auto picked = [=, this](Var<T> x) { return record(PickByLabel{*this}, Location::current(), x, labels); };
    const auto beside_z = [=](Var<T> costs) { return expand_dims(costs, -1); };
    const Var<T> counted = ignores ? picked(broadcast_to(z.tape().constant(T(1)), z.shape())) : Var<T>();
    const Var<T> p = softmax(z), along_p = sum(w * p, -1);
    return std::tuple([=, this] { return (ignores ? where(counted, along_p, 0) : along_p) - picked(w); },
                      [=, this] {
                        const Var<T> all = beside_z(g) * p * (w - beside_z(along_p));
                        return ignores ? where(beside_z(counted), all, 0) : all;
                      },
                      no_gradient);
  }
  static std::vector<StructuralExample<LabelCrossEntropyVjp>> examples() {
    return {{{}, {{4}, {4, 3}}, {}, {{2, 0, 2, 1}}}, {{{false, true, false, -1}}, {{3}, {3, 2}}, {}, {{1, -1, 0}}}};
  }
};

// ln Σ eᶻ − z of the label, row by row, in one pass over the rows.
struct LabelCrossEntropy : ByLabel {
  static constexpr std::string_view name = "cross_entropy_of_label";
  static constexpr std::string_view notation = "−ln softmax(z) of the class k";
  static constexpr std::string_view convention = "0 for an ignored label";

  Shape shape(const Shape&, const Shape& labels) const { return labels; }
  template <class T>
  void forward(Value<const T> z, Value<const std::int64_t> labels, Value<T> cost) const {
    T* const tops = kernel::scratch<T>(kernel::Scratch::result, labels.size());
    kernel::log_sum_exp_rows(z.data, tops, cost.data, labels.size(), z.shape().back());
    each(extents(z.shape()), labels, [&](std::size_t i, std::size_t k) { cost.data[i] += tops[i] - z.data[k]; });
    for (std::size_t i = 0; i < labels.size() && ignores; ++i)
      if (labels.data[i] == ignored) cost.data[i] = 0;
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> z, IndexVar<T> labels) const {
    return std::tuple([=, this] { return record(LabelCrossEntropyVjp{*this}, Location::current(), g, z, labels); },
                      no_gradient);
  }
  static std::vector<StructuralExample<LabelCrossEntropy>> examples() {
    return {{{}, {{4, 3}}, {}, {{2, 0, 2, 1}}},
            {{{false, true, false, -1}}, {{3, 2}}, {}, {{1, -1, 0}}},
            {{}, {{5}}, {}, {Indices(3)}}};
  }
};

// Checks the total weight of all labels, by which the mean divides.
struct TotalWeightCheck {
  static constexpr std::string_view name = "total_weight_check";
  static constexpr std::string_view notation = "0";
  static constexpr std::size_t arity = 1;
  static constexpr bool guards = true;
  bool is_nll = false;  // the caller, for messages

  Shape shape(const Shape& x) const { return x; }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    if (*x.data == 0) throw ValueError(loss_name(is_nll), "the labels have a total weight of 0: the mean is undefined");
    *y.data = 0;
  }
  template <class T>
  auto vjp(Var<T>, Var<T>, Var<T>) const {
    return no_gradient;
  }
  static std::vector<StructuralExample<TotalWeightCheck>> examples() { return {}; }
};

template <class T>
Var<T> total_weight(Var<T> weight, bool is_nll, const Location& where) {
  const TotalWeightCheck op{is_nll};
  const Var<T> total = sum(weight, {}, {}, where);
  total.tape().record(StructuralTable<T, TotalWeightCheck>::table, &op, sizeof(op), {&total, 1}, where);
  return total;
}

template <class T>
struct Call {  // shared by cross_entropy and nll_loss
  std::string_view name;
  const CrossEntropyOptions<T>& options;
  Location where;

  std::ptrdiff_t class_axis(Var<T> x) const { return x.rank() > 1 ? 1 : 0; }
  std::size_t classes(Var<T> x) const { return x.shape()[x.rank() > 1 ? 1 : 0]; }

  void check(Var<T> x) const {
    if (x.rank() == 0)
      throw ShapeError(name, "a scalar has no classes: the prediction must be of shape (N, C), (N, C, …) or (C,)");
    if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
      throw ValueError(name, fmt::format("label_smoothing is {}: must be from 0 to 1", options.label_smoothing));
    if (options.weights.empty()) return;
    check_operand(x.tape(), options.weights, name, where, "the class weight operand");
    if (options.weights.shape() != Shape{classes(x)})
      throw ShapeError(name, fmt::format("class weights of shape {} for {} classes: must have the shape {}",
                                         to_string(options.weights.shape()), classes(x), to_string(Shape{classes(x)})));
  }
  // The class weights in a shape that broadcasts against (N, C, …).
  Var<T> weights_beside(Var<T> x) const {
    Shape shape;
    for (std::size_t axis = 0; axis < std::max<std::size_t>(x.rank(), 1); ++axis)
      shape.push_back(static_cast<std::ptrdiff_t>(axis) == class_axis(x) ? classes(x) : 1);
    return reshape(options.weights, shape, where);
  }
  ByLabel by_label(bool shared) const {
    return {shared, options.ignore_index.has_value(), name == "nll_loss", options.ignore_index.value_or(0)};
  }

  // The loss of labels, given logits or ln p.
  Var<T> of_labels(Var<T> x, IndexVar<T> labels, bool logits) const {
    Shape expected;
    for (std::size_t axis = 0; axis < x.rank(); ++axis)
      if (static_cast<std::ptrdiff_t>(axis) != class_axis(x)) expected.push_back(x.shape()[axis]);
    if (labels.shape() != expected)
      throw ShapeError(name,
                       fmt::format("labels {} for a prediction {} of {} classes: must have the shape {}",
                                   to_string(labels.shape()), to_string(x.shape()), classes(x), to_string(expected)));
    const double smoothing = options.label_smoothing;
    const bool in_one = logits && x.rank() <= 2 && smoothing == 0;  // one op, which needs no log_p
    const bool weighted = !options.weights.empty();
    const auto at = [this](Var<T> v) { return Operand<T>(v, where); };
    Var<T> counted;  // 0 where a label is ignored, unless the op handles that itself
    if (options.ignore_index && (weighted || !in_one)) {
      counted = record(PickByLabel{by_label(true)}, where, ones(x), labels);
      if (logits) x = wengert::where(at(expand_dims(counted, class_axis(x), where)), at(x), Operand<T>(0, where));
    }
    const Var<T> log_p = logits && !in_one ? log_softmax(x, class_axis(x), where) : x;
    Var<T> weight;  // of each sample: 0 where its label is ignored; empty if all are 1
    if (weighted)
      weight = record(PickByLabel{by_label(true)}, where, options.weights, labels);
    else if (options.ignore_index)
      weight = record(PickByLabel{by_label(true)}, where, ones(log_p), labels);
    Var<T> costs = in_one ? record(LabelCrossEntropy{by_label(false)}, where, x, labels)
                          : negate(Operand<T>(record(PickByLabel{by_label(false)}, where, log_p, labels), where));
    if (weighted) costs = costs * weight;
    if (smoothing > 0) {
      const Var<T> all = sum(weighted ? log_p * weights_beside(log_p) : log_p, class_axis(log_p), {}, where);
      costs = costs * (1 - smoothing) + all * (-smoothing / static_cast<double>(classes(log_p)));
    }
    if (!counted.empty()) costs = wengert::where(at(counted), at(costs), Operand<T>(0, where));
    if (options.reduction != Reduction::mean || weight.empty()) return reduce(costs);
    const Var<T> total = total_weight(weight, name == "nll_loss", where);
    return sum(costs, {}, {}, where) / total;
  }
  // The loss of class probabilities, given ln p.
  Var<T> of_probabilities(Var<T> log_p, Var<T> y) const {
    const double smoothing = options.label_smoothing;
    if (smoothing > 0) y = y * (1 - smoothing) + smoothing / static_cast<double>(classes(log_p));
    if (!options.weights.empty()) y = y * weights_beside(log_p);
    return reduce(negate(Operand<T>(sum(y * log_p, class_axis(log_p), {}, where), where)));
  }
  Var<T> reduce(Var<T> costs) const {
    return losses::reduced(name, costs, options.reduction, losses::samples(costs), where);
  }
  Var<T> ones(Var<T> log_p) const { return broadcast_to(log_p.tape().constant(T(1)), {classes(log_p)}, where); }
};

// The labels as an IndexVar on the prediction's tape.
template <class T>
IndexVar<T> labels_on(std::string_view name, Var<T> prediction, const IndexOperand<T>& labels) {
  const IndexVar<T> k = labels.on(prediction.tape());
  check_operand(prediction.tape(), k.handle(), name, {}, "the label operand");
  return k;
}

}  // namespace

template <class T>
Var<T> cross_entropy(Var<T> logits, std::type_identity_t<IndexOperand<T>> labels,
                     const std::type_identity_t<CrossEntropyOptions<T>>& options, Location where) {
  if (logits.empty()) detail::throw_empty_handle("cross_entropy", "the prediction", where);
  return atomically(tape_of(logits, "cross_entropy", where), where, [&] {
    const Call<T> call{"cross_entropy", options, where};
    call.check(logits);
    const IndexVar<T> k = labels_on<T>(call.name, logits, labels);
    const std::array<losses::Named<T>, 1> operands{{{"prediction", logits}}};
    return losses::checked<T>(call.name, call.of_labels(logits, k, true), operands, where);
  });
}

template <class T>
Var<T> cross_entropy(Var<T> logits, std::type_identity_t<Operand<T>> target,
                     const std::type_identity_t<CrossEntropyOptions<T>>& options, Location where) {
  const Call<T> call{"cross_entropy", options, where};
  return losses::loss_of(call.name, logits, target, where, [&](Var<T> y) {
    call.check(logits);
    if (options.ignore_index)
      throw ValueError(call.name,
                       "ignore_index with probabilities: it applies only to labels; use targets of 0 instead");
    return call.of_probabilities(log_softmax(logits, call.class_axis(logits), where), y);
  });
}

template <class T>
Var<T> nll_loss(Var<T> log_probability, std::type_identity_t<IndexOperand<T>> labels,
                const std::type_identity_t<CrossEntropyOptions<T>>& options, Location where) {
  if (log_probability.empty()) detail::throw_empty_handle("nll_loss", "the prediction", where);
  return atomically(tape_of(log_probability, "nll_loss", where), where, [&] {
    const Call<T> call{"nll_loss", options, where};
    call.check(log_probability);
    const IndexVar<T> k = labels_on<T>(call.name, log_probability, labels);
    const std::array<losses::Named<T>, 1> operands{{{"prediction", log_probability}}};
    return losses::checked<T>(call.name, call.of_labels(log_probability, k, false), operands, where);
  });
}

#define WENGERT_INSTANTIATE(T)                                                                     \
  template Var<T> cross_entropy(Var<T>, IndexOperand<T>, const CrossEntropyOptions<T>&, Location); \
  template Var<T> cross_entropy(Var<T>, Operand<T>, const CrossEntropyOptions<T>&, Location);      \
  template Var<T> nll_loss(Var<T>, IndexOperand<T>, const CrossEntropyOptions<T>&, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

// ---- the registry: functions composed of ops -----------------------------------------------------------------------

namespace {

using Inputs = std::span<const Var<double>>;

[[maybe_unused]] const bool cross_entropy_registered = register_op(
    {.name = "cross_entropy",
     .notation = "−ln softmax(z) of the class k",
     .convention = "classes along axis 1; the mean is weighted by the class weights; the loss of ignored labels is 0",
     .own_examples = [] {
       const auto labels = [](Inputs x) { return cross_entropy(x[0], {2, 0, 1, 1}); };
       const auto weighted = [](Inputs x) {
         const Indices k{{0, -1}, {2, 1}};
         return cross_entropy(x[0], k, {.weights = x[1], .label_smoothing = 0.2, .ignore_index = -1});
       };
       const auto none = [](Inputs x) { return cross_entropy(x[0], {2, 0}, {.reduction = Reduction::none}); };
       const auto soft = [](Inputs x) { return cross_entropy(x[0], x[1], {.label_smoothing = 0.1}); };
       return std::vector<OpExample>{{"cross_entropy", {{4, 3}}, {{}}, labels},
                                     {"cross_entropy", {{2, 3, 2}, {3}}, {{}, {0.5, 2}}, weighted},
                                     {"cross_entropy", {{2, 3}}, {{}}, none},
                                     {"cross_entropy", {{2, 3}, {2, 3}}, {{}, {0, 1}}, soft}};
     }});

[[maybe_unused]] const bool nll_loss_registered = register_op(
    {.name = "nll_loss", .notation = "−a of the class k", .convention = "as cross_entropy", .own_examples = [] {
       const auto apply = [](Inputs x) { return nll_loss(x[0], {2, 0, 1, 1}, {.weights = x[1]}); };
       return std::vector<OpExample>{{"nll_loss", {{4, 3}, {3}}, {{}, {0.5, 2}}, apply}};
     }});

}  // namespace
}  // namespace wengert
