// Data-parallel gradients: one tape for each shard of a batch, on several threads, averaged in the order of the shards.
//
//     DataParallel<float> parallel({w1, w2});
//     std::vector<Tensor<float>> gradients(2);
//     const float loss = parallel.gradients_into(x.shape()[0], [&](auto& tape, auto variables, const Shard& shard) {
//       const auto rows = tape.constant(xt::view(x, xt::range(shard.first, shard.last)));
//       …
//       return mse_loss(matmul(rows, variables[0]), …);
//     }, gradients);
#pragma once

#include <wengert/tape/parameter.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace wengert {

/// The samples [first, last) of a batch; never empty.
struct Shard {
  std::size_t index = 0;  ///< index of the shard in the batch
  std::size_t first = 0;  ///< the first sample
  std::size_t last = 0;   ///< one past the last sample

  /// The number of samples.
  std::size_t size() const { return last - first; }
};

/// Splits batches into a fixed number of shards and processes them on up to num_threads() threads, each shard on one.
///
/// Results depend on the number of shards, but are bit-identical for any number of threads. After one warm-up step, a
/// step of the same shapes allocates nothing. Not thread-safe. One object can serve a whole training run.
template <class T>
class DataParallel {
 public:
  /// Differentiates with respect to `parameters`. Throws ValueError if `shards` is 0.
  explicit DataParallel(std::vector<Parameter<T>> parameters, std::size_t shards = 8,
                        const Location& where = Location::current());
  ~DataParallel();
  DataParallel(const DataParallel&) = delete;
  DataParallel& operator=(const DataParallel&) = delete;

  /// The mean loss of `samples` samples; writes its gradient with respect to each parameter into `results`.
  ///
  /// `loss_of(tape, variables, shard)` records the mean loss of the shard's samples as a scalar; `variables` are the
  /// parameters, in order. It is called from several threads at once, with a different tape for each shard, and may
  /// read shared data but not change it. Throws what `loss_of` throws (if several shards fail, the error of the first
  /// one), ValueError if there are no samples or the loss queues updates, ShapeError unless there is one result per
  /// parameter and the loss has one element, and HandleError while a Program is recorded.
  template <class F>
  requires std::is_invocable_r_v < Var<T>,
  const F&, Tape<T>&, std::span<const Var<T>>,
      const Shard& > T gradients_into(std::size_t samples, const F& loss_of, std::span<Tensor<T>> results,
                                      Location where = Location::current()) {
    return run(samples,
               {&loss_of, [](const void* f, Tape<T>& tape, std::span<const Var<T>> variables,
                             const Shard& s) { return Var<T>((*static_cast<const F*>(f))(tape, variables, s)); }},
               results, where);
  }

 private:
  struct Loss {
    const void* function;
    Var<T> (*call)(const void* function, Tape<T>& tape, std::span<const Var<T>> variables, const Shard& shard);
  };
  struct State;
  T run(std::size_t samples, const Loss& loss_of, std::span<Tensor<T>> results, const Location& where);

  std::unique_ptr<State> state_;
};

extern template class DataParallel<float>;
extern template class DataParallel<double>;

}  // namespace wengert
