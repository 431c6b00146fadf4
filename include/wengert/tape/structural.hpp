// Structural ops: all ops that are not elementwise, each one struct with name, shape rule, forward and vjp.
//
//     template <class T>
//     Var<T> reversed(Var<T> x, Location where = Location::current());       // declared first: the vjp uses it
//
//     struct Reversed {                                                      // a vector in reverse order
//       static constexpr std::string_view name = "reversed";
//       static constexpr std::string_view notation = "yᵢ = xₙ₋₁₋ᵢ";
//       static constexpr std::size_t arity = 1;
//       Shape shape(const Shape& x) const { return x; }
//       template <class T>
//       void forward(Value<const T> x, Value<T> y) const { std::reverse_copy(x.data, x.data + x.size(), y.data); }
//       template <class T>
//       auto vjp(Var<T> g, Var<T>, Var<T>) const { return reversed(g); }
//       static std::vector<StructuralExample<Reversed>> examples() { return {{{}, {{5}}}}; }
//     };
//     template <class T>
//     Var<T> reversed(Var<T> x, Location where) { return record(Reversed{}, where, x); }
#pragma once

#include <wengert/tape/registry.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert {

namespace detail {
inline std::vector<Indices> no_indices() { return {}; }  // g++ 12 mishandles `= {}` below
}  // namespace detail

/// The arity of an op that takes any number of inputs.
inline constexpr std::size_t any_number = static_cast<std::size_t>(-1);

/// One application of a structural op, on which its derivative is checked.
template <class S>
struct StructuralExample {
  S op;                                                 ///< the op with its attributes
  std::vector<Shape> shapes;                            ///< shapes of the inputs that are Vars
  Domain domain{};                                      ///< range of the input values
  std::vector<Indices> indices = detail::no_indices();  ///< the inputs that are indices
  Var<double> (*prepare)(Var<double>) = nullptr;        ///< makes the first input valid, such as a symmetric matrix
};

/// What a struct needs to define an op; its data members are the op's attributes.
///
/// `shape` returns the result's shape or throws ShapeError or AxisError. `forward` computes the result from contiguous
/// inputs, or from inputs with any strides if `takes_strides = true`. Instead of both, a view has `bool view(const
/// Layout& input, Layout& out, std::ptrdiff_t& offset) const`, as in Op. `vjp(cotangent, output, inputs…)` returns the
/// cotangents of the inputs: one Var, or a tuple of Vars, of no_gradient, or of functions that return a Var and are
/// called only if it is needed. With `arity = any_number`, `shape` and `forward` take their inputs as one span, and
/// `vjp(Pullback<T>&)` passes on the cotangents itself.
///
/// A *scatter*, whose result is zero except at the elements to which it adds its first input, also has `add_to(inputs…,
/// out)`, which adds them to `out` and touches nothing else; its `forward` may be left out. The op that reads those
/// elements of a larger value returns `scattered(op, inputs…)` from its vjp instead of recording the scatter: the sweep
/// adds such cotangents of one value into one buffer.
///
/// `index_inputs = 0b10` marks the inputs that are integers, one bit each: `forward` takes them as `Value<const
/// std::int64_t>`, and `vjp` as IndexVar. `index_output = true` marks an integer result. `differentiable = false`
/// declares the derivative to be zero by definition. `convention` describes the behaviour at ties and edges for the op
/// reference. Further optional members (`text`, `flops`, `summed`, `rowwise`, `accumulates`, `draw`, `guards`) are
/// those of Op.
///
/// Random checks change the extents of examples. An op whose attributes fit any extents (an axis, a flag, a number)
/// declares `any_extents = true`; one whose attributes depend on the extents can add `applications()`, OpExamples of
/// the function that creates the attributes.
template <class S>
concept StructuralOp = std::is_trivially_copyable_v<S> && requires {
  { S::name } -> std::convertible_to<std::string_view>;
  { S::notation } -> std::convertible_to<std::string_view>;
  { S::arity } -> std::convertible_to<std::size_t>;
  { S::examples() } -> std::same_as<std::vector<StructuralExample<S>>>;
};

/// A cotangent that is a scatter, not yet recorded: the op and its inputs. See `scattered`.
template <class T, StructuralOp S>
struct Scattered {
  S op;                                 ///< the scatter
  std::array<Var<T>, S::arity> inputs;  ///< the values to add and, if the op has two inputs, the indices
};

/// The type of `no_gradient`.
struct NoGradient {};
/// What a vjp returns for an input without a gradient.
inline constexpr NoGradient no_gradient{};

namespace detail {

template <class S>
constexpr std::uint8_t index_inputs() {
  if constexpr (requires { S::index_inputs; })
    return S::index_inputs;
  else
    return 0;
}
template <class S>
constexpr std::string_view convention_of() {
  if constexpr (requires { S::convention; })
    return S::convention;
  else
    return {};
}
template <class S>
constexpr bool takes_indices(std::size_t i) {
  return (index_inputs<S>() >> i & 1) != 0;
}
template <class S>
inline constexpr bool gives_indices = requires {
  requires S::index_output;
};

template <class S>
constexpr bool is_differentiable() {
  if constexpr (requires { S::differentiable; })
    return S::differentiable;
  else
    return !gives_indices<S>;
}

// Without attributes, only `shape` decides which extents fit.
template <class S>
constexpr bool takes_any_extents() {
  if constexpr (requires { S::any_extents; })
    return S::any_extents;
  else
    return sizeof(S) == 1 && index_inputs<S>() == 0;
}

// Clears the padding of attributes if the compiler can: Programs compare ops by the bytes of their attributes.
template <class S>
void clear_padding(S& attributes) {
  if constexpr (std::is_empty_v<S>) std::memset(static_cast<void*>(&attributes), 0, sizeof(S));
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
  if constexpr (!std::is_empty_v<S>) __builtin_clear_padding(&attributes);
#endif
#endif
}

// The handle of a Var or an IndexVar.
template <class T>
Var<T> handle_of(const Var<T>& var) {
  return var;
}
template <class T>
Var<T> handle_of(const IndexVar<T>& var) {
  return var.handle();
}
template <class V>
concept TapeHandle = std::same_as<V, Var<typename V::Scalar>> || std::same_as<V, IndexVar<typename V::Scalar>>;
template <class S, class T, class... V, std::size_t... I>
constexpr bool right_kinds(std::index_sequence<I...>) {
  return (std::same_as<V, std::conditional_t<takes_indices<S>(I), IndexVar<T>, Var<T>>> && ...);
}

template <class T, class S>
void give_cotangent(Pullback<T>& pullback, std::size_t i, const Scattered<T, S>& cotangent);
template <class T, class C>
void give_cotangent(Pullback<T>& pullback, std::size_t i, const C& cotangent) {
  if constexpr (std::is_same_v<C, NoGradient>)
    return;
  else if constexpr (std::is_same_v<C, Var<T>>)
    pullback.give(i, cotangent);
  else if (pullback.needs(i))
    give_cotangent(pullback, i, cotangent());
}

}  // namespace detail

/// The constant table of a structural op.
template <class T, StructuralOp S>
struct StructuralTable {
  static constexpr bool is_variadic = S::arity == any_number;
  static_assert(is_variadic || S::arity <= 8, "wengert: a structural op has at most eight inputs, or any_number");
  static_assert(detail::index_inputs<S>() >> (is_variadic ? 0 : S::arity) == 0,
                "wengert: index_inputs names an input beyond arity");
  static constexpr bool is_view = requires(const S& s, const Layout& in, Layout& out, std::ptrdiff_t& offset) {
    s.view(in, out, offset);
  };

  static constexpr bool is_scatter = requires { &S::template add_to<T>; };

  static Shape shape(const void* attributes, std::span<const Shape* const> inputs) {
    if constexpr (is_variadic)
      return self(attributes).shape(inputs);
    else
      return with_inputs([&](auto... i) { return self(attributes).shape(*inputs[i]...); });
  }
  static void forward(const void* attributes, std::span<const Value<const T>> inputs, Value<T> out) {
    if constexpr (is_variadic) {
      self(attributes).forward(inputs, out);
    } else if constexpr (is_scatter && !requires { &S::template forward<T>; }) {
      std::fill_n(out.data, out.size(), T(0));
      add_to(attributes, inputs, out);
    } else {
      with_inputs([&](auto... i) { self(attributes).forward(typed<i>(inputs[i])..., typed_output(out)); });
    }
  }
  static void accumulate(const void* attributes, std::span<const Value<const T>> inputs, Value<T> out, double alpha,
                         double beta) {
    with_inputs([&](auto... i) {
      self(attributes).forward(typed<i>(inputs[i])..., out, static_cast<T>(alpha), static_cast<T>(beta));
    });
  }
  static double flops(const void* attributes, std::span<const Shape* const> inputs) {
    return with_inputs([&](auto... i) { return self(attributes).flops(*inputs[i]...); });
  }
  static void add_to(const void* attributes, std::span<const Value<const T>> inputs, Value<T> out) {
    with_inputs([&](auto... i) { self(attributes).add_to(typed<i>(inputs[i])..., out); });
  }
  static bool view(const void* attributes, const Layout& input, Layout& out, std::ptrdiff_t& offset) {
    return self(attributes).view(input, out, offset);
  }
  static void vjp(Pullback<T>& pullback) {
    const S op = pullback.template attributes<S>();
    if constexpr (is_variadic)
      op.vjp(pullback);
    else
      vjp_of_each(op, pullback);
  }
  static void vjp_of_each(const S& op, Pullback<T>& pullback) {
    const auto cotangents =
        with_inputs([&](auto... i) { return op.vjp(pullback.cotangent(), pullback.output(), input<i>(pullback)...); });
    using Cotangents = std::remove_const_t<decltype(cotangents)>;
    if constexpr (requires { std::tuple_size<Cotangents>::value; })
      static_assert(std::tuple_size<Cotangents>::value == S::arity,
                    "wengert: vjp must return one cotangent for each input");
    else
      static_assert(S::arity == 1, "wengert: the vjp of several inputs returns a tuple, one cotangent for each");
    if constexpr (requires { std::tuple_size<Cotangents>::value; })
      with_inputs([&](auto... i) { (detail::give_cotangent(pullback, i, std::get<i>(cotangents)), ...); });
    else
      detail::give_cotangent(pullback, 0, cotangents);
  }

  static Text text(const void* attributes, std::span<const Text> inputs) {
    if constexpr (requires { &S::text; })
      return with_inputs([&](auto... i) { return self(attributes).text(inputs[i]...); });
    else
      return Text::call(S::name, inputs);
  }

  static constexpr Op<T> make() {
    Op<T> op{.name = S::name, .attribute_bytes = sizeof(S)};
    if constexpr (detail::gives_indices<S>)
      op.vjp = [](Pullback<T>&) {};
    else
      op.vjp = vjp;
    static_assert(!is_view || S::arity == 1, "wengert: a view has one input");
    op.text = text;
    if constexpr (is_view) {
      op.view = view;
    } else {
      op.shape = shape;
      op.forward = forward;
      op.takes_strides = requires { requires S::takes_strides; };
      if constexpr (requires { S::accumulates; }) op.accumulate = accumulate;
      if constexpr (requires(const S& s, const Shape& x) { s.summed(x); })
        op.summed = [](const void* attributes, const Shape& x) { return self(attributes).summed(x); };
      if constexpr (requires { &S::flops; }) op.flops = flops;
      if constexpr (is_scatter) op.add_to = add_to;
      op.rowwise = requires { requires S::rowwise; };
      if constexpr (requires(S & s) { s.draw.blocks; })
        op.draw = [](void* attributes) -> Draw& { return static_cast<S*>(attributes)->draw; };
      op.index_inputs = detail::index_inputs<S>();
      op.index_output = detail::gives_indices<S>;
      op.guards = requires { requires S::guards; };
    }
    return op;
  }
  static constexpr Op<T> table = make();

 private:
  template <std::size_t i>
  static auto typed(const Value<const T>& value) {
    if constexpr (detail::takes_indices<S>(i))
      return Value<const std::int64_t>{reinterpret_cast<const std::int64_t*>(value.data), value.layout};
    else
      return value;
  }
  static auto typed_output(const Value<T>& value) {
    if constexpr (detail::gives_indices<S>)
      return Value<std::int64_t>{reinterpret_cast<std::int64_t*>(value.data), value.layout};
    else
      return value;
  }
  template <std::size_t i>
  static auto input(const Pullback<T>& pullback) {
    if constexpr (detail::takes_indices<S>(i))
      return IndexVar<T>(pullback.input(i));
    else
      return pullback.input(i);
  }
  static const S& self(const void* attributes) { return *static_cast<const S*>(attributes); }
  template <class F>
  static auto with_inputs(F&& f) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) { return f(std::integral_constant<std::size_t, I>{}...); }
    (std::make_index_sequence<S::arity>{});
  }
};

/// The cotangent that `op`, a scatter of one or two inputs, gives for these inputs, which the sweep records. For vjps.
template <StructuralOp S, class T, class... Index>
auto scattered(S op, Var<T> values, Index... indices) {
  static_assert(
      requires { &S::template add_to<T>; } && S::arity == 1 + sizeof...(indices) && S::arity <= 2,
      "wengert: a scattered cotangent is that of an op with add_to, of one or two inputs");
  detail::clear_padding(op);
  return Scattered<T, S>{op, {values, detail::handle_of(indices)...}};
}

namespace detail {
template <class T, class S>
void give_cotangent(Pullback<T>& pullback, std::size_t i, const Scattered<T, S>& cotangent) {
  pullback.give(i, StructuralTable<T, S>::table, &cotangent.op, cotangent.inputs);
}

/// An application of the op of these tables to check. `attributes` are copied. Indices go where the op takes indices,
/// Vars elsewhere, both in order; `prepare`, if any, maps the first Var.
OpExample structural_example(const Op<double>& table, const Op<float>& table_in_float, const void* attributes,
                             std::vector<Shape> shapes, Domain domain, std::vector<Indices> indices,
                             Var<double> (*prepare)(Var<double>), bool any_extents);
}  // namespace detail

/// Registers a structural op; `record` instantiates it for every op that a program uses.
template <StructuralOp S>
struct Registered {
  /// The applications on which the op's derivative is checked.
  [[gnu::cold]] static std::vector<OpExample> examples() {
    std::vector<OpExample> result;
    for (StructuralExample<S>& example : S::examples()) {
      detail::clear_padding(example.op);
      result.push_back(detail::structural_example(
          StructuralTable<double, S>::table, StructuralTable<float, S>::table, &example.op, std::move(example.shapes),
          example.domain, std::move(example.indices), example.prepare, detail::takes_any_extents<S>()));
    }
    if constexpr (requires { S::applications(); })
      for (OpExample& application : S::applications()) result.push_back(std::move(application));
    return result;
  }
  /// Registers the op when it is initialised, before main.
  static const bool done;
};
template <StructuralOp S>
const bool Registered<S>::done = register_op({.name = S::name,
                                              .notation = S::notation,
                                              .convention = detail::convention_of<S>(),
                                              .differentiable = detail::is_differentiable<S>(),
                                              .own_examples = Registered<S>::examples});

/// Records a structural op on its inputs, Vars and IndexVars: `record(Softmax{}, where, x)`. Returns an IndexVar if the
/// op sets `index_output`. Throws as `Tape::record`.
template <StructuralOp S, class... V>
requires(sizeof...(V) == S::arity && (detail::TapeHandle<V> && ...)) auto record(S op, const Location& where,
                                                                                 V... inputs) {
  (void)&Registered<S>::done;
  detail::clear_padding(op);
  using T = typename std::tuple_element_t<0, std::tuple<V...>>::Scalar;
  static_assert(detail::right_kinds<S, T, V...>(std::index_sequence_for<V...>{}),
                "wengert: an input is a Var where the op takes indices (see index_inputs), or the other way round");
  const std::array<Var<T>, S::arity> handles{detail::handle_of(inputs)...};
  if (handles[0].empty()) detail::throw_empty_handle(S::name, "operand 1", where);
  const Op<T>& table = StructuralTable<T, S>::table;
  const Var<T> result = handles[0].tape(table, where).record(table, &op, sizeof(S), handles, where);
  if constexpr (detail::gives_indices<S>)
    return IndexVar<T>(result);
  else
    return result;
}

/// The same for an op of any number of inputs, at least one.
template <StructuralOp S, class T>
requires(S::arity == any_number) Var<T> record(S op, const Location& where, std::span<const Var<T>> inputs) {
  (void)&Registered<S>::done;
  detail::clear_padding(op);
  if (inputs[0].empty()) detail::throw_empty_handle(S::name, "operand 1", where);
  const Op<T>& table = StructuralTable<T, S>::table;
  return inputs[0].tape(table, where).record(table, &op, sizeof(S), inputs, where);
}

}  // namespace wengert
