// Sequences: samples of different lengths in memory, gathered into padded batches of similar lengths.
//
//     const data::Sequences texts(tokens, labels, {.batch_size = 32, .buckets = 6});  // one Indices per text; Indices
//     data::Padded<wg::Indices> x;
//     Indices y;
//     for (const auto& rows : texts.batches(seed, epoch)) {
//       texts.gather(rows, x, y);
//       step(x.values, x.lengths, y);
//     }
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/data/bucket_sampler.hpp>
#include <wengert/data/dataset.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace wengert::data {

/// A batch of N sequences, padded at the end to L steps: the inputs of a network. V is Tensor or Indices in the data,
/// Var or IndexVar on a tape; I is Indices, or IndexVar.
template <class V, class I = Indices>
struct Padded {
  V values;   ///< (N, L, …): the steps, then padding
  I lengths;  ///< (N): the number of steps of each sequence, without padding
};

/// How Sequences pads batches. Paddings of Indices are integers, those of tensors finite numbers of their type.
struct PaddingOptions {
  double value = 0;                ///< the padding of sequences; for tokens, an index that the embedding has
  std::optional<double> target{};  ///< the padding of target sequences; by default −100 for labels, otherwise 0
  bool to_bound = true;            ///< pads to the bound of the bucket; otherwise to the longest of the batch
};

/// N sequences of L₁ … L_N steps, each with a target, or with a target for each step. V and Y are float, double or
/// std::int64_t: features or tokens, numeric targets or labels.
///
/// Padded target sequences are labels of −100, for `cross_entropy` with `{.ignore_index = -100}` (PyTorch's default),
/// or zeros, for `masked_mean`.
template <class V, class Y>
class Sequences {
 public:
  using Inputs = Padded<Tensor<V>>;      ///< the inputs of a batch
  using Targets = Tensor<Y>;             ///< the targets of a batch
  static constexpr bool repeats = true;  ///< the same rows always give the same batch

  /// One target per sequence: sequences of shape (Lᵢ, …), targets (N, …). Throws ShapeError for sequences that differ
  /// in more than their number of steps, or another number of targets; ValueError like BucketSampler, and for a padding
  /// that the sequences or targets cannot hold.
  Sequences(const std::vector<Tensor<V>>& sequences, Tensor<Y> targets, const BucketOptions& buckets = {},
            const PaddingOptions& padding = {}, const Location& where = Location::current());
  /// One target per step: targets of shape (Lᵢ, …). Throws likewise, and ShapeError if a sequence and its targets
  /// differ in their number of steps.
  Sequences(const std::vector<Tensor<V>>& sequences, const std::vector<Tensor<Y>>& targets,
            const BucketOptions& buckets = {}, const PaddingOptions& padding = {},
            const Location& where = Location::current());

  /// The number of sequences, N.
  std::size_t size() const { return steps_.size(); }
  /// The number of steps of each.
  const std::vector<std::size_t>& steps() const { return steps_; }
  /// The sampler that divides them into batches.
  const BucketSampler& sampler() const { return sampler_; }
  /// The batches of an epoch: see BucketSampler.
  std::vector<std::vector<std::size_t>> batches(std::uint64_t seed, std::uint64_t epoch) const {
    return sampler_.batches(seed, epoch);
  }
  /// Copies sequences and their targets into x and y, padded to one length. Allocates nothing if x and y already have
  /// the right shape. Throws ValueError for an index out of range; then x and y are unchanged.
  void gather(std::span<const std::size_t> rows, Padded<Tensor<V>>& x, Tensor<Y>& y,
              const Location& where = Location::current()) const;
  /// The same as `subset`.
  Sequences select(std::span<const std::size_t> rows, const Location& where = Location::current()) const;

 private:
  void check_indices(std::span<const std::size_t> rows, const Location& where) const;

  std::vector<std::size_t> steps_,
      first_;          // of each sequence: the number of its steps, and where they begin in values_
  Tensor<V> values_;   // the steps of all sequences, one after the other
  Tensor<Y> targets_;  // (N, …), or the targets of all steps
  bool each_step_;     // whether there is a target for each step
  BucketSampler sampler_;
  BucketOptions buckets_;
  PaddingOptions padding_;
};

/// The sequences with these indices, in this order, in buckets with the same bounds, so that their batches have the
/// same shapes; an index may occur more than once. Throws ValueError for an index out of range, and like BucketSampler.
template <class V, class Y>
Sequences<V, Y> subset(const Sequences<V, Y>& sequences, std::span<const std::size_t> rows,
                       const Location& where = Location::current());
/// Splits like `split` of a Dataset into parts with the same buckets; see `subset`. Throws likewise.
template <class V, class Y>
SplitOf<Sequences<V, Y>> split(const Sequences<V, Y>& sequences, double test_fraction, std::uint64_t seed,
                               const Location& where = Location::current());

#define WENGERT_EXTERN(V)                     \
  extern template class Sequences<V, float>;  \
  extern template class Sequences<V, double>; \
  extern template class Sequences<V, std::int64_t>;
WENGERT_EXTERN(float)
WENGERT_EXTERN(double)
WENGERT_EXTERN(std::int64_t)
#undef WENGERT_EXTERN

}  // namespace wengert::data
