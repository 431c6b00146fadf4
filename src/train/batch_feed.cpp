// BatchFeed: divides the samples of an epoch into batches and gathers them.
#include "train/batch_feed.hpp"

#include "data/batch_sampler.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <utility>

#include <fmt/format.h>

namespace wengert::train {

template <class T>
BatchFeed<T>::BatchFeed(const Source<T>& data, const FitOptions& options, const Location& where)
    : data_(data), options_(options), where_(where), own_count_(own_batches().size()) {}

template <class T>
std::size_t BatchFeed<T>::batch_size() const {
  const std::size_t asked = data_.loader() != nullptr ? data_.loader()->batch_size : options_.batch_size;
  return asked == all_samples ? data_.size() : std::min(asked, data_.size());
}

template <class T>
std::size_t BatchFeed<T>::batches_per_epoch() const {
  if (data_.loader() != nullptr) return data_.loader()->count;
  if (own_count_ != 0) return own_count_;
  if (options_.batches.drop_last) return data_.size() / batch_size();
  return data::count_of_batches(data_.size(), batch_size());
}

template <class T>
std::size_t BatchFeed<T>::steps_per_epoch() const {
  return (batches_per_epoch() + options_.batches.accumulate - 1) / options_.batches.accumulate;
}

template <class T>
bool BatchFeed<T>::gather_shortest(Batch<T>& batch) const {
  std::vector<std::size_t> rows;
  if (own_count_ != 0) {
    const auto own = own_batches();
    rows = *std::ranges::min_element(own, {}, [](const auto& of_batch) { return of_batch.size(); });
    if (rows.size() >= batch_size() || rows.empty()) return false;
  } else {
    const std::size_t rest = data_.size() % batch_size();
    if (rest == 0 || drops_last()) return false;
    if (data_.loader() != nullptr) {
      auto plan = std::make_shared<data::detail::LoaderPlan>(*data_.loader());
      plan->prefetch = 0;
      const std::size_t last = plan->count - 1;
      data_.copy(data::detail::LoaderEpoch(std::move(plan), 0, last).next(), batch, rows);
      return true;
    }
    rows.resize(rest);
    std::iota(rows.begin(), rows.end(), data_.size() - rest);
  }
  data_.gather(rows, batch);
  return true;
}

template <class T>
void BatchFeed<T>::begin_epoch(std::size_t epoch, std::size_t step) {
  if (data_.loader() != nullptr) {
    loaded_.reset();  // first: samples are gathered by one thread at a time
    loaded_.emplace(data_.epoch(epoch, step * options_.batches.accumulate));
  } else if (own_count_ != 0) {
    own_ = data_.batches(options_.batches.seed, epoch);
    if (own_.size() != own_count_)
      throw ValueError("fit",
                       fmt::format("the data make {} batches in epoch {} and {} in epoch 1: expected as many in each",
                                   own_.size(), epoch + 1, own_count_),
                       where_);
    gathered_ = none;
  } else if (options_.batches.shuffle && batch_size() < data_.size()) {
    std::mt19937_64 generator = data::epoch_generator(options_.batches.seed, epoch);
    order_ = data::permutation(data_.size(), generator);
    gathered_ = none;
  } else if (order_.empty()) {
    order_.resize(data_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }
}

template <class T>
void BatchFeed<T>::gather(std::size_t number) {
  if (loaded_) {
    data_.copy(loaded_->next(), batch_, rows_);
  } else if (gathered_ != number || !data_.repeats()) {
    if (own_count_ != 0) {
      rows_ = own_[number];
    } else {
      const auto rows = data::batch_of(order_, batch_size(), number);
      rows_.assign(rows.begin(), rows.end());
    }
    data_.gather(rows_, batch_);
    gathered_ = number;
  }
}

template class BatchFeed<float>;
template class BatchFeed<double>;

}  // namespace wengert::train
