// Sequences: all steps in one tensor, from which padded batches are copied.
#include "base/located.hpp"
#include <wengert/data/batches.hpp>
#include <wengert/data/sequences.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

namespace wengert::data {
namespace {

// The shape of one step.
template <class V>
Shape step_shape(const Tensor<V>& sequence) {
  return Shape(std::span<const std::size_t>(sequence.shape().data(), sequence.dimension()).subspan(1));
}

template <class V>
std::size_t steps_in(const Tensor<V>& sequence) {
  return sequence.dimension() == 0 ? 0 : sequence.shape()[0];
}

// The steps of sequences one after the other. `what` names a sequence in errors.
template <class V>
Tensor<V> joined_steps(const char* what, const std::vector<Tensor<V>>& sequences, const Location& where) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    if (sequences[i].dimension() == 0)
      throw ShapeError("Sequences", fmt::format("{} {} is a scalar: expected a tensor of steps, (L, …)", what, i),
                       where);
    if (step_shape(sequences[i]) != step_shape(sequences[0]))
      throw ShapeError("Sequences",
                       fmt::format("{} {} has steps of shape {}, the first one of {}: expected equal shapes", what, i,
                                   to_string(step_shape(sequences[i])), to_string(step_shape(sequences[0]))),
                       where);
    total += steps_in(sequences[i]);
  }
  Shape shape{total};
  if (!sequences.empty())
    for (const std::size_t extent : step_shape(sequences[0])) shape.push_back(extent);
  Tensor<V> all = Tensor<V>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  V* next = all.data();
  for (const Tensor<V>& sequence : sequences) next = std::copy_n(sequence.data(), sequence.size(), next);
  return all;
}

template <class V>
std::vector<std::size_t> steps_of_each(const std::vector<Tensor<V>>& sequences) {
  std::vector<std::size_t> steps(sequences.size());
  std::transform(sequences.begin(), sequences.end(), steps.begin(), steps_in<V>);
  return steps;
}

std::vector<std::size_t> begins(const std::vector<std::size_t>& steps) {
  std::vector<std::size_t> first(steps.size());
  for (std::size_t i = 1; i < steps.size(); ++i) first[i] = first[i - 1] + steps[i - 1];
  return first;
}

// Throws ValueError unless an element of the padded tensor can hold the padding.
template <class V>
void check_padding(const char* what, double padding, const Location& where) {
  const auto refuse = [&](std::string_view expected) {
    throw ValueError("Sequences", fmt::format("{} {}: expected {}", what, padding, expected), where);
  };
  if constexpr (std::is_integral_v<V>) {
    if (!(padding == std::floor(padding) && std::abs(padding) <= 0x1p53)) refuse("an integer");
  } else if (!(std::abs(padding) <= static_cast<double>(std::numeric_limits<V>::max()))) {
    refuse(sizeof(V) == sizeof(float) ? "a number that float can represent" : "a finite number");
  }
}
template <class V, class Y>
const PaddingOptions& checked_padding(const PaddingOptions& padding, const Location& where) {
  check_padding<V>("a padding of", padding.value, where);
  if (padding.target) check_padding<Y>("a padding of targets of", *padding.target, where);
  return padding;
}

// Gives a tensor the shape (leading…, step…) unless it has it.
template <class V>
void reshape_batch(Tensor<V>& batch, const Shape& leading, const Shape& step) {
  Shape shape = leading;
  for (const std::size_t extent : step) shape.push_back(extent);
  if (!std::ranges::equal(shape, batch.shape())) batch = Tensor<V>::from_shape(xt::dynamic_shape<std::size_t>(shape));
}

}  // namespace

template <class V, class Y>
Sequences<V, Y>::Sequences(const std::vector<Tensor<V>>& sequences, Tensor<Y> targets, const BucketOptions& buckets,
                           const PaddingOptions& padding, const Location& where)
    : steps_(steps_of_each(sequences)),
      first_(begins(steps_)),
      values_(joined_steps("sequence", sequences, where)),
      targets_(std::move(targets)),
      each_step_(false),
      sampler_(steps_, buckets, where),
      buckets_(buckets),
      padding_(checked_padding<V, Y>(padding, where)) {
  if (steps_in(targets_) != size())
    throw ShapeError("Sequences",
                     fmt::format("targets of shape {}: expected one for each of the {} sequences",
                                 to_string(Shape(targets_.shape())), size()),
                     where);
}

template <class V, class Y>
Sequences<V, Y>::Sequences(const std::vector<Tensor<V>>& sequences, const std::vector<Tensor<Y>>& targets,
                           const BucketOptions& buckets, const PaddingOptions& padding, const Location& where)
    : steps_(steps_of_each(sequences)),
      first_(begins(steps_)),
      values_(joined_steps("sequence", sequences, where)),
      targets_(joined_steps("target sequence", targets, where)),
      each_step_(true),
      sampler_(steps_, buckets, where),
      buckets_(buckets),
      padding_(checked_padding<V, Y>(padding, where)) {
  if (targets.size() != size())
    throw ShapeError("Sequences",
                     fmt::format("{} target sequences for {} sequences: expected one for each", targets.size(), size()),
                     where);
  for (std::size_t i = 0; i < size(); ++i)
    if (steps_in(targets[i]) != steps_[i])
      throw ShapeError("Sequences",
                       fmt::format("sequence {} has {} steps, its target sequence {}: expected a target for each step",
                                   i, steps_[i], steps_in(targets[i])),
                       where);
}

template <class V, class Y>
void Sequences<V, Y>::gather(std::span<const std::size_t> rows, Padded<Tensor<V>>& x, Tensor<Y>& y,
                             const Location& where) const {
  check_indices(rows, where);
  std::size_t longest = 0;
  for (const std::size_t row : rows) longest = std::max(longest, steps_[row]);
  const std::size_t padded = padding_.to_bound ? sampler_.padded_length(longest, where) : longest;
  const Shape value = step_shape(values_), target = step_shape(targets_);
  reshape_batch(x.values, {rows.size(), padded}, value);
  reshape_batch(x.lengths, {rows.size()}, {});
  reshape_batch(y, each_step_ ? Shape{rows.size(), padded} : Shape{rows.size()}, target);
  // Copies `count` rows of `from` beginning at `begin` to `to`, and fills up to `padded` rows.
  const auto copy = [&]<class U>(const Tensor<U>& from, std::size_t width, std::size_t begin, std::size_t count, U* to,
                                 double padding) {
    U* const end = std::copy_n(from.data() + begin * width, count * width, to);
    std::fill(end, to + padded * width, static_cast<U>(padding));
  };
  const double for_targets = padding_.target.value_or(std::is_integral_v<Y> ? -100 : 0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t row = rows[i], count = steps_[row], width = value.elements(), targets = target.elements();
    x.lengths(i) = static_cast<std::int64_t>(count);
    copy(values_, width, first_[row], count, x.values.data() + i * padded * width, padding_.value);
    if (each_step_)
      copy(targets_, targets, first_[row], count, y.data() + i * padded * targets, for_targets);
    else
      std::copy_n(targets_.data() + row * targets, targets, y.data() + i * targets);
  }
}

template <class V, class Y>
Sequences<V, Y> Sequences<V, Y>::select(std::span<const std::size_t> rows, const Location& where) const {
  check_indices(rows, where);
  const auto copied = [&]<class U>(const Tensor<U>& from, std::size_t begin, std::size_t count) {
    const Shape step = step_shape(from);
    const std::size_t width = step.elements();
    Tensor<U> result;
    reshape_batch(result, {count}, step);
    std::copy_n(from.data() + begin * width, count * width, result.data());
    return result;
  };
  BucketOptions buckets = buckets_;
  buckets.bounds = sampler_.bounds();
  std::vector<Tensor<V>> sequences;
  std::vector<Tensor<Y>> targets;
  for (const std::size_t row : rows) {
    sequences.push_back(copied(values_, first_[row], steps_[row]));
    if (each_step_) targets.push_back(copied(targets_, first_[row], steps_[row]));
  }
  if (each_step_) return Sequences(sequences, targets, buckets, padding_, where);
  Tensor<Y> one_each;
  gather_rows(targets_, rows, one_each, where);
  return Sequences(sequences, std::move(one_each), buckets, padding_, where);
}

template <class V, class Y>
void Sequences<V, Y>::check_indices(std::span<const std::size_t> rows, const Location& where) const {
  for (const std::size_t row : rows)
    if (row >= size())
      throw ValueError("Sequences", fmt::format("index {}: there are {} sequences", row, size()), where);
}

template <class V, class Y>
Sequences<V, Y> subset(const Sequences<V, Y>& sequences, std::span<const std::size_t> rows, const Location& where) {
  return located("subset", where, [&] { return sequences.select(rows, where); });
}

template <class V, class Y>
SplitOf<Sequences<V, Y>> split(const Sequences<V, Y>& sequences, double test_fraction, std::uint64_t seed,
                               const Location& where) {
  const SplitRows rows = split_rows(sequences.size(), test_fraction, seed, where);
  return {subset(sequences, rows.train, where), subset(sequences, rows.test, where)};
}

#define WENGERT_OF(V, Y)                                                                                  \
  template class Sequences<V, Y>;                                                                         \
  template Sequences<V, Y> subset(const Sequences<V, Y>&, std::span<const std::size_t>, const Location&); \
  template SplitOf<Sequences<V, Y>> split(const Sequences<V, Y>&, double, std::uint64_t, const Location&);
#define WENGERT_INSTANTIATE(V) WENGERT_OF(V, float) WENGERT_OF(V, double) WENGERT_OF(V, std::int64_t)
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
WENGERT_INSTANTIATE(std::int64_t)
#undef WENGERT_INSTANTIATE
#undef WENGERT_OF

}  // namespace wengert::data
