// Batches: every sample once an epoch, in random order, a few at a time.
#pragma once

#include <wengert/error.hpp>
#include <wengert/tensor.hpp>

#include <cstddef>
#include <random>
#include <span>
#include <vector>

namespace wengert {

/// The numbers 0 … n−1 in random order, every order being equally likely.
///
/// The result follows from the state of `generator` alone and is the same on every platform: Fisher and Yates's shuffle
/// (Durstenfeld 1964) with draws made unbiased by rejection, where std::shuffle may differ from one library to the
/// next.
std::vector<std::size_t> permutation(std::size_t n, std::mt19937_64& generator);

/// Deals n samples into batches without replacement, anew for each epoch.
///
///     Batches batches(data.size(), 64);
///     for (std::span<const std::size_t> batch : batches.epoch(generator)) gather_rows(data.inputs, batch, x);
///
/// After construction nothing is allocated.
class Batches {
 public:
  /// Batches of `batch_size` out of `samples`, the last one smaller if need be. Throws ValueError if either is 0.
  Batches(std::size_t samples, std::size_t batch_size, const Location& where = Location::current());
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;
  /// Moving keeps the batches; copying is not offered.
  ///@{
  Batches(Batches&&) noexcept = default;
  Batches& operator=(Batches&&) noexcept = default;
  ///@}

  /// The batches of one epoch, as indices of samples; valid until the next call.
  ///
  /// Their order follows from the state of `generator` alone, whatever epochs went before, so that a resumed run goes
  /// on as the interrupted one would have: it is `permutation(samples, generator)` cut to pieces.
  const std::vector<std::span<const std::size_t>>& epoch(std::mt19937_64& generator);
  /// The number of batches in an epoch.
  std::size_t count() const { return batches_.size(); }

 private:
  std::vector<std::size_t> order_;
  std::vector<std::span<const std::size_t>> batches_;  // of order_
};

/// Copies the entries `indices` of the first axis into `out`: out[i] = tensor[indices[i]].
///
/// Nothing is allocated if `out` has the right shape already. T is float, double or int64. Throws ShapeError for a
/// scalar, ValueError for an index out of range or if `out` is `tensor` itself; `out` is then unchanged.
template <class T>
void gather_rows(const Tensor<T>& tensor, std::span<const std::size_t> indices, Tensor<T>& out,
                 const Location& where = Location::current());

}  // namespace wengert
