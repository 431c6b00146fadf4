// Input normalisation: learns means and standard deviations in one pass over the rows, and applies them.
#include "data/moments.hpp"
#include <wengert/data/mapped.hpp>
#include <wengert/data/normalise.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xbroadcast.hpp>

namespace wengert::data {
namespace {

Shape sample_shape(const Shape& inputs, const char* subject, const Location& where) {
  if (inputs.empty()) throw ShapeError(subject, "a scalar: expected inputs N×…", where);
  Shape sample;
  for (std::size_t axis = 1; axis < inputs.rank(); ++axis) sample.push_back(inputs[axis]);
  return sample;
}

// The shape of the means.
Shape shape_of_means(const Shape& sample, NormalisePer per, const Location& where) {
  if (per == NormalisePer::all) return {};
  if (per == NormalisePer::feature) return sample;
  if (sample.empty())
    throw ShapeError("learn_normalisation", "samples of shape (): expected channels as their first axis", where);
  Shape shape{sample[0]};
  while (shape.rank() < sample.rank()) shape.push_back(1);
  return shape;
}

// Broadcasts a statistic to one value for each feature of a sample.
template <class T>
Tensor<T> spread(const Tensor<T>& statistic, const Shape& sample, const Location& where) {
  const Shape own(statistic.shape());
  if (broadcast_shapes(own, sample) != sample)
    throw ShapeError(
        "normalise",
        fmt::format("samples of shape {}: the normalisation is of shape {}", to_string(sample), to_string(own)), where);
  return xt::broadcast(statistic, xt::dynamic_shape<std::size_t>(sample));
}

// Learns a normalisation from the rows that `add_rows` adds to the columns.
template <class T, class AddRows>
Normalisation<T> learn(const Shape& inputs, NormalisePer per, const Location& where, const AddRows& add_rows) {
  const Shape sample = sample_shape(inputs, "learn_normalisation", where);
  const Shape shape = shape_of_means(sample, per, where);
  if (inputs.elements() == 0)
    throw ValueError("learn_normalisation", fmt::format("inputs of shape {}: there are none", to_string(inputs)),
                     where);
  ColumnMoments columns(sample.elements());
  add_rows(columns);

  Normalisation<T> result{Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape)),
                          Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape))};
  const std::size_t together = sample.elements() / shape.elements();
  const double count = static_cast<double>(columns.rows()) * static_cast<double>(together);
  for (std::size_t i = 0; i < shape.elements(); ++i) {
    const Moments m = columns.joined(i * together, together);
    if (!std::isfinite(m.squares))
      throw ValueError("learn_normalisation",
                       fmt::format("an input of feature {} is not finite, or too large to square", i * together),
                       where);
    const auto deviation = static_cast<T>(std::sqrt(m.squares / count));
    result.mean.data()[i] = static_cast<T>(m.mean);
    result.deviation.data()[i] = deviation == 0 ? T{1} : deviation;
  }
  return result;
}

}  // namespace

template <class T>
Normalisation<T> learn_normalisation(const Tensor<T>& inputs, NormalisePer per, const Location& where) {
  return learn<T>(Shape(inputs.shape()), per, where, [&](ColumnMoments& columns) {
    const std::size_t features = columns.count();
    for (std::size_t row = 0; row < inputs.shape()[0]; ++row) columns.add(inputs.data() + row * features);
  });
}

template <class T>
Normalisation<T> learn_normalisation(const MappedTensor<T>& inputs, NormalisePer per, const Location& where) {
  return learn<T>(inputs.shape(), per, where, [&](ColumnMoments& columns) {
    constexpr std::size_t at_once = 64;
    std::vector<std::size_t> rows;
    Tensor<T> held;
    for (std::size_t first = 0; first < inputs.rows(); first += at_once) {
      rows.resize(std::min(at_once, inputs.rows() - first));
      std::iota(rows.begin(), rows.end(), first);
      inputs.gather(rows, held, where);
      for (std::size_t i = 0; i < rows.size(); ++i) columns.add(held.data() + i * columns.count());
    }
  });
}

template <class T>
void normalise(Tensor<T>& inputs, const Normalisation<T>& normalisation, const Location& where) {
  const Shape sample = sample_shape(Shape(inputs.shape()), "normalise", where);
  const Tensor<T> mean = spread(normalisation.mean, sample, where);
  const Tensor<T> deviation = spread(normalisation.deviation, sample, where);
  const std::size_t features = sample.elements();
  T* row = inputs.data();
  for (std::size_t i = 0; i < inputs.shape()[0]; ++i, row += features)
    for (std::size_t j = 0; j < features; ++j) row[j] = (row[j] - mean.data()[j]) / deviation.data()[j];
}

template Normalisation<float> learn_normalisation(const Tensor<float>&, NormalisePer, const Location&);
template Normalisation<double> learn_normalisation(const Tensor<double>&, NormalisePer, const Location&);
template Normalisation<float> learn_normalisation(const MappedTensor<float>&, NormalisePer, const Location&);
template Normalisation<double> learn_normalisation(const MappedTensor<double>&, NormalisePer, const Location&);
template void normalise(Tensor<float>&, const Normalisation<float>&, const Location&);
template void normalise(Tensor<double>&, const Normalisation<double>&, const Location&);

}  // namespace wengert::data
