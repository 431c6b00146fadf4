// converted: a deep copy of a struct, in the same scalar type or another one.
#pragma once

#include <wengert/reflect/tree.hpp>

#include <concepts>
#include <memory>
#include <vector>

namespace wengert {

namespace detail {

// A handle whose copies share one state, such as Generator.
template <class X>
concept SharesState = requires(const X& x) {
  typename X::State;
  { x.state() } -> std::same_as<const std::shared_ptr<typename X::State>&>;
  X(x.state());
};

// The map for `rebuild` that copies what ordinary copies of an object share, each once: Parameters, in scalar type T,
// the states of handles, and objects behind shared pointers.
template <class T>
class Converter {
 public:
  using Scalar = T;

  template <class U>
  Parameter<T> operator()(const Parameter<U>& x) {
    return *once<Parameter<T>>(
        &x.value(), [&] { return Parameter<T>(Tensor<T>(xt::cast<T>(x.value())), x.name(), x.trainable()); });
  }
  template <SharesState X>
  X operator()(const X& x) {
    return X(once<typename X::State>(x.state().get(), [&] { return *x.state(); }));
  }
  template <class X>
  std::shared_ptr<Rebuilt<Converter, X>> operator()(const std::shared_ptr<X>& x) {
    if (!x) return nullptr;
    return once<Rebuilt<Converter, X>>(x.get(), [&] { return rebuild(*x, *this); });
  }

 private:
  struct Copy {
    const void* original;
    const void* type;
    std::shared_ptr<void> object;
  };
  template <class Y>
  static constexpr char tag = 0;  // its address stands for the type

  // The copy of an object, made at the first call for it.
  template <class Y, class Make>
  std::shared_ptr<Y> once(const void* original, const Make& make) {
    for (const Copy& copy : copies_)
      if (copy.original == original && copy.type == &tag<Y>) return std::static_pointer_cast<Y>(copy.object);
    auto object = std::make_shared<Y>(make());
    copies_.push_back({original, &tag<Y>, object});
    return object;
  }

  std::vector<Copy> copies_;
};

}  // namespace detail

/// A deep copy of a struct, with Parameters of scalar type T: `converted<double>(network)`. What is shared within the
/// struct (Parameters, other handles such as a Generator, objects behind shared pointers) is shared within the copy. To
/// change its scalar type, a struct must be a template over it, or over the types of its members.
template <class T, class Module>
auto converted(const Module& module) {
  detail::Converter<T> map;
  return detail::rebuild(module, map);
}

}  // namespace wengert
