// elementwise(...): a differentiable op from one scalar formula.
//
// The formula is a generic lambda, which is instantiated with several number types: Lanes (the SIMD kernel), Duals of
// Lanes (the gradient kernel, one pass for each input that needs a gradient), Symbols and Duals of Symbols (the
// gradient's gradient, recorded as nodes). One line therefore gives a fused kernel and derivatives of any order.
#pragma once

#include <wengert/formula/dual.hpp>
#include <wengert/formula/formula.hpp>
#include <wengert/formula/loop.hpp>
#include <wengert/formula/on_symbols.hpp>
#include <wengert/formula/options.hpp>
#include <wengert/formula/probe.hpp>
#include <wengert/formula/pullback.hpp>
#include <wengert/formula/stage.hpp>
#include <wengert/formula/symbol.hpp>
#include <wengert/tape/registry.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert {

namespace detail {

// The argument with the most nested Duals in a call inside a formula.
template <class First, class... Rest>
WENGERT_INLINE constexpr const auto& deepest(const First& first, const Rest&... rest) {
  if constexpr (((dual_depth<First> >= dual_depth<Rest>)&&...))
    return first;
  else
    return deepest(rest...);
}

// An argument without the derivative that is being taken, as a number of the type of `like`.
template <class X, class A>
WENGERT_INLINE constexpr X plain(const X& like, const A& a) {
  if constexpr (Literal<A>)
    return lift(like, static_cast<double>(a));
  else if constexpr (std::is_same_v<A, X>)
    return a;
  else
    return a.v;
}
// Records the pullback of each input that needs a cotangent.
template <class T>
void record_pullbacks(Pullback<T>& pullback, std::span<const Op<T>* const> ops, bool reads_output);
// Passes the cotangent, times a sign, to each input.
template <class T>
void pass_cotangent(Pullback<T>& pullback, std::span<const int> signs);
// The vjp of a pullback: records the derivative that Op::formula gives.
template <class T>
void record_second_pullback(Pullback<T>& pullback);
// The value of an op on constants.
template <class F, class... C>
double fold_constants(C... c) {
  return static_cast<double>(F{}(Lane<double, 16>(c)...).v[0]);
}

// The text of a formula of `arity` inputs and the op's parameters. If the formula is not `shown`, or is a SLEEF
// function, a call of the op by name.
template <class E, class Formula, std::size_t arity, bool shown>
[[gnu::cold]] Text write_formula(const void* attributes, std::span<const Text> inputs) {
  return [&]<std::size_t... I, std::size_t... P>(std::index_sequence<I...>, std::index_sequence<P...>) {
    [[maybe_unused]] const auto* parameter = static_cast<const double*>(attributes);
    if constexpr (shown && !LaneFunction<Formula>)
      return Formula{}(inputs[I]..., Text::of(parameter[P])...);
    else
      return Text::call(E::name.view(), {inputs[I]..., Text::of(parameter[P])...});
  }
  (std::make_index_sequence<arity>{}, std::make_index_sequence<E::parameters>{});
}

}  // namespace detail

// ---- the tables of an op -------------------------------------------------------------------------------------------

/// The constant table of the pullback of one input: itself an elementwise op, whose own vjp records ordinary nodes.
template <class T, class E, std::size_t input>
struct PullbackTable {
  using Formula = detail::PullbackFormula<E, input>;
  static constexpr auto name = E::name + Name(".vjp");

  static constexpr Op<T> table{.name = name.view(),
                               .kernels = kernel::elementwise_kernels<T, Formula, Formula::arity, E::parameters>(),
                               .stage = kernel::stage_of<T, Formula, Formula::arity, E::parameters>(),
                               .parameters = E::parameters,
                               .reads = detail::inputs_read<Formula>(std::make_index_sequence<Formula::arity>{},
                                                                     std::make_index_sequence<E::parameters>{}),
                               .formula = detail::PullbackOnSymbols<Formula, E::parameters>::evaluate,
                               .vjp = detail::record_second_pullback<T>,
                               .text = detail::write_formula<E, Formula, Formula::arity, true>};
};

/// The constant table of an elementwise op.
template <class T, class E>
struct ElementwiseTable {
  static void vjp(Pullback<T>& pullback);

  static const Op<T> table;
  static bool registered;  // not const: every translation unit would fold it
};

template <class T, class E>
void ElementwiseTable<T, E>::vjp(Pullback<T>& pullback) {
  using Rule = typename E::DerivativeRule;
  if constexpr (std::is_same_v<Rule, PiecewiseConstant>) {
    (void)pullback;
  } else if constexpr (requires { Rule::signs; }) {
    detail::pass_cotangent<T>(pullback, Rule::signs);
  } else {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      static constexpr const Op<T>* ops[] = {&PullbackTable<T, E, I>::table...};
      detail::record_pullbacks<T>(pullback, ops, detail::PullbackFormula<E, 0>::reads_output);
    }
    (std::make_index_sequence<E::arity>{});
  }
}

template <class T, class E>
constexpr Op<T> ElementwiseTable<T, E>::table{
    .name = E::name.view(),
    .called = E::caller,
    .kernels = kernel::elementwise_kernels<T, typename E::Formula, E::arity, E::parameters>(),
    .stage = kernel::stage_of<T, typename E::Formula, E::arity, E::parameters>(),
    .parameters = E::parameters,
    .reads = detail::inputs_read<typename E::Formula>(std::make_index_sequence<E::arity>{},
                                                      std::make_index_sequence<E::parameters>{}),
    .formula = detail::formula_on_symbols<E>(),
    .vjp = vjp,
    .text = detail::write_formula<E, typename E::Formula, E::arity, E::shown_by_formula>,
    .signs = detail::signs_of<typename E::DerivativeRule, E::parameters>(),
    .scales = detail::scales<typename E::DerivativeRule>,
    .multiplies = detail::multiplies<typename E::DerivativeRule>};

// ---- the op --------------------------------------------------------------------------------------------------------

namespace detail {

template <class E>
bool register_elementwise() {
  return register_op({.name = E::name.view(),
                      .notation = E::notation,
                      .convention = E::convention,
                      .differentiable = !std::is_same_v<typename E::DerivativeRule, PiecewiseConstant>,
                      .table = &ElementwiseTable<double, E>::table,
                      .table_in_float = &ElementwiseTable<float, E>::table,
                      .arity = E::arity,
                      .parameters = E::example_sets,
                      .any_parameters = E::any_parameters,
                      .domain = E::InputRange::domain});
}

// The call operators for Vars. An operand is a Var, a scalar or a tensor, and carries its source line.
template <class E, class Inputs, class Parameters>
struct Callable;
template <class E, std::size_t... I, std::size_t... P>
struct Callable<E, std::index_sequence<I...>, std::index_sequence<P...>> {
  Var<float> operator()(const Each<Operand<float>, I>&... inputs, Each<double, P>... parameters) const {
    return call<float>({&inputs...}, {parameters...});
  }
  Var<double> operator()(const Each<Operand<double>, I>&... inputs, Each<double, P>... parameters) const {
    return call<double>({&inputs...}, {parameters...});
  }

 private:
  template <class T>
  static Var<T> call(const std::array<const Operand<T>*, sizeof...(I)>& inputs,
                     const std::array<double, sizeof...(P)>& parameters) {
    return record_operands<T>(ElementwiseTable<T, E>::table, inputs, parameters);
  }
};

// Marks an op in one of the library's headers. The source that instantiates its tables registers it, so programs that
// include the header instantiate nothing.
struct InLibrary {
  using Kind = InLibrary;
};

}  // namespace detail

/// An op made by `elementwise`: callable on Vars, scalars and tensors, and inside other formulas.
template <Name op_name, std::size_t parameter_count, class F, class... Options>
class ElementwiseOp : public detail::Callable<ElementwiseOp<op_name, parameter_count, F, Options...>,
                                              std::make_index_sequence<detail::argument_count<F>() - parameter_count>,
                                              std::make_index_sequence<parameter_count>> {
 public:
  /// The formula's lambda.
  using Formula = F;
  /// The option that defines the derivative.
  using DerivativeRule = typename detail::Option<detail::OwnDerivative, Options...>::type;
  /// The option that defines the inputs for which the derivative is checked.
  using InputRange = typename detail::Option<detail::DefaultDomain, Options...>::type;
  /// Whether `explain` shows the formula instead of the name.
  static constexpr bool shown_by_formula =
      std::is_same_v<typename detail::Option<detail::ShownByName, Options...>::type, ShownByFormula>;
  /// The name it is registered under.
  static constexpr auto name = op_name;
  /// The function that errors name instead of the op; empty if none.
  static constexpr std::string_view caller = detail::Option<CalledAs<"">, Options...>::type::name.view();
  /// The formula in mathematical notation; empty if none.
  static constexpr std::string_view notation = detail::Option<Notation<"">, Options...>::type::text;
  /// The behaviour at ties, kinks and edges; empty if none is stated.
  static constexpr std::string_view convention = detail::Option<Convention<"">, Options...>::type::text;
  /// Whether `Op::formula` is null although the formula could be evaluated on Symbols.
  static constexpr bool is_primitive = (std::is_same_v<Options, detail::Primitive> || ...);
  /// The number of scalar parameters.
  static constexpr std::size_t parameters = parameter_count;
  /// The sets of parameters that the op is checked with, concatenated.
  static constexpr auto example_sets =
      detail::joined(detail::Option<detail::DefaultParameters<parameter_count>, Options...>::type::values);
  /// Whether no example parameters are given, so that checks may choose any.
  static constexpr bool any_parameters = !((std::is_same_v<typename Options::Kind, detail::ParametersKind>) || ...);
  /// The number of inputs.
  static constexpr std::size_t arity = detail::argument_count<F>() - parameter_count;

  static_assert(any_parameters || example_sets.size() % std::max<std::size_t>(parameters, 1) == 0,
                "wengert: example_parameters(...) must return one number for each parameter");

  constexpr ElementwiseOp() {
    if constexpr (!(std::is_same_v<Options, detail::InLibrary> || ...))
      (void)&ElementwiseTable<double, ElementwiseOp>::registered;
  }

  using detail::Callable<ElementwiseOp, std::make_index_sequence<arity>,
                         std::make_index_sequence<parameters>>::operator();

  /// Rejected: the number of operands differs from the formula's.
  template <class... A>
  requires(sizeof...(A) != arity + parameters)
      WENGERT_REFUSED("wrong number of operands: the op takes its formula's inputs, then its parameters")
  constexpr auto operator()(const A&... a) const { return detail::RefusedOp{}(a...); }

  /// The op called inside a formula.
  template <class... A>
  requires(sizeof...(A) == arity + parameters && (Number<A> || ...)) WENGERT_FLATTENED constexpr auto operator()(
      const A&... a) const {
    const auto& like = detail::deepest(a...);
    using Deepest = std::remove_cvref_t<decltype(like)>;
    if constexpr (is_dual<Deepest>) {
      if constexpr (requires { DerivativeRule::partials; })
        return differentiate(like.v, std::index_sequence_for<A...>{}, a...);
      else if constexpr (std::is_same_v<DerivativeRule, PiecewiseConstant>)
        return (*this)(detail::plain(like.v, a)...);
      else
        return F{}(detail::as_number(like.v, a)...);
    } else if constexpr (std::is_same_v<Deepest, Symbol>) {
      return symbolic(like, detail::as_number(like, a)...);
    } else if constexpr (std::is_same_v<Deepest, Probe>) {
      return Probe{};
    } else if constexpr (std::is_same_v<Deepest, Tally> && detail::LaneFunction<F>) {
      return Tally{Tally::many};
    } else if constexpr (std::is_same_v<Deepest, InputSet> && detail::LaneFunction<F>) {
      return InputSet{(0U | ... | detail::as_number(like, a).inputs)};
    } else if constexpr (std::is_same_v<Deepest, Text>) {
      return Text::call(name.view(), {detail::as_number(like, a)...});
    } else {
      return F{}(detail::as_number(like, a)...);
    }
  }

 private:
  // The chain rule with the given derivatives.
  template <class X, std::size_t... I, class... A>
  WENGERT_FLATTENED static constexpr Dual<X> differentiate(const X& like, std::index_sequence<I...>, const A&... a) {
    const X y = ElementwiseOp{}(detail::plain(like, a)...);
    return {y, sum_of(partial<I>(a, y, detail::plain(like, a)...)...)};
  }
  // The term of input i in the derivative; Nothing if the input carries no derivative.
  struct Nothing {};
  template <std::size_t i, class A, class X, class... Plain>
  WENGERT_FLATTENED static constexpr auto partial(const A& a, const X& y, const Plain&... x) {
    if constexpr (std::is_same_v<A, Dual<X>>) {
      if constexpr (std::is_same_v<X, Symbol>)
        if (a.d.is(0)) return a.d;  // otherwise, the partial derivative would be recorded in vain
      return detail::times_derivative<std::tuple_element_t<i, std::remove_const_t<decltype(DerivativeRule::partials)>>,
                                      sizeof...(Plain) + 1>(a.d, std::get<i>(DerivativeRule::partials)(x..., y));
    } else {
      return Nothing{};
    }
  }
  template <class First, class... Rest>
  WENGERT_INLINE static constexpr auto sum_of(const First& first, const Rest&... rest) {
    if constexpr (sizeof...(Rest) == 0) {
      return first;
    } else {
      const auto others = sum_of(rest...);
      if constexpr (std::is_same_v<First, Nothing>)
        return others;
      else if constexpr (std::is_same_v<std::remove_const_t<decltype(others)>, Nothing>)
        return first;
      else
        return first + others;
    }
  }
  template <class... A>
  static Symbol symbolic(const Symbol& like, const A&... a) {
    if ((a.constant() && ...)) return lift(like, detail::fold_constants<F>(*a.constant()...));
    const std::array<Symbol, sizeof...(A)> x{a...};
    return Symbol::record(ElementwiseTable<float, ElementwiseOp>::table, ElementwiseTable<double, ElementwiseOp>::table,
                          x, arity);
  }
};

template <class T, class E>
bool ElementwiseTable<T, E>::registered = std::is_same_v<T, double>&& detail::register_elementwise<E>();

/// Makes a differentiable op from one scalar formula: `elementwise<"swish">([](auto x) { return x / (1 + exp(-x)); })`.
///
/// The lambda takes one to eight numbers, the last of which may be scalar parameters (`elementwise<"name",
/// params<1>>`), and must not capture. It may use + - * /, comparisons with `where(mask, a, b)`, literals, and all
/// elementwise ops, including user-defined ones. Options (see options.hpp), in any order: `derivative(...)`,
/// `passes_cotangent<...>`, `piecewise_constant`, `scales_by_parameter` or `multiplies_inputs`; `input_domain(...)`,
/// `example_parameters(...)`, `notation<"...">`, `convention<"...">`, `called_as<"...">`, `shown_by_formula`.
template <Name op_name, auto parameter_count = params<0>, class F, class... Options>
requires(detail::mistake_in<F, parameter_count(), Options...> ==
         detail::Mistake::none) constexpr auto elementwise(F, Options...) {
  return ElementwiseOp<op_name, parameter_count(), F, Options...>{};
}

/// @cond
// Typical mistakes, rejected on the line that made them.
#define WENGERT_REFUSE(mistake, advice)                                                                              \
  template <Name op_name, auto parameter_count = params<0>, class F, class... Options>                               \
  requires(detail::mistake_in<F, parameter_count(), Options...> == detail::Mistake::mistake) WENGERT_REFUSED(advice) \
  constexpr auto elementwise(F, Options...) { return detail::RefusedOp{}; }
WENGERT_REFUSE(captures,
               "the lambda must not capture: pass values as trailing parameters, elementwise<\"name\", params<1>>")
WENGERT_REFUSE(plain_arguments, "all arguments of the lambda must be declared auto: [](auto x, auto slope) { … }")
WENGERT_REFUSE(
    arguments,
    "the lambda must be callable with one to eight numbers, followed by its params<n>: [](auto x, auto slope) { … }")
WENGERT_REFUSE(
    option, "the arguments after the lambda must be options: derivative(...), input_domain(...), notation<\"...\">, …")
WENGERT_REFUSE(two_of_a_kind, "an op takes at most one option of each kind")
WENGERT_REFUSE(
    result, "the lambda must return a number computed from its arguments: convert a comparison with where(mask, 1, 0)")
WENGERT_REFUSE(partials, "derivative(...) needs one lambda, passes_cotangent<...> one sign, for each input")
WENGERT_REFUSE(
    partial, "each lambda of derivative(...) takes the inputs, the parameters and the output: [](auto x, auto y) { … }")
WENGERT_REFUSE(slope,
               "each lambda of derivative(...) must return a number: convert a comparison with where(mask, 1, 0)")
#undef WENGERT_REFUSE
/// @endcond

}  // namespace wengert
