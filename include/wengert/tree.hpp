// Trees of tensors: visits and maps structs, tuples, arrays and vectors whose leaves are tensors.
//
//     template <class V>
//     struct Layer { V w, b; };            // Layer<Tensor<float>> holds weights, Layer<Var<float>> their Vars
//
// A struct must be an aggregate of at most sixteen members and a template over the type of its leaves; structs nest.
#pragma once

#include <wengert/index_var.hpp>
#include <wengert/parameter.hpp>
#include <wengert/tape.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert {

namespace detail {

template <class X>
inline constexpr bool is_leaf = false;
template <class T>
inline constexpr bool is_leaf<Var<T>> = true;
template <class T>
inline constexpr bool is_leaf<Parameter<T>> = true;
template <class E>
requires requires(const E& e) { xt::xexpression<E>(e); } || std::derived_from<E, xt::xexpression<E>>
inline constexpr bool is_leaf<E> = std::is_floating_point_v<typename E::value_type>;

template <class X>
inline constexpr bool is_parameter = false;
template <class T>
inline constexpr bool is_parameter<Parameter<T>> = true;

// Converts to any member type, to count an aggregate's members. It has a body, which never runs, because the conversion
// of std::optional requires one.
struct AnyMember {
  template <class X>
  operator X() const {  // NOLINT(google-explicit-constructor)
    std::abort();
  }
};
template <class S, std::size_t... I>
constexpr bool takes_members(std::index_sequence<I...>) {
  return requires { S{(static_cast<void>(I), AnyMember{})...}; };
}
inline constexpr std::size_t max_members = 16;
template <class S, std::size_t count = max_members + 1>
constexpr std::size_t member_count() {
  if constexpr (count == 0 || takes_members<S>(std::make_index_sequence<count>{}))
    return count;
  else
    return member_count<S, count - 1>();
}

// Whether member `i` of an aggregate that takes `count` values is a C array. `count` includes its elements one by one,
// so braces around some of them leave room for fewer values after them.
template <class S, std::size_t... Before, std::size_t... In, std::size_t... Behind>
constexpr bool takes_braced(std::index_sequence<Before...>, std::index_sequence<In...>,
                            std::index_sequence<Behind...>) {
  return requires {
    S{(static_cast<void>(Before), AnyMember{})...,
      {(static_cast<void>(In), AnyMember{})...},
      (static_cast<void>(Behind), AnyMember{})...};
  };
}
template <class S, std::size_t count, std::size_t i, std::size_t elements = 2>
constexpr bool is_array_member() {
  if constexpr (i + elements > count)
    return false;
  else if constexpr (takes_braced<S>(std::make_index_sequence<i>{}, std::make_index_sequence<elements>{},
                                     std::make_index_sequence<count - i - elements>{}))
    return !takes_braced<S>(std::make_index_sequence<i>{}, std::make_index_sequence<elements>{},
                            std::make_index_sequence<count - i - 1>{});
  else
    return is_array_member<S, count, i, elements + 1>();
}
template <class S, std::size_t... I>
constexpr bool has_array_member(std::index_sequence<I...>) {
  return (is_array_member<S, sizeof...(I), I>() || ...);
}

// Calls `f` with the members of a struct.
template <class S, class F>
constexpr decltype(auto) with_members(S& s, F&& f) {
  constexpr std::size_t count = member_count<std::remove_const_t<S>>();
  static_assert(count > 0 && count <= max_members,
                "wengert: a struct of tensors must be an aggregate of one to sixteen members; put some into a struct");
#if !defined(__clang__)  // clang makes a default initialiser that does not compile a hard error here
  static_assert(
      !has_array_member<std::remove_const_t<S>>(std::make_index_sequence < count <= max_members ? count : 0 > {}),
      "wengert: a struct of tensors must not hold a C array: make it an std::array<Layer, 2>");
#endif
  // clang-format off
  if constexpr (count == 1) { auto& [a] = s; return f(a); }
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

// Whether a type is a tree: it consists of leaves only and can be rebuilt from them.
template <class X>
inline constexpr bool is_tree = is_leaf<X>;
template <template <class> class S, class V>
requires(!is_leaf<S<V>> && std::is_aggregate_v<S<V>>) inline constexpr bool is_tree<S<V>> = is_tree<V>;
template <class X>
inline constexpr bool is_tree<std::vector<X>> = is_tree<X>;
template <class X, std::size_t count>
inline constexpr bool is_tree<std::array<X, count>> = is_tree<X>;
template <class... X>
inline constexpr bool is_tree<std::tuple<X...>> = (is_tree<X> && ...);

template <class Tree, class F>
auto map_leaves(const Tree& tree, F&& f);

// Rebuilds a tree from its mapped parts.
template <class Tree>
struct Rebuild {
  static_assert(is_leaf<Tree>,
                "wengert: neither a tensor nor a tree of tensors; make a struct of tensors a template over the type of "
                "its leaves: template <class V> struct Layer { V w, b; }");
};
template <class Tree>
requires is_leaf<Tree>
struct Rebuild<Tree> {
  template <class F>
  static auto map(const Tree& leaf, F&& f) {
    return f(leaf);
  }
};
template <template <class> class S, class V>
requires(!is_leaf<S<V>> && std::is_aggregate_v<S<V>>) struct Rebuild<S<V>> {
  template <class F>
  static auto map(const S<V>& s, F&& f) {
    using W = std::remove_cvref_t<decltype(f(std::declval<const V&>()))>;
    return with_members(s, [&](const auto&... member) { return S<W>{map_leaves(member, f)...}; });
  }
};
template <class X>
struct Rebuild<std::vector<X>> {
  template <class F>
  static auto map(const std::vector<X>& trees, F&& f) {
    std::vector<decltype(map_leaves(trees.front(), f))> result;
    for (const X& tree : trees) result.push_back(map_leaves(tree, f));
    return result;
  }
};
template <class X, std::size_t count>
struct Rebuild<std::array<X, count>> {
  template <class F>
  static auto map(const std::array<X, count>& trees, F&& f) {
    using Y = decltype(map_leaves(trees.front(), f));
    return std::apply([&](const auto&... tree) { return std::array<Y, count>{map_leaves(tree, f)...}; }, trees);
  }
};
template <class... X>
struct Rebuild<std::tuple<X...>> {
  template <class F>
  static auto map(const std::tuple<X...>& trees, F&& f) {
    return std::apply(
        [&](const auto&... tree) { return std::tuple<decltype(map_leaves(tree, f))...>{map_leaves(tree, f)...}; },
        trees);
  }
};

template <class Tree, class F>
auto map_leaves(const Tree& tree, F&& f) {
  return Rebuild<Tree>::map(tree, f);
}

// The scalar type of a tree's first leaf; void if the type does not determine it.
template <class Tree>
struct ScalarOfTree {
  using type = void;
};
template <class T>
struct ScalarOfTree<Var<T>> {
  using type = T;
};
template <class T>
struct ScalarOfTree<Parameter<T>> {
  using type = T;
};
template <class E>
requires(is_leaf<E>&& requires { typename E::value_type; }) struct ScalarOfTree<E> {
  using type = typename E::value_type;
};
template <template <class> class S, class V>
requires(!is_leaf<S<V>> && std::is_aggregate_v<S<V>>) struct ScalarOfTree<S<V>> : ScalarOfTree<V> {
};
template <class X>
struct ScalarOfTree<std::vector<X>> : ScalarOfTree<X> {};
template <class X, std::size_t count>
struct ScalarOfTree<std::array<X, count>> : ScalarOfTree<X> {};
template <class First, class... Rest>
struct ScalarOfTree<std::tuple<First, Rest...>> : ScalarOfTree<First> {};

}  // namespace detail

/// The tree with each leaf replaced by `f` of it: `map_tree(weights, [](const auto& w) { return zeros_like(w); })`.
///
/// Leaves are tensors, Parameters and Vars. Visits them in the order of the members.
template <class Tree, class F>
auto map_tree(const Tree& tree, F&& f) {
  return detail::map_leaves(tree, f);
}

/// Calls `f` with every leaf, in the order of the members.
template <class Tree, class F>
void for_each_leaf(const Tree& tree, F&& f) {
  detail::map_leaves(tree, [&](const auto& leaf) {
    f(leaf);
    return 0;
  });
}

}  // namespace wengert
