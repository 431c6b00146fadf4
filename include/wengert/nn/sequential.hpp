// Sequential, Residual and Flatten: chains of layers, residual blocks, and layers that merge axes.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/nn/activations.hpp>
#include <wengert/nn/call.hpp>
#include <wengert/nn/scope.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/op.hpp>

#include <cstddef>
#include <tuple>
#include <utility>

namespace wengert::nn {

namespace detail {
// Calls a layer in a scope, for layers that open none: lambdas, and structs of the user.
template <class Layer, class X>
auto call_in_scope(const Layer& layer, X x, const Location& where) {
  const Scope scope(layer, x);
  return call(layer, x, where);
}

// The tape of a chain's input. Throws HandleError, naming the caller's line, if it is empty or stale.
template <class X>
auto& tape_of_input(const X& x, const Location& where) {
  if constexpr (requires { tape_of(x, "Sequential", where); })
    return tape_of(x, "Sequential", where);
  else if constexpr (requires { tape_of(x.handle(), "Sequential", where); })
    return tape_of(x.handle(), "Sequential", where);
  else
    return x.tape();
}
}  // namespace detail

/// Layers applied one after another; made by `sequential`. Their indices are their paths: `0.weight`.
template <class... Layers>
struct Sequential {
  /// Omits the member name from paths.
  using UnnamedMember = void;
  std::tuple<Layers...> layers;  ///< the layers, in order

  /// The result of applying all layers to x, in order.
  template <class X>
  auto operator()(X x, Location where = Location::current()) const {
    const Scope scope(*this, x);
    return atomically(detail::tape_of_input(x, where), where, [&] { return from<0>(x, where); });
  }
  /// The layer with index i, counted from 0.
  template <std::size_t i>
  const auto& at() const {
    return std::get<i>(layers);
  }

 private:
  template <std::size_t i, class X>
  auto from(X x, const Location& where) const {
    if constexpr (i == sizeof...(Layers))
      return x;
    else
      return from<i + 1>(detail::call_in_scope(at<i>(), x, where), where);
  }
};

/// Chains layers: `nn::sequential(nn::Linear<float>::make(784, 128, g), nn::ReLU{}, …)`. A layer is anything that can
/// be called with the result of the previous one, including a lambda.
template <class... Layers>
Sequential<Layers...> sequential(Layers... layers) {
  return {{std::move(layers)...}};
}

/// shortcut(x) + block(x): a residual block (He et al. 2016). By default, the shortcut is the identity.
template <class Block, class Shortcut = Identity>
struct Residual {
  Block block;          ///< the residual branch
  Shortcut shortcut{};  ///< the branch it is added to

  /// Throws ShapeError if the two branches return different shapes.
  template <class T>
  Var<T> operator()(Var<T> x, Location where = Location::current()) const {
    const Scope scope(*this, x);
    return atomically(tape_of(x, "Residual", where), where, [&] {
      const Var<T> a = detail::call_in_scope(shortcut, x, where);
      const Var<T> b = detail::call_in_scope(block, x, where);
      if (a.shape() != b.shape())
        throw ShapeError("Residual",
                         "the block returns " + to_string(b.shape()) + " and the shortcut " + to_string(a.shape()) +
                             ": expected equal shapes; use a projection shortcut, such as a 1×1 convolution",
                         where);
      return add(Operand<T>(a, where), Operand<T>(b, where));
    });
  }
};

/// Makes a residual block: `nn::residual(nn::sequential(…))`. A block that changes the shape needs a shortcut.
template <class Block, class Shortcut = Identity>
Residual<Block, Shortcut> residual(Block block, Shortcut shortcut = {}) {
  return {std::move(block), std::move(shortcut)};
}

/// Merges the axes from `first` to `last`, by default all but the batch axis: (N, C, H, W) gives (N, C·H·W).
struct Flatten {
  std::ptrdiff_t first = 1;  ///< the first axis to merge
  std::ptrdiff_t last = -1;  ///< the last axis to merge

  /// The layer's result for x.
  template <class T>
  Var<T> operator()(Var<T> x, Location where = Location::current()) const {
    const Scope scope(*this, x);
    return flatten(x, first, last, where);
  }
};

}  // namespace wengert::nn
