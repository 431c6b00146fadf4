// Text: the reading of a formula that writes it down, in plain text and in LaTeX.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wengert {

/// A formula written down. Sums with 0 and products with 0 or 1 are left out, as in Symbol.
struct Text {
  /// How tightly the outermost operation binds; what binds less than its place asks for gets parentheses.
  enum class Binding { comparison, sum, product, power, whole };

  std::string plain;
  std::string latex;
  Binding binding = Binding::whole;
  std::optional<double> constant{};

  bool is(double c) const { return constant == c; }
  /// A name or a number.
  static Text of(double constant);
  /// `name(a, b)`.
  static Text call(std::string_view name, std::span<const Text> arguments);
  static Text call(std::string_view name, std::initializer_list<Text> arguments) {
    return call(name, std::span(arguments.begin(), arguments.size()));
  }
  /// a and b with an operator between them, which binds so.
  static Text infix(const Text& a, std::string_view plain, std::string_view latex, const Text& b, Binding binding);
  /// x with a mark before it, as in Σ x.
  static Text prefix(std::string_view plain, std::string_view latex, const Text& x);
  /// x with a mark behind it, as in xᵀ.
  static Text postfix(const Text& x, std::string_view plain, std::string_view latex);

  friend Text lift(const Text&, double c) { return of(c); }
  friend Text operator+(const Text& a, const Text& b);
  friend Text operator-(const Text& a, const Text& b);
  friend Text operator*(const Text& a, const Text& b);
  friend Text operator/(const Text& a, const Text& b);
  friend Text operator-(const Text& a);

  operator double() const;  // NOLINT: see Probe
};

/// A condition written down.
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
