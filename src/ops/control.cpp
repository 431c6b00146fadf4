#include <wengert/ops/control.hpp>
#include <wengert/ops/elementwise.hpp>

#include <algorithm>
#include <vector>

namespace wengert {
namespace {

struct StopGradient {
  static constexpr std::string_view name = "stop_gradient";
  static constexpr std::string_view notation = "x, held constant";
  static constexpr std::size_t arity = 1;
  static constexpr bool differentiable = false;

  bool view(const Layout& input, Layout& out, std::ptrdiff_t&) const {
    out = input;
    return true;
  }
  template <class T>
  auto vjp(Var<T>, Var<T>, Var<T>) const {
    return no_gradient;
  }
  static std::vector<StructuralExample<StopGradient>> examples() { return {{{}, {{3, 4}}}}; }
};

// A node that carries its own rule, as its last input.
template <class T>
constexpr Op<T> with_rule_op{
    .name = "custom_vjp",
    .forward = [](const void*, std::span<const Value<const T>>, Value<T>) {},  // its value is given to it
    .vjp =
        [](Pullback<T>& pullback) {
          const auto* rule = pullback.tape().node(pullback.input(pullback.arity() - 1), "custom_vjp").data;
          (*reinterpret_cast<const detail::VjpRule<T>*>(rule))(pullback);
        },
    .attribute_bytes = sizeof(std::uint32_t),
    .stands_for = true,
};

}  // namespace

template <class T>
Var<T> detail::with_rule(const typename Tape<T>::Mark& from, Var<T> y, std::span<const Var<T>> arguments,
                         VjpRule<T> rule, const Location& where) {
  for (const Var<T>& x : arguments) y.tape().node(x, "custom_vjp");
  return y.tape().collapse(from, y, with_rule_op<T>, arguments, std::make_shared<const VjpRule<T>>(std::move(rule)),
                           where);
}

// The nodes older than `from` that younger ones read, arguments first: what the function captured are inputs as well.
template <class T>
static std::vector<Var<T>> inputs_since(Tape<T>& tape, const typename Tape<T>::Mark& from,
                                        std::span<const Var<T>> arguments) {
  std::vector<Var<T>> result(arguments.begin(), arguments.end());
  for (std::size_t k = from.nodes; k < tape.size(); ++k)
    for (const std::uint32_t input : tape.inputs(k))
      if (input < from.nodes && !tape.node(input).holds_indices &&
          std::none_of(result.begin(), result.end(), [&](const Var<T>& v) { return v.index() == input; }))
        result.push_back(tape.at(input));
  return result;
}

// While it lives, a Program must not take what is recorded for what was computed before.
template <class T>
class Repeating {
 public:
  explicit Repeating(Tape<T>& tape) : tape_(tape), before_(tape.repeat(true)) {}
  ~Repeating() { tape_.repeat(before_); }
  Repeating(const Repeating&) = delete;
  Repeating& operator=(const Repeating&) = delete;

 private:
  Tape<T>& tape_;
  bool before_;
};

template <class T>
Var<T> detail::checkpointed(std::function<Var<T>(std::span<const Var<T>>)> f, std::span<const Var<T>> arguments,
                            const Location& where) {
  Tape<T>& tape = arguments.front().tape();
  const auto from = tape.mark();
  return atomically(tape, where, [&] {
    const Var<T> y = f(arguments);
    const Location line = tape.node(y, "checkpoint").where;
    const std::vector<Var<T>> inputs = inputs_since<T>(tape, from, arguments);
    const std::size_t count = arguments.size();
    return with_rule<T>(
        from, y, inputs,
        [f = std::move(f), count](Pullback<T>& pullback) {
          std::vector<Var<T>> x;
          for (std::size_t i = 0; i + 1 < pullback.arity(); ++i) x.push_back(pullback.input(i));
          const Repeating<T> scope(pullback.tape());
          const Var<T> again = f(std::span(x).first(count));
          std::vector<Var<T>> cotangents(x.size());
          pullback.tape().sweep(again, pullback.cotangent(), x, cotangents, Tape<T>::Temporaries::keep,
                                Tape<T>::Variables::independent);
          for (std::size_t i = 0; i < x.size(); ++i) pullback.give(i, cotangents[i]);
        },
        line);
  });
}

template <class T>
Var<T> stop_gradient(Var<T> x, Location where) {
  return record(StopGradient{}, where, x);
}

template <class T>
Var<T> map_gradient(Var<T> x, std::type_identity_t<std::function<Var<T>(Var<T>)>> f, Location where) {
  return detail::with_rule<T>(
      x.tape().mark(), x, {&x, 1},
      [f = std::move(f)](Pullback<T>& pullback) { pullback.give(0, f(pullback.cotangent())); }, where);
}

template <class T>
Var<T> scale_gradient(Var<T> x, double factor, Location where) {
  return map_gradient(
      x, [factor](Var<T> g) { return g * factor; }, where);
}

template <class T>
Var<T> clip_gradient(Var<T> x, double low, double high, Location where) {
  if (!(low <= high)) throw ValueError("clip_gradient", "the lower limit is above the upper one", where);
  return map_gradient(
      x, [low, high](Var<T> g) { return minimum(maximum(g, low), high); }, where);
}

#define WENGERT_INSTANTIATE(T)                                                                                     \
  template Var<T> detail::with_rule<T>(const Tape<T>::Mark&, Var<T>, std::span<const Var<T>>, VjpRule<T>,          \
                                       const Location&);                                                           \
  template Var<T> detail::checkpointed<T>(std::function<Var<T>(std::span<const Var<T>>)>, std::span<const Var<T>>, \
                                          const Location&);                                                        \
  template Var<T> stop_gradient(Var<T>, Location);                                                                 \
  template Var<T> map_gradient(Var<T>, std::function<Var<T>(Var<T>)>, Location);                                   \
  template Var<T> scale_gradient(Var<T>, double, Location);                                                        \
  template Var<T> clip_gradient(Var<T>, double, double, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
