// Regression losses: squared, absolute, Huber, smooth L1, and Poisson and Gaussian negative log-likelihood.
#include "ops/loss_common.hpp"
#include <wengert/ops/elementwise.hpp>

#include <cmath>
#include <numbers>

namespace wengert {
namespace {

constexpr auto mse_op = elementwise<"mse_loss">(
    [](auto a, auto y) {
      auto d = a - y;
      return d * d;
    },
    notation<"(a − y)²">);

constexpr auto l1_op =
    elementwise<"l1_loss">([](auto a, auto y) { return abs(a - y); }, notation<"|a − y|">, convention<"0 at a = y">);

constexpr auto huber_op = elementwise<"huber_loss", params<1>>(
    [](auto a, auto y, auto delta) {
      auto d = a - y;  // not |d|: |d|² would have the second derivative 0 at 0
      return where(abs(d) <= delta, 0.5 * d * d, delta * (abs(d) - 0.5 * delta));
    },
    notation<"d²/2 where |d| ≤ δ, else δ (|d| − δ/2); d = a − y">);

constexpr auto smooth_l1_op = elementwise<"smooth_l1_loss", params<1>>(
    [](auto a, auto y, auto beta) {
      auto d = a - y;
      return where(abs(d) < beta, 0.5 * d * d / beta, abs(d) - 0.5 * beta);
    },
    notation<"d²/(2β) where |d| < β, else |d| − β/2; d = a − y">);

constexpr auto poisson_op =
    elementwise<"poisson_nll_loss">([](auto a, auto y) { return exp(a) - y * a; }, notation<"eᵃ − y a">);

constexpr auto poisson_of_count_op = elementwise<"poisson_nll_loss_of_count", params<1>>(
    [](auto a, auto y, auto epsilon) { return a - y * log(a + epsilon); }, input_domain([] {
      return Domain{0.3, 3};
    }),
    example_parameters([] { return std::array{1e-8}; }), notation<"a − y ln(a + ε)">);

constexpr auto stirling_op = elementwise<"stirling">(
    [](auto y) {
      auto safe = where(y > 1, y, 1);
      return where(y > 1, safe * log(safe) - safe + 0.5 * log(2 * std::numbers::pi * safe), 0);
    },
    derivative([](auto y, auto) { return where(y > 1, log(where(y > 1, y, 1)) + 0.5 / where(y > 1, y, 1), 0); }),
    input_domain([] {
      return Domain{1.2, 4};
    }),
    notation<"y ln y − y + ½ ln 2πy ≈ ln y! where y > 1, else 0">);

constexpr auto gaussian_op = elementwise<"gaussian_nll_loss", params<1>>(
    [](auto a, auto y, auto v, auto epsilon) {
      auto u = maximum(v, epsilon);
      auto d = a - y;
      return 0.5 * (log(u) + d * d / u);
    },
    derivative([](auto a, auto y, auto v, auto epsilon, auto) { return (a - y) / maximum(v, epsilon); },
               [](auto a, auto y, auto v, auto epsilon, auto) { return (y - a) / maximum(v, epsilon); },
               [](auto a, auto y, auto v, auto epsilon, auto) {
                 auto u = maximum(v, epsilon);
                 auto d = a - y;
                 return 0.5 * (1 - d * d / u) / u;
               }),
    input_domain([] {
      return Domain{0.3, 2};
    }),
    example_parameters([] { return std::array{1e-6}; }), notation<"½ [ln v + (a − y)²/v], v at least ε">,
    convention<"the gradient of v below ε is that at ε">);

}  // namespace

using losses::elementwise_loss;

template <class T>
Var<T> squared_error(Var<T> prediction, std::type_identity_t<Operand<T>> target, Location where) {
  return losses::loss_of("squared_error", prediction, target, where,
                         [&](Var<T> y) { return sum(square(prediction - y)) / (2 * losses::samples(y)); });
}

template <class T>
Var<T> mse_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, Reduction reduction, Location where) {
  return elementwise_loss("mse_loss", prediction, target, reduction, where, mse_op);
}

template <class T>
Var<T> l1_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, Reduction reduction, Location where) {
  return elementwise_loss("l1_loss", prediction, target, reduction, where, l1_op);
}

template <class T>
Var<T> huber_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, double delta, Reduction reduction,
                  Location where) {
  losses::check_parameter("huber_loss", "delta", delta, false, where);
  return elementwise_loss("huber_loss", prediction, target, reduction, where,
                          [&](const Operand<T>& a, const Operand<T>& y) { return huber_op(a, y, delta); });
}

template <class T>
Var<T> smooth_l1_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, double beta, Reduction reduction,
                      Location where) {
  losses::check_parameter("smooth_l1_loss", "beta", beta, true, where);
  return elementwise_loss(
      "smooth_l1_loss", prediction, target, reduction, where,
      [&](const Operand<T>& a, const Operand<T>& y) { return beta == 0 ? l1_op(a, y) : smooth_l1_op(a, y, beta); });
}

template <class T>
Var<T> poisson_nll_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, const PoissonOptions& options,
                        Location where) {
  if (!options.log_input) losses::check_parameter("poisson_nll_loss", "epsilon", options.epsilon, true, where);
  return elementwise_loss(
      "poisson_nll_loss", prediction, target, options.reduction, where, [&](const Operand<T>& a, const Operand<T>& y) {
        const Var<T> costs = options.log_input ? poisson_op(a, y) : poisson_of_count_op(a, y, options.epsilon);
        return options.full ? costs + stirling_op(y) : costs;
      });
}

template <class T>
Var<T> gaussian_nll_loss(Var<T> mean, std::type_identity_t<Operand<T>> target,
                         std::type_identity_t<Operand<T>> variance, const GaussianOptions& options, Location where) {
  constexpr std::string_view name = "gaussian_nll_loss";
  losses::check_parameter(name, "epsilon", options.epsilon, false, where);
  if (mean.empty()) detail::throw_empty_handle(name, "the mean", where);
  return atomically(tape_of(mean, name, where), where, [&] {
    const Var<T> y = losses::equal_shaped(name, mean, target), v = variance.on(mean.tape());
    check_operand(mean.tape(), v, name, where, "the variance");
    Shape rows = mean.shape();
    if (rows.rank() > 0) rows[rows.rank() - 1] = 1;
    if (v.shape() != mean.shape() && v.shape() != rows)
      throw ShapeError(name, fmt::format("mean {} and variance {}: the variance must have the shape of the mean, or {}",
                                         to_string(mean.shape()), to_string(v.shape()), to_string(rows)));
    const auto at = [&](const Var<T>& x) { return Operand<T>(x, where); };
    Var<T> costs = gaussian_op(at(mean), at(y), at(v), options.epsilon);
    if (options.full) costs = costs + 0.5 * std::log(2 * std::numbers::pi);
    const std::array<losses::Named<T>, 3> operands{{{"mean", mean}, {"target", y}, {"variance", v}}};
    return losses::checked<T>(name, losses::reduced(name, costs, options.reduction, losses::samples(y), where),
                              operands, where, "variance");
  });
}

#define WENGERT_INSTANTIATE(T)                                                           \
  template Var<T> squared_error(Var<T>, Operand<T>, Location);                           \
  template Var<T> mse_loss(Var<T>, Operand<T>, Reduction, Location);                     \
  template Var<T> l1_loss(Var<T>, Operand<T>, Reduction, Location);                      \
  template Var<T> huber_loss(Var<T>, Operand<T>, double, Reduction, Location);           \
  template Var<T> smooth_l1_loss(Var<T>, Operand<T>, double, Reduction, Location);       \
  template Var<T> poisson_nll_loss(Var<T>, Operand<T>, const PoissonOptions&, Location); \
  template Var<T> gaussian_nll_loss(Var<T>, Operand<T>, Operand<T>, const GaussianOptions&, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

// ---- the registry: functions composed of ops -----------------------------------------------------------------------

namespace {

using Inputs = std::span<const Var<double>>;

[[maybe_unused]] const bool squared_error_registered =
    register_op({.name = "squared_error",
                 .notation = "1/(2N) Σ (a − y)²",
                 .convention = "N is the extent of the first axis",
                 .own_examples = [] {
                   const auto apply = [](Inputs x) { return squared_error(x[0], x[1]); };
                   return std::vector<OpExample>{{"squared_error", {{3, 2}, {3, 2}}, {{}, {}}, apply},
                                                 {"squared_error", {{}, {}}, {{}, {}}, apply}};
                 }});

}  // namespace
}  // namespace wengert
