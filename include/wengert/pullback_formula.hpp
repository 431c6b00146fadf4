// The pullback of an elementwise op, itself a formula: from the derivative its author gave, or from its own formula.
#pragma once

#include <wengert/elementwise_options.hpp>
#include <wengert/kernel/dual.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace wengert::detail {

struct OwnDerivative {  // taken of the formula itself
  using Kind = DerivativeKind;
};

// The cotangent of one input, as a formula of (inputs…, output, cotangent, parameters…), from the derivative given.
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
    return std::get<E::arity + 1>(x) * std::get<input>(E::DerivativeRule::partials)(
                                           std::get<I>(x)..., std::get<arity + P>(x)..., std::get<E::arity>(x));
  }
};

// The same as a formula of (inputs…, cotangent, parameters…), by differentiating the op's own formula.
template <class E, std::size_t input>
struct OwnPullback {
  static constexpr std::size_t arity = E::arity + 1;
  static constexpr bool reads_output = false;
  template <class... X>
  WENGERT_FLATTENED constexpr auto operator()(const X&... x) const {
    return apply(std::tie(x...), std::make_index_sequence<E::arity>{}, std::make_index_sequence<E::parameters>{});
  }

 private:
  template <bool seeded, class X>
  WENGERT_INLINE static constexpr auto seed(const X& x) {
    if constexpr (!seeded)
      return x;
    else
      return Dual<X>{x, lift(x, 1)};
  }
  template <class Tuple, std::size_t... I, std::size_t... P>
  WENGERT_FLATTENED static constexpr auto apply(const Tuple& x, std::index_sequence<I...>, std::index_sequence<P...>) {
    const auto result = typename E::Formula{}(seed<I == input>(std::get<I>(x))..., std::get<arity + P>(x)...);
    const auto& cotangent = std::get<E::arity>(x);
    if constexpr (is_dual<std::remove_const_t<decltype(result)>>)
      return cotangent * result.d;
    else
      return lift(cotangent, 0);  // the formula does not depend on this input
  }
};

template <class E, std::size_t input>
using PullbackFormula = std::conditional_t<std::is_same_v<typename E::DerivativeRule, OwnDerivative>,
                                           OwnPullback<E, input>, GivenPullback<E, input>>;

}  // namespace wengert::detail
