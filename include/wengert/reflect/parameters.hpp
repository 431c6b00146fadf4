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
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
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

namespace detail {

/// A type: its identity, and a text that contains its name as the compiler spells it.
struct TypeOf {
  const std::type_info* id;
  const char* spelling;

  friend bool operator==(const TypeOf& a, const TypeOf& b) { return *a.id == *b.id; }
};
template <class X>
TypeOf type_of() {
  return {&typeid(X), __PRETTY_FUNCTION__};
}

/// A part of a struct. Its type is erased, so that functions that look for a few types share one walk for each struct:
/// a walk of its own for each function takes longer to compile than the function.
struct AnyPart {
  const void* address;
  TypeOf type;
  bool is_layer;  ///< a class, and neither a tensor nor a Parameter or Var

  /// The part if it has this type, otherwise null.
  template <class X>
  const X* as() const {
    return *type.id == typeid(X) ? static_cast<const X*>(address) : nullptr;
  }
};

// The visitor of `visit_parts` that passes on each part as an AnyPart. Refers to its function.
class VisitAny {
 public:
  template <class F>
  explicit VisitAny(const F& f)
      : function_(&f), call_([](const void* function, const std::string& path, const AnyPart& part) {
          return bool((*static_cast<const F*>(function))(path, part));
        }) {}
  template <class X>
  bool operator()(const std::string& path, const X& x) const {
    return call_(function_, path, {std::addressof(x), type_of<X>(), std::is_class_v<X> && !is_leaf<X>});
  }

 private:
  const void* function_;
  bool (*call_)(const void* function, const std::string& path, const AnyPart& part);
};

// Calls `f(path, part)` with a struct and, if it returns true, with its parts, each an AnyPart before its own parts.
template <class Module, class F>
void visit_any_parts(const Module& module, const F& f) {
  detail::visit_parts(module, {}, VisitAny(f));
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
  detail::visit_any_parts(module, [&](const std::string& path, const detail::AnyPart& part) {
    const Member* const member = part.as<Member>();
    if (member != nullptr) f(path, *member);
    return member == nullptr;
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

namespace detail {

// Every path that leads to a Parameter, in the order of the members; a shared one has several.
template <class Module>
auto parameter_paths(const Module& module) {
  using T = std::conditional_t<std::is_void_v<ModuleScalar<Module>>, float, ModuleScalar<Module>>;
  std::vector<NamedParameter<T>> result;
  for_each_named_leaf(module, [&]<class Leaf>(const std::string& path, const Leaf& leaf) {
    if constexpr (is_parameter<Leaf>) {
      static_assert(std::is_same_v<Leaf, Parameter<T>>,
                    "wengert: all Parameters of a network must have the same scalar type");
      result.push_back({path.empty() ? leaf.name() : path, leaf});
    }
  });
  return result;
}

// Without all but the first path of each Parameter.
template <class T>
std::vector<NamedParameter<T>> first_paths(const std::vector<NamedParameter<T>>& paths) {
  std::vector<NamedParameter<T>> result;
  for (const NamedParameter<T>& each : paths) {
    const auto is_same = [&](const NamedParameter<T>& other) { return other.parameter == each.parameter; };
    if (std::none_of(result.begin(), result.end(), is_same)) result.push_back(each);
  }
  return result;
}

}  // namespace detail

/// All Parameters of a struct or container, or a single Parameter, under its own name. In the order of the members; a
/// shared one appears once, under its first path. All must have the same scalar type; if there are none, it is float.
template <class Module>
auto named_parameters(const Module& module) {
  return detail::first_paths(detail::parameter_paths(module));
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
