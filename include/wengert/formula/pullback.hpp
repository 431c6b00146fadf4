// The pullback of an elementwise op as a formula: from its given derivative, or by differentiating its own formula.
#pragma once

#include <wengert/formula/dual.hpp>
#include <wengert/formula/formula.hpp>
#include <wengert/formula/options.hpp>
#include <wengert/simd/text.hpp>

#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace wengert::detail {

struct OwnDerivative {  // found by differentiating the formula
  using Kind = DerivativeKind;
};

// The number of nested Duals in a number type; -1 for other types.
template <class A>
inline constexpr int dual_depth = Number<A> ? 0 : -1;
template <class X>
inline constexpr int dual_depth<Dual<X>> = dual_depth<X> + 1;

// g times a slope, but 0 where the slope is 0, even if g is infinite or NaN. Its derivative is a sum of two such
// products, because the derivative of a slope need not be 0 where the slope is.
template <class G, class D>
WENGERT_INLINE constexpr auto product_or_zero(const G& g, const D& slope) {
  constexpr int of_g = dual_depth<G>, of_slope = dual_depth<D>;
  if constexpr (requires {
                  { masked_product(g, slope) } -> std::same_as<G>;
                }) {
    return masked_product(g, slope);  // recorded as a separate op, which is differentiated by the same rule
  } else if constexpr (of_g <= 0 && of_slope <= 0) {
    return where(slope == 0, 0, g * slope);
  } else if constexpr (of_g > of_slope) {
    auto v = product_or_zero(g.v, slope);
    return Dual<decltype(v)>{v, product_or_zero(g.d, slope)};
  } else if constexpr (of_g < of_slope) {
    auto v = product_or_zero(g, slope.v);
    return Dual<decltype(v)>{v, product_or_zero(g, slope.d)};
  } else {
    auto v = product_or_zero(g.v, slope.v);
    return Dual<decltype(v)>{v, product_or_zero(g.d, slope.v) + product_or_zero(g.v, slope.d)};
  }
}

// A tangent or cotangent times a given derivative. If the derivative branches, 0 means a branch that was not taken, and
// the product is 0.
template <class Partial, std::size_t arguments, class G, class D>
WENGERT_INLINE constexpr auto times_derivative(const G& g, const D& slope) {
  if constexpr (Literal<D> || std::is_same_v<D, Text>)
    return g * slope;
  else if constexpr (branches<Partial>(std::make_index_sequence<arguments>{}))
    return product_or_zero(g, slope);
  else
    return g * slope;
}

// The cotangent of one input, as a formula of (inputs…, output, cotangent, parameters…), from the given derivative.
template <class E, std::size_t input>
struct GivenPullback {
  static constexpr std::size_t arity = E::arity + 2;
  static constexpr bool reads_output = true;
  template <class... X>
  WENGERT_FLATTENED constexpr auto operator()(const X&... x) const {
    return apply(std::tie(x...), std::make_index_sequence<E::arity>{}, std::make_index_sequence<E::parameters>{});
  }

 private:
  template <class Tuple, std::size_t... I, std::size_t... P>
  WENGERT_FLATTENED static constexpr auto apply(const Tuple& x, std::index_sequence<I...>, std::index_sequence<P...>) {
    constexpr const auto& partial = std::get<input>(E::DerivativeRule::partials);
    return times_derivative<std::remove_cvref_t<decltype(partial)>, arity + E::parameters - 1>(
        std::get<E::arity + 1>(x), partial(std::get<I>(x)..., std::get<arity + P>(x)..., std::get<E::arity>(x)));
  }
};

// The same as a formula of (inputs…, cotangent, parameters…), by differentiating the op's own formula. If that
// branches, the derivative is taken along the cotangent, so that each branch selects the cotangent too: a product with
// the derivative 0 would be NaN for an infinite cotangent.
template <class E, std::size_t input>
struct OwnPullback {
  static constexpr std::size_t arity = E::arity + 1;
  static constexpr bool reads_output = false;
  template <class... X>
  WENGERT_FLATTENED constexpr auto operator()(const X&... x) const {
    return apply(std::tie(x...), std::make_index_sequence<E::arity>{}, std::make_index_sequence<E::parameters>{});
  }

 private:
  static constexpr bool has_branches =
      branches<typename E::Formula>(std::make_index_sequence<E::arity + E::parameters>{});
  template <bool seeded, class X, class G>
  WENGERT_INLINE static constexpr auto seed(const X& x, [[maybe_unused]] const G& cotangent) {
    if constexpr (!seeded)
      return x;
    else if constexpr (has_branches)
      return Dual<X>{x, cotangent};
    else
      return Dual<X>{x, lift(x, 1)};
  }
  template <class Tuple, std::size_t... I, std::size_t... P>
  WENGERT_FLATTENED static constexpr auto apply(const Tuple& x, std::index_sequence<I...>, std::index_sequence<P...>) {
    const auto& cotangent = std::get<E::arity>(x);
    const auto result =
        typename E::Formula{}(seed<I == input>(std::get<I>(x), cotangent)..., std::get<arity + P>(x)...);
    if constexpr (!is_dual<std::remove_const_t<decltype(result)>>)
      return lift(cotangent, 0);  // the formula does not depend on this input
    else if constexpr (has_branches)
      return result.d;
    else
      return cotangent * result.d;
  }
};

template <class E, std::size_t input>
using PullbackFormula = std::conditional_t<std::is_same_v<typename E::DerivativeRule, OwnDerivative>,
                                           OwnPullback<E, input>, GivenPullback<E, input>>;

}  // namespace wengert::detail
