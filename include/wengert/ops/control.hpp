// Control over differentiation: where gradients stop, what they pass through, what is kept for them.
#pragma once

#include <wengert/structural.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace wengert {

/// x as a constant: its value, without a gradient. A view; copies nothing.
template <class T>
Var<T> stop_gradient(Var<T> x, Location where = Location::current());

/// x, whose gradient is what `f` makes of the cotangent: `map_gradient(x, [](auto g) { return 2 * g; })`.
///
/// A view; copies nothing. A sweep throws ShapeError if `f` returns another shape than it was given.
template <class T>
Var<T> map_gradient(Var<T> x, std::type_identity_t<std::function<Var<T>(Var<T>)>> f,
                    Location where = Location::current());

/// x, whose gradient is multiplied by a factor: −1 reverses it (Ganin and Lempitsky 2015).
template <class T>
Var<T> scale_gradient(Var<T> x, double factor, Location where = Location::current());

/// x, whose gradient is limited to [low, high], element by element.
template <class T>
Var<T> clip_gradient(Var<T> x, double low, double high, Location where = Location::current());

namespace detail {

/// What a sweep calls for a node with a rule of its own.
template <class T>
using VjpRule = std::function<void(Pullback<T>&)>;

// The value of `y`, recorded since `from`, as one node of `arguments` with its own rule.
template <class T>
Var<T> with_rule(const typename Tape<T>::Mark& from, Var<T> y, std::span<const Var<T>> arguments, VjpRule<T> rule,
                 const Location& where);
template <class T>
Var<T> checkpointed(std::function<Var<T>(std::span<const Var<T>>)> f, std::span<const Var<T>> arguments,
                    const Location& where);

}  // namespace detail

/// A function with the backward rule given: `custom_vjp(forward, backward)` is called on Vars like `forward`.
///
/// `backward(g, y, x...)` returns the cotangents of the inputs x, given that of the value y: a Var for one input, a
/// tuple of Vars, `no_gradient` or functions returning Vars for several. It is recorded, so it can be differentiated
/// again. What `forward` recorded is given back at once; Vars it captures get no gradient. The inputs must be Vars of
/// one tape.
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

/// A function whose inner values are not kept for the gradient, but computed again when it needs them:
/// `checkpoint(block)(x)` instead of `block(x)`, memory for time (Griewank and Walther 2000).
///
/// Vars the function captures and Parameters it records get their gradients, too. It is called once more in each sweep
/// and must record the same each time: random generators that it draws from are set back for that, and updates that it
/// queues are queued once. The inputs must be Vars of one tape.
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
