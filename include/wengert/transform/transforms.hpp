// Transforms: gradients of recorded values, and of functions.
//
// For a recorded Var: `grad`, `gradients`, `jvp`, `hvp`, `jacobian`, `hessian`. For a function at a point, of any
// number of tensors or trees (see tree.hpp): `grad`, `value_and_grad`, `vjp`, `jvp`, `hvp`, `jacobian`, `hessian`.
#pragma once

#include <wengert/reflect/tree.hpp>
#include <wengert/tape/tape.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <tuple>
#include <type_traits>
#include <vector>

namespace wengert {

/// A value with the cotangent that its gradient starts from; made by `seed`.
template <class T>
struct Seeded {
  Var<T> value;      ///< the value to differentiate
  Var<T> cotangent;  ///< its weight, of the same shape
};

/// Gives a value that is not a scalar its cotangent: `grad(seed(y, c), x)` is the gradient of Σ c·y.
template <class T>
Seeded<T> seed(Var<T> value, Var<T> cotangent) {
  return {value, cotangent};
}

/// The value to differentiate, with the line of the request: a scalar Var, any Var with its cotangent, or several.
template <class T>
struct Differentiated {
  Var<T> value;                   ///< the value to differentiate
  Var<T> cotangent;               ///< its cotangent; if empty, 1
  std::vector<Seeded<T>> others;  ///< further values with cotangents, whose gradients are added
  Location where;                 ///< the line of the request
  /// From a scalar, a seeded value, or several seeded values: braces, or a vector.
  ///@{
  Differentiated(Var<T> scalar, Location line = Location::current()) : value(scalar), where(line) {}  // NOLINT
  Differentiated(const Seeded<T>& seeded, Location line = Location::current());                       // NOLINT
  Differentiated(std::initializer_list<Seeded<T>> several, Location line = Location::current());      // NOLINT
  Differentiated(const std::vector<Seeded<T>>& several, Location line = Location::current());         // NOLINT
  ///@}
};

namespace detail {
template <class X>
inline constexpr bool is_differentiated = false;
template <class T>
inline constexpr bool is_differentiated<Seeded<T>> = true;
template <class T>
inline constexpr bool is_differentiated<std::vector<Seeded<T>>> = true;
template <class T>
inline constexpr bool is_differentiated<Differentiated<T>> = true;
template <class First, class... Rest>
concept SameVars = std::same_as<First, Var<typename First::Scalar>> &&(std::same_as<First, Rest>&&...);
template <class V>
using ScalarOf = typename V::Scalar;

template <class T>
void grad_into(const Differentiated<T>& y, std::span<const Var<T>> wrt, std::span<Var<T>> results);

template <class T>
std::vector<Var<T>> recorded_on(Tape<T>& tape, const std::vector<Parameter<T>>& parameters, const Location& where) {
  std::vector<Var<T>> result;
  for (const Parameter<T>& parameter : parameters) result.push_back(tape.recorded(parameter, where));
  return result;
}
}  // namespace detail

/// The gradients of a scalar with respect to each variable: `auto [dw1, dw2] = grad(loss, w1, w2);`.
///
/// `grad({seed(y1, c1), seed(y2, c2)}, x)` adds the vjps of several values, in one sweep. Cotangents count as
/// constants. They are recorded as ordinary nodes and can be differentiated again. A variable that the scalar does not
/// depend on gets zeros of its shape. Throws GradientError if the value is not of size 1 and has no cotangent, or for
/// an empty list of values; ShapeError for a cotangent of another shape, HandleError for an invalid handle or a
/// parameter that was changed and recorded again since; nothing is then recorded.
template <class W, class... Rest>
requires detail::SameVars<W, Rest...> std::array<W, sizeof...(Rest) + 1> grad(
    const Differentiated<detail::ScalarOf<W>>& y, W first, Rest... rest) {
  using T = detail::ScalarOf<W>;
  const std::array<W, sizeof...(Rest) + 1> variables{first, rest...};
  std::array<W, sizeof...(Rest) + 1> results;
  detail::grad_into<T>(y, variables, results);
  return results;
}

/// The same for any number of variables.
template <class T>
std::vector<Var<T>> grad(const std::type_identity_t<Differentiated<T>>& y, const std::vector<Var<T>>& wrt) {
  std::vector<Var<T>> results(wrt.size());
  detail::grad_into<T>(y, wrt, results);
  return results;
}

/// The gradients with respect to Parameters, as recorded on the scalar's tape: `grad(loss, parameters)`. Throws as
/// above.
template <class T>
std::vector<Var<T>> grad(const std::type_identity_t<Differentiated<T>>& y, const std::vector<Parameter<T>>& wrt) {
  return grad<T>(y, detail::recorded_on(y.value.tape(), wrt, y.where));
}

/// First-order gradients, written to tensors; those that have the right shape are overwritten in place.
///
/// The sweep recycles its temporaries after their last use and leaves the tape unchanged. Throws as `grad`, ShapeError
/// unless there is one result per variable, and HandleError if the tape computes no values.
template <class T>
void gradients_into(const std::type_identity_t<Differentiated<T>>& y, std::span<const Var<T>> wrt,
                    std::span<Tensor<T>> results);

/// First-order gradients as new tensors: `auto [dw1, dw2] = gradients(loss, w1, w2);`. Otherwise as `gradients_into`.
template <class W, class... Rest>
requires detail::SameVars<W, Rest...> std::array < Tensor<detail::ScalarOf<W>>,
sizeof...(Rest) + 1 > gradients(const Differentiated<detail::ScalarOf<W>>& y, W first, Rest... rest) {
  using T = detail::ScalarOf<W>;
  const std::array<W, sizeof...(Rest) + 1> variables{first, rest...};
  std::array<Tensor<T>, sizeof...(Rest) + 1> results;
  gradients_into<T>(y, variables, results);
  return results;
}

/// The derivative of `y` along the tangents t: Σᵢ ∂y/∂xᵢ · tᵢ, of the shape of `y`, recorded as nodes.
///
/// Computed as a vjp of the vjp, in two sweeps. Throws ShapeError unless there is one tangent for each x, of its shape.
template <class T>
Var<T> jvp(Var<T> y, const std::vector<Var<T>>& x, const std::vector<Var<T>>& tangents,
           Location where = Location::current());

/// The Hessian of a scalar times a vector, without the Hessian: for each x, Σⱼ ∂²y/∂x∂xⱼ · vⱼ, recorded as nodes.
///
/// Throws ShapeError unless there is one v for each x, of its shape; GradientError if y is not of size 1.
template <class T>
std::vector<Var<T>> hvp(Var<T> y, const std::vector<Var<T>>& x, const std::vector<Var<T>>& v,
                        Location where = Location::current());

/// How a Jacobian is computed: by one reverse sweep for each element of y; by one for each element of x, over the
/// pullback (forward mode as a vjp of the vjp); or by whichever needs less work.
enum class JacobianMode { automatic, reverse, forward };

/// All derivatives ∂y/∂x as tensors of shape y.shape() + x.shape(), one for each x. Leaves the tape unchanged. Throws
/// ShapeError if a result would have more than eight axes, HandleError if the tape computes no values.
template <class T>
std::vector<Tensor<T>> jacobian(Var<T> y, const std::vector<Var<T>>& x, JacobianMode mode = JacobianMode::automatic,
                                Location where = Location::current());

/// All second derivatives of a scalar: the block of x[i] and x[j] is a tensor of shape x[i].shape() + x[j].shape().
/// Leaves the tape unchanged. Throws as `jacobian`, and GradientError if y is not of size 1.
template <class T>
std::vector<std::vector<Tensor<T>>> hessian(Var<T> y, const std::vector<Var<T>>& x,
                                            Location where = Location::current());

// ---- of a function at a point --------------------------------------------------------------------------------------

/// An argument that is not differentiated; made by `fixed`.
template <class Tree>
struct Fixed {
  const Tree& tree;  ///< the argument
};

/// Marks an argument that is not differentiated: `value_and_grad(loss_of, weights, fixed(X), fixed(Y))`. Indices never
/// are.
template <class Tree>
Fixed<Tree> fixed(const Tree& tree) {
  return {tree};
}

namespace detail {

// Records an argument of a function on a tape.
template <class A>
struct Argument {
  using Scalar = typename ScalarOfTree<A>::type;
  static constexpr bool differentiated = true;
  template <class T>
  static auto record(Tape<T>& tape, const A& tree) {
    return map_tree(tree, [&]<class Leaf>(const Leaf& leaf) {
      if constexpr (std::is_same_v<Leaf, Parameter<T>>)
        return tape.variable(leaf);
      else
        return tape.variable(Tensor<T>(leaf));
    });
  }
};
template <class A>
struct Argument<Fixed<A>> : Argument<A> {
  static constexpr bool differentiated = false;
  template <class T>
  static auto record(Tape<T>& tape, const Fixed<A>& argument) {
    return Argument<A>::record(tape, argument.tree);
  }
};
template <class E>
requires(std::derived_from<E, xt::xexpression<E>>&& std::is_integral_v<typename E::value_type>) struct Argument<E> {
  using Scalar = void;
  static constexpr bool differentiated = false;
  template <class T>
  static auto record(Tape<T>& tape, const E& numbers) {
    return tape.indices(Indices(xt::cast<std::int64_t>(numbers)));
  }
};

// The first scalar type that is not void.
template <class... Scalars>
struct FirstScalar {};
template <class First, class... Rest>
struct FirstScalar<First, Rest...> : std::type_identity<First> {};
template <class... Rest>
struct FirstScalar<void, Rest...> : FirstScalar<Rest...> {};
template <class... A>
using ScalarOfArguments = typename FirstScalar<typename Argument<A>::Scalar...>::type;

// A function recorded on its own tape.
template <class F, class... A>
class RecordedFunction {
 public:
  using T = ScalarOfArguments<A...>;

  RecordedFunction(const F& f, const A&... arguments)
      : tape_(std::make_unique<Tape<T>>()),
        inputs_{Argument<A>::template record<T>(*tape_, arguments)...},
        value_(std::apply(f, inputs_)) {
    static_assert(std::is_same_v<decltype(std::apply(f, inputs_)), Var<T>>, "wengert: the function must return a Var");
    [&]<std::size_t... I>(std::index_sequence<I...>) { (collect<I>(), ...); }
    (std::index_sequence_for<A...>{});
    if (variables_.empty()) throw GradientError("transform", "no argument to differentiate with respect to");
  }

  Tape<T>& tape() const { return *tape_; }
  Var<T> value() const { return value_; }
  const std::vector<Var<T>>& variables() const { return variables_; }
  // The value to differentiate; errors name the line that recorded it.
  Differentiated<T> differentiated() const { return {value_, tape_->node(value_, "grad").where}; }

  // The results, one for each variable, in the structure of the differentiated arguments.
  template <class R>
  auto in_form(std::vector<R> results) const {
    auto next = results.begin();
    const auto form = [&]<std::size_t i>(std::integral_constant<std::size_t, i>) {
      if constexpr (Argument<std::tuple_element_t<i, std::tuple<A...>>>::differentiated)
        return std::make_tuple(map_tree(std::get<i>(inputs_), [&](const Var<T>&) { return std::move(*next++); }));
      else
        return std::tuple<>{};
    };
    auto trees = [&]<std::size_t... I>(std::index_sequence<I...>) {
      // Braces, because they evaluate their elements in order.
      std::tuple<decltype(form(std::integral_constant<std::size_t, I>{}))...> parts{
          form(std::integral_constant<std::size_t, I>{})...};
      return std::apply([](auto&... part) { return std::tuple_cat(std::move(part)...); }, parts);
    }
    (std::index_sequence_for<A...>{});
    if constexpr (std::tuple_size_v<decltype(trees)> == 1)
      return std::get<0>(std::move(trees));
    else
      return trees;
  }

 private:
  template <std::size_t i>
  void collect() {
    if constexpr (Argument<std::tuple_element_t<i, std::tuple<A...>>>::differentiated)
      for_each_leaf(std::get<i>(inputs_), [&](const Var<T>& leaf) { variables_.push_back(leaf); });
  }

  std::unique_ptr<Tape<T>> tape_;
  std::tuple<decltype(Argument<A>::template record<T>(std::declval<Tape<T>&>(), std::declval<const A&>()))...> inputs_;
  std::vector<Var<T>> variables_;
  Var<T> value_;
};

// The leaves of a tree as constants.
template <class T, class Tree>
std::vector<Var<T>> constants(Tape<T>& tape, const Tree& tree) {
  std::vector<Var<T>> result;
  for_each_leaf(tree, [&](const auto& leaf) { result.push_back(tape.constant(Tensor<T>(leaf))); });
  return result;
}
// Calls `use` with a function's arguments: the elements of a tuple, or a single argument.
template <class Arguments, class Use>
auto with_arguments(const Arguments& arguments, const Use& use) {
  if constexpr (requires { std::tuple_size<Arguments>::value; } && !is_leaf<Arguments>)
    return std::apply(use, arguments);
  else
    return use(arguments);
}

}  // namespace detail

/// A function's value and its gradients: `auto [loss, gradients] = value_and_grad(loss_of, w1, w2, fixed(X));`.
///
/// The gradients have the structure of the arguments that are differentiated: a tensor or tree for one, a tuple for
/// several. Throws GradientError if the value is not of size 1 or no argument is differentiated, and what `f` throws.
template <class F, class... A>
auto value_and_grad(const F& f, const A&... arguments) {
  const detail::RecordedFunction<F, A...> recorded(f, arguments...);
  using T = typename detail::RecordedFunction<F, A...>::T;
  std::vector<Tensor<T>> results(recorded.variables().size());
  gradients_into<T>(recorded.differentiated(), recorded.variables(), results);
  return std::pair(recorded.value().item(), recorded.in_form(std::move(results)));
}

/// A function's gradients as tensors: `auto [dw1, dw2] = grad(loss_of, w1, w2, fixed(X));`. As `value_and_grad`.
template <class F, class... A>
requires(std::is_class_v<F> && !detail::is_var<F> && !detail::is_differentiated<F>) auto grad(const F& f,
                                                                                              const A&... arguments) {
  return value_and_grad(f, arguments...).second;
}

/// A function's value and its pullback: `auto [y, pullback] = vjp(f, x); auto dx = pullback(cotangent);`.
///
/// The pullback can be called any number of times and keeps the recording alive. It throws ShapeError unless the
/// cotangent has the shape of the value.
template <class F, class... A>
auto vjp(const F& f, const A&... arguments) {
  using Recorded = detail::RecordedFunction<F, A...>;
  using T = typename Recorded::T;
  auto recorded = std::make_shared<const Recorded>(f, arguments...);
  Tensor<T> value = recorded->value().value();
  return std::pair(std::move(value), [recorded](const Tensor<T>& cotangent) {
    Tape<T>& tape = recorded->tape();
    const auto mark = tape.mark();
    std::vector<Tensor<T>> results(recorded->variables().size());
    gradients_into<T>(seed(recorded->value(), tape.constant(cotangent)), recorded->variables(), results);
    tape.rewind(mark);
    return recorded->in_form(std::move(results));
  });
}

/// A function's value and its derivative along tangents: `auto [y, dy] = jvp(f, x, t);`, or, for several arguments,
/// `jvp(f, std::tuple(x1, x2), std::tuple(t1, t2))`.
template <class F, class Primals, class Tangents>
requires(!detail::is_var<F>) auto jvp(const F& f, const Primals& primals, const Tangents& tangents) {
  return detail::with_arguments(primals, [&]<class... A>(const A&... arguments) {
    const detail::RecordedFunction<F, A...> recorded(f, arguments...);
    const auto tangent =
        jvp(recorded.value(), recorded.variables(), detail::constants(recorded.tape(), tangents)).value();
    return std::pair(recorded.value().value(), tangent);
  });
}

/// The Hessian of a scalar function times a vector, in the structure of the arguments. Tuples as for `jvp`.
template <class F, class Primals, class Vectors>
requires(!detail::is_var<F>) auto hvp(const F& f, const Primals& primals, const Vectors& vectors) {
  return detail::with_arguments(primals, [&]<class... A>(const A&... arguments) {
    const detail::RecordedFunction<F, A...> recorded(f, arguments...);
    using T = typename detail::RecordedFunction<F, A...>::T;
    std::vector<Tensor<T>> results;
    for (const Var<T>& v : hvp(recorded.value(), recorded.variables(), detail::constants(recorded.tape(), vectors)))
      results.push_back(v.value());
    return recorded.in_form(std::move(results));
  });
}

/// The Jacobian of a function, in the structure of the arguments: for each leaf x a tensor of shape f.shape + x.shape.
template <class F, class... A>
requires(!detail::is_var<F>) auto jacobian(const F& f, const A&... arguments) {
  const detail::RecordedFunction<F, A...> recorded(f, arguments...);
  return recorded.in_form(jacobian(recorded.value(), recorded.variables()));
}

/// The Hessian of a scalar function. For one tensor x: a tensor of shape x.shape + x.shape. For several leaves: blocks,
/// `h[i][j]` of the i-th and j-th leaf.
template <class F, class... A>
requires(!detail::is_var<F>) auto hessian(const F& f, const A&... arguments) {
  const detail::RecordedFunction<F, A...> recorded(f, arguments...);
  auto blocks = hessian(recorded.value(), recorded.variables());
  if constexpr (sizeof...(A) == 1 && (detail::is_leaf<A> && ...))
    return std::move(blocks[0][0]);
  else
    return blocks;
}

}  // namespace wengert
