// Text: the number type that writes a formula as plain text and LaTeX.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wengert {

/// A formula as text. Sums with 0 and products with 0 or 1 are simplified, as in Symbol.
struct Text {
  /// The precedence of the outermost operation. Parentheses are added where the context requires a higher one.
  enum class Binding { comparison, sum, product, power, whole };

  std::string plain;
  std::string latex;
  Binding binding = Binding::whole;
  std::optional<double> constant{};

  bool is(double c) const { return constant == c; }
  /// A number.
  static Text of(double constant);
  /// `name(a, b)`.
  static Text call(std::string_view name, std::span<const Text> arguments);
  static Text call(std::string_view name, std::initializer_list<Text> arguments) {
    return call(name, std::span(arguments.begin(), arguments.size()));
  }
  /// a and b joined by an operator of precedence `binding`.
  static Text infix(const Text& a, std::string_view plain, std::string_view latex, const Text& b, Binding binding);
  /// x with a prefix, as in Σ x.
  static Text prefix(std::string_view plain, std::string_view latex, const Text& x);
  /// x with a postfix, as in xᵀ.
  static Text postfix(const Text& x, std::string_view plain, std::string_view latex);

  friend Text lift(const Text&, double c) { return of(c); }
  friend Text operator+(const Text& a, const Text& b);
  friend Text operator-(const Text& a, const Text& b);
  friend Text operator*(const Text& a, const Text& b);
  friend Text operator/(const Text& a, const Text& b);
  friend Text operator-(const Text& a);

  operator double() const;  // NOLINT: see Probe
};

/// A condition as text.
struct TextMask {
  Text text;
  friend TextMask operator&&(const TextMask& a, const TextMask& b);
  friend TextMask operator||(const TextMask& a, const TextMask& b);
  friend TextMask operator!(const TextMask& a);

  explicit operator bool() const;  // see Probe
};
TextMask operator<(const Text& a, const Text& b);
TextMask operator>(const Text& a, const Text& b);
TextMask operator<=(const Text& a, const Text& b);
TextMask operator>=(const Text& a, const Text& b);
TextMask operator==(const Text& a, const Text& b);
TextMask operator!=(const Text& a, const Text& b);
inline Text number_of(const TextMask&) { return {}; }
Text where(const TextMask& mask, const Text& a, const Text& b);

}  // namespace wengert
