// Text: renders formulas as plain text and LaTeX, with minimal parentheses and constant folding.
#include <wengert/simd/text.hpp>

#include <utility>

#include <fmt/format.h>

namespace wengert {
namespace {

using Binding = Text::Binding;

// The text of x, in parentheses if it binds less tightly than `needed`.
std::pair<std::string, std::string> bound(const Text& x, Binding needed) {
  if (x.binding >= needed) return {x.plain, x.latex};
  return {fmt::format("({})", x.plain), fmt::format("\\left({}\\right)", x.latex)};
}

Binding tighter(Binding binding) { return static_cast<Binding>(static_cast<int>(binding) + 1); }

}  // namespace

Text Text::of(double c) {
  std::string digits = fmt::format("{:.6g}", c);
  return {digits, digits, c < 0 ? Binding::sum : Binding::whole, c};
}

Text Text::call(std::string_view name, std::span<const Text> arguments) {
  std::string plain, latex, escaped;
  for (const Text& argument : arguments) {
    plain += (plain.empty() ? "" : ", ") + argument.plain;
    latex += (latex.empty() ? "" : ", ") + argument.latex;
  }
  for (const char c : name) escaped += c == '_' ? std::string("\\_") : std::string(1, c);
  return {fmt::format("{}({})", name, plain), fmt::format("\\operatorname{{{}}}\\left({}\\right)", escaped, latex)};
}

Text Text::infix(const Text& a, std::string_view plain, std::string_view latex, const Text& b, Binding binding) {
  const auto [left, left_latex] = bound(a, binding);
  const auto [right, right_latex] = bound(b, tighter(binding));
  return {fmt::format("{} {} {}", left, plain, right), fmt::format("{} {} {}", left_latex, latex, right_latex),
          binding};
}

Text Text::postfix(const Text& x, std::string_view plain, std::string_view latex) {
  const auto [inner, inner_latex] = bound(x, Binding::power);
  return {fmt::format("{}{}", inner, plain), fmt::format("{}{}", inner_latex, latex), Binding::power};
}

Text Text::prefix(std::string_view plain, std::string_view latex, const Text& x) {
  const auto [inner, inner_latex] = bound(x, Binding::power);
  return {fmt::format("{} {}", plain, inner), fmt::format("{} {}", latex, inner_latex), Binding::product};
}

Text operator+(const Text& a, const Text& b) {
  if (a.is(0)) return b;
  if (b.is(0)) return a;
  if (a.constant && b.constant) return Text::of(*a.constant + *b.constant);
  if (b.constant && *b.constant < 0) return a - Text::of(-*b.constant);
  return Text::infix(a, "+", "+", b, Binding::sum);
}

Text operator-(const Text& a, const Text& b) {
  if (b.is(0)) return a;
  if (a.is(0)) return -b;
  if (a.constant && b.constant) return Text::of(*a.constant - *b.constant);
  return Text::infix(a, "−", "-", b, Binding::sum);
}

Text operator*(const Text& a, const Text& b) {
  if (a.is(0) || b.is(1)) return a;
  if (b.is(0) || a.is(1)) return b;
  if (a.constant && b.constant) return Text::of(*a.constant * *b.constant);
  if (a.is(-1)) return -b;
  if (b.is(-1)) return -a;
  if (a.constant) return Text::infix(a, "·", "\\cdot", b, Binding::product);
  if (b.constant) return Text::infix(b, "·", "\\cdot", a, Binding::product);
  return Text::infix(a, "⊙", "\\odot", b, Binding::product);
}

Text operator/(const Text& a, const Text& b) {
  if (a.is(0) || b.is(1)) return a;
  if (a.constant && b.constant) return Text::of(*a.constant / *b.constant);
  const Text plain = Text::infix(a, "/", "/", b, Binding::product);
  return {plain.plain, fmt::format("\\frac{{{}}}{{{}}}", a.latex, b.latex), Binding::product};
}

Text operator-(const Text& a) {
  if (a.constant) return Text::of(-*a.constant);
  const auto [inner, inner_latex] = bound(a, Binding::product);
  return {fmt::format("−{}", inner), fmt::format("-{}", inner_latex), Binding::sum};
}

static TextMask compare(const Text& a, std::string_view plain, std::string_view latex, const Text& b) {
  return {Text::infix(a, plain, latex, b, Binding::comparison)};
}
TextMask operator<(const Text& a, const Text& b) { return compare(a, "<", "<", b); }
TextMask operator>(const Text& a, const Text& b) { return compare(a, ">", ">", b); }
TextMask operator<=(const Text& a, const Text& b) { return compare(a, "≤", "\\le", b); }
TextMask operator>=(const Text& a, const Text& b) { return compare(a, "≥", "\\ge", b); }
TextMask operator==(const Text& a, const Text& b) { return compare(a, "=", "=", b); }
TextMask operator!=(const Text& a, const Text& b) { return compare(a, "≠", "\\ne", b); }
TextMask operator&&(const TextMask& a, const TextMask& b) { return compare(a.text, "and", "\\wedge", b.text); }
TextMask operator||(const TextMask& a, const TextMask& b) { return compare(a.text, "or", "\\vee", b.text); }
TextMask operator!(const TextMask& a) { return {Text::call("not", {a.text})}; }

Text where(const TextMask& mask, const Text& a, const Text& b) {
  if (a.constant && b.constant && a.constant == b.constant) return a;
  return {fmt::format("where({}, {}, {})", mask.text.plain, a.plain, b.plain),
          fmt::format("\\begin{{cases}}{} & {} \\\\ {} & \\text{{otherwise}}\\end{{cases}}", a.latex, mask.text.latex,
                      b.latex)};
}

}  // namespace wengert
