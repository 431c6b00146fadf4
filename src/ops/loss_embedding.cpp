// Losses of pairs and triplets of embeddings: cosine, triplet margin and contrastive; and cosine similarity.
#include "ops/loss_common.hpp"
#include <wengert/ops/elementwise.hpp>

#include <cmath>

namespace wengert {
namespace {

// The p-th root of a sum of powers. At 0, where it has no derivative, its derivative is taken as 0. NaNs are preserved.
constexpr auto norm_root_op = elementwise<"norm_root", params<1>>(
    [](auto s, auto p) { return where(s <= 0, 0, pow(where(s <= 0, 1, s), 1 / p)); },
    derivative([](auto s, auto p, auto) { return where(s <= 0, 0, pow(where(s <= 0, 1, s), 1 / p - 1) / p); }),
    input_domain([] {
      return Domain{0.3, 3};
    }),
    notation<"s¹ᐟᵖ">, convention<"the gradient at 0 is 0">);

constexpr auto power_op = elementwise<"absolute_power", params<1>>(
    [](auto x, auto p) {
      auto m = abs(x);
      return where(m <= 0, 0, pow(where(m <= 0, 1, m), p));
    },
    input_domain([] {
      return Domain{0.3, 3};
    }),
    notation<"|x|ᵖ">, convention<"the gradient at 0 is 0">);

template <class T>
Operand<T> at(Var<T> x, const Location& where) {
  return Operand<T>(x, where);
}

// Σ a b / (max(|a|, ε) max(|b|, ε)) along an axis.
template <class T>
Var<T> cosine(Var<T> a, Var<T> b, std::ptrdiff_t axis, double epsilon, const Location& where) {
  const auto length = [&](Var<T> x) {
    return sqrt(maximum(at(sum(square(at(x, where)), axis, {}, where), where), epsilon * epsilon));
  };
  return sum(a * b, axis, {}, where) / (length(a) * length(b));
}

// ‖a − b + ε‖ₚ along the last axis.
template <class T>
Var<T> distance(Var<T> a, Var<T> b, double p, double epsilon, const Location& where) {
  const Var<T> d = epsilon == 0 ? a - b : a - b + epsilon;
  if (p == 1) return sum(abs(at(d, where)), -1, {}, where);
  const Var<T> powers = p == 2 ? square(at(d, where)) : power_op(at(d, where), p);
  return norm_root_op(at(sum(powers, -1, {}, where), where), p);
}

// Checks operands of one shape (and a target, one element for each row), then computes the loss.
template <class T, class F>
Var<T> loss_of_rows(std::string_view name, std::string_view first, Var<T> a,
                    std::initializer_list<std::pair<std::string_view, const Operand<T>*>> others,
                    const Operand<T>* target, Reduction reduction, const Location& where, const F& costs) {
  if (a.empty()) detail::throw_empty_handle(name, fmt::format("the {}", first), where);
  return atomically(tape_of(a, name, where), where, [&] {
    std::array<losses::Named<T>, 4> operands{};
    std::size_t count = 0;
    operands[count++] = {first, a};
    if (a.rank() == 0) throw ShapeError(name, fmt::format("the {} is a scalar: expected at least one axis", first));
    for (const auto& [role, operand] : others) {
      const Var<T> x = operand->on(a.tape());
      check_operand(a.tape(), x, name, where, "the {}", role);
      if (x.shape() != a.shape())
        throw ShapeError(name, fmt::format("{} {} and {} {}: must have the same shape", first, to_string(a.shape()),
                                           role, to_string(x.shape())));
      operands[count++] = {role, x};
    }
    if (target != nullptr) {
      const Var<T> y = target->on(a.tape());
      check_operand(a.tape(), y, name, where, "the target");
      Shape rows;
      for (std::size_t axis = 0; axis + 1 < a.rank(); ++axis) rows.push_back(a.shape()[axis]);
      if (y.shape() != rows)
        throw ShapeError(name, fmt::format("{} {} and target {}: the target must have the shape {}", first,
                                           to_string(a.shape()), to_string(y.shape()), to_string(rows)));
      operands[count++] = {"target", y};
    }
    const Var<T> all = costs(std::span<const losses::Named<T>>(operands.data(), count));
    return losses::checked<T>(name, losses::reduced(name, all, reduction, losses::samples(all), where),
                              {operands.data(), count}, where);
  });
}

}  // namespace

template <class T>
Var<T> cosine_similarity(Var<T> a, std::type_identity_t<Operand<T>> b, std::ptrdiff_t axis, double epsilon,
                         Location where) {
  constexpr std::string_view name = "cosine_similarity";
  losses::check_parameter(name, "epsilon", epsilon, false, where);
  return atomically(tape_of(a, name, where), where, [&] {
    const Var<T> other = b.on(a.tape());
    check_operand(a.tape(), other, name, where, "the second operand");
    if (a.shape() != other.shape())
      throw ShapeError(
          name, fmt::format("shapes {} and {}: must be the same", to_string(a.shape()), to_string(other.shape())));
    normalise_axis_or_scalar(axis, a.rank(), name);
    return cosine(a, other, axis, epsilon, where);
  });
}

template <class T>
Var<T> cosine_embedding_loss(Var<T> a, std::type_identity_t<Operand<T>> b, std::type_identity_t<Operand<T>> target,
                             double margin, Reduction reduction, Location where) {
  return loss_of_rows<T>("cosine_embedding_loss", "first operand", a, {{"second operand", &b}}, &target, reduction,
                         where, [&](auto operands) {
                           const Var<T> c = cosine(operands[0].value, operands[1].value, -1, 1e-8, where);
                           return wengert::where(less(0, at(operands[2].value, where)), 1 - c, relu(c - margin));
                         });
}

template <class T>
Var<T> triplet_margin_loss(Var<T> anchor, std::type_identity_t<Operand<T>> positive,
                           std::type_identity_t<Operand<T>> negative, const TripletOptions& options, Location where) {
  constexpr std::string_view name = "triplet_margin_loss";
  losses::check_parameter(name, "p", options.p, false, where);
  losses::check_parameter(name, "margin", options.margin, false, where);
  losses::check_parameter(name, "epsilon", options.epsilon, true, where);
  return loss_of_rows<T>(name, "anchor", anchor, {{"positive", &positive}, {"negative", &negative}}, nullptr,
                         options.reduction, where, [&](auto operands) {
                           const auto apart = [&](std::size_t i, std::size_t j) {
                             return distance(operands[i].value, operands[j].value, options.p, options.epsilon, where);
                           };
                           const Var<T> near = apart(0, 1);
                           Var<T> far = apart(0, 2);
                           if (options.swap) far = minimum(at(far, where), at(apart(1, 2), where));
                           return relu(at(near - far + options.margin, where));
                         });
}

template <class T>
Var<T> contrastive_loss(Var<T> a, std::type_identity_t<Operand<T>> b, std::type_identity_t<Operand<T>> target,
                        double margin, Reduction reduction, Location where) {
  losses::check_parameter("contrastive_loss", "margin", margin, false, where);
  return loss_of_rows<T>(
      "contrastive_loss", "first operand", a, {{"second operand", &b}}, &target, reduction, where, [&](auto operands) {
        const Var<T> squares = sum(square(at(operands[0].value - operands[1].value, where)), -1, {}, where);
        const Var<T> gap = relu(margin - norm_root_op(at(squares, where), 2));
        const Var<T> y = operands[2].value;
        return 0.5 * (y * squares + (1 - y) * square(gap));
      });
}

#define WENGERT_INSTANTIATE(T)                                                                          \
  template Var<T> cosine_similarity(Var<T>, Operand<T>, std::ptrdiff_t, double, Location);              \
  template Var<T> cosine_embedding_loss(Var<T>, Operand<T>, Operand<T>, double, Reduction, Location);   \
  template Var<T> triplet_margin_loss(Var<T>, Operand<T>, Operand<T>, const TripletOptions&, Location); \
  template Var<T> contrastive_loss(Var<T>, Operand<T>, Operand<T>, double, Reduction, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

// ---- the registry: functions composed of ops -----------------------------------------------------------------------

namespace {

using Inputs = std::span<const Var<double>>;

[[maybe_unused]] const bool cosine_registered = register_op(
    {.name = "cosine_similarity",
     .notation = "Σ a b / (max(|a|, ε) max(|b|, ε))",
     .convention = "0 for a vector of zeros",
     .own_examples = [] {
       const auto along = [](std::ptrdiff_t axis) {
         return [axis](std::span<const Var<double>> x) { return cosine_similarity<double>(x[0], x[1], axis); };
       };
       return std::vector<OpExample>{{"cosine_similarity", {{3, 4}, {3, 4}}, {{0.2, 2}, {-2, 2}}, along(1)},
                                     {"cosine_similarity", {{3, 4}, {3, 4}}, {{0.2, 2}, {-2, 2}}, along(-2)},
                                     {"cosine_similarity", {{2}, {2}}, {{0.2, 2}, {0.2, 2}}, along(0)}};
     }});

[[maybe_unused]] const bool cosine_embedding_registered = register_op(
    {.name = "cosine_embedding_loss",
     .notation = "1 − cos(a, b) where y = 1, max(0, cos(a, b) − m) where y = −1",
     .convention = "0 at the kink",
     .own_examples = [] {
       const auto apply = [](Inputs x) {
         return cosine_embedding_loss(x[0], x[1], Tensor<double>{1, -1, 1}, 0.1, Reduction::none);
       };
       return std::vector<OpExample>{{"cosine_embedding_loss", {{3, 4}, {3, 4}}, {{0.2, 2}, {0.2, 2}}, apply}};
     }});

[[maybe_unused]] const bool triplet_registered =
    register_op({.name = "triplet_margin_loss",
                 .notation = "max(0, m + ‖a − p‖ − ‖a − n‖)",
                 .convention = "0 at the kink and for a distance of 0",
                 .own_examples = [] {
                   const auto with = [](double p, bool swap) {
                     return [=](Inputs x) {
                       return triplet_margin_loss(x[0], x[1], x[2],
                                                  {.margin = 5, .p = p, .swap = swap, .reduction = Reduction::none});
                     };
                   };
                   const std::vector<Shape> shapes(3, Shape{3, 4});
                   const std::vector<Domain> domains{{-2, -1}, {0, 1}, {1.5, 2.5}};
                   return std::vector<OpExample>{{"triplet_margin_loss", shapes, domains, with(2, false)},
                                                 {"triplet_margin_loss", shapes, domains, with(2, true)},
                                                 {"triplet_margin_loss", shapes, domains, with(1, false)},
                                                 {"triplet_margin_loss", shapes, domains, with(3, false)}};
                 }});

[[maybe_unused]] const bool contrastive_registered = register_op(
    {.name = "contrastive_loss",
     .notation = "½ [y d² + (1 − y) max(0, m − d)²], d = ‖a − b‖",
     .convention = "0 for a distance of 0",
     .own_examples = [] {
       const auto apply = [](Inputs x) { return contrastive_loss(x[0], x[1], x[2], 6); };
       return std::vector<OpExample>{{"contrastive_loss", {{3, 2}, {3, 2}, {3}}, {{-2, -0.5}, {0, 2}, {0, 1}}, apply}};
     }});

}  // namespace
}  // namespace wengert
