// What a user's formula and its options must be, found out before anything is made of them.
#pragma once

#include <wengert/elementwise_options.hpp>
#include <wengert/kernel/dual.hpp>
#include <wengert/kernel/lane.hpp>
#include <wengert/kernel/probe.hpp>
#include <wengert/kernel/tally.hpp>

#include <cstddef>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace wengert::detail {

template <class To, std::size_t>
using Each = To;

// Whether a formula can be called with so many numbers.
template <class F, class X, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires(const F& f, const X& x) { f(static_cast<const Each<X, I>&>(x)...); };
}
// SLEEF's functions, which take Lanes only.
template <class F>
concept LaneFunction = requires {
  &F::template operator()<float, std::size_t{16}>;
};
// The number of arguments of a formula; 0 if it cannot be called with up to eight numbers.
template <class F, std::size_t count = 1>
constexpr std::size_t argument_count() {
  if constexpr (count > 8)
    return 0;
  else if constexpr (takes<F, std::conditional_t<LaneFunction<F>, Lane<float, 16>, Probe>>(
                         std::make_index_sequence<count>{}))
    return count;
  else
    return argument_count<F, count + 1>();
}
// Whether storing the result and loading it again would be a large part of a formula's cost.
template <class F, std::size_t... I>
constexpr bool has_few_operations(std::index_sequence<I...> arguments) {
  if constexpr (takes<F, Tally>(decltype(arguments){}))
    if constexpr (requires { typename std::bool_constant<(F{}(Each<Tally, I>{}...).operations <= 8)>; })
      return F{}(Each<Tally, I>{}...).operations <= 8;
  return false;
}

// Whether a formula chooses between branches; one that cannot be read may.
template <class F, std::size_t... I>
constexpr bool chooses(std::index_sequence<I...>) {
  if constexpr (LaneFunction<F>)
    return false;
  else if constexpr (requires { typename std::bool_constant<F{}(Each<Tally, I>{}...).chooses>; })
    return F{}(Each<Tally, I>{}...).chooses;
  else
    return true;
}

// How many inputs a derivative is given for.
template <class Rule>
constexpr std::size_t derivative_count(std::size_t arity) {
  if constexpr (requires { Rule::partials; })
    return std::tuple_size_v<decltype(Rule::partials)>;
  else if constexpr (requires { Rule::signs; })
    return Rule::signs.size();
  else
    return arity;
}
// Whether Programs can make use of an op.
template <class Rule>
inline constexpr bool scales = requires {
  Rule::scales;
};
template <class Rule>
inline constexpr bool multiplies = requires {
  Rule::multiplies;
};
// The signs of a formula that only adds up its inputs; none for others.
template <class Rule, std::size_t parameters>
constexpr std::span<const int> signs_of() {
  if constexpr (requires { Rule::signs; } && parameters == 0)
    return Rule::signs;
  else
    return {};
}
template <class... Options>
constexpr bool one_of_each_kind() {
  return ((0 + ... + (std::is_same_v<typename Options::Kind, DerivativeKind> ? 1 : 0)) <= 1) &&
         ((0 + ... + (std::is_same_v<typename Options::Kind, DomainKind> ? 1 : 0)) <= 1) &&
         ((0 + ... + (std::is_same_v<typename Options::Kind, NotationKind> ? 1 : 0)) <= 1) &&
         ((0 + ... + (std::is_same_v<typename Options::Kind, ConventionKind> ? 1 : 0)) <= 1) &&
         ((0 + ... + (std::is_same_v<typename Options::Kind, ParametersKind> ? 1 : 0)) <= 1);
}

template <class F>
concept Stateless = std::is_empty_v<F> && std::is_default_constructible_v<F>;
template <class F, std::size_t parameter_count>
concept Formula = Stateless<F> &&(argument_count<F>() > parameter_count);

// What a refused formula becomes, so that its one error is not followed by others.
struct RefusedOp {
  template <class First, class... Rest>
  constexpr First operator()(const First& first, const Rest&...) const {
    return first;
  }
};

}  // namespace wengert::detail
