// Properties of a formula, and compile-time checks of a user's formula and its options.
#pragma once

#include <wengert/formula/input_set.hpp>
#include <wengert/formula/options.hpp>
#include <wengert/formula/probe.hpp>
#include <wengert/formula/tally.hpp>
#include <wengert/simd/lane.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace wengert::detail {

template <class To, std::size_t>
using Each = To;

// Whether a formula can be called with this many numbers.
template <class F, class X, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires(const F& f, const X& x) { f(static_cast<const Each<X, I>&>(x)...); };
}
// A SLEEF function, which takes only Lanes.
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
// Whether a formula has at most eight operations: storing and reloading its result takes a large part of its run time.
template <class F, std::size_t... I>
constexpr bool has_few_operations(std::index_sequence<I...> arguments) {
  if constexpr (takes<F, Tally>(decltype(arguments){}))
    if constexpr (requires { typename std::bool_constant<(F{}(Each<Tally, I>{}...).operations <= 8)>; })
      return F{}(Each<Tally, I>{}...).operations <= 8;
  return false;
}

// Whether a formula branches; true if it cannot be evaluated at compile time.
template <class F, std::size_t... I>
constexpr bool branches(std::index_sequence<I...>) {
  if constexpr (LaneFunction<F>)
    return false;
  else if constexpr (requires { typename std::bool_constant<F{}(Each<Tally, I>{}...).branches>; })
    return F{}(Each<Tally, I>{}...).branches;
  else
    return true;
}

// The inputs that a formula reads, one bit each; all inputs if it cannot be evaluated at compile time.
template <class F, std::size_t... I, std::size_t... P>
constexpr std::uint32_t inputs_read(std::index_sequence<I...>, std::index_sequence<P...>) {
  constexpr std::uint32_t all = (std::uint32_t{1} << sizeof...(I)) - 1;
  if constexpr (takes<F, InputSet>(std::make_index_sequence<sizeof...(I) + sizeof...(P)>{}))
    if constexpr (requires {
                    typename std::integral_constant<
                        std::uint32_t, F{}(InputSet{std::uint32_t{1} << I}..., Each<InputSet, P>{}...).inputs>;
                  })
      return F{}(InputSet{std::uint32_t{1} << I}..., Each<InputSet, P>{}...).inputs;
  return all;
}

// Whether an op multiplies its input by its parameter, or its two inputs; Programs use this.
template <class Rule>
inline constexpr bool scales = requires {
  Rule::scales;
};
template <class Rule>
inline constexpr bool multiplies = requires {
  Rule::multiplies;
};
// The signs of a formula that is a signed sum of its inputs; empty for others.
template <class Rule, std::size_t parameters>
constexpr std::span<const int> signs_of() {
  if constexpr (requires { Rule::signs; } && parameters == 0)
    return Rule::signs;
  else
    return {};
}

// ---- mistakes ------------------------------------------------------------------------------------------------------

template <class F>
concept Stateless = std::is_empty_v<F> && std::is_default_constructible_v<F>;

// Whether a lambda declares an argument as an arithmetic type, such as double, instead of auto.
template <class Member>
struct PlainArgument : std::false_type {};
template <class R, class F, class... A>
struct PlainArgument<R (F::*)(A...)> : std::bool_constant<(std::is_arithmetic_v<std::remove_cvref_t<A>> || ...)> {};
template <class R, class F, class... A>
struct PlainArgument<R (F::*)(A...) const> : PlainArgument<R (F::*)(A...)> {};
template <class R, class F, class... A>
struct PlainArgument<R (F::*)(A...) const noexcept> : PlainArgument<R (F::*)(A...)> {};
template <class F, std::size_t... I>
constexpr bool declares_plain_argument(std::index_sequence<I...>) {
  if constexpr (requires { &F::template operator()<Each<Probe, I>...>; })
    return PlainArgument<decltype(&F::template operator()<Each<Probe, I>...>)>::value;
  else if constexpr (sizeof...(I) > 1)
    return declares_plain_argument<F>(std::make_index_sequence<sizeof...(I) - 1>{});
  else
    return false;
}

// Whether a formula of this many numbers returns a number.
template <class F, std::size_t... I>
constexpr bool returns_number(std::index_sequence<I...>) {
  if constexpr (LaneFunction<F>)
    return true;
  else
    return std::is_same_v<std::remove_cvref_t<decltype(F{}(Each<Probe, I>{}...))>, Probe>;
}
// Whether a partial derivative returns a number or a literal.
template <class F, std::size_t... I>
constexpr bool returns_derivative(std::index_sequence<I...> numbers) {
  return returns_number<F>(numbers) || std::is_arithmetic_v<decltype(F{}(Each<Probe, I>{}...))>;
}

template <class Option>
concept OptionOfOp = requires {
  typename Option::Kind;
};
template <class Option, class... Options>
inline constexpr int count_of_kind = (0 + ... + int{std::is_same_v<typename Options::Kind, typename Option::Kind>});

// Typical mistakes, in the order in which they are checked.
enum class Mistake {
  none,
  captures,
  plain_arguments,
  arguments,
  option,
  two_of_a_kind,
  result,
  partials,
  partial,
  slope
};

// The mistake in an option of an op with this many inputs and parameters. The partial derivatives of SLEEF functions
// may call functions that are declared later, so they are not checked.
template <class F, std::size_t arity, std::size_t parameters, class... Partial>
constexpr Mistake mistake_in_partials(const std::tuple<Partial...>&) {
  constexpr std::make_index_sequence<arity + parameters + 1> arguments{};
  if constexpr (sizeof...(Partial) != arity)
    return Mistake::partials;
  else if constexpr (LaneFunction<F>)
    return Mistake::none;
  else if constexpr (!(takes<Partial, Probe>(arguments) && ...))
    return Mistake::partial;
  else if constexpr (!(returns_derivative<Partial>(arguments) && ...))
    return Mistake::slope;
  else
    return Mistake::none;
}
template <class F, std::size_t arity, std::size_t parameters, class Option>
constexpr Mistake mistake_in_option() {
  if constexpr (requires { Option::partials; })
    return mistake_in_partials<F, arity, parameters>(Option::partials);
  else if constexpr (requires { Option::signs; })
    return Option::signs.size() == arity ? Mistake::none : Mistake::partials;
  else
    return Mistake::none;
}
template <class F, std::size_t parameters, class... Options>
constexpr Mistake find_mistake() {
  if constexpr (!Stateless<F>) {
    return Mistake::captures;
  } else if constexpr (requires { &F::operator(); }) {
    return Mistake::plain_arguments;
  } else {
    constexpr std::size_t arguments = argument_count<F>();
    if constexpr (arguments <= parameters)
      return Mistake::arguments;
    else if constexpr (declares_plain_argument<F>(std::make_index_sequence<arguments>{}))
      return Mistake::plain_arguments;
    else if constexpr (!(OptionOfOp<Options> && ...))
      return Mistake::option;
    else if constexpr (!((count_of_kind<Options, Options...> == 1) && ...))
      return Mistake::two_of_a_kind;
    else if constexpr (!returns_number<F>(std::make_index_sequence<arguments>{}))
      return Mistake::result;
    else
      return std::max({Mistake::none, mistake_in_option<F, arguments - parameters, parameters, Options>()...});
  }
}
template <class F, std::size_t parameters, class... Options>
inline constexpr Mistake mistake_in = find_mistake<F, parameters, Options...>();

// The op of a rejected formula: callable, to avoid follow-up errors.
struct RefusedOp {
  template <class First, class... Rest>
  constexpr First operator()(const First& first, const Rest&...) const {
    return first;
  }
};

}  // namespace wengert::detail
