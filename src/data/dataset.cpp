#include <wengert/data/batches.hpp>
#include <wengert/data/dataset.hpp>
#include <wengert/error.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

namespace wengert {

template <class T>
Tensor<T> one_hot(const IndexTensor& labels, std::size_t classes) {
  Tensor<T> rows = xt::zeros<T>({labels.size(), classes});
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::int64_t label = labels.data()[i];
    if (label < 0 || static_cast<std::size_t>(label) >= classes)
      throw ValueError("one_hot", fmt::format("label {} of sample {}: there are classes 0 to {}", label, i,
                                              static_cast<std::int64_t>(classes) - 1));
    rows.data()[i * classes + static_cast<std::size_t>(label)] = T(1);
  }
  return rows;
}

std::vector<std::size_t> permutation(std::size_t n, std::mt19937_64& generator) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = n; i > 1; --i) {
    const std::uint64_t limit = ~std::uint64_t{0} / i * i;  // draws from here on would favour small numbers
    std::uint64_t draw = generator();
    while (draw >= limit) draw = generator();
    std::swap(order[i - 1], order[draw % i]);
  }
  return order;
}

Batches::Batches(std::size_t samples, std::size_t batch_size) : order_(samples) {
  if (samples == 0) throw ValueError("batches", "no samples");
  if (batch_size == 0) throw ValueError("batches", "a batch size of 0: a batch has at least one sample");
  for (std::size_t begin = 0; begin < samples; begin += std::min(batch_size, samples - begin))
    batches_.emplace_back(order_.data() + begin, std::min(batch_size, samples - begin));
}

const std::vector<std::span<const std::size_t>>& Batches::epoch(std::mt19937_64& generator) {
  std::ranges::copy(permutation(order_.size(), generator), order_.begin());  // in place: the spans stay valid
  return batches_;
}

template <class T>
void gather_rows(const Tensor<T>& from, std::span<const std::size_t> rows, Tensor<T>& out) {
  Shape shape(from.shape());
  if (shape.rank() == 0) throw ValueError("gather_rows", "a scalar has no rows");
  const std::size_t count = shape[0];
  const std::size_t row_size = count == 0 ? 0 : from.size() / count;
  for (const std::size_t row : rows)
    if (row >= count) throw ValueError("gather_rows", fmt::format("row {} of a tensor with {} rows", row, count));
  shape[0] = rows.size();
  if (Shape(out.shape()) != shape) out = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  T* to = out.data();
  for (const std::size_t row : rows) to = std::copy_n(from.data() + row * row_size, row_size, to);
}

template <class T>
Split<T> split(const Dataset<T>& data, double test_fraction, std::uint64_t seed) {
  const std::size_t n = data.size();
  if (!(test_fraction > 0 && test_fraction < 1))
    throw ValueError("split", fmt::format("a test fraction of {}: must lie between 0 and 1", test_fraction));
  if (n < 2) throw ValueError("split", fmt::format("{} samples: at least two are needed", n));
  const auto wanted = static_cast<std::size_t>(std::llround(static_cast<double>(n) * test_fraction));
  const std::size_t tests = std::clamp<std::size_t>(wanted, 1, n - 1);
  std::mt19937_64 generator(seed);
  const auto order = permutation(n, generator);
  const auto part = [&](std::span<const std::size_t> rows) {
    Dataset<T> result;
    gather_rows(data.inputs, rows, result.inputs);
    result.labels = IndexTensor::from_shape({rows.size()});
    std::ranges::transform(rows, result.labels.data(), [&](std::size_t row) { return data.labels.data()[row]; });
    result.classes = data.classes;
    return result;
  };
  const std::span<const std::size_t> all(order);
  return {part(all.subspan(tests)), part(all.first(tests))};
}

#define WENGERT_INSTANTIATE(T)                                                              \
  template Tensor<T> one_hot<T>(const IndexTensor&, std::size_t);                           \
  template void gather_rows<T>(const Tensor<T>&, std::span<const std::size_t>, Tensor<T>&); \
  template Split<T> split<T>(const Dataset<T>&, double, std::uint64_t);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
