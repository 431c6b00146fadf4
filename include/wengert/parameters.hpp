// The Parameters of a struct, found by visiting its members: no macros, no registration, no names as strings.
//
//     struct Layer { Parameter<float> weight, bias; };
//     struct Network { std::vector<Layer> encoder; Layer head; };      // encoder.0.weight, encoder.0.bias, … head.bias
//
// Aggregates of at most sixteen members, vectors, arrays, tuples, optionals and smart pointers are visited, to any
// depth; members of other types are skipped. Where that would lose weights, in `save_parameters`, layers of other types
// are rejected; a layer without Parameters declares `using HoldsNoParameters = void;`. The members of a struct that
// declares `using UnnamedMember = void;` stand for the struct itself: their names are left out of paths. A struct with
// a `member_suffix()` appends it to its members' names; in a list, such structs are told apart by the suffix instead of
// by an index: `weight_ih_l0`.
#pragma once

#include <wengert/tree.hpp>

#include <algorithm>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert {

namespace detail {

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

// A declared object without a definition: only the compiler's spelling of its members' addresses is used.
template <class S>
struct Imagined {
  const S value;
  static const Imagined object;
};
template <class P>
struct Address {
  P pointer;
};
template <class P>
Address(P) -> Address<P>;
template <class S, std::size_t i>
consteval auto address_of_member() {
  return with_members(Imagined<S>::object.value,
                      [](const auto&... member) { return Address{std::get<i>(std::tuple(&member...))}; });
}
template <auto address>
consteval std::string_view spelled() {
#if defined(__clang__)  // … = Address<…>{&object.value.weight}]
  constexpr std::string_view end = "}]";
#else  // … = Address<…>{(& … ::value.Layer::weight)}; …
  constexpr std::string_view end = ")}";
#endif
  constexpr std::string_view text = __PRETTY_FUNCTION__;
  constexpr std::string_view until = text.substr(0, text.rfind(end));
  return until.substr(until.find_last_of(".:") + 1);
}

/// The name of the i-th member of a struct.
template <class S, std::size_t i>
constexpr std::string_view member_name() {
  return spelled<address_of_member<S, i>()>();
}

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

inline std::string joined_path(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

// Whether `path` is `prefix` or lies below it: `encoder.0` lies below `encoder`, `encoder2` does not, and all below "".
inline bool is_below(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  return prefix.empty() || path.size() == prefix.size() || path[prefix.size()] == '.';
}

template <class X>
struct Parts;

template <class X>
concept HasMemberSuffix = requires(const X& x) {
  std::string(x.member_suffix());
};

// Visits a struct's members, each by its name.
template <class S, class Visit, class... Members>
void visit_members(const std::tuple<Members...>& members, const std::string& path, const std::string& suffix,
                   Visit& visitor) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (Parts<std::remove_cvref_t<Members>>::visit(std::get<I>(members), joined_path(path, member_name<S, I>()) + suffix,
                                                visitor),
     ...);
  }
  (std::index_sequence_for<Members...>{});
}

// Visits a type and its parts, each with its path. If the visitor accepts a part, the parts inside it are visited only
// if the visitor returns true. A type that is neither an aggregate nor one of the following has no parts.
template <class X>
struct Parts {
  template <class Visit>
  static void visit(const X& x, const std::string& path, Visit& visitor) {
    if constexpr (std::invocable<Visit&, const std::string&, const X&>)
      if (!visitor(path, x)) return;
    if constexpr (requires { typename X::UnnamedMember; })
      with_members(
          x, [&]<class... Member>(const Member&... member) { (Parts<Member>::visit(member, path, visitor), ...); });
    else if constexpr (std::is_aggregate_v<X> && std::is_class_v<X> && !std::is_empty_v<X>)
      with_members(x, [&](const auto&... member) {
        if constexpr (HasMemberSuffix<X>)
          visit_members<X>(std::tie(member...), path, x.member_suffix(), visitor);
        else
          visit_members<X>(std::tie(member...), path, {}, visitor);
      });
  }
};

// For ranges: elements are numbered from 0, unless they have a member suffix.
template <class Range, class Visit>
void visit_elements(const Range& range, const std::string& path, Visit& visitor) {
  std::size_t i = 0;
  for (const auto& element : range) {
    using X = std::remove_cvref_t<decltype(element)>;
    Parts<X>::visit(element, HasMemberSuffix<X> ? path : joined_path(path, std::to_string(i++)), visitor);
  }
}
template <class X>
struct Parts<std::vector<X>> {
  template <class Visit>
  static void visit(const std::vector<X>& x, const std::string& path, Visit& visitor) {
    if constexpr (std::is_class_v<X>) visit_elements(x, path, visitor);
  }
};
template <class X, std::size_t count>
struct Parts<std::array<X, count>> {
  template <class Visit>
  static void visit(const std::array<X, count>& x, const std::string& path, Visit& visitor) {
    if constexpr (std::is_class_v<X>) visit_elements(x, path, visitor);
  }
};
template <class X, std::size_t count>
struct Parts<X[count]> {  // NOLINT: with_members rejects arrays of several elements
  static_assert(count == 0, "wengert: a struct of tensors must not hold a C array: make it an std::array<Layer, 1>");
};
template <class... X>
struct Parts<std::tuple<X...>> {
  template <class Visit>
  static void visit(const std::tuple<X...>& x, const std::string& path, Visit& visitor) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (Parts<X>::visit(std::get<I>(x), joined_path(path, std::to_string(I)), visitor), ...);
    }
    (std::index_sequence_for<X...>{});
  }
};

// For pointers and optionals: visits the part that they hold, if any.
template <class X, class Pointer>
struct PointedPart {
  template <class Visit>
  static void visit(const Pointer& pointer, const std::string& path, Visit& visitor) {
    if (pointer) Parts<std::remove_const_t<X>>::visit(*pointer, path, visitor);
  }
};
template <class X>
struct Parts<std::optional<X>> : PointedPart<X, std::optional<X>> {};
template <class X>
struct Parts<std::unique_ptr<X>> : PointedPart<X, std::unique_ptr<X>> {};
template <class X>
struct Parts<std::shared_ptr<X>> : PointedPart<X, std::shared_ptr<X>> {};

}  // namespace detail

/// Calls `f(path, leaf)` with every tensor, Parameter and Var of a struct, in the order of the members.
template <class Tree, class F>
void for_each_named_leaf(const Tree& tree, F&& f) {
  const auto visit = [&]<class Leaf>(const std::string& path, const Leaf& leaf) requires(detail::is_leaf<Leaf>) {
    f(path, leaf);
    return false;
  };
  detail::Parts<Tree>::visit(tree, {}, visit);
}

/// Calls `f(path, member)` with every part of type Member of a struct, in the order of the members: all layers of one
/// kind, for example. A part inside another part of that type is not visited.
template <class Member, class Module, class F>
void for_each_member(const Module& module, F&& f) {
  const auto visit = [&]<class X>(const std::string& path, const X& x) requires(std::same_as<X, Member>) {
    f(path, x);
    return false;
  };
  detail::Parts<Module>::visit(module, {}, visit);
}

/// Calls `f(path, part)` with a struct and all its parts, at any depth, each before its own members.
template <class Module, class F>
void for_each_part(const Module& module, F&& f) {
  const auto visit = [&]<class X>(const std::string& path, const X& x) {
    f(path, x);
    return true;
  };
  detail::Parts<Module>::visit(module, {}, visit);
}

/// Calls `f(path, parameter)` with every Parameter of a struct, in the order of the members; a shared one is visited
/// once, under its first path.
template <class Module, class F>
void for_each_parameter(const Module& module, F&& f) {
  std::vector<const void*> met;
  for_each_named_leaf(module, [&]<class Leaf>(const std::string& path, const Leaf& leaf) {
    if constexpr (detail::is_parameter<Leaf>) {
      const void* const state = &leaf.value();
      if (std::find(met.begin(), met.end(), state) != met.end()) return;
      met.push_back(state);
      f(path, leaf);
    }
  });
}

/// A tensor that is saved with a network but never trained: a running mean, for example.
///
/// Its path is the path of the member that holds it. `nn::unfreeze` skips it, and optimisers keep no state for it.
template <class T>
struct Buffer {
  /// Omits its only member's name from paths.
  using UnnamedMember = void;
  Parameter<T> parameter;  ///< the tensor

  /// A buffer with this value.
  static Buffer make(Tensor<T> value) { return {Parameter<T>(std::move(value), {}, false)}; }
};

namespace detail {

// The Parameters of a struct's Buffers.
template <class T, class Module>
std::vector<Parameter<T>> buffers_of(const Module& module) {
  std::vector<Parameter<T>> result;
  for_each_member<Buffer<T>>(module, [&](const std::string&, const Buffer<T>& b) { result.push_back(b.parameter); });
  return result;
}

template <class X>
struct ParameterScalar : std::type_identity<void> {};
template <class... X>
struct FirstParameterScalar : std::type_identity<void> {};
template <class X, class... Rest>
struct FirstParameterScalar<X, Rest...> : std::conditional_t<std::is_void_v<typename ParameterScalar<X>::type>,
                                                             FirstParameterScalar<Rest...>, ParameterScalar<X>> {};
struct ScalarOfMembers {
  template <class... Member>
  auto operator()(const Member&...) const {
    return FirstParameterScalar<Member...>{};
  }
};
template <class T>
struct ParameterScalar<Parameter<T>> : std::type_identity<T> {};
template <class X>
requires(std::is_aggregate_v<X>&& std::is_class_v<X> && !std::is_empty_v<X>) struct ParameterScalar<X>
    : decltype(with_members(std::declval<const X&>(), ScalarOfMembers{})) {
};
template <class X>
struct ParameterScalar<std::vector<X>> : ParameterScalar<X> {};
template <class X, std::size_t count>
struct ParameterScalar<std::array<X, count>> : ParameterScalar<X> {};
template <class... X>
struct ParameterScalar<std::tuple<X...>> : FirstParameterScalar<X...> {};
template <class X>
struct ParameterScalar<std::optional<X>> : ParameterScalar<X> {};
template <class X>
struct ParameterScalar<std::unique_ptr<X>> : ParameterScalar<std::remove_const_t<X>> {};
template <class X>
struct ParameterScalar<std::shared_ptr<X>> : ParameterScalar<std::remove_const_t<X>> {};

}  // namespace detail

/// The scalar type of a struct's first Parameter; void if it has none.
template <class Module>
using ModuleScalar = typename detail::ParameterScalar<Module>::type;

namespace detail {

// Whether a class has a call operator, or a member `forward` as layers of other libraries do, even if overloaded or a
// template: its name becomes ambiguous beside another one.
struct OtherCall {
  void operator()() const;
  void forward() const;
};
template <class X>
struct WithOtherCall : X, OtherCall {};
template <class X>
inline constexpr bool is_callable = requires {
  &X::operator();
}
|| requires { &X::forward; };
template <class X>
requires(std::is_class_v<X> && !std::is_final_v<X>) inline constexpr bool is_callable<X> = !requires {
  &WithOtherCall<X>::operator();
}
|| !requires { &WithOtherCall<X>::forward; };

// Whether visiting a type's members finds the type of a Parameter.
template <class X>
constexpr std::size_t walked_members() {
  if constexpr (std::is_aggregate_v<X> && std::is_class_v<X> && !std::is_empty_v<X>)
    return member_count<X>();
  else
    return 1;
}
template <class X>
constexpr bool has_parameters() {
  if constexpr (walked_members<X>() == 0 || walked_members<X>() > max_members)
    return false;
  else
    return !std::is_void_v<typename ParameterScalar<X>::type>;
}

// Whether a skipped member may hold Parameters: a layer that is not an aggregate, recognised by its call operator or
// its `forward`, or a container of layers. A trivially destructible type holds none.
template <class X>
inline constexpr bool hides_parameters =
    std::is_class_v<X> && !std::is_aggregate_v<X> && !std::is_trivially_destructible_v<X> && is_callable<X> &&
    !std::derived_from<X, xt::xexpression<X>> && !requires {
  typename X::HoldsNoParameters;
};
template <template <class...> class Container, class... X>
requires(!is_leaf<Container<X...>> && !std::is_aggregate_v<Container<X...>> &&
         !is_callable<Container<X...>>) inline constexpr bool hides_parameters<Container<X...>> =
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

}  // namespace detail

/// A Parameter and its path in a network.
template <class T>
struct NamedParameter {
  std::string name;        ///< the path, such as `encoder.0.weight`
  Parameter<T> parameter;  ///< the Parameter
};

/// All Parameters of a struct, of a vector of them, or a single one, in the order of the members; a shared one appears
/// once, under its first path. A single one has its own name. All must have one scalar type; without any, it is float.
template <class Module>
auto named_parameters(const Module& module) {
  using T = std::conditional_t<std::is_void_v<ModuleScalar<Module>>, float, ModuleScalar<Module>>;
  std::vector<NamedParameter<T>> result;
  for_each_parameter(module, [&]<class U>(const std::string& path, const Parameter<U>& parameter) {
    static_assert(std::is_same_v<T, U>, "wengert: all Parameters of a network are of one scalar type");
    result.push_back({path.empty() ? parameter.name() : path, parameter});
  });
  return result;
}

namespace detail {

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
