// Control over differentiation: stopped and transformed gradients, custom backward rules, and checkpointing.
#pragma once

#include <wengert/tape/structural.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace wengert {

/// x as a constant: its value, without a gradient. A view.
template <class T>
Var<T> stop_gradient(Var<T> x, Location where = Location::current());

/// x, whose gradient is `f` of the cotangent: `map_gradient(x, [](auto g) { return 2 * g; })`. A view. The backward
/// pass throws ShapeError if `f` changes the shape.
template <class T>
Var<T> map_gradient(Var<T> x, std::type_identity_t<std::function<Var<T>(Var<T>)>> f,
                    Location where = Location::current());

/// x, whose gradient is multiplied by a factor: −1 reverses it (Ganin & Lempitsky 2015). A view.
template <class T>
Var<T> scale_gradient(Var<T> x, double factor, Location where = Location::current());

/// x, whose gradient is limited to [low, high], element by element. A view. Throws ValueError if low > high.
template <class T>
Var<T> clip_gradient(Var<T> x, double low, double high, Location where = Location::current());

namespace detail {

/// The backward rule of a `custom_vjp` node.
template <class T>
using VjpRule = std::function<void(Pullback<T>&)>;

// Collapses the nodes recorded since `from` into one with the value of `y`, the inputs `arguments` and this rule.
template <class T>
Var<T> with_rule(const typename Tape<T>::Mark& from, Var<T> y, std::span<const Var<T>> arguments, VjpRule<T> rule,
                 const Location& where);
template <class T>
Var<T> checkpointed(std::function<Var<T>(std::span<const Var<T>>)> f, std::span<const Var<T>> arguments,
                    const Location& where);

}  // namespace detail

/// A function with a custom backward rule: `custom_vjp(forward, backward)` is called on Vars, like `forward`.
///
/// `backward(g, y, x...)` returns the cotangents of the inputs x, given the cotangent g of the value y: a Var for one
/// input; for several, a tuple of Vars, of `no_gradient`, or of functions that return a Var. It is recorded, so it can
/// be differentiated again. The values of the nodes that `forward` records are released immediately; Vars that it
/// captures get no gradient. The inputs must be Vars on one tape.
template <class Forward, class Backward>
auto custom_vjp(Forward forward, Backward backward) {
  return [forward = std::move(forward), backward = std::move(backward)]<class T, class... Rest>(
             Var<T> first, Rest... rest) -> Var<T> {
    Tape<T>& tape = first.tape("custom_vjp", {});
    const auto from = tape.mark();
    constexpr std::size_t count = sizeof...(Rest) + 1;
    const std::array<Var<T>, count> arguments{first, rest...};
    const Location nowhere{};
    return atomically(tape, nowhere, [&] {
      const Var<T> y = forward(first, rest...);
      const Location where = tape.node(y, "custom_vjp").where;
      return detail::with_rule<T>(
          from, y, arguments,
          [backward](Pullback<T>& pullback) {
            [&]<std::size_t... I>(std::index_sequence<I...>) {
              const auto cotangents = backward(pullback.cotangent(), pullback.output(), pullback.input(I)...);
              if constexpr (requires { std::tuple_size<std::remove_const_t<decltype(cotangents)>>::value; })
                (detail::give_cotangent(pullback, I, std::get<I>(cotangents)), ...);
              else
                detail::give_cotangent(pullback, 0, cotangents);
            }
            (std::make_index_sequence<count>{});
          },
          where);
    });
  };
}

/// A function whose intermediate values are not kept for the gradient, but recomputed in the backward pass:
/// `checkpoint(block)(x)` instead of `block(x)` trades time for memory (Griewank & Walther 2000).
///
/// Vars that the function captures and Parameters that it records get gradients too. It is called again in each
/// backward pass and must record the same nodes each time: for these calls, the random generators that it draws from
/// are reset to their earlier positions, and updates that it queues are dropped. The inputs must be Vars on one tape.
template <class F>
auto checkpoint(F f) {
  return [f = std::move(f)]<class T, class... Rest>(Var<T> first, Rest... rest) -> Var<T> {
    const std::array<Var<T>, sizeof...(Rest) + 1> arguments{first, rest...};
    return detail::checkpointed<T>(
        [f](std::span<const Var<T>> x) {
          return [&]<std::size_t... I>(std::index_sequence<I...>) { return f(x[I]...); }
          (std::make_index_sequence<sizeof...(Rest) + 1>{});
        },
        arguments, Location{});
  };
}

}  // namespace wengert
