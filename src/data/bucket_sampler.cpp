// BucketSampler: bounds from quantiles, batches from shuffled buckets.
#include "data/batch_sampler.hpp"
#include <wengert/data/batches.hpp>
#include <wengert/data/bucket_sampler.hpp>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace wengert::data {
namespace {

void check_buckets(std::span<const std::size_t> lengths, const BucketOptions& options, const Location& where) {
  const auto refuse = [&](const std::string& message) { throw ValueError("BucketSampler", message, where); };
  if (lengths.empty()) refuse("0 samples: expected at least one");
  if (options.batch_size == 0) refuse("batch size 0: expected at least 1");
  if (options.buckets == 0) refuse("0 buckets: expected at least 1");
  if (options.multiple == 0) refuse("a multiple of 0: expected at least 1");
  for (std::size_t i = 0; i < lengths.size(); ++i)
    if (lengths[i] == 0) refuse(fmt::format("sample {} has no steps: expected at least one; remove it", i));
  for (std::size_t i = 1; i < options.bounds.size(); ++i)
    if (options.bounds[i] <= options.bounds[i - 1])
      refuse(fmt::format("a bound of {} after {}: expected bounds in ascending order", options.bounds[i],
                         options.bounds[i - 1]));
  const auto longest = std::max_element(lengths.begin(), lengths.end());
  if (!options.bounds.empty() && options.bounds.back() < *longest)
    refuse(fmt::format("sample {} has {} steps, more than the last bound, {}: add a bound or shorten the sample",
                       longest - lengths.begin(), *longest, options.bounds.back()));
}

// The lengths below which equal shares of the samples lie, rounded up to multiples.
std::vector<std::size_t> quantiles(std::span<const std::size_t> lengths, const BucketOptions& options,
                                   const Location& where) {
  std::vector<std::size_t> sorted(lengths.begin(), lengths.end()), bounds;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t buckets = std::min(options.buckets, sorted.size());
  for (std::size_t b = 1; b <= buckets; ++b) {
    const std::size_t last = (b * sorted.size() + buckets - 1) / buckets - 1;
    const std::size_t above = sorted[last] % options.multiple, missing = above == 0 ? 0 : options.multiple - above;
    if (missing > std::numeric_limits<std::size_t>::max() - sorted[last])
      throw ValueError("BucketSampler",
                       fmt::format("a multiple of {}: {} steps cannot be rounded up to it; expected a small number, "
                                   "such as 8",
                                   options.multiple, sorted[last]),
                       where);
    const std::size_t bound = sorted[last] + missing;
    if (bounds.empty() || bound > bounds.back()) bounds.push_back(bound);
  }
  return bounds;
}

}  // namespace

BucketSampler::BucketSampler(std::span<const std::size_t> lengths, const BucketOptions& options, const Location& where)
    : batch_size_(options.batch_size), shuffle_(options.shuffle), drop_last_(options.drop_last) {
  check_buckets(lengths, options, where);
  bounds_ = options.bounds.empty() ? quantiles(lengths, options, where) : options.bounds;
  buckets_.resize(bounds_.size());
  double real = 0, padded = 0;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), lengths[i]);
    buckets_[static_cast<std::size_t>(bound - bounds_.begin())].push_back(i);
    real += static_cast<double>(lengths[i]);
    padded += static_cast<double>(*bound);
  }
  padding_ = 1 - real / padded;
  for (std::size_t b = bounds_.size(); b-- > 0;)
    if (buckets_[b].empty()) {
      buckets_.erase(buckets_.begin() + static_cast<std::ptrdiff_t>(b));
      bounds_.erase(bounds_.begin() + static_cast<std::ptrdiff_t>(b));
    }
  for (const std::vector<std::size_t>& bucket : buckets_) {
    const std::size_t full = bucket.size() / batch_size_;
    if (full == 0 && drop_last_)
      throw ValueError(
          "BucketSampler",
          fmt::format("{} samples of up to {} steps, fewer than a batch of {}: drop_last would drop them in "
                      "every epoch; use fewer buckets or smaller batches",
                      bucket.size(), padded_length(lengths[bucket[0]]), batch_size_),
          where);
    const bool is_short = bucket.size() % batch_size_ != 0 && !drop_last_;
    count_ += full + (is_short ? 1 : 0);
    shapes_ += (full > 0 ? 1 : 0) + (is_short ? 1 : 0);
  }
}

std::vector<std::vector<std::size_t>> BucketSampler::batches(std::uint64_t seed, std::uint64_t epoch) const {
  std::mt19937_64 generator = epoch_generator(seed, epoch);
  std::vector<std::vector<std::size_t>> all;
  all.reserve(count_);
  for (std::vector<std::size_t> bucket : buckets_) {
    if (shuffle_) {
      const std::vector<std::size_t> order = permutation(bucket.size(), generator), sorted = bucket;
      std::transform(order.begin(), order.end(), bucket.begin(), [&](std::size_t i) { return sorted[i]; });
    }
    const std::size_t batches = drop_last_ ? bucket.size() / batch_size_ : count_of_batches(bucket.size(), batch_size_);
    for (std::size_t i = 0; i < batches; ++i) {
      const auto rows = batch_of(bucket, batch_size_, i);
      all.emplace_back(rows.begin(), rows.end());
    }
  }
  if (!shuffle_) return all;
  std::vector<std::vector<std::size_t>> shuffled;
  shuffled.reserve(all.size());
  for (const std::size_t i : permutation(all.size(), generator)) shuffled.push_back(std::move(all[i]));
  return shuffled;
}

std::size_t BucketSampler::padded_length(std::size_t length, const Location& where) const {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), length);
  if (bound != bounds_.end()) return *bound;
  throw ValueError("BucketSampler",
                   fmt::format("length {}: expected at most {}, the last bound", length, bounds_.back()), where);
}

}  // namespace wengert::data
