// Structural ops: everything that is not elementwise, each one struct with name, shape rule, forward and vjp.
//
//     struct Cumsum {                                              // along the last axis
//       static constexpr std::string_view name = "cumsum";
//       static constexpr std::string_view notation = "yᵢ = x₀ + … + xᵢ";
//       static constexpr std::size_t arity = 1;
//       Shape shape(const Shape& x) const { return x; }
//       template <class T> void forward(Value<const T> x, Value<T> y) const { … }
//       template <class T> auto vjp(Var<T> g, Var<T> y, Var<T> x) const { return flip(cumsum(flip(g))); }
//       static std::vector<StructuralExample<Cumsum>> examples() { return {{{}, {{3, 4}}}}; }
//     };
//     template <class T> Var<T> cumsum(Var<T> x, Location where = Location::current()) { return record(Cumsum{}, where,
//     x); }
#pragma once

#include <wengert/op.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert {

/// One application of a structural op that its derivative is checked on.
template <class S>
struct StructuralExample {
  S op;
  std::vector<Shape> shapes;  // of the inputs
  Domain domain{};
};

/// What a struct must have to be an op; its data members are the op's attributes.
///
/// `shape` gives the result's shape or throws ShapeError or AxisError; `forward` computes it from contiguous inputs
/// (from any strides, if the struct has a member `takes_strides = true`). Instead of both, a view has `bool view(const
/// Layout& input, Layout& out, std::ptrdiff_t& offset) const`. `vjp(cotangent, output, inputs…)` returns the cotangents
/// of the inputs as Vars: one, or a tuple of functions that are called only where they are needed.
template <class S>
concept StructuralOp = std::is_trivially_copyable_v<S> && requires {
  { S::name } -> std::convertible_to<std::string_view>;
  { S::notation } -> std::convertible_to<std::string_view>;
  { S::arity } -> std::convertible_to<std::size_t>;
  { S::examples() } -> std::same_as<std::vector<StructuralExample<S>>>;
};

/// Stands in a vjp's tuple for an input that has no gradient.
struct NoGradient {};
inline constexpr NoGradient no_gradient{};

namespace detail {

template <class T, class C>
void give_cotangent(Pullback<T>& pullback, std::size_t i, const C& cotangent) {
  if constexpr (std::is_same_v<C, NoGradient>)
    return;
  else if constexpr (std::is_same_v<C, Var<T>>)
    pullback.give(i, cotangent);
  else if (pullback.needs(i))
    pullback.give(i, cotangent());
}

}  // namespace detail

/// The constant table of a structural op.
template <class T, StructuralOp S>
struct StructuralTable {
  static_assert(S::arity >= 1 && S::arity <= 8, "wengert: a structural op has one to eight inputs");
  static constexpr bool is_view = requires(const S& s, const Layout& in, Layout& out, std::ptrdiff_t& offset) {
    s.view(in, out, offset);
  };

  static Shape shape(const void* attributes, std::span<const Shape* const> inputs) {
    return with_inputs([&](auto... i) { return self(attributes).shape(*inputs[i]...); });
  }
  static void forward(const void* attributes, std::span<const Value<const T>> inputs, Value<T> out) {
    with_inputs([&](auto... i) { self(attributes).forward(inputs[i]..., out); });
  }
  static bool view(const void* attributes, const Layout& input, Layout& out, std::ptrdiff_t& offset) {
    return self(attributes).view(input, out, offset);
  }
  static void vjp(Pullback<T>& pullback) {
    const S op = self(pullback.node().attributes);  // by value: recording may move the node
    const auto cotangents =
        with_inputs([&](auto... i) { return op.vjp(pullback.cotangent(), pullback.output(), pullback.input(i)...); });
    if constexpr (requires { std::tuple_size<std::remove_const_t<decltype(cotangents)>>::value; })
      with_inputs([&](auto... i) { (detail::give_cotangent(pullback, i, std::get<i>(cotangents)), ...); });
    else
      detail::give_cotangent(pullback, 0, cotangents);
  }

  static constexpr Op<T> make() {
    Op<T> op{.name = S::name, .vjp = vjp};
    if constexpr (is_view) {
      op.view = view;
    } else {
      op.shape = shape;
      op.forward = forward;
      op.takes_strides = requires { requires S::takes_strides; };
    }
    return op;
  }
  static constexpr Op<T> table = make();

 private:
  static const S& self(const void* attributes) { return *static_cast<const S*>(attributes); }
  template <class F>
  static auto with_inputs(F&& f) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) { return f(std::integral_constant<std::size_t, I>{}...); }
    (std::make_index_sequence<S::arity>{});
  }
};

/// Records a structural op on its inputs.
template <class T, StructuralOp S, class... V>
requires(sizeof...(V) + 1 == S::arity &&
         (std::same_as<V, Var<T>> && ...)) Var<T> record(const S& op, const Location& where, Var<T> first, V... rest);

/// Puts a structural op into the registry; `record` does so for every op that a program uses.
template <StructuralOp S>
struct Registered {
  static std::vector<OpExample> examples() {
    std::vector<OpExample> result;
    for (const StructuralExample<S>& example : S::examples())
      result.push_back({std::string(S::name), example.shapes, std::vector<Domain>(S::arity, example.domain),
                        [op = example.op](std::span<const Var<double>> x) {
                          return [&]<std::size_t... I>(std::index_sequence<I...>) {
                            return record(op, Location::current(), x[I]...);
                          }
                          (std::make_index_sequence<S::arity>{});
                        }});
    return result;
  }
  static const bool done;
};
template <StructuralOp S>
const bool Registered<S>::done =
    register_op({.name = S::name, .notation = S::notation, .own_examples = Registered<S>::examples});

template <class T, StructuralOp S, class... V>
requires(sizeof...(V) + 1 == S::arity &&
         (std::same_as<V, Var<T>> && ...)) Var<T> record(const S& op, const Location& where, Var<T> first, V... rest) {
  (void)&Registered<S>::done;
  const std::array<Var<T>, S::arity> inputs{first, rest...};
  if (first.empty()) throw HandleError(S::name, "operand 1 is an empty handle: it was never recorded on a tape", where);
  return first.tape().record(StructuralTable<T, S>::table, &op, sizeof(S), inputs, where);
}

}  // namespace wengert
