// Padded sequences: sequence_mask, mask_steps, last_step, mean_steps and masked_mean.
#include "ops/attributes/indexing.hpp"
#include "ops/axis_loop.hpp"
#include "ops/composite_registry.hpp"
#include "ops/indexing.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/index.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/sequence.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <algorithm>

namespace wengert {
namespace {

// A length as a number of steps. Throws ValueError if it is out of range.
std::size_t checked_length(const char* caller, Value<const std::int64_t> lengths, std::size_t sample,
                           std::size_t steps) {
  const std::int64_t length = lengths.data[sample];
  if (length >= 0 && static_cast<std::uint64_t>(length) <= steps) return static_cast<std::size_t>(length);
  throw ValueError(caller, fmt::format("length {} at {}: expected 0 to {}, the number of steps with padding", length,
                                       to_string(unravel(sample, lengths.shape())), steps));
}

struct SequenceMask : attributes::SequenceMask {
  static constexpr std::string_view name = "sequence_mask";
  static constexpr std::string_view notation = "1 for steps below n, 0 elsewhere";
  static constexpr std::size_t arity = 1;
  static constexpr std::uint8_t index_inputs = 0b1;
  static constexpr bool differentiable = false;

  Shape shape(const Shape& lengths) const {
    require_rank(caller, lengths.rank() + 1);
    Shape y = lengths;
    y.push_back(steps);
    return y;
  }
  template <class T>
  void forward(Value<const std::int64_t> lengths, Value<T> y) const {
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      T* const row = y.data + i * steps;
      T* const end = std::fill_n(row, checked_length(caller, lengths, i, steps), T(1));
      std::fill(end, row + steps, T(0));
    }
  }
  template <class T>
  auto vjp(Var<T>, Var<T>, IndexVar<T>) const {
    return no_gradient;
  }
  static std::vector<StructuralExample<SequenceMask>> examples() { return {}; }
};

// The positions of the last steps among the steps of all samples; of the first one for a length of 0.
struct LastPositions : attributes::LastPositions {
  static constexpr std::string_view name = "last_positions";
  static constexpr std::string_view notation = "iL + max(n, 1) − 1";
  static constexpr std::size_t arity = 1;
  static constexpr std::uint8_t index_inputs = 0b1;
  static constexpr bool index_output = true;

  Shape shape(const Shape& lengths) const { return lengths; }
  void forward(Value<const std::int64_t> lengths, Value<std::int64_t> y) const {
    for (std::size_t i = 0; i < lengths.size(); ++i)
      y.data[i] = static_cast<std::int64_t>(
          i * steps + std::max<std::size_t>(checked_length("last_step", lengths, i, steps), 1) - 1);
  }
  static std::vector<StructuralExample<LastPositions>> examples() { return {}; }
};

// The number of nonzero elements, at least one.
struct MaskCount {
  static constexpr std::string_view name = "mask_count";
  static constexpr std::string_view notation = "the number of x ≠ 0";
  static constexpr std::size_t arity = 1;
  static constexpr bool differentiable = false;

  Shape shape(const Shape&) const { return {}; }
  template <class T>
  void forward(Value<const T> mask, Value<T> y) const {
    const auto count = std::count_if(mask.data, mask.data + mask.size(), [](T m) { return m != 0; });
    if (count == 0) throw ValueError("masked_mean", "the mask is 0 everywhere: the mean over no elements is undefined");
    *y.data = static_cast<T>(count);
  }
  template <class T>
  auto vjp(Var<T>, Var<T>, Var<T>) const {
    return no_gradient;
  }
  static std::vector<StructuralExample<MaskCount>> examples() { return {}; }
};

// x with axes of extent 1 appended.
template <class T>
Var<T> with_trailing_axes(Var<T> x, std::size_t rank, const Location& where) {
  Shape shape = x.shape();
  while (shape.rank() < rank) shape.push_back(1);
  return shape.rank() == x.rank() ? x : reshape(x, shape, where);
}

// x with zeros where a mask of its leading axes is 0.
template <class T>
Var<T> mask_leading(Var<T> x, Var<T> mask, const Location& where) {
  const Var<T> aligned = with_trailing_axes(mask, x.rank(), where);
  return wengert::where(Operand<T>(aligned, where), Operand<T>(x, where), Operand<T>(0, where));
}

// Calls record(lengths) after checking that x is (N, L, …) with as many lengths as samples.
template <class T, class F>
Var<T> over_steps(const char* name, Var<T> x, const IndexOperand<T>& given, const Location& where, const F& record) {
  Tape<T>& tape = tape_of(x, name, where);
  return atomically(tape, where, [&] {
    const IndexVar<T> lengths = indices_on(tape, given, name, where);
    if (x.rank() < 2)
      throw ShapeError(name, fmt::format("x of shape {}: expected sequences (N, L, …)", to_string(x.shape())));
    if (lengths.shape() != Shape{x.shape()[0]})
      throw ShapeError(name,
                       fmt::format("lengths of shape {} for x of shape {}: expected one for each of the {} samples",
                                   to_string(lengths.shape()), to_string(x.shape()), x.shape()[0]));
    return record(lengths);
  });
}

template <class T>
Var<T> mask_of(const char* caller, Var<T> x, IndexVar<T> lengths, const Location& where) {
  return record(SequenceMask{{caller, x.shape()[1]}}, where, lengths);
}

template <class T>
Var<T> mean_where(Var<T> x, Var<T> mask, const Location& where) {
  const Shape shape = x.shape(), leading = mask.shape();
  if (leading.rank() > shape.rank() || !std::equal(leading.begin(), leading.end(), shape.begin()))
    throw ShapeError("masked_mean", fmt::format("a mask of shape {} for x of shape {}: expected the shape of x or of "
                                                "its leading axes",
                                                to_string(leading), to_string(shape)));
  const Var<T> count = record(MaskCount{}, where, mask);
  const double each = static_cast<double>(x.size()) / static_cast<double>(std::max<std::size_t>(mask.size(), 1));
  const Var<T> total = sum(mask_leading(x, mask, where), {}, {}, where);
  const Var<T> elements = multiply(Operand<T>(count, where), Operand<T>(each, where));
  return divide(Operand<T>(total, where), Operand<T>(elements, where));
}

}  // namespace

template <class T>
Var<T> sequence_mask(IndexVar<T> lengths, std::size_t steps, Location where) {
  return record(SequenceMask{{"sequence_mask", steps}}, where, lengths);
}

template <class T>
Var<T> mask_steps(Var<T> x, std::type_identity_t<IndexOperand<T>> lengths, Location where) {
  return over_steps("mask_steps", x, lengths, where,
                    [&](IndexVar<T> n) { return mask_leading(x, mask_of("mask_steps", x, n, where), where); });
}

template <class T>
Var<T> last_step(Var<T> x, std::type_identity_t<IndexOperand<T>> lengths, Location where) {
  return over_steps("last_step", x, lengths, where, [&](IndexVar<T> n) {
    const std::size_t samples = x.shape()[0], steps = x.shape()[1];
    const Var<T> mask = mask_of("last_step", x, n, where);
    if (steps == 0) return sum(mask_leading(x, mask, where), 1, {}, where);
    Shape all{samples * steps};
    for (std::size_t axis = 2; axis < x.rank(); ++axis) all.push_back(x.shape()[axis]);
    const Var<T> rows = reshape(x, all, where);
    const Var<T> last = take(rows, record(LastPositions{{steps}}, where, n), 0, where);
    return mask_leading(last, slice(mask, 1, 0, where), where);
  });
}

template <class T>
Var<T> mean_steps(Var<T> x, std::type_identity_t<IndexOperand<T>> lengths, Location where) {
  return over_steps("mean_steps", x, lengths, where, [&](IndexVar<T> n) {
    const Var<T> mask = mask_of("mean_steps", x, n, where);
    const Var<T> total = sum(mask_leading(x, mask, where), 1, {}, where);
    const Var<T> count = maximum(Operand<T>(sum(mask, 1, {}, where), where), Operand<T>(1, where));
    return divide(Operand<T>(total, where), Operand<T>(with_trailing_axes(count, total.rank(), where), where));
  });
}

template <class T>
Var<T> masked_mean(Var<T> x, std::type_identity_t<Operand<T>> mask, Location where) {
  Tape<T>& tape = tape_of(x, "masked_mean", where);
  return atomically(tape, where, [&] { return mean_where(x, operand_on(tape, mask, "masked_mean", where), where); });
}
template <class T>
Var<T> masked_mean(Var<T> x, std::type_identity_t<IndexOperand<T>> lengths, Location where) {
  return over_steps("masked_mean", x, lengths, where,
                    [&](IndexVar<T> n) { return mean_where(x, mask_of("masked_mean", x, n, where), where); });
}

namespace {

// The lengths of an example: 1, 0, 1, 0, …
Indices alternating(std::size_t samples) {
  Indices lengths = Indices::from_shape({samples});
  for (std::size_t i = 0; i < samples; ++i) lengths(i) = i % 2 == 0 ? 1 : 0;
  return lengths;
}

WENGERT_REGISTER_COMPOSITE(mask_steps, "x at steps below n, 0 elsewhere", "padding affects nothing, even if it is NaN",
                           mask_steps(x, alternating(x.shape()[0])))
WENGERT_REGISTER_COMPOSITE(last_step, "x at step n − 1", "0 for n = 0", last_step(x, alternating(x.shape()[0])))
WENGERT_REGISTER_COMPOSITE(mean_steps, "Σ x / n over the steps below n", "0 for n = 0",
                           mean_steps(x, alternating(x.shape()[0])))
WENGERT_REGISTER_COMPOSITE(masked_mean, "the mean of x where m ≠ 0", "masked elements affect nothing, even if NaN",
                           masked_mean(x, alternating(x.shape()[0])))

}  // namespace

#define WENGERT_INSTANTIATE(T)                                       \
  template Var<T> sequence_mask(IndexVar<T>, std::size_t, Location); \
  template Var<T> mask_steps(Var<T>, IndexOperand<T>, Location);     \
  template Var<T> last_step(Var<T>, IndexOperand<T>, Location);      \
  template Var<T> mean_steps(Var<T>, IndexOperand<T>, Location);     \
  template Var<T> masked_mean(Var<T>, Operand<T>, Location);         \
  template Var<T> masked_mean(Var<T>, IndexOperand<T>, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
