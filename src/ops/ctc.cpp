// ctc_loss: the forward–backward algorithm on logarithms (Graves et al. 2006); dual numbers give the second derivative.
#include "ops/attributes/indexing.hpp"
#include "ops/loss_common.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace wengert {
namespace {

constexpr double nothing = -std::numeric_limits<double>::infinity();  // ln 0

// ---- the number types of the recursion -----------------------------------------------------------------------------

// ln(eᵃ + eᵇ).
double log_add(double a, double b) {
  if (a == nothing) return b;
  if (b == nothing) return a;
  return std::max(a, b) + std::log1p(std::exp(-std::abs(a - b)));
}
double value_of(double x) { return x; }
double exp_of(double x) { return std::exp(x); }

// A logarithm and its directional derivative: the recursion on these gives the derivative of its result.
struct Tangent {
  double v = nothing;
  double d = 0;

  friend Tangent operator+(const Tangent& a, const Tangent& b) { return {a.v + b.v, a.d + b.d}; }
  friend Tangent operator-(const Tangent& a, const Tangent& b) { return {a.v - b.v, a.d - b.d}; }
};
Tangent log_add(const Tangent& a, const Tangent& b) {
  const double v = log_add(a.v, b.v);
  if (v == nothing) return {};
  return {v, a.d * std::exp(a.v - v) + b.d * std::exp(b.v - v)};
}
double value_of(const Tangent& x) { return x.v; }
double exp_of(const Tangent& x) { return x.d * std::exp(x.v); }  // the derivative of eˣ

template <class R>
R no_path() {
  if constexpr (std::is_same_v<R, double>)
    return nothing;
  else
    return {};
}
template <class R>
R certain() {
  if constexpr (std::is_same_v<R, double>)
    return 0;
  else
    return {0, 0};
}

// ---- the recursion -------------------------------------------------------------------------------------------------

// One sample's target with a blank before, between and after its labels.
struct Sequence {
  std::size_t frames;
  const std::int64_t* labels;
  std::size_t length;
  std::int64_t blank;

  std::size_t states() const { return 2 * length + 1; }
  std::size_t label(std::size_t s) const { return static_cast<std::size_t>(s % 2 == 1 ? labels[s / 2] : blank); }
  // Whether a path may go from state s − 2 to s: not past a blank that separates two equal labels.
  bool skips(std::size_t s) const { return s % 2 == 1 && s >= 3 && labels[s / 2] != labels[s / 2 - 1]; }
};

// The logarithm of the target's probability. If `backward`, calls put(t, class, ln share) for the share of each state
// in it. Variables as in Graves et al. 2006, section 4.1, except that backward ones omit the frame's own factor.
template <class R, class Read, class Put>
R forward_backward(const Sequence& y, const Read& read, const Put& put, bool backward) {
  const std::size_t states = y.states(), frames = y.frames;
  if (frames == 0) return y.length == 0 ? certain<R>() : no_path<R>();
  std::vector<R> alpha(frames * states, no_path<R>());
  for (std::size_t s = 0; s < std::min<std::size_t>(2, states); ++s) alpha[s] = read(0, y.label(s));
  for (std::size_t t = 1; t < frames; ++t) {
    const R* before = &alpha[(t - 1) * states];
    for (std::size_t s = 0; s < states; ++s) {
      R sum = before[s];
      if (s >= 1) sum = log_add(sum, before[s - 1]);
      if (y.skips(s)) sum = log_add(sum, before[s - 2]);
      alpha[t * states + s] = sum + read(t, y.label(s));
    }
  }
  const R* last = &alpha[(frames - 1) * states];
  const R total = states > 1 ? log_add(last[states - 1], last[states - 2]) : last[0];
  if (!backward || value_of(total) == nothing) return total;
  std::vector<R> beta(states, no_path<R>()), next;
  for (std::size_t s = states - std::min<std::size_t>(2, states); s < states; ++s) beta[s] = certain<R>();
  for (std::size_t t = frames; t-- > 0;) {
    for (std::size_t s = 0; s < states; ++s) {
      const R share = alpha[t * states + s] + beta[s] - total;
      if (value_of(share) != nothing) put(t, y.label(s), share);
    }
    if (t == 0) break;
    next.assign(states, no_path<R>());
    for (std::size_t s = 0; s < states; ++s) {
      const R here = beta[s] + read(t, y.label(s));
      next[s] = log_add(next[s], here);
      if (s >= 1) next[s - 1] = log_add(next[s - 1], here);
      if (y.skips(s)) next[s - 2] = log_add(next[s - 2], here);
    }
    beta.swap(next);
  }
  return total;
}

// ---- the ops -------------------------------------------------------------------------------------------------------

constexpr std::string_view loss_name = "ctc_loss";

// Options and checks of the loss and its derivatives, whose inputs are (T, N, C) log-probabilities, labels and the
// lengths of both.
struct Ctc : attributes::Ctc {
  using Whole = Value<const std::int64_t>;

  // Calls visit(n, sequence, factor) for each sample n; throws ValueError for lengths and labels out of range.
  template <class Visit>
  void each(const Shape& x, Whole targets, Whole frames, Whole lengths, const Visit& visit) const {
    const bool padded = targets.shape().rank() == 2;
    const std::size_t width = padded ? targets.shape()[1] : targets.size();
    std::size_t start = 0;
    for (std::size_t n = 0; n < x[1]; ++n) {
      if (padded) start = n * width;
      in_range("input length", n, frames.data[n], x[0]);
      in_range("target length", n, lengths.data[n], padded ? width : width - start);
      const Sequence y{static_cast<std::size_t>(frames.data[n]), targets.data + start,
                       static_cast<std::size_t>(lengths.data[n]), blank};
      for (std::size_t k = 0; k < y.length; ++k)
        if (y.labels[k] < 0 || static_cast<std::size_t>(y.labels[k]) >= x[2] || y.labels[k] == blank)
          throw ValueError(loss_name, fmt::format("label {} at position {} of target {}: must be a class from 0 to {} "
                                                  "other than the blank {}",
                                                  y.labels[k], k, n, x[2] - 1, blank));
      visit(n, y, by_length ? 1 / std::max(1.0, static_cast<double>(y.length)) : 1.0);
      if (!padded) start += y.length;
    }
  }
  static void in_range(std::string_view what, std::size_t n, std::int64_t length, std::size_t most) {
    if (length < 0 || static_cast<std::size_t>(length) > most)
      throw ValueError(loss_name, fmt::format("{} {} is {}: must be from 0 to {}", what, n, length, most));
  }
};

// Records a helper op of the loss. It is not in the registry: the gradient check of ctc_loss covers it.
template <class Op, class T, std::size_t count>
Var<T> record_helper(const Op& op, const std::array<Var<T>, count>& inputs) {
  return inputs[0].tape().record(StructuralTable<T, Op>::table, &op, sizeof(op), inputs, Location::current());
}

// The derivative of the posteriors in the direction w; symmetric, because they are themselves a gradient.
struct CtcCurvature : Ctc {
  static constexpr std::string_view name = "ctc_curvature";
  static constexpr std::string_view notation = "Σ w ∂p/∂a";
  static constexpr std::size_t arity = 5;
  static constexpr std::uint8_t index_inputs = 0b11100;

  Shape shape(const Shape& a, const Shape&, const Shape&, const Shape&, const Shape&) const { return a; }
  template <class T>
  void forward(Value<const T> a, Value<const T> w, Whole targets, Whole frames, Whole lengths, Value<T> out) const {
    const Shape& x = a.shape();
    std::fill_n(out.data, out.size(), T(0));
    each(x, targets, frames, lengths, [&](std::size_t n, const Sequence& y, double factor) {
      const auto at = [&](std::size_t t, std::size_t c) { return (t * x[1] + n) * x[2] + c; };
      forward_backward<Tangent>(
          y,
          [&](std::size_t t, std::size_t c) {
            return Tangent{static_cast<double>(a.data[at(t, c)]), static_cast<double>(w.data[at(t, c)])};
          },
          [&](std::size_t t, std::size_t c, const Tangent& share) {
            out.data[at(t, c)] += static_cast<T>(factor * exp_of(share));
          },
          true);
    });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> a, Var<T>, IndexVar<T> targets, IndexVar<T> frames, IndexVar<T> lengths) const {
    const auto third = []() -> Var<T> {
      throw GradientError(loss_name, "a third derivative: this loss can be differentiated only twice");
    };
    return std::tuple(
        third,
        [=, this] {
          return record_helper(*this, std::array{a, g, targets.handle(), frames.handle(), lengths.handle()});
        },
        no_gradient, no_gradient, no_gradient);
  }
  static std::vector<StructuralExample<CtcCurvature>> examples() { return {}; }
};

// The probability, given the target, that frame t emits class c: the gradient of ln P.
struct CtcPosterior : Ctc {
  static constexpr std::string_view name = "ctc_posterior";
  static constexpr std::string_view notation = "p = ∂ ln P / ∂a";
  static constexpr std::size_t arity = 4;
  static constexpr std::uint8_t index_inputs = 0b1110;

  Shape shape(const Shape& a, const Shape&, const Shape&, const Shape&) const { return a; }
  template <class T>
  void forward(Value<const T> a, Whole targets, Whole frames, Whole lengths, Value<T> out) const {
    const Shape& x = a.shape();
    std::fill_n(out.data, out.size(), T(0));
    each(x, targets, frames, lengths, [&](std::size_t n, const Sequence& y, double factor) {
      const auto at = [&](std::size_t t, std::size_t c) { return (t * x[1] + n) * x[2] + c; };
      forward_backward<double>(
          y, [&](std::size_t t, std::size_t c) { return static_cast<double>(a.data[at(t, c)]); },
          [&](std::size_t t, std::size_t c, double share) {
            out.data[at(t, c)] += static_cast<T>(factor * exp_of(share));
          },
          true);
    });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> a, IndexVar<T> targets, IndexVar<T> frames, IndexVar<T> lengths) const {
    return std::tuple(
        [=, this] {
          const Ctc& same = *this;
          return record_helper(CtcCurvature{same},
                               std::array{a, g, targets.handle(), frames.handle(), lengths.handle()});
        },
        no_gradient, no_gradient, no_gradient);
  }
  static std::vector<StructuralExample<CtcPosterior>> examples() { return {}; }
};

struct CtcCost : Ctc {
  static constexpr std::string_view name = loss_name;
  static constexpr std::string_view notation = "−ln P(labels | a)";
  static constexpr std::string_view convention =
      "a target too long for its input has a loss of ∞ (0 with zero_infinity) and a gradient of 0";
  static constexpr std::size_t arity = 4;
  static constexpr std::uint8_t index_inputs = 0b1110;

  Shape shape(const Shape& a, const Shape& targets, const Shape& frames, const Shape& lengths) const {
    if (a.rank() != 3)
      throw ShapeError(name, fmt::format("log-probabilities {}: must be (frames, samples, classes)", to_string(a)));
    if (targets.rank() != 1 && !(targets.rank() == 2 && targets[0] == a[1]))
      throw ShapeError(
          name, fmt::format("targets {} for {} samples: must be (samples, longest target), or all targets concatenated",
                            to_string(targets), a[1]));
    if (frames != Shape{a[1]} || lengths != Shape{a[1]})
      throw ShapeError(name, fmt::format("input lengths {} and target lengths {}: must have the shape {}",
                                         to_string(frames), to_string(lengths), to_string(Shape{a[1]})));
    if (blank < 0 || static_cast<std::size_t>(blank) >= a[2])
      throw ValueError(name, fmt::format("the blank is {}: must be a class from 0 to {}", blank,
                                         static_cast<std::ptrdiff_t>(a[2]) - 1));
    return {a[1]};
  }
  template <class T>
  void forward(Value<const T> a, Whole targets, Whole frames, Whole lengths, Value<T> cost) const {
    const Shape& x = a.shape();
    each(x, targets, frames, lengths, [&](std::size_t n, const Sequence& y, double factor) {
      const double total = forward_backward<double>(
          y, [&](std::size_t t, std::size_t c) { return static_cast<double>(a.data[(t * x[1] + n) * x[2] + c]); },
          [](std::size_t, std::size_t, double) {}, false);
      cost.data[n] = total == nothing && zero_infinity ? T(0) : static_cast<T>(-total * factor);
    });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> a, IndexVar<T> targets, IndexVar<T> frames, IndexVar<T> lengths) const {
    return std::tuple(
        [=, this] {
          const Ctc& same = *this;
          const Var<T> p =
              record_helper(CtcPosterior{same}, std::array{a, targets.handle(), frames.handle(), lengths.handle()});
          return where(p, -p * reshape(g, {g.size(), 1}), 0);  // p is 0 where no path passes
        },
        no_gradient, no_gradient, no_gradient);
  }
  static std::vector<StructuralExample<CtcCost>> examples() {
    const std::vector<Indices> padded{{{1, 2}, {2, 2}, {0, 0}}, {4, 4, 3}, {2, 2, 0}};
    const std::vector<Indices> joined{{0, 0, 1}, {3, 4}, {1, 2}};
    return {{{}, {{4, 3, 3}}, {-2, -0.2}, padded}, {{{2, false, true}}, {{4, 2, 3}}, {-2, -0.2}, joined}};
  }
};

}  // namespace

template <class T>
Var<T> ctc_loss(Var<T> log_probability, std::type_identity_t<IndexOperand<T>> targets,
                std::type_identity_t<IndexOperand<T>> input_lengths,
                std::type_identity_t<IndexOperand<T>> target_lengths, const CtcOptions& options, Location where) {
  if (log_probability.empty()) detail::throw_empty_handle(loss_name, "the prediction", where);
  Tape<T>& tape = tape_of(log_probability, loss_name, where);
  return atomically(tape, where, [&] {
    const auto on_tape = [&](std::string_view role, const IndexOperand<T>& operand) {
      const IndexVar<T> k = operand.on(tape);
      check_operand(tape, k.handle(), loss_name, where, "the {}", role);
      return k;
    };
    const CtcCost op{{options.blank, options.zero_infinity, options.reduction == Reduction::mean}};
    const Var<T> costs =
        record(op, where, log_probability, on_tape("target operand", targets),
               on_tape("input length operand", input_lengths), on_tape("target length operand", target_lengths));
    const std::array<losses::Named<T>, 1> operands{{{"prediction", log_probability}}};
    return losses::checked<T>(loss_name,
                              losses::reduced(loss_name, costs, options.reduction, losses::samples(costs), where),
                              operands, where);
  });
}

#define WENGERT_INSTANTIATE(T) \
  template Var<T> ctc_loss(Var<T>, IndexOperand<T>, IndexOperand<T>, IndexOperand<T>, const CtcOptions&, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
