// Classification losses: binary and softmax cross entropy for target probabilities, hinge loss and KL divergence.
#include "kernel/softmax.hpp"
#include "ops/loss_common.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/tape/structural.hpp>

namespace wengert {
namespace {

constexpr auto binary_cross_entropy_op = elementwise<"binary_cross_entropy">(
    [](auto p, auto y) { return -(y * maximum(log(p), -100) + (1 - y) * maximum(log1p(-p), -100)); },
    derivative([](auto p, auto y, auto) { return (p - y) / maximum(p * (1 - p), 1e-12); },
               [](auto p, auto, auto) { return maximum(log1p(-p), -100) - maximum(log(p), -100); }),
    input_domain([] {
      return Domain{0.2, 0.8};
    }),
    notation<"−[y ln p + (1 − y) ln(1 − p)]">,
    convention<"logarithms are clamped to at least −100, the gradient's denominator p(1 − p) to at least 1e-12">);

// The branches meet smoothly at 0, so all derivatives are correct there too.
constexpr auto binary_cross_entropy_with_logits_op = elementwise<"binary_cross_entropy_with_logits">(
    [](auto z, auto y) {
      auto u = where(z > 0, -z, z);  // −|z|
      return where(z > 0, z, 0) - z * y + log1p(exp(u));
    },
    notation<"ln(1 + eᶻ) − z y">);

constexpr auto positive_weighted_op = elementwise<"binary_cross_entropy_with_logits_and_positive_weight">(
    [](auto z, auto y, auto w) {
      auto u = where(z > 0, -z, z);
      auto tail = log1p(exp(u));
      return (1 - y) * (where(z > 0, z, 0) + tail) + w * y * (where(z > 0, 0, -z) + tail);
    },
    notation<"(1 − y) ln(1 + eᶻ) + w y ln(1 + e⁻ᶻ)">);

constexpr auto hinge_op = elementwise<"hinge_loss", params<1>>(
    [](auto z, auto y, auto margin) { return relu(margin - y * z); }, input_domain([] {
      return Domain{0.2, 1.1};
    }),
    notation<"max(0, m − y z)">, convention<"0 at the kink">);

constexpr auto kl_div_op = elementwise<"kl_div">(
    [](auto a, auto y) { return y * (log(where(y == 0, 1, y)) - a); },
    derivative([](auto, auto y, auto) { return -y; },
               [](auto a, auto y, auto) { return where(y == 0, 0, log(where(y == 0, 1, y)) + 1) - a; }),
    input_domain([] {
      return Domain{0.2, 2};
    }),
    notation<"y (ln y − a)">, convention<"0 ln 0 = 0">);

constexpr auto kl_div_of_logarithms_op = elementwise<"kl_div_of_logarithms">(
    [](auto a, auto y) { return exp(y) * (y - a); },
    derivative([](auto, auto y, auto) { return -exp(y); }, [](auto a, auto y, auto) { return exp(y) * (y - a + 1); }),
    notation<"eʸ (y − a)">);

// Cross entropy and its gradient each take one pass over the rows.
struct ByRow {
  static std::size_t classes(const Shape& z) { return z.back(); }
  static std::size_t rows(const Shape& z) { return z.elements() / std::max<std::size_t>(z.back(), 1); }
  // The divisor of the sum.
  static double samples(const Shape& z) { return z.rank() == 1 ? 1.0 : static_cast<double>(z[0]); }
};

struct CrossEntropyVjp : ByRow {
  static constexpr std::string_view name = "cross_entropy_with_logits_vjp";
  static constexpr std::string_view notation = "g/N (softmax(z) Σ y − y)";
  static constexpr std::size_t arity = 3;

  Shape shape(const Shape&, const Shape& z, const Shape&) const { return z; }
  template <class T>
  void forward(Value<const T> g, Value<const T> z, Value<const T> y, Value<T> out) const {
    const T scale = static_cast<T>(static_cast<double>(*g.data) / samples(z.shape()));
    kernel::cross_entropy_vjp_rows(z.data, y.data, out.data, rows(z.shape()), classes(z.shape()), scale);
  }
  template <class T>
  auto vjp(Var<T> w, Var<T>, Var<T> g, Var<T> z, Var<T> y) const {
    const double n = samples(z.shape());
    const Var<T> p = softmax(z), total = sum(y, -1, KeepDims::yes), along_p = sum(w * p, -1, KeepDims::yes);
    return std::tuple([=] { return sum(w * (p * total - y)) / n; }, [=] { return (g / n) * total * p * (w - along_p); },
                      [=] { return (g / n) * (along_p - w); });
  }
  static std::vector<StructuralExample<CrossEntropyVjp>> examples() { return {{{}, {{}, {4, 3}, {4, 3}}}}; }
};

struct CrossEntropy : ByRow {
  static constexpr std::string_view name = "cross_entropy_with_logits";
  static constexpr std::string_view notation = "−1/N Σ y ln softmax(z)";
  static constexpr std::string_view convention = "classes along the last axis; a vector is one sample";
  static constexpr std::size_t arity = 2;

  Shape shape(const Shape& z, const Shape&) const {
    if (z.rank() == 0) throw ShapeError(name, "a scalar has no classes: the prediction must have a class axis");
    return {};
  }
  template <class T>
  void forward(Value<const T> z, Value<const T> y, Value<T> cost) const {
    const double sum = kernel::cross_entropy_rows(z.data, y.data, rows(z.shape()), classes(z.shape()));
    *cost.data = static_cast<T>(sum / samples(z.shape()));
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> z, Var<T> y) const {
    return std::tuple([=, this] { return record(CrossEntropyVjp{{*this}}, Location::current(), g, z, y); },
                      [=] { return log_softmax(z) * (g / -samples(z.shape())); });
  }
  static std::vector<StructuralExample<CrossEntropy>> examples() {
    return {{{}, {{4, 3}, {4, 3}}}, {{}, {{3}, {3}}}, {{}, {{2, 2, 5}, {2, 2, 5}}}};
  }
};

// Weights, reduces and checks the losses that `costs_of` returns.
template <class T, class F>
Var<T> binary(std::string_view name, Var<T> prediction, const Operand<T>& target,
              const BinaryCrossEntropyOptions<T>& options, const Location& where, const F& costs_of) {
  return losses::loss_of(name, prediction, target, where, [&](Var<T> y) {
    const auto weighs = [&](std::string_view role, Var<T> weight) {
      check_operand(y.tape(), weight, name, where, "the {}", role);
      if (broadcast_shapes(weight.shape(), y.shape()) != y.shape())
        throw ShapeError(name, fmt::format("{} of shape {} does not broadcast to the target's shape {}", role,
                                           to_string(weight.shape()), to_string(y.shape())));
      return Operand<T>(weight, where);
    };
    Var<T> costs = costs_of(Operand<T>(prediction, where), Operand<T>(y, where), weighs);
    if (!options.weight.empty()) costs = multiply(Operand<T>(costs, where), weighs("weight", options.weight));
    return losses::reduced(name, costs, options.reduction, losses::samples(y), where);
  });
}

}  // namespace

template <class T>
Var<T> binary_cross_entropy(Var<T> probability, std::type_identity_t<Operand<T>> target,
                            const std::type_identity_t<BinaryCrossEntropyOptions<T>>& options, Location where) {
  if (!options.positive_weight.empty())
    throw ValueError("binary_cross_entropy",
                     "positive_weight with probabilities: use binary_cross_entropy_with_logits, or weight", where);
  return binary("binary_cross_entropy", probability, target, options, where,
                [](const Operand<T>& p, const Operand<T>& y, const auto&) { return binary_cross_entropy_op(p, y); });
}

template <class T>
Var<T> binary_cross_entropy_with_logits(Var<T> logits, std::type_identity_t<Operand<T>> target,
                                        const std::type_identity_t<BinaryCrossEntropyOptions<T>>& options,
                                        Location where) {
  return binary("binary_cross_entropy_with_logits", logits, target, options, where,
                [&](const Operand<T>& z, const Operand<T>& y, const auto& weighs) {
                  return options.positive_weight.empty()
                             ? binary_cross_entropy_with_logits_op(z, y)
                             : positive_weighted_op(z, y, weighs("positive_weight", options.positive_weight));
                });
}

template <class T>
Var<T> cross_entropy_with_logits(Var<T> logits, std::type_identity_t<Operand<T>> target, Location where) {
  return losses::loss_of("cross_entropy_with_logits", logits, target, where,
                         [&](Var<T> y) { return record(CrossEntropy{}, where, logits, y); });
}

template <class T>
Var<T> hinge_loss(Var<T> score, std::type_identity_t<Operand<T>> target, double margin, Reduction reduction,
                  Location where) {
  losses::check_parameter("hinge_loss", "margin", margin, false, where);
  return losses::elementwise_loss("hinge_loss", score, target, reduction, where,
                                  [&](const Operand<T>& z, const Operand<T>& y) { return hinge_op(z, y, margin); });
}

template <class T>
Var<T> kl_div(Var<T> log_probability, std::type_identity_t<Operand<T>> target, const KlDivOptions& options,
              Location where) {
  return losses::elementwise_loss("kl_div", log_probability, target, options.reduction, where,
                                  [&](const Operand<T>& a, const Operand<T>& y) {
                                    return options.log_target ? kl_div_of_logarithms_op(a, y) : kl_div_op(a, y);
                                  });
}

#define WENGERT_INSTANTIATE(T)                                                                                         \
  template Var<T> binary_cross_entropy(Var<T>, Operand<T>, const BinaryCrossEntropyOptions<T>&, Location);             \
  template Var<T> binary_cross_entropy_with_logits(Var<T>, Operand<T>, const BinaryCrossEntropyOptions<T>&, Location); \
  template Var<T> cross_entropy_with_logits(Var<T>, Operand<T>, Location);                                             \
  template Var<T> hinge_loss(Var<T>, Operand<T>, double, Reduction, Location);                                         \
  template Var<T> kl_div(Var<T>, Operand<T>, const KlDivOptions&, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
