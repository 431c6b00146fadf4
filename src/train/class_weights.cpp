// Class weights: balanced weights from the counts of labels, and the weights of a batch.
#include "train/class_weights.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

namespace wengert::train {

template <class T>
ClassWeighted<T>::ClassWeighted(const Source<T>& data, const ClassWeights& weights, std::string_view subject,
                                const Location& where)
    : data_(data), weights_(weights.values()), subject_(subject), where_(where) {
  if (weights.is_balanced()) {
    if (!data.repeats() && data.loader() == nullptr)
      throw ValueError(subject,
                       "balanced class weights are counted from the labels, but `gather` of these data may give other "
                       "ones each time: declare `static constexpr bool repeats = true;`, or give the weights",
                       where);
    count_labels();
  }
  for (std::size_t k = 0; k < weights_.size(); ++k)
    if (!(weights_[k] >= 0 && std::isfinite(weights_[k])))
      throw ValueError(subject, fmt::format("the weight of class {} is {}: expected 0 or more", k, weights_[k]), where);
  if (!weights.is_balanced() && std::ranges::count(weights_, 0.0) == std::ssize(weights_))
    throw ValueError(subject, "the class weights add up to 0: expected at least one above 0", where);
}

template <class T>
const Indices& ClassWeighted<T>::labels_of(const Batch<T>& batch) const {
  const auto* labels = batch.targets.size() == 1 ? std::get_if<Indices>(&batch.targets[0]) : nullptr;
  if (labels == nullptr)
    throw ValueError(subject_,
                     "class weights are set, but the targets are not labels: expected Indices alone" + cure(batch),
                     where_);
  return *labels;
}

// What to do instead if one of several targets is labels.
template <class T>
std::string ClassWeighted<T>::cure(const Batch<T>& batch) const {
  const std::vector<std::string> names = data_.target_names();
  std::string labels;
  for (std::size_t i = 0; i < batch.targets.size() && batch.targets.size() > 1; ++i) {
    if (!std::holds_alternative<Indices>(batch.targets[i])) continue;
    if (!labels.empty()) return {};
    labels = names[i];
  }
  if (labels.empty()) return {};
  return fmt::format(
      ". To weigh the classes of '{}' in all terms of the loss, set the weights of the samples "
      "(Samples::weights); in its own term alone, the option `weights` of cross_entropy",
      labels);
}

// n / (classes · count) for each class that occurs, as scikit-learn's compute_class_weight("balanced").
template <class T>
void ClassWeighted<T>::count_labels() {
  constexpr std::size_t at_once = 1024, most_classes = 1'000'000;
  Batch<T> batch;
  std::vector<std::size_t> rows;
  std::vector<double> counts;
  for (std::size_t first = 0; first < data_.size(); first += rows.size()) {
    rows.resize(std::min(at_once, data_.size() - first));
    std::iota(rows.begin(), rows.end(), first);
    data_.gather(rows, batch);
    for (const std::int64_t label : labels_of(batch)) {
      if (label < 0) continue;
      const auto k = static_cast<std::size_t>(label);
      if (k >= most_classes)
        throw ValueError(subject_, fmt::format("label {}: expected one below {}", label, most_classes), where_);
      if (k >= counts.size()) counts.resize(k + 1);
      ++counts[k];
    }
  }
  const double all = std::accumulate(counts.begin(), counts.end(), 0.0);
  const auto present = static_cast<double>(counts.size()) - static_cast<double>(std::ranges::count(counts, 0.0));
  for (double& count : counts) count = count == 0 ? 1 : all / (present * count);
  weights_ = std::move(counts);
}

// A negative label, which losses ignore, has the weight 0.
template <class T>
void ClassWeighted<T>::add_weights(Batch<T>& batch) const {
  const Indices& labels = labels_of(batch);
  if (!std::ranges::equal(batch.weights.shape(), labels.shape()))
    batch.weights = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(Shape(labels.shape())));
  const std::size_t each = batch.samples == 0 ? 1 : labels.size() / batch.samples;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::int64_t label = labels.data()[i];
    if (label >= static_cast<std::int64_t>(weights_.size()))
      throw ValueError(subject_,
                       fmt::format("label {}, but {} class weights: expected one for each class, at least {}", label,
                                   weights_.size(), label + 1),
                       where_);
    const double of_class = label < 0 ? 0 : weights_[static_cast<std::size_t>(label)];
    const double of_sample = batch.sample_weights.dimension() == 0 ? 1 : batch.sample_weights.data()[i / each];
    batch.weights.data()[i] = static_cast<T>(of_class * of_sample);
  }
}

template <class T>
void ClassWeighted<T>::gather(std::span<const std::size_t> rows, Batch<T>& batch) const {
  data_.gather(rows, batch);
  add_weights(batch);
}

template <class T>
void ClassWeighted<T>::copy(const void* loaded, Batch<T>& batch, std::vector<std::size_t>& rows) const {
  data_.copy(loaded, batch, rows);
  add_weights(batch);
}

template class ClassWeighted<float>;
template class ClassWeighted<double>;

}  // namespace wengert::train
