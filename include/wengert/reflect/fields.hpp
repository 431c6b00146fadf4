// The fields of an object: one function visits them, another rebuilds the object with other fields.
//
// The fields of a struct are its members; those of a vector, array or tuple are its elements; that of an optional or a
// smart pointer is the object that it holds, if any. Objects of other types have no fields.
#pragma once

#include <wengert/base/members.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert::detail {

template <class... X>
struct Types {};

// A value has no fields; a nullable is an optional or a smart pointer.
enum class Kind { value, aggregate, sequence, tuple, nullable };
template <class X>
concept Aggregate = (std::is_class_v<X> && std::is_aggregate_v<X> && !std::is_empty_v<X>) || requires {
  typename X::UnnamedMember;
};

// The type of `rebuild` of an X. A floating-point type argument of a struct becomes `Map::Scalar`.
template <class Map, class X, Kind inside>
constexpr auto rebuilt();
template <class Map, class X, Kind inside = Kind::value>
using Rebuilt = typename decltype(rebuilt<Map, std::remove_const_t<X>, inside>())::type;

// The kind of a type, its template arguments, and the same template with rebuilt arguments. The primary template is for
// types that stay the same, such as structs that are not templates.
template <class X>
struct Structure {
  static constexpr Kind kind = Aggregate<X> ? Kind::aggregate : Kind::value;
  using Arguments = Types<>;
  template <class Map>
  using Of = X;
};
template <Kind kind_, template <class...> class Outer, class... X>
struct Template {
  static constexpr Kind kind = kind_;
  using Arguments = Types<X...>;
  template <class Map>
  using Of = Outer<Rebuilt<Map, X, kind>...>;
};
template <template <class...> class S, class... X>
requires Aggregate<S<X...>>
struct Structure<S<X...>> : Template<Kind::aggregate, S, X...> {
};
template <class X>
struct Structure<std::vector<X>> : Template<Kind::sequence, std::vector, X> {};
template <class X, std::size_t count>
struct Structure<std::array<X, count>> : Structure<std::vector<X>> {
  template <class Map>
  using Of = std::array<Rebuilt<Map, X>, count>;
};
template <class... X>
struct Structure<std::tuple<X...>> : Template<Kind::tuple, std::tuple, X...> {};
template <class X>
struct Structure<std::optional<X>> : Template<Kind::nullable, std::optional, X> {};
template <class X>
struct Structure<std::unique_ptr<X>> : Template<Kind::nullable, std::unique_ptr, X> {};
template <class X>
struct Structure<std::shared_ptr<X>> : Template<Kind::nullable, std::shared_ptr, X> {};

template <class X>
inline constexpr Kind kind_of = Structure<X>::kind;

// The types of the fields.
template <class X>
constexpr auto field_types() {
  if constexpr (kind_of<X> == Kind::aggregate)
    return decltype(with_members(std::declval<const X&>(),
                                 []<class... Field>(const Field&...) { return Types<Field...>{}; })){};
  else
    return typename Structure<X>::Arguments{};
}

// Calls `f(field, i)` with each field and its index. Skips numbers in a sequence.
template <class X, class F>
void for_each_field(const X& x, F&& f) {
  std::size_t i = 0;
  const auto visit = [&](const auto&... field) { (f(field, i++), ...); };
  if constexpr (kind_of<X> == Kind::aggregate) {
    with_members(x, visit);
  } else if constexpr (kind_of<X> == Kind::tuple) {
    std::apply(visit, x);
  } else if constexpr (kind_of<X> == Kind::nullable) {
    if (x) visit(*x);
  } else if constexpr (kind_of<X> == Kind::sequence) {
    if constexpr (std::is_class_v<typename X::value_type>)
      for (const auto& element : x) visit(element);
  }
}

template <class Map, class X, Kind inside>
constexpr auto rebuilt() {
  if constexpr (std::invocable<Map&, const X&>)
    return std::type_identity<std::invoke_result_t<Map&, const X&>>{};
  else if constexpr (inside == Kind::aggregate && std::is_floating_point_v<X>)
    return std::type_identity<typename Map::Scalar>{};
  else
    return std::type_identity<typename Structure<X>::template Of<Map>>{};
}

// A copy of an object in which each part that `map` accepts, at any depth, is replaced by the result of `map`. Calls
// `map` in the order of the fields.
template <class X, class Map>
auto rebuild(const X& x, Map& map) -> Rebuilt<Map, X> {
  using Y = Rebuilt<Map, X>;
  const auto gather = [&](const auto&... field) { return Y{detail::rebuild(field, map)...}; };
  if constexpr (std::invocable<Map&, const X&>) {
    return map(x);
  } else if constexpr (kind_of<X> == Kind::value) {
    return x;
  } else if constexpr (kind_of<X> == Kind::aggregate) {
    return with_members(x, gather);
  } else if constexpr (requires { typename Y::element_type; }) {
    return x ? Y(new typename Y::element_type(detail::rebuild(*x, map))) : Y();
  } else if constexpr (kind_of<X> == Kind::nullable) {
    return x ? Y(detail::rebuild(*x, map)) : Y();
  } else if constexpr (requires(Y y) { y.reserve(x.size()); }) {
    Y y;
    y.reserve(x.size());
    for (const auto& element : x) y.push_back(detail::rebuild(element, map));
    return y;
  } else {
    return std::apply(gather, x);
  }
}

}  // namespace wengert::detail
