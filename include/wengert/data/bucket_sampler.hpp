// BucketSampler: batches of sequences of similar lengths, so that little of a batch is padding.
#pragma once

#include <wengert/base/error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wengert::data {

/// Options of BucketSampler.
struct BucketOptions {
  std::size_t batch_size = 32;           ///< samples per batch; the last one of each bucket may have fewer
  std::vector<std::size_t> bounds = {};  ///< the longest length of each bucket, ascending; if empty, quantiles
  std::size_t buckets = 8;               ///< without bounds: the number of buckets, of about equally many samples
  std::size_t multiple = 1;              ///< without bounds: lengths of buckets are rounded up to a multiple of it
  /// Draws new batches, in a new order, for each epoch. Otherwise the buckets follow by length, and the samples of each
  /// keep their order.
  bool shuffle = true;
  bool drop_last = false;  ///< drops the last batch of each bucket if it has fewer samples than the others
};

/// A batch sampler for sequences of different lengths: divides the samples into buckets by length, and each bucket into
/// batches. If batches are padded to the bound of their bucket (see `padded_length`), the number of different shapes,
/// and of Programs, is at most twice the number of buckets: a full and a short batch of each.
class BucketSampler {
 public:
  /// Takes the length of each sample. Throws ValueError if there are none, for a length of 0, a batch size, number of
  /// buckets or multiple of 0, a multiple too large to round a length up to it, bounds that do not ascend or do not
  /// reach the longest sample, and if all samples of a bucket would be dropped.
  explicit BucketSampler(std::span<const std::size_t> lengths, const BucketOptions& options = {},
                         const Location& where = Location::current());

  /// The batches of an epoch, as sample indices: every sample once, unless dropped. They depend only on seed and epoch,
  /// so a run can be resumed, and are the same on every platform.
  std::vector<std::vector<std::size_t>> batches(std::uint64_t seed, std::uint64_t epoch) const;
  /// The number of batches in an epoch.
  std::size_t count() const { return count_; }
  /// The number of different shapes (samples, padded length) of the batches; a `compiled` step records as many
  /// Programs.
  std::size_t shapes() const { return shapes_; }
  /// The longest length of each bucket that has samples, ascending.
  const std::vector<std::size_t>& bounds() const { return bounds_; }
  /// The bound of the bucket that a length belongs to. Throws ValueError if it is above the last bound.
  std::size_t padded_length(std::size_t length, const Location& where = Location::current()) const;
  /// The share of the steps of all samples that is padding, if each is padded to the bound of its bucket, in [0, 1).
  double padding() const { return padding_; }

 private:
  std::size_t batch_size_;
  bool shuffle_, drop_last_;
  std::vector<std::size_t> bounds_;
  std::vector<std::vector<std::size_t>> buckets_;  // the samples of each
  std::size_t count_ = 0, shapes_ = 0;
  double padding_ = 0;
};

}  // namespace wengert::data
