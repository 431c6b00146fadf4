// converted: a deep copy of a struct, in the same scalar type or another one.
#pragma once

#include <wengert/tree.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert {

namespace detail {

/// The objects converted so far, by identity, with their copies.
template <class T>
struct ConvertedParameters {
  std::vector<std::pair<const void*, Parameter<T>>> parameters;
  std::vector<std::pair<const void*, std::shared_ptr<void>>> others;

  template <class List, class Make>
  static auto once(List& list, const void* identity, const Make& make) {
    const auto found = std::find_if(list.begin(), list.end(), [&](const auto& k) { return k.first == identity; });
    if (found != list.end()) return found->second;
    auto made = make();
    list.emplace_back(identity, made);
    return typename List::value_type::second_type(made);
  }
};

// A handle whose copies share a state, such as Generator.
template <class X>
concept SharesState = requires(const X& x) {
  typename X::State;
  { x.state() } -> std::same_as<const std::shared_ptr<typename X::State>&>;
  X(x.state());
};

template <class T, class X>
auto convert(const X& x, ConvertedParameters<T>& known);

// Converts a member of a struct to the new scalar type. Most types do not change.
template <class T, class X>
struct Conversion {
  static X of(const X& x, ConvertedParameters<T>&) { return x; }
};
template <class T, class X>
requires(std::is_aggregate_v<X>&& std::is_class_v<X> && !std::is_empty_v<X>) struct Conversion<T, X> {
  static X of(const X& x, ConvertedParameters<T>& known) {
    return with_members(x, [&](const auto&... member) { return X{convert<T>(member, known)...}; });
  }
};
// For a template over its scalar type or over the types of its members.
template <class T, class X>
struct ConvertedType : std::type_identity<X> {};
template <class T, std::floating_point X>
struct ConvertedType<T, X> : std::type_identity<T> {};
template <class T, class X>
requires(std::is_class_v<X>) struct ConvertedType<T, X>
    : std::type_identity<decltype(convert<T>(std::declval<const X&>(), std::declval<ConvertedParameters<T>&>()))> {
};
template <class T, template <class...> class S, class... U>
requires(std::is_aggregate_v<S<U...>> && !std::is_empty_v<S<U...>>) struct Conversion<T, S<U...>> {
  static auto of(const S<U...>& x, ConvertedParameters<T>& known) {
    return with_members(x, [&](const auto&... member) {
      return S<typename ConvertedType<T, U>::type...>{convert<T>(member, known)...};
    });
  }
};
template <class T, class U>
struct Conversion<T, Parameter<U>> {
  static Parameter<T> of(const Parameter<U>& x, ConvertedParameters<T>& known) {
    return known.once(known.parameters, &x.value(),
                      [&] { return Parameter<T>(Tensor<T>(xt::cast<T>(x.value())), x.name(), x.trainable()); });
  }
};
template <class T, SharesState X>
struct Conversion<T, X> {
  static X of(const X& x, ConvertedParameters<T>& known) {
    using State = typename X::State;
    return X(std::static_pointer_cast<State>(known.once(known.others, x.state().get(), [&]() -> std::shared_ptr<void> {
      return std::make_shared<State>(*x.state());
    })));
  }
};
template <class T, class X>
struct Conversion<T, std::shared_ptr<X>> {
  static auto of(const std::shared_ptr<X>& x, ConvertedParameters<T>& known) {
    using Y = std::remove_const_t<decltype(convert<T>(*x, known))>;
    if (!x) return std::shared_ptr<Y>();
    return std::static_pointer_cast<Y>(known.once(
        known.others, x.get(), [&]() -> std::shared_ptr<void> { return std::make_shared<Y>(convert<T>(*x, known)); }));
  }
};
template <class T, class X>
struct Conversion<T, std::unique_ptr<X>> {
  static auto of(const std::unique_ptr<X>& x, ConvertedParameters<T>& known) {
    using Y = std::remove_const_t<decltype(convert<T>(*x, known))>;
    return x ? std::make_unique<Y>(convert<T>(*x, known)) : std::unique_ptr<Y>();
  }
};
template <class T, class X>
struct Conversion<T, std::vector<X>> {
  static auto of(const std::vector<X>& x, ConvertedParameters<T>& known) {
    std::vector<decltype(convert<T>(std::declval<const X&>(), known))> result;
    for (const auto& element : x) result.push_back(convert<T>(element, known));
    return result;
  }
};
template <class T, class X, std::size_t count>
struct Conversion<T, std::array<X, count>> {
  static auto of(const std::array<X, count>& x, ConvertedParameters<T>& known) {
    return std::apply([&](const auto&... part) { return std::array{convert<T>(part, known)...}; }, x);
  }
};
template <class T, class... X>
struct Conversion<T, std::tuple<X...>> {
  static auto of(const std::tuple<X...>& x, ConvertedParameters<T>& known) {
    return std::apply([&](const auto&... part) { return std::tuple{convert<T>(part, known)...}; }, x);
  }
};
template <class T, class X>
struct Conversion<T, std::optional<X>> {
  static auto of(const std::optional<X>& x, ConvertedParameters<T>& known) {
    using Y = decltype(convert<T>(*x, known));
    return x ? std::optional<Y>(convert<T>(*x, known)) : std::optional<Y>();
  }
};

template <class T, class X>
auto convert(const X& x, ConvertedParameters<T>& known) {
  return Conversion<T, X>::of(x, known);
}

}  // namespace detail

/// A copy of a struct with its own Parameters, in scalar type T: `converted<double>(network)`. Parameters that are
/// shared within the struct are shared within the copy, as are objects behind pointers and other handles (a Generator).
/// A struct that changes its scalar type must be a template over it, or over the types of its members.
template <class T, class Module>
auto converted(const Module& module) {
  detail::ConvertedParameters<T> known;
  return detail::convert<T>(module, known);
}

}  // namespace wengert
