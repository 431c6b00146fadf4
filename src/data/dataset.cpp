#include <wengert/data/batches.hpp>
#include <wengert/data/dataset.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <span>

#include <fmt/format.h>

namespace wengert {
namespace {

template <class T>
Dataset<T> samples_at(const Dataset<T>& dataset, std::span<const std::size_t> indices, const Location& where) {
  Dataset<T> part;
  gather_rows(dataset.inputs, indices, part.inputs, where);
  gather_rows(dataset.labels, indices, part.labels, where);
  part.classes = dataset.classes;
  return part;
}

}  // namespace

template <class T>
Split<T> split(const Dataset<T>& dataset, double test_fraction, std::uint64_t seed, const Location& where) {
  const std::size_t count = dataset.size();
  if (!(test_fraction > 0 && test_fraction < 1))
    throw ValueError("split", fmt::format("test fraction {}: expected a number between 0 and 1", test_fraction), where);
  if (count < 2) throw ValueError("split", fmt::format("{} samples: at least two are needed", count), where);
  if (Shape(dataset.labels.shape()) != Shape{count})
    throw ValueError("split",
                     fmt::format("labels of shape {}: expected one for each of the {} samples",
                                 to_string(Shape(dataset.labels.shape())), count),
                     where);
  const auto wanted = static_cast<std::size_t>(std::llround(test_fraction * static_cast<double>(count)));
  const std::size_t tests = std::clamp<std::size_t>(wanted, 1, count - 1);
  std::mt19937_64 generator(seed);
  const std::vector<std::size_t> order = permutation(count, generator);
  const std::span<const std::size_t> all(order);
  return {samples_at(dataset, all.subspan(tests), where), samples_at(dataset, all.first(tests), where)};
}

template <class T>
Tensor<T> one_hot(const IndexTensor& labels, std::size_t classes, const Location& where) {
  const std::size_t count = labels.size();
  for (std::size_t i = 0; i < count; ++i)
    if (const std::int64_t label = labels.data()[i]; label < 0 || static_cast<std::uint64_t>(label) >= classes)
      throw ValueError("one_hot", fmt::format("label {} at {}: expected one in [0, {})", label, i, classes), where);
  constexpr std::size_t most = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(T);
  if (count > 0 && classes > most / count)
    throw ValueError("one_hot", fmt::format("{} labels of {} classes: more than memory can hold", count, classes),
                     where);
  Shape shape(labels.shape());
  shape.push_back(classes);
  Tensor<T> rows(xt::dynamic_shape<std::size_t>(shape), T{0});
  for (std::size_t i = 0; i < count; ++i) rows.data()[i * classes + static_cast<std::size_t>(labels.data()[i])] = T{1};
  return rows;
}

template Split<float> split(const Dataset<float>&, double, std::uint64_t, const Location&);
template Split<double> split(const Dataset<double>&, double, std::uint64_t, const Location&);
template Tensor<float> one_hot(const IndexTensor&, std::size_t, const Location&);
template Tensor<double> one_hot(const IndexTensor&, std::size_t, const Location&);

}  // namespace wengert
