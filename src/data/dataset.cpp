#include <wengert/data/batches.hpp>
#include <wengert/data/dataset.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include <fmt/format.h>

namespace wengert {
namespace {

// How many of `count` samples are for testing.
std::size_t share(double fraction, std::size_t count) {
  const auto wanted = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(count)));
  return std::clamp<std::size_t>(wanted, 1, count - 1);
}

template <class T>
void check(const char* subject, const Dataset<T>& dataset, double test_fraction, const Location& where) {
  const std::size_t count = dataset.size();
  if (!(test_fraction > 0 && test_fraction < 1))
    throw ValueError(subject, fmt::format("test fraction {}: expected a number between 0 and 1", test_fraction), where);
  if (count < 2) throw ValueError(subject, fmt::format("{} samples: at least two are needed", count), where);
  if (Shape(dataset.labels.shape()) != Shape{count})
    throw ValueError(subject,
                     fmt::format("labels of shape {}: expected one for each of the {} samples",
                                 to_string(Shape(dataset.labels.shape())), count),
                     where);
}

// How many samples of each class are for testing.
std::vector<std::size_t> shares(const IndexTensor& labels, std::size_t classes, double fraction,
                                const Location& where) {
  std::vector<std::size_t> counts(classes);
  for (const std::int64_t label : labels) {
    if (label < 0 || static_cast<std::uint64_t>(label) >= classes)
      throw ValueError("stratified_split", fmt::format("label {}: expected one in [0, {})", label, classes), where);
    ++counts[static_cast<std::size_t>(label)];
  }
  for (std::size_t label = 0; label < classes; ++label) {
    if (counts[label] == 1)
      throw ValueError("stratified_split",
                       fmt::format("class {} has one sample: at least two are needed, one for either part", label),
                       where);
    if (counts[label] > 0) counts[label] = share(fraction, counts[label]);
  }
  return counts;
}

}  // namespace

template <class T>
Dataset<T> subset(const Dataset<T>& dataset, std::span<const std::size_t> samples, const Location& where) {
  Dataset<T> part;
  gather_rows(dataset.inputs, samples, part.inputs, where);
  gather_rows(dataset.labels, samples, part.labels, where);
  part.classes = dataset.classes;
  return part;
}

template <class T>
Split<T> split(const Dataset<T>& dataset, double test_fraction, std::uint64_t seed, const Location& where) {
  check("split", dataset, test_fraction, where);
  const std::size_t tests = share(test_fraction, dataset.size());
  std::mt19937_64 generator(seed);
  const std::vector<std::size_t> order = permutation(dataset.size(), generator);
  const std::span<const std::size_t> all(order);
  return {subset(dataset, all.subspan(tests), where), subset(dataset, all.first(tests), where)};
}

template <class T>
Split<T> stratified_split(const Dataset<T>& dataset, double test_fraction, std::uint64_t seed, const Location& where) {
  check("stratified_split", dataset, test_fraction, where);
  std::vector<std::size_t> wanted = shares(dataset.labels, dataset.classes, test_fraction, where);
  std::mt19937_64 generator(seed);
  std::vector<std::size_t> train, test;
  for (const std::size_t sample : permutation(dataset.size(), generator)) {
    std::size_t& left = wanted[static_cast<std::size_t>(dataset.labels.data()[sample])];
    (left > 0 ? test : train).push_back(sample);
    left -= left > 0 ? 1 : 0;
  }
  return {subset(dataset, train, where), subset(dataset, test, where)};
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
template Split<float> stratified_split(const Dataset<float>&, double, std::uint64_t, const Location&);
template Split<double> stratified_split(const Dataset<double>&, double, std::uint64_t, const Location&);
template Dataset<float> subset(const Dataset<float>&, std::span<const std::size_t>, const Location&);
template Dataset<double> subset(const Dataset<double>&, std::span<const std::size_t>, const Location&);
template Tensor<float> one_hot(const IndexTensor&, std::size_t, const Location&);
template Tensor<double> one_hot(const IndexTensor&, std::size_t, const Location&);

}  // namespace wengert
