// DataParallel: differentiates the shards of a batch on worker threads, and averages their gradients in a fixed order.
#include "base/parallel.hpp"
#include "base/workers.hpp"
#include "tape/recording_scope.hpp"
#include <wengert/transform/data_parallel.hpp>
#include <wengert/transform/transforms.hpp>

#include <algorithm>
#include <deque>

#include <fmt/format.h>

namespace wengert {

template <class T>
struct DataParallel<T>::State {
  // The tape and buffers of one shard.
  struct Place {
    Tape<T> tape;
    std::vector<Var<T>> variables;
    std::vector<Tensor<T>> gradients;
    T loss = 0;
  };
  std::vector<Parameter<T>> parameters;
  std::deque<Place> places;
  kernel::Workers workers;
};

template <class T>
DataParallel<T>::DataParallel(std::vector<Parameter<T>> parameters, std::size_t shards, const Location& where)
    : state_(std::make_unique<State>()) {
  if (shards == 0) throw ValueError("DataParallel", "0 shards: at least 1 is needed", where);
  state_->places.resize(shards);
  for (auto& place : state_->places) {
    place.variables.resize(parameters.size());
    place.gradients.resize(parameters.size());
  }
  state_->parameters = std::move(parameters);
}

template <class T>
DataParallel<T>::~DataParallel() = default;

template <class T>
T DataParallel<T>::run(std::size_t samples, const Loss& loss_of, std::span<Tensor<T>> results, const Location& where) {
  State& s = *state_;
  if (program::RecordingScope::under_way())
    throw HandleError("DataParallel",
                      "a Program is being recorded, in which gradients as tensors would be constants: inside "
                      "compiled(…), use grad(...), which records them, and tape.update(...)",
                      where);
  if (samples == 0) throw ValueError("DataParallel", "0 samples: the mean is undefined", where);
  if (results.size() != s.parameters.size())
    throw ShapeError(
        "DataParallel",
        fmt::format("{} results for {} parameters: expected one for each", results.size(), s.parameters.size()), where);
  const std::size_t shards = std::min(s.places.size(), samples);
  const auto threads = static_cast<std::size_t>(kernel::threads_for(true));
  const auto shard_of = [&](std::size_t i) { return Shard{i, samples * i / shards, samples * (i + 1) / shards}; };
  s.workers.run(threads, shards, [&](std::size_t i) {
    auto& place = s.places[i];
    place.tape.discard_updates();  // left by a step that threw
    place.tape.clear();
    for (std::size_t p = 0; p < s.parameters.size(); ++p) place.variables[p] = place.tape.variable(s.parameters[p]);
    const Var<T> loss = loss_of.call(loss_of.function, place.tape, place.variables, shard_of(i));
    place.loss = loss.item();
    wengert::gradients_into<T>(loss, place.variables, place.gradients);
    if (const auto queued = place.tape.updates(); !queued.empty())
      throw ValueError("DataParallel",
                       fmt::format("the loss queued an update of parameter '{}', which a shard cannot apply: record it "
                                   "on a separate tape, and call layers with running statistics in evaluation mode",
                                   queued.front().parameter.name()),
                       where);
    place.tape.clear();
  });
  const auto share = [&](std::size_t i) {
    return static_cast<T>(static_cast<double>(shard_of(i).size()) / static_cast<double>(samples));
  };
  constexpr std::size_t piece = std::size_t{1} << 14;
  const auto pieces_of = [&](std::size_t p) { return (s.parameters[p].value().size() + piece - 1) / piece; };
  std::size_t pieces = 0;
  for (std::size_t p = 0; p < results.size(); ++p) {
    pieces += pieces_of(p);
    if (results[p].shape() != s.parameters[p].value().shape())
      results[p] = Tensor<T>::from_shape(s.parameters[p].value().shape());
  }
  s.workers.run(threads, pieces, [&](std::size_t index) {
    std::size_t p = 0;
    for (; index >= pieces_of(p); ++p) index -= pieces_of(p);
    const std::size_t first = index * piece, last = std::min(first + piece, results[p].size());
    T* const total = results[p].data();
    std::fill(total + first, total + last, T(0));
    for (std::size_t i = 0; i < shards; ++i) {
      const T* const part = s.places[i].gradients[p].data();
      const T weight = share(i);
      for (std::size_t k = first; k < last; ++k) total[k] += weight * part[k];
    }
  });
  T loss = 0;
  for (std::size_t i = 0; i < shards; ++i) loss += share(i) * s.places[i].loss;
  return loss;
}

template class DataParallel<float>;
template class DataParallel<double>;

}  // namespace wengert
