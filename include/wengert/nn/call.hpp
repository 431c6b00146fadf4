// Calls of layers and networks: with the caller's line if they accept one, and with the parts of structured inputs.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/reflect/fields.hpp>

#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>

namespace wengert::nn::detail {

// Calls a layer, with the caller's line if it accepts one.
template <class Layer, class X>
auto call(const Layer& layer, X x, const Location& where) {
  if constexpr (std::invocable<const Layer&, X, Location>)
    return layer(x, where);
  else
    return layer(x);
}

// Whether a module takes the members of a struct.
template <class Module, class X>
constexpr bool takes_members() {
  if constexpr (wengert::detail::kind_of<X> == wengert::detail::Kind::aggregate)
    return decltype(wengert::detail::with_members(std::declval<const X&>(), []<class... Member>(const Member&...) {
      return std::is_invocable<const Module&, Member...>{};
    }))::value;
  else
    return false;
}

// The call of a module with inputs on a tape: with one argument, or with the members of a struct.
template <class Module, class X>
struct CallOf {
  static constexpr bool takes_one = std::is_invocable_v<const Module&, X>;
  static constexpr bool possible = takes_one || takes_members<Module, X>();
  static auto call(const Module& module, const X& x, const Location& where) {
    if constexpr (!takes_one && takes_members<Module, X>())
      return wengert::detail::with_members(x, module);
    else
      return nn::detail::call(module, x, where);
  }
};
// The same with the elements of a tuple.
template <class Module, class... X>
requires std::is_invocable_v<const Module&, X...>
struct CallOf<Module, std::tuple<X...>> {
  static constexpr bool possible = true;
  static auto call(const Module& module, const std::tuple<X...>& x, const Location& where) {
    if constexpr (sizeof...(X) == 1)
      return nn::detail::call(module, std::get<0>(x), where);
    else
      return std::apply(module, x);
  }
};

}  // namespace wengert::nn::detail
