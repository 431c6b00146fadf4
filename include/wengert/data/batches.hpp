// The batch sampler: mini-batches that contain every sample once per epoch, in random order.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>

#include <cstddef>
#include <random>
#include <span>
#include <vector>

namespace wengert::data {

/// The indices 0 … n−1 in random order; every order is equally likely. The result depends only on the state of
/// `generator` and is the same on every platform: a Fisher–Yates shuffle (Durstenfeld 1964) with draws made unbiased by
/// rejection. std::shuffle may differ between libraries.
std::vector<std::size_t> permutation(std::size_t n, std::mt19937_64& generator);

/// Divides samples into batches without replacement, in a new order for each epoch. Allocates no memory after
/// construction.
///
///     Batches batches(data.size(), 64);
///     for (std::span<const std::size_t> batch : batches.epoch(generator)) gather_rows(data.inputs, batch, x);
class Batches {
 public:
  /// Batches of `batch_size` out of `samples`; the last one may be smaller. Throws ValueError if either is 0.
  Batches(std::size_t samples, std::size_t batch_size, const Location& where = Location::current());
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;
  /// Movable, but not copyable.
  ///@{
  Batches(Batches&&) noexcept = default;
  Batches& operator=(Batches&&) noexcept = default;
  ///@}

  /// The batches of one epoch, as sample indices; valid until the next call. They are consecutive pieces of
  /// `permutation(samples, generator)`: they do not depend on earlier epochs, so a resumed run continues exactly like
  /// an uninterrupted one.
  const std::vector<std::span<const std::size_t>>& epoch(std::mt19937_64& generator);
  /// The number of batches in an epoch.
  std::size_t count() const { return batches_.size(); }

 private:
  std::vector<std::size_t> order_;
  std::vector<std::span<const std::size_t>> batches_;  // pieces of order_
};

/// Copies the entries `indices` of the first axis into `out`: out[i] = tensor[indices[i]]. Allocates nothing if `out`
/// already has the right shape. T is float, double or int64. Throws ShapeError for a scalar, ValueError for an index
/// out of range or if `out` is `tensor` itself; then `out` is unchanged.
template <class T>
void gather_rows(const Tensor<T>& tensor, std::span<const std::size_t> indices, Tensor<T>& out,
                 const Location& where = Location::current());

}  // namespace wengert::data
