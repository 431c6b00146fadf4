// Gradients of a batch on several threads: one tape a shard, summed in the order of the shards.
//
//     DataParallel<float> parallel({w1, w2});
//     std::vector<Tensor<float>> gradients(2);
//     const float cost = parallel.gradients_into(x.shape()[0], [&](auto& tape, auto variables, const Shard& shard) {
//       const auto rows = tape.constant(xt::view(x, xt::range(shard.first, shard.last)));
//       …
//       return mse_loss(matmul(rows, variables[0]), …);
//     }, gradients);
#pragma once

#include <wengert/parameter.hpp>
#include <wengert/tape.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace wengert {

/// The samples [first, last) of a batch, never none.
struct Shard {
  std::size_t index = 0;  ///< which shard of the batch it is
  std::size_t first = 0;  ///< the first sample
  std::size_t last = 0;   ///< one behind the last

  /// The number of samples.
  std::size_t size() const { return last - first; }
};

/// Splits batches into a fixed number of shards, which num_threads() threads work on, each inside it serially.
///
/// Results depend on the number of shards alone: they are bit-identical for every number of threads. After one warm-up
/// step, a step of the same shapes allocates nothing. Not thread-safe; one object may serve a whole training.
template <class T>
class DataParallel {
 public:
  /// Differentiates with respect to `parameters`. Throws ValueError if there are no shards.
  explicit DataParallel(std::vector<Parameter<T>> parameters, std::size_t shards = 8,
                        const Location& where = Location::current());
  ~DataParallel();
  DataParallel(const DataParallel&) = delete;
  DataParallel& operator=(const DataParallel&) = delete;

  /// The mean cost of `samples` samples, and its gradient with respect to each parameter, written into `results`.
  ///
  /// `cost_of(tape, variables, shard)` records the mean cost of the shard's samples as a scalar: the parameters come as
  /// `variables`, in order. It is called from several threads at once, on another tape for each shard, and may read
  /// shared data but not change any. Throws what it throws (of several errors, that of the first shard), ValueError for
  /// no samples or a cost that queues updates, ShapeError if there is not one result for each parameter or the cost is
  /// not one number, and HandleError while a Program is recorded.
  template <class F>
  requires std::is_invocable_r_v < Var<T>,
  const F&, Tape<T>&, std::span<const Var<T>>,
      const Shard& > T gradients_into(std::size_t samples, const F& cost_of, std::span<Tensor<T>> results,
                                      Location where = Location::current()) {
    return run(samples,
               {&cost_of, [](const void* f, Tape<T>& tape, std::span<const Var<T>> variables,
                             const Shard& s) { return Var<T>((*static_cast<const F*>(f))(tape, variables, s)); }},
               results, where);
  }

 private:
  struct Cost {
    const void* function;
    Var<T> (*call)(const void* function, Tape<T>& tape, std::span<const Var<T>> variables, const Shard& shard);
  };
  struct State;
  T run(std::size_t samples, const Cost& cost_of, std::span<Tensor<T>> results, const Location& where);

  std::unique_ptr<State> state_;
};

extern template class DataParallel<float>;
extern template class DataParallel<double>;

}  // namespace wengert
