// Finds members of a struct that may hold Parameters but are skipped when its fields are visited.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/reflect/parameters.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace wengert::io::detail {

// Whether a class has a call operator, or a member `forward` as layers of other libraries do. This also detects
// overloads and templates: the name becomes ambiguous in a class that inherits it twice.
struct OtherCall {
  void operator()() const;
  void forward() const;
};
template <class X>
struct WithOtherCall : X, OtherCall {};
template <class X>
constexpr bool is_callable() {
  constexpr bool can_derive = std::is_class_v<X> && !std::is_final_v<X>;
  using Probe = std::conditional_t<can_derive, WithOtherCall<X>, X>;
  constexpr bool has_call = requires { &Probe::operator(); };
  constexpr bool has_forward = requires { &Probe::forward; };
  return can_derive ? !has_call || !has_forward : has_call || has_forward;
}

// Whether visiting a type's fields finds the type of a Parameter.
template <class X>
constexpr bool has_parameters() {
  if constexpr (wengert::detail::kind_of<X> != wengert::detail::Kind::aggregate)
    return !std::is_void_v<ModuleScalar<X>>;
  else if constexpr (wengert::detail::member_count<X>() == 0 ||
                     wengert::detail::member_count<X>() > wengert::detail::max_members)
    return false;
  else
    return !std::is_void_v<ModuleScalar<X>>;
}

// Whether a skipped member may hold Parameters: a layer that is not an aggregate, recognised by its call operator or
// `forward`, or a container of layers. A trivially destructible type holds none.
template <class X>
inline constexpr bool hides_parameters =
    std::is_class_v<X> && !std::is_aggregate_v<X> && !std::is_trivially_destructible_v<X> && is_callable<X>() &&
    !std::derived_from<X, xt::xexpression<X>> && !requires {
  typename X::HoldsNoParameters;
};
template <template <class...> class Container, class... X>
requires(!wengert::detail::is_leaf<Container<X...>> && !std::is_aggregate_v<Container<X...>> &&
         !is_callable<Container<X...>>()) inline constexpr bool hides_parameters<Container<X...>> =
    (has_parameters<X>() || ...) || (hides_parameters<X> || ...);
template <class F>
inline constexpr bool hides_parameters<std::function<F>> = false;  // usually an activation function
template <class X>
inline constexpr bool hides_parameters<std::weak_ptr<X>> = false;  // owned by another member
template <class X>
inline constexpr bool hides_parameters<std::reference_wrapper<X>> = false;

[[noreturn]] void throw_hidden(std::string_view subject, const std::vector<std::string>& paths, const Location& where);

// Throws ValueError if members of a struct may hold Parameters that are not found.
template <class Module>
void require_open(const Module& module, std::string_view subject, const Location& where) {
  std::vector<std::string> hidden;
  for_each_part(module, [&]<class Part>(const std::string& path, const Part&) {
    if constexpr (hides_parameters<Part>) hidden.push_back(path);
  });
  if (!hidden.empty()) throw_hidden(subject, hidden, where);
}

}  // namespace wengert::io::detail
