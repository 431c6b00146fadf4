// The batch sampler that Loader and fit share: the order of an epoch's samples, and their division into batches.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace wengert::data {

/// The generator of an epoch's order. It depends only on the seed and the epoch, so that a run can be resumed.
inline std::mt19937_64 epoch_generator(std::uint64_t seed, std::uint64_t epoch) {
  std::seed_seq mixed{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                      static_cast<std::uint32_t>(epoch), static_cast<std::uint32_t>(epoch >> 32)};
  return std::mt19937_64(mixed);
}

/// The number of batches, the last of which may be short.
inline std::size_t count_of_batches(std::size_t samples, std::size_t batch_size) {
  return samples / batch_size + (samples % batch_size != 0 ? 1 : 0);
}

/// The samples of a batch. Batches are counted from 0.
inline std::span<const std::size_t> batch_of(std::span<const std::size_t> order, std::size_t batch_size,
                                             std::size_t batch) {
  const std::size_t first = batch * batch_size;
  return order.subspan(first, std::min(batch_size, order.size() - first));
}

}  // namespace wengert::data
