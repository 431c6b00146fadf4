// Mini-batches: reproducible Fisher–Yates shuffles with unbiased draws, and gathering of the rows of a batch.
#include "data/batch_sampler.hpp"
#include <wengert/data/batches.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace wengert::data {
namespace {

// Uniform over 0 … bound−1. Draws at or above the last multiple of bound are rejected: they would favour small results.
std::size_t draw_below(std::uint64_t bound, std::mt19937_64& generator) {
  const std::uint64_t limit = std::numeric_limits<std::uint64_t>::max() / bound * bound;
  std::uint64_t draw = generator();
  while (draw >= limit) draw = generator();
  return draw % bound;
}

void shuffle_numbers(std::vector<std::size_t>& order, std::mt19937_64& generator) {
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t left = order.size(); left > 1; --left)
    std::swap(order[left - 1], order[draw_below(left, generator)]);
}

}  // namespace

std::vector<std::size_t> permutation(std::size_t n, std::mt19937_64& generator) {
  std::vector<std::size_t> order(n);
  shuffle_numbers(order, generator);
  return order;
}

Batches::Batches(std::size_t samples, std::size_t batch_size, const Location& where) : order_(samples) {
  if (samples == 0) throw ValueError("batches", "0 samples: expected at least one", where);
  if (batch_size == 0) throw ValueError("batches", "batch size 0: expected at least 1", where);
  batches_.resize(count_of_batches(samples, batch_size));
  for (std::size_t i = 0; i < batches_.size(); ++i) batches_[i] = batch_of(order_, batch_size, i);
}

const std::vector<std::span<const std::size_t>>& Batches::epoch(std::mt19937_64& generator) {
  shuffle_numbers(order_, generator);
  return batches_;
}

template <class T>
void gather_rows(const Tensor<T>& tensor, std::span<const std::size_t> indices, Tensor<T>& out, const Location& where) {
  if (tensor.dimension() == 0) throw ShapeError("gather_rows", "a scalar: expected a tensor with rows", where);
  if (&tensor == &out) throw ValueError("gather_rows", "the result is also the source: expected another tensor", where);
  const std::size_t rows = tensor.shape()[0];
  for (const std::size_t index : indices)
    if (index >= rows)
      throw ValueError("gather_rows", fmt::format("index {}: the tensor has {} rows", index, rows), where);

  Shape shape(tensor.shape());
  shape[0] = indices.size();
  if (!std::ranges::equal(shape, out.shape())) out = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  const std::size_t row_size = rows == 0 ? 0 : tensor.size() / rows;
  T* next = out.data();
  for (const std::size_t index : indices) next = std::copy_n(tensor.data() + index * row_size, row_size, next);
}

template void gather_rows(const Tensor<float>&, std::span<const std::size_t>, Tensor<float>&, const Location&);
template void gather_rows(const Tensor<double>&, std::span<const std::size_t>, Tensor<double>&, const Location&);
template void gather_rows(const Indices&, std::span<const std::size_t>, Indices&, const Location&);

}  // namespace wengert::data
