// The Parameters of a struct, found by visiting its members: no macros, no registration, no names as strings.
//
//     struct Layer { Parameter<float> weight, bias; };
//     struct Network { std::vector<Layer> encoder; Layer head; };      // encoder.0.weight, encoder.0.bias, … head.bias
//
// Aggregates of at most sixteen members, vectors, arrays, tuples, optionals and smart pointers are visited, to any
// depth; members of other types are skipped. `io::save_parameters`, which would lose the weights of a skipped layer,
// rejects it, unless the layer declares that it has none: `using HoldsNoParameters = void;`. If a struct declares
// `using UnnamedMember = void;`, paths leave out the names of its members. A struct with a `member_suffix()` appends it
// to its members' names; in a list, such structs are distinguished by the suffix instead of an index: `weight_ih_l0`. An
// element of a list that has an `element_name()` goes by this name instead of its index.
#pragma once

#include <wengert/reflect/tree.hpp>

#include <algorithm>
#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert {

namespace detail {

// `name` below `path`: `encoder.0`.
std::string joined_path(const std::string& path, std::string_view name);
// Whether `path` is `prefix` or below it: `encoder.0` is below `encoder`, `encoder2` is not; every path is below "".
bool is_below(std::string_view path, std::string_view prefix);

template <class X>
concept HasMemberSuffix = requires(const X& x) {
  std::string(x.member_suffix());
};
template <class X>
concept HasElementName = requires(const X& x) {
  std::string(x.element_name());
};

// Calls `visit(path, x)` and, if it returns true, does the same for the fields of x. For containers and pointers,
// visits only the fields.
template <class X, class Visit>
void visit_parts(const X& x, const std::string& path, const Visit& visit) {
  static_assert(!std::is_array_v<X>,  // with_members accepts one element as the only member
                "wengert: a struct of tensors must not hold a C array: make it an std::array<Layer, 1>");
  constexpr Kind kind = kind_of<X>;
  if constexpr (kind == Kind::value || kind == Kind::aggregate)
    if (!visit(path, x)) return;
  for_each_field(x, [&]<class Field>(const Field& field, [[maybe_unused]] std::size_t i) {
    constexpr bool is_element = kind == Kind::sequence && HasElementName<Field>;
    constexpr bool is_numbered =
        kind == Kind::tuple || (kind == Kind::sequence && !HasMemberSuffix<Field> && !is_element);
    constexpr bool is_named = kind == Kind::aggregate && !requires { typename X::UnnamedMember; };
    std::string own = path;
    if constexpr (is_element) own = joined_path(path, field.element_name());
    if constexpr (is_numbered) own = joined_path(path, std::to_string(i));
    if constexpr (is_named) own = joined_path(path, member_names<X>[i]);
    if constexpr (is_named && HasMemberSuffix<X>) own += std::string(x.member_suffix());
    detail::visit_parts(field, own, visit);
  });
}

}  // namespace detail

/// Calls `f(path, leaf)` with every tensor, Parameter and Var of a struct, in the order of the members.
template <class Tree, class F>
void for_each_named_leaf(const Tree& tree, F&& f) {
  detail::visit_parts(tree, {}, [&]<class X>(const std::string& path, const X& x) {
    if constexpr (detail::is_leaf<X>) f(path, x);
    return !detail::is_leaf<X>;
  });
}

/// Calls `f(path, member)` with every part of a struct that has the type Member, such as one kind of layer, in the
/// order of the members. Does not visit parts within such a part.
template <class Member, class Module, class F>
void for_each_member(const Module& module, F&& f) {
  detail::visit_parts(module, {}, [&]<class X>(const std::string& path, const X& x) {
    if constexpr (std::same_as<X, Member>) f(path, x);
    return !std::same_as<X, Member>;
  });
}

/// Calls `f(path, part)` with a struct and all its parts, at any depth, each before its own members.
template <class Module, class F>
void for_each_part(const Module& module, F&& f) {
  detail::visit_parts(module, {}, [&](const std::string& path, const auto& x) {
    f(path, x);
    return true;
  });
}

/// Calls `f(path, parameter)` with every Parameter of a struct, in the order of the members; a shared one is visited
/// once, under its first path.
template <class Module, class F>
void for_each_parameter(const Module& module, F&& f) {
  std::vector<const void*> met;
  for_each_named_leaf(module, [&]<class Leaf>(const std::string& path, const Leaf& leaf) {
    if constexpr (detail::is_parameter<Leaf>) {
      if (std::find(met.begin(), met.end(), &leaf.value()) != met.end()) return;
      met.push_back(&leaf.value());
      f(path, leaf);
    }
  });
}

/// A tensor that is saved with a network but never trained, such as a running mean.
///
/// Its path is that of the member that holds it. `nn::unfreeze` skips it, and optimisers keep no state for it.
template <class T>
struct Buffer {
  /// Paths leave out the name of the only member.
  using UnnamedMember = void;
  Parameter<T> parameter;  ///< the tensor

  /// A buffer with this value.
  static Buffer make(Tensor<T> value) { return {Parameter<T>(std::move(value), {}, false)}; }
};

/// The scalar type of a struct's first Parameter; void if it has none.
template <class Module>
using ModuleScalar = typename decltype(detail::first_scalar<true>(detail::Types<Module>{}))::type;

/// A Parameter and its path in a network.
template <class T>
struct NamedParameter {
  std::string name;        ///< the path, such as `encoder.0.weight`
  Parameter<T> parameter;  ///< the Parameter
};

/// All Parameters of a struct or container, or a single Parameter, under its own name. In the order of the members; a
/// shared one appears once, under its first path. All must have the same scalar type; if there are none, it is float.
template <class Module>
auto named_parameters(const Module& module) {
  using T = std::conditional_t<std::is_void_v<ModuleScalar<Module>>, float, ModuleScalar<Module>>;
  std::vector<NamedParameter<T>> result;
  for_each_parameter(module, [&]<class U>(const std::string& path, const Parameter<U>& parameter) {
    static_assert(std::is_same_v<T, U>, "wengert: all Parameters of a network must have the same scalar type");
    result.push_back({path.empty() ? parameter.name() : path, parameter});
  });
  return result;
}

namespace detail {

// The Parameters of a struct's Buffers.
template <class T, class Module>
std::vector<Parameter<T>> buffers_of(const Module& module) {
  std::vector<Parameter<T>> result;
  for_each_member<Buffer<T>>(module, [&](const std::string&, const Buffer<T>& b) { result.push_back(b.parameter); });
  return result;
}

// The parameters that are not among `others`.
template <class T>
std::vector<NamedParameter<T>> without(std::vector<NamedParameter<T>> parameters,
                                       const std::vector<Parameter<T>>& others) {
  std::erase_if(parameters, [&](const NamedParameter<T>& named) {
    return std::find(others.begin(), others.end(), named.parameter) != others.end();
  });
  return parameters;
}

}  // namespace detail

}  // namespace wengert
