// Random and stratified train/test splits, subsets by sample index, and one-hot encoding of labels.
#include "base/located.hpp"
#include "io/in_quotes.hpp"
#include <wengert/data/arrays.hpp>
#include <wengert/data/batches.hpp>
#include <wengert/data/dataset.hpp>
#include <wengert/data/frame.hpp>
#include <wengert/data/mapped.hpp>
#include <wengert/data/mapped_frame.hpp>
#include <wengert/data/table.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace wengert::data {
namespace {

// How many of `count` samples go to the test set.
std::size_t share(double fraction, std::size_t count) {
  const auto wanted = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(count)));
  return std::clamp<std::size_t>(wanted, 1, count - 1);
}

void check(const char* subject, std::size_t count, double test_fraction, const Location& where) {
  if (!(test_fraction > 0 && test_fraction < 1))
    throw ValueError(subject, fmt::format("test fraction {}: expected a number between 0 and 1", test_fraction), where);
  if (count < 2) throw ValueError(subject, fmt::format("{} samples: expected at least two", count), where);
}
SplitRows any_parts(std::size_t count, double test_fraction, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  SplitRows parts{permutation(count, generator), {}};
  const auto tests = parts.train.begin() + static_cast<std::ptrdiff_t>(share(test_fraction, count));
  parts.test.assign(parts.train.begin(), tests);
  parts.train.erase(parts.train.begin(), tests);
  return parts;
}

// How many samples of each class go to the test set.
std::vector<std::size_t> shares(const Indices& labels, std::size_t classes, double fraction, const Location& where) {
  std::vector<std::size_t> counts(classes);
  for (const std::int64_t label : labels) {
    if (label < 0 || static_cast<std::uint64_t>(label) >= classes)
      throw ValueError("stratified_split", fmt::format("label {}: expected one in [0, {})", label, classes), where);
    ++counts[static_cast<std::size_t>(label)];
  }
  for (std::size_t label = 0; label < classes; ++label) {
    if (counts[label] == 1)
      throw ValueError("stratified_split",
                       fmt::format("class {} has one sample: expected at least two, one for each part", label), where);
    if (counts[label] > 0) counts[label] = share(fraction, counts[label]);
  }
  return counts;
}

SplitRows stratified_parts(const Indices& labels, std::size_t classes, double test_fraction, std::uint64_t seed,
                           const Location& where) {
  std::vector<std::size_t> wanted = shares(labels, classes, test_fraction, where);
  std::mt19937_64 generator(seed);
  SplitRows parts;
  for (const std::size_t sample : permutation(labels.size(), generator)) {
    std::size_t& left = wanted[static_cast<std::size_t>(labels.data()[sample])];
    (left > 0 ? parts.test : parts.train).push_back(sample);
    left -= left > 0 ? 1 : 0;
  }
  return parts;
}

template <class Data>
SplitOf<Data> cut(const Data& data, const SplitRows& parts, const Location& where) {
  return {subset(data, parts.train, where), subset(data, parts.test, where)};
}
// Splits data whose rows are complete.
template <class Data>
SplitOf<Data> any_split(const Data& data, double test_fraction, std::uint64_t seed, const Location& where) {
  const SplitRows parts = split_rows(data.size(), test_fraction, seed, where);
  if constexpr (requires { data.check("split", where); }) data.check("split", where);
  return cut(data, parts, where);
}
template <class Data>
SplitOf<Data> split_by_class(const Data& data, double test_fraction, std::uint64_t seed, const Location& where) {
  check("stratified_split", data.size(), test_fraction, where);
  data.check("stratified_split", where);
  return cut(data, stratified_parts(data.labels, data.classes, test_fraction, seed, where), where);
}

}  // namespace

SplitRows split_rows(std::size_t samples, double test_fraction, std::uint64_t seed, const Location& where) {
  check("split", samples, test_fraction, where);
  return any_parts(samples, test_fraction, seed);
}

template <class T>
void Dataset<T>::gather(std::span<const std::size_t> rows, Tensor<T>& x, Indices& y) const {
  detail::gather_rows({&inputs, &labels}, rows, {&x, &y}, {});
}
template <class T>
void Dataset<T>::check(std::string_view subject, const Location& where) const {
  detail::check_labels(labels, size(), subject, where);
}
template <class T>
void MappedDataset<T>::gather(std::span<const std::size_t> rows, Tensor<T>& x, Indices& y) const {
  inputs.gather(rows, x, {});
  detail::gather_rows({&labels}, rows, {&y}, {});
}
template <class T>
void MappedDataset<T>::check(std::string_view subject, const Location& where) const {
  detail::check_labels(labels, size(), subject, where);
}
template <class T>
void Table<T>::gather(std::span<const std::size_t> rows, Tensor<T>& x, Tensor<T>& y) const {
  detail::gather_rows({&inputs, &targets}, rows, {&x, &y}, {});
}
template <class T>
void Table<T>::check(std::string_view subject, const Location& where) const {
  detail::check_rows({&targets}, size(), "targets", subject, where);
}

template <class T>
Dataset<T> subset(const Dataset<T>& dataset, std::span<const std::size_t> samples, const Location& where) {
  Dataset<T> part{{}, {}, dataset.classes, dataset.feature_names, dataset.label_name};
  gather_rows(dataset.inputs, samples, part.inputs, where);
  gather_rows(dataset.labels, samples, part.labels, where);
  return part;
}
template <class T>
MappedDataset<T> subset(const MappedDataset<T>& dataset, std::span<const std::size_t> samples, const Location& where) {
  MappedDataset<T> part{dataset.inputs.select(samples, where), {}, dataset.classes};
  gather_rows(dataset.labels, samples, part.labels, where);
  return part;
}
template <class T>
Table<T> subset(const Table<T>& table, std::span<const std::size_t> samples, const Location& where) {
  Table<T> part{{}, {}, table.input_names, table.target_names};
  gather_rows(table.inputs, samples, part.inputs, where);
  gather_rows(table.targets, samples, part.targets, where);
  return part;
}

template <class T>
Split<T> split(const Dataset<T>& dataset, double test_fraction, std::uint64_t seed, const Location& where) {
  return any_split(dataset, test_fraction, seed, where);
}
template <class T>
SplitOf<MappedDataset<T>> split(const MappedDataset<T>& dataset, double test_fraction, std::uint64_t seed,
                                const Location& where) {
  return any_split(dataset, test_fraction, seed, where);
}
template <class T>
SplitOf<Table<T>> split(const Table<T>& table, double test_fraction, std::uint64_t seed, const Location& where) {
  return any_split(table, test_fraction, seed, where);
}
SplitOf<Frame> split(const Frame& frame, double test_fraction, std::uint64_t seed, const Location& where) {
  return any_split(frame, test_fraction, seed, where);
}
SplitOf<MappedFrame> split(const MappedFrame& frame, double test_fraction, std::uint64_t seed, const Location& where) {
  return any_split(frame, test_fraction, seed, where);
}

template <class T>
Split<T> stratified_split(const Dataset<T>& dataset, double test_fraction, std::uint64_t seed, const Location& where) {
  return split_by_class(dataset, test_fraction, seed, where);
}
template <class T>
SplitOf<MappedDataset<T>> stratified_split(const MappedDataset<T>& dataset, double test_fraction, std::uint64_t seed,
                                           const Location& where) {
  return split_by_class(dataset, test_fraction, seed, where);
}
SplitOf<Frame> stratified_split(const Frame& frame, std::string_view label, double test_fraction, std::uint64_t seed,
                                const Location& where) {
  const std::size_t column = frame.find(label, where);
  check("stratified_split", frame.size(), test_fraction, where);
  std::map<std::string_view, std::int64_t> classes;
  for (std::size_t row = 0; row < frame.size(); ++row) ++classes[frame.cell(row, column)];
  std::int64_t next = 0;
  for (auto& [name, count] : classes) {
    if (count == 1)
      throw ValueError(
          "stratified_split",
          fmt::format("class {} has one row: expected at least two, one for each part; split needs no classes",
                      io::in_quotes(name)),
          where);
    count = next++;
  }
  Indices labels = Indices::from_shape({frame.size()});
  for (std::size_t row = 0; row < frame.size(); ++row) labels.data()[row] = classes.at(frame.cell(row, column));
  const SplitRows parts = stratified_parts(labels, classes.size(), test_fraction, seed, where);
  return cut(frame, parts, where);
}

template <class T>
Tensor<T> one_hot(const Indices& labels, std::size_t classes, const Location& where) {
  return located("one_hot", where, [&]() -> Tensor<T> {
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
    for (std::size_t i = 0; i < count; ++i)
      rows.data()[i * classes + static_cast<std::size_t>(labels.data()[i])] = T{1};
    return rows;
  });
}

#define INSTANTIATE(T)                                                                                       \
  template struct Dataset<T>;                                                                                \
  template struct MappedDataset<T>;                                                                          \
  template struct Table<T>;                                                                                  \
  template Split<T> split(const Dataset<T>&, double, std::uint64_t, const Location&);                        \
  template SplitOf<MappedDataset<T>> split(const MappedDataset<T>&, double, std::uint64_t, const Location&); \
  template SplitOf<Table<T>> split(const Table<T>&, double, std::uint64_t, const Location&);                 \
  template Split<T> stratified_split(const Dataset<T>&, double, std::uint64_t, const Location&);             \
  template SplitOf<MappedDataset<T>> stratified_split(const MappedDataset<T>&, double, std::uint64_t,        \
                                                      const Location&);                                      \
  template Dataset<T> subset(const Dataset<T>&, std::span<const std::size_t>, const Location&);              \
  template MappedDataset<T> subset(const MappedDataset<T>&, std::span<const std::size_t>, const Location&);  \
  template Table<T> subset(const Table<T>&, std::span<const std::size_t>, const Location&);                  \
  template Tensor<T> one_hot(const Indices&, std::size_t, const Location&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::data
