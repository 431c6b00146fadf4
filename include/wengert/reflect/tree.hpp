// Trees of tensors: visits and maps the leaves of structs, tuples, arrays and vectors of tensors.
//
//     template <class V>
//     struct Layer { V w, b; };            // Layer<Tensor<float>> holds weights, Layer<Var<float>> their Vars
//
// A struct must be an aggregate of at most sixteen members and a template over the type of its leaves; structs nest.
#pragma once

#include <wengert/base/tensor.hpp>
#include <wengert/reflect/fields.hpp>
#include <wengert/tape/parameter.hpp>
#include <wengert/tape/var.hpp>

#include <concepts>
#include <type_traits>

namespace wengert {

namespace detail {

template <class E>
concept FloatingExpression =
    std::is_class_v<E> && std::derived_from<E, xt::xexpression<E>> && std::is_floating_point_v<typename E::value_type>;

// The scalar type of a tensor, Parameter or Var; void for other types.
template <class X>
struct LeafScalar : std::type_identity<void> {};
template <class T>
struct LeafScalar<Var<T>> : std::type_identity<T> {};
template <class T>
struct LeafScalar<Parameter<T>> : std::type_identity<T> {};
template <FloatingExpression E>
struct LeafScalar<E> : std::type_identity<typename E::value_type> {};

template <class X>
inline constexpr bool is_leaf = !std::is_void_v<typename LeafScalar<X>::type>;
template <class X>
inline constexpr bool is_parameter = std::is_same_v<X, Parameter<typename LeafScalar<X>::type>>;

// The scalar type of the first leaf, or of the first Parameter, among objects of these types and their fields.
template <bool of_parameters>
constexpr auto first_scalar(Types<>) {
  return std::type_identity<void>{};
}
template <bool of_parameters, class X, class... Rest>
constexpr auto first_scalar(Types<X, Rest...>) {
  if constexpr (of_parameters ? is_parameter<X> : is_leaf<X>) {
    return std::type_identity<typename LeafScalar<X>::type>{};
  } else {
    const auto go_on = []<class... Field>(Types<Field...>) {
      return first_scalar<of_parameters>(Types<std::remove_const_t<Field>..., Rest...>{});
    };
    return go_on(field_types<X>());
  }
}
template <class Tree>
using ScalarOfTree = decltype(first_scalar<false>(Types<Tree>{}));

// Whether a type is a tree: it consists of leaves only and can be rebuilt from them.
template <class X>
inline constexpr bool is_tree = is_leaf<X> || []<class... V>(Types<V...>) {
  constexpr Kind kind = kind_of<X>;
  constexpr bool can_be =
      kind == Kind::sequence || kind == Kind::tuple || (kind == Kind::aggregate && sizeof...(V) == 1);
  return can_be && (is_tree<V> && ...);
}(typename Structure<X>::Arguments{});

// Applies `f` to the leaves of a tree; any other object that is not a tree is a compile error.
template <class F>
struct LeafMap {
  using Scalar = void;
  F& f;

  template <class X>
  requires(is_leaf<X> || !is_tree<X>) auto operator()(const X& leaf) const {
    static_assert(is_leaf<X>,
                  "wengert: neither a tensor nor a tree of tensors; make a struct of tensors a template over the type "
                  "of its leaves: template <class V> struct Layer { V w, b; }");
    if constexpr (is_leaf<X>)
      return f(leaf);
    else
      return leaf;
  }
};

}  // namespace detail

/// The tree with each leaf replaced by `f` of it: `map_tree(weights, [](const auto& w) { return zeros_like(w); })`.
///
/// Leaves are tensors, Parameters and Vars. Visits them in the order of the members.
template <class Tree, class F>
auto map_tree(const Tree& tree, F&& f) {
  const detail::LeafMap<F> map{f};
  return detail::rebuild(tree, map);
}

/// Calls `f` with every leaf, in the order of the members.
template <class Tree, class F>
void for_each_leaf(const Tree& tree, F&& f) {
  if constexpr (detail::is_leaf<Tree> || !detail::is_tree<Tree>)
    detail::LeafMap<F>{f}(tree);
  else
    detail::for_each_field(tree, [&](const auto& part, auto) { wengert::for_each_leaf(part, f); });
}

}  // namespace wengert
