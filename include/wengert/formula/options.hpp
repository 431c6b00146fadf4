// Options of an elementwise op: its derivative, domain, notation and parameters.
#pragma once

#include <wengert/tape/registry.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace wengert {

/// A string as a template argument: the name of an op, so that each op has its own constant table.
template <std::size_t size>
struct Name {
  char text[size]{};  ///< the characters, with the terminating zero
  consteval Name() = default;
  /// From a literal.
  consteval Name(const char (&from)[size]) { std::copy_n(from, size, text); }  // NOLINT(google-explicit-constructor)
  /// The characters.
  constexpr std::string_view view() const { return {text, size - 1}; }

  /// The concatenation of the two names.
  template <std::size_t other>
  consteval Name<size + other - 1> operator+(const Name<other>& b) const {
    Name<size + other - 1> joined;
    std::copy_n(text, size - 1, joined.text);
    std::copy_n(b.text, other, joined.text + size - 1);
    return joined;
  }
};

/// The number of scalar parameters that follow a formula's inputs: `elementwise<"leaky_relu", params<1>>`.
template <std::size_t count>
inline constexpr std::integral_constant<std::size_t, count> params{};

// ---- options of elementwise ----------------------------------------------------------------------------------------

namespace detail {
// The kind of an option; an op has at most one option of each kind.
struct DerivativeKind {};
struct DomainKind {};
struct NotationKind {};
struct ConventionKind {};
struct ParametersKind {};
struct AppearanceKind {};
struct CallerKind {};
struct PrimitiveKind {};

// Example parameters as a list of sets.
template <std::size_t count>
constexpr std::array<std::array<double, count>, 1> as_sets(const std::array<double, count>& one) {
  return {one};
}
template <std::size_t count, std::size_t sets>
constexpr auto as_sets(const std::array<std::array<double, count>, sets>& several) {
  return several;
}
}  // namespace detail

template <class... Partial>
struct Derivative {
  using Kind = detail::DerivativeKind;
  static constexpr std::tuple<Partial...> partials{};
};
/// Gives the derivative explicitly, for example in terms of the output: one lambda per input, called with the inputs,
/// the parameters and then the output: `derivative([](auto x, auto y) { return 1 - y * y; })`.
template <class... Partial>
constexpr Derivative<Partial...> derivative(Partial...) {
  return {};
}

template <int... sign>
struct PassesCotangent {
  using Kind = detail::DerivativeKind;
  static constexpr std::array signs{sign...};
};
/// The formula is a sum of its inputs, each with sign 1 or -1, and constants: the cotangent of an input is that of the
/// result times the sign, and needs no pullback kernel.
template <int... sign>
inline constexpr PassesCotangent<sign...> passes_cotangent{};

/// The derivative of x · c with respect to x.
inline constexpr auto second_argument = [](auto, auto c, auto) { return c; };
struct ScalesByParameter : Derivative<std::remove_const_t<decltype(second_argument)>> {
  static constexpr bool scales = true;
};
/// The formula is x · c, of an input and a parameter; Programs can merge it into a matrix product.
inline constexpr ScalesByParameter scales_by_parameter{};

/// The derivative of a · b with respect to b.
inline constexpr auto first_argument = [](auto a, auto, auto) { return a; };
struct MultipliesInputs
    : Derivative<std::remove_const_t<decltype(second_argument)>, std::remove_const_t<decltype(first_argument)>> {
  static constexpr bool multiplies = true;
};
/// The formula is a · b, of two inputs; Programs can merge it into a matrix product if one input has a single element.
inline constexpr MultipliesInputs multiplies_inputs{};

struct PiecewiseConstant {
  using Kind = detail::DerivativeKind;
};
/// The formula is piecewise constant: its derivative is zero wherever it exists.
inline constexpr PiecewiseConstant piecewise_constant{};

template <class Interval>
struct InputDomain {
  using Kind = detail::DomainKind;
  static constexpr Domain domain = Interval{}();
};
/// The interval from which checks of the derivative draw the inputs, as a function; by default [-2, 2]:
/// `input_domain([] { return Domain{0.3, 3}; })`.
template <class Interval>
constexpr InputDomain<Interval> input_domain(Interval) {
  return {};
}

template <Name formula>
struct Notation {
  using Kind = detail::NotationKind;
  static constexpr std::string_view text = formula.view();
};
/// The formula in mathematical notation, for the op reference.
template <Name formula>
inline constexpr Notation<formula> notation{};

template <Name sentence>
struct Convention {
  using Kind = detail::ConventionKind;
  static constexpr std::string_view text = sentence.view();
};
/// The behaviour at kinks, ties and edges, as a sentence for the op reference.
template <Name sentence>
inline constexpr Convention<sentence> convention{};

template <class Values>
struct ExampleParameters {
  using Kind = detail::ParametersKind;
  static constexpr auto values = detail::as_sets(Values{}());
};
/// The parameters for checks of the op, as a function; by default 1.5, 0.75, 1.25, …:
/// `example_parameters([] { return std::array{-1.0, 1.0}; })`.
///
/// Random checks multiply all of them by one factor between 0.8 and 1.25. If only certain values are valid, give
/// several sets, `std::array{std::array{1.0, 1.0}, std::array{2.0, 2.0}}`; random checks then use one set unchanged.
template <class Values>
constexpr ExampleParameters<Values> example_parameters(Values) {
  return {};
}

template <Name function>
struct CalledAs {
  using Kind = detail::CallerKind;
  static constexpr auto name = function;
};
/// The function that errors name instead of the op that it records: `called_as<"add">` for the op add_scalar.
template <Name function>
inline constexpr CalledAs<function> called_as{};

struct ShownByFormula {
  using Kind = detail::AppearanceKind;
};
/// `explain` shows the formula instead of the op's name.
inline constexpr ShownByFormula shown_by_formula{};

namespace detail {
struct Primitive {
  using Kind = PrimitiveKind;
};
// Marks the ops that Symbols record: their formulas would only record the op itself.
inline constexpr Primitive primitive{};
}  // namespace detail

// ---- defaults ------------------------------------------------------------------------------------------------------

namespace detail {

struct ShownByName {
  using Kind = AppearanceKind;
};
template <std::size_t count>
struct DefaultParameters {
  using Kind = ParametersKind;
  static constexpr std::array all{1.5, 0.75, 1.25, 0.5, 1.75, 0.625, 1.375};
  static constexpr auto values = [] {
    std::array<std::array<double, count>, 1> result{};
    std::copy_n(all.begin(), count, result[0].begin());
    return result;
  }();
};
// Sets of parameters, concatenated.
template <std::size_t count, std::size_t sets>
constexpr std::array<double, count * sets> joined(const std::array<std::array<double, count>, sets>& values) {
  std::array<double, count * sets> result{};
  for (std::size_t set = 0; set < sets; ++set) std::ranges::copy(values[set], result.begin() + set * count);
  return result;
}
struct DefaultDomain {
  using Kind = DomainKind;
  static constexpr Domain domain{};
};

// The first option of a kind, or the default.
template <class Default, class... Options>
struct Option {
  using type = Default;
};
template <class Default, class First, class... Rest>
struct Option<Default, First, Rest...> {
  using type = std::conditional_t<std::is_same_v<typename First::Kind, typename Default::Kind>, First,
                                  typename Option<Default, Rest...>::type>;
};

}  // namespace detail
}  // namespace wengert
