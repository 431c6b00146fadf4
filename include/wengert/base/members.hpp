// The members of an aggregate, without macros: how many there are, references to them, and their names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace wengert::detail {

// Converts to any member type, to count an aggregate's members. The conversion never runs; it has a body because
// std::optional requires one.
template <std::size_t>
struct AnyMember {
  template <class X>
  operator X() const {  // NOLINT(google-explicit-constructor)
    std::abort();
  }
};
inline constexpr std::size_t max_members = 16;
template <class S, std::size_t count = max_members + 1>
constexpr std::size_t member_count() {
  constexpr auto takes = []<std::size_t... I>(std::index_sequence<I...>) {
    return requires { S{AnyMember<I>{}...}; };
  };
  if constexpr (count == 0 || takes(std::make_index_sequence<count>{}))
    return count;
  else
    return member_count<S, count - 1>();
}
// The number of members if `with_members` can bind them, otherwise a compile error and 0. Initialisation in braces
// counts the elements of a C array as members; initialisation in parentheses does not, which detects such arrays.
template <class S>
constexpr std::size_t checked_member_count() {
  constexpr std::size_t count = member_count<S>();
  constexpr bool is_in_range = count > 0 && count <= max_members;
  static_assert(
      is_in_range,
      "wengert: a struct of tensors must be an aggregate of 1 to 16 members; group some into a nested struct");
  constexpr bool holds_array = []<std::size_t... I>(std::index_sequence<I...>) {
    return is_in_range && !requires { S(AnyMember<I>{}...); };
  }
  (std::make_index_sequence<count>{});
  static_assert(!holds_array, "wengert: a struct of tensors must not hold a C array: make it an std::array<Layer, 2>");
  return is_in_range && !holds_array ? count : 0;
}

// Calls `f` with the members of a struct.
template <class S, class F>
constexpr decltype(auto) with_members(S& s, F&& f) {
  constexpr std::size_t count = checked_member_count<std::remove_const_t<S>>();
  // clang-format off
  if constexpr (count == 0) return f();
  else if constexpr (count == 1) { auto& [a] = s; return f(a); }
  else if constexpr (count == 2) { auto& [a, b] = s; return f(a, b); }
  else if constexpr (count == 3) { auto& [a, b, c] = s; return f(a, b, c); }
  else if constexpr (count == 4) { auto& [a, b, c, d] = s; return f(a, b, c, d); }
  else if constexpr (count == 5) { auto& [a, b, c, d, e] = s; return f(a, b, c, d, e); }
  else if constexpr (count == 6) { auto& [a, b, c, d, e, g] = s; return f(a, b, c, d, e, g); }
  else if constexpr (count == 7) { auto& [a, b, c, d, e, g, h] = s; return f(a, b, c, d, e, g, h); }
  else if constexpr (count == 8) { auto& [a, b, c, d, e, g, h, i] = s; return f(a, b, c, d, e, g, h, i); }
  else if constexpr (count == 9) { auto& [a, b, c, d, e, g, h, i, j] = s; return f(a, b, c, d, e, g, h, i, j); }
  else if constexpr (count == 10) { auto& [a, b, c, d, e, g, h, i, j, k] = s; return f(a, b, c, d, e, g, h, i, j, k); }
  else if constexpr (count == 11) { auto& [a, b, c, d, e, g, h, i, j, k, l] = s; return f(a, b, c, d, e, g, h, i, j, k, l); }
  else if constexpr (count == 12) { auto& [a, b, c, d, e, g, h, i, j, k, l, m] = s; return f(a, b, c, d, e, g, h, i, j, k, l, m); }
  else if constexpr (count == 13) { auto& [a, b, c, d, e, g, h, i, j, k, l, m, n] = s; return f(a, b, c, d, e, g, h, i, j, k, l, m, n); }
  else if constexpr (count == 14) { auto& [a, b, c, d, e, g, h, i, j, k, l, m, n, o] = s; return f(a, b, c, d, e, g, h, i, j, k, l, m, n, o); }
  else if constexpr (count == 15) { auto& [a, b, c, d, e, g, h, i, j, k, l, m, n, o, p] = s; return f(a, b, c, d, e, g, h, i, j, k, l, m, n, o, p); }
  else { auto& [a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q] = s; return f(a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q); }
  // clang-format on
}

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

// An object that is declared and never defined: only the compiler's spelling of its members' addresses is used.
template <class S>
struct Declared {
  const S value;
  static const Declared object;
};
template <class P>
struct Address {
  P pointer;
};
template <class P>
Address(P) -> Address<P>;
template <auto address>  // g++: … = Address<…>{(& … ::value.Layer::weight)}; …   clang: … =
                         // Address<…>{&object.value.weight}]
consteval std::string_view spelled() {
  constexpr std::string_view text = __PRETTY_FUNCTION__;
  constexpr std::string_view until = text.substr(0, text.find_last_not_of(")", text.rfind('}') - 1) + 1);
  return until.substr(until.find_last_of(".:") + 1);
}
template <class S, std::size_t i>
consteval auto address_of_member() {
  return with_members(Declared<S>::object.value,
                      [](const auto&... member) { return Address{std::get<i>(std::tuple(&member...))}; });
}
// The names of a struct's members.
template <class S>
inline constexpr auto member_names = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array<std::string_view, sizeof...(I)>{spelled<address_of_member<S, I>()>()...};
}
(std::make_index_sequence<checked_member_count<S>()>{});

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

}  // namespace wengert::detail
