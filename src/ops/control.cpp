// stop_gradient, gradient hooks, custom vjp rules, and checkpoints, which call their function again in the sweep.
#include <wengert/ops/control.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/random.hpp>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

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

// A node with its own vjp rule, which its last input owns.
template <class T>
constexpr Op<T> with_rule_op{
    .name = "custom_vjp",
    .forward = [](const void*, std::span<const Value<const T>>, Value<T>) {},  // the value is already computed
    .vjp =
        [](Pullback<T>& pullback) {
          const auto* rule = pullback.tape().owner(pullback.input(pullback.arity() - 1).index()).get();
          (*static_cast<const detail::VjpRule<T>*>(rule))(pullback);
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

// The inputs of the nodes since `from`: the arguments, then the older nodes that the function captured and the
// parameters that it recorded.
template <class T>
static std::vector<Var<T>> inputs_since(Tape<T>& tape, const typename Tape<T>::Mark& from,
                                        std::span<const Var<T>> arguments) {
  std::vector<Var<T>> result(arguments.begin(), arguments.end());
  const auto add = [&](std::size_t k) {
    if (std::none_of(result.begin(), result.end(), [&](const Var<T>& v) { return v.index() == k; }))
      result.push_back(tape.at(k));
  };
  for (std::size_t k = from.nodes; k < tape.size(); ++k) {
    if (tape.node(k).op == nullptr && tape.parameter(k)) add(k);
    for (const std::uint32_t input : tape.inputs(k))
      if (input < from.nodes && !tape.node(input).holds_indices) add(input);
  }
  return result;
}

// A random generator that a function drew from, and its position before that.
using Stream = std::pair<std::shared_ptr<Generator::State>, std::uint64_t>;

template <class T>
static std::vector<Stream> streams_since(const Tape<T>& tape, const typename Tape<T>::Mark& from) {
  std::vector<Stream> result;
  for (std::size_t k = from.nodes; k < tape.size(); ++k) {
    const Node<T>& n = tape.node(k);
    if (n.op == nullptr || n.op->draw == nullptr) continue;
    const std::uint64_t counter = n.op->draw(const_cast<void*>(n.attributes)).counter;
    auto state = std::const_pointer_cast<Generator::State>(
        std::static_pointer_cast<const Generator::State>(tape.owner(tape.inputs(k).back())));
    const auto known = std::find_if(result.begin(), result.end(), [&](const Stream& s) { return s.first == state; });
    if (state != nullptr && known == result.end()) result.emplace_back(std::move(state), counter);
  }
  return result;
}

// A scope for calling a checkpoint's function again. Its nodes are marked as repeated, so that a Program does not merge
// them with the earlier ones; generators are at their positions before the first call; and the queue holds the updates
// from before that call. At the end, generators and queue are restored.
template <class T>
class RecomputationScope {
 public:
  RecomputationScope(Tape<T>& tape, std::vector<Stream> streams, std::size_t updates)
      : tape_(tape),
        before_(tape.repeat(true)),
        streams_(std::move(streams)),
        updates_(tape.update_queue().exchange({})) {
    for (auto& [state, counter] : streams_) std::swap(state->counter, counter);
    tape.update_queue().exchange(
        {updates_.begin(), updates_.begin() + static_cast<std::ptrdiff_t>(std::min(updates, updates_.size()))});
  }
  ~RecomputationScope() {
    tape_.update_queue().exchange(std::move(updates_));
    for (const auto& [state, counter] : streams_) state->counter = counter;
    tape_.repeat(before_);
  }
  RecomputationScope(const RecomputationScope&) = delete;
  RecomputationScope& operator=(const RecomputationScope&) = delete;

 private:
  Tape<T>& tape_;
  bool before_;
  std::vector<Stream> streams_;
  std::vector<Update<T>> updates_;
};

template <class T>
Var<T> detail::checkpointed(std::function<Var<T>(std::span<const Var<T>>)> f, std::span<const Var<T>> arguments,
                            const Location& where) {
  Tape<T>& tape = tape_of(arguments.front(), "checkpoint", where);
  const auto from = tape.mark();
  return atomically(tape, where, [&] {
    const std::size_t updates = tape.updates().size();
    const Var<T> y = f(arguments);
    const Location line = tape.node(y, "checkpoint").where;
    const std::vector<Var<T>> inputs = inputs_since<T>(tape, from, arguments);
    return with_rule<T>(
        from, y, inputs,
        [f = std::move(f), count = arguments.size(), streams = streams_since<T>(tape, from), updates,
         shape = y.shape()](Pullback<T>& pullback) {
          std::vector<Var<T>> x;
          for (std::size_t i = 0; i + 1 < pullback.arity(); ++i) x.push_back(pullback.input(i));
          const RecomputationScope<T> scope(pullback.tape(), streams, updates);
          const Var<T> again = f(std::span(x).first(count));
          if (again.shape() != shape)
            throw ShapeError(
                "checkpoint",
                fmt::format(
                    "the function returned shape {} and, when called again, {}: it must record the same ops each time",
                    to_string(shape), to_string(again.shape())));
          std::vector<Var<T>> cotangents(x.size());
          Sweep<T>(pullback.tape(), Temporaries::keep)
              .run({&again, 1}, {&pullback.cotangent(), 1}, x, cotangents, Variables::independent);
          for (std::size_t i = 0; i < x.size(); ++i) pullback.give(i, cotangents[i]);
        },
        line);
  });
}

template <class T>
Var<T> stop_gradient(Var<T> x, Location where) {
  return record(StopGradient{}, where, x);
}

template <class T, class F>
static Var<T> with_gradient(std::string_view name, Var<T> x, F f, const Location& where) {
  return detail::with_rule<T>(
      tape_of(x, name, where).mark(), x, {&x, 1},
      [f = std::move(f), name](Pullback<T>& pullback) {
        const Var<T> g = f(pullback.cotangent());
        if (const Shape shape = pullback.cotangent().shape(); g.empty() || g.shape() != shape)
          throw ShapeError(
              name, fmt::format("the function returned {} for a cotangent of shape {}: expected the same shape",
                                g.empty() ? "an empty handle" : "shape " + to_string(g.shape()), to_string(shape)));
        pullback.give(0, g);
      },
      where);
}

template <class T>
Var<T> map_gradient(Var<T> x, std::type_identity_t<std::function<Var<T>(Var<T>)>> f, Location where) {
  return with_gradient("map_gradient", x, std::move(f), where);
}

template <class T>
Var<T> scale_gradient(Var<T> x, double factor, Location where) {
  return with_gradient(
      "scale_gradient", x, [factor](Var<T> g) { return g * factor; }, where);
}

template <class T>
Var<T> clip_gradient(Var<T> x, double low, double high, Location where) {
  if (!(low <= high))
    throw ValueError("clip_gradient", fmt::format("limits {} and {}: the lower must not exceed the upper", low, high),
                     where);
  return with_gradient(
      "clip_gradient", x, [low, high](Var<T> g) { return minimum(maximum(g, low), high); }, where);
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
