// Before the first step: the batches of other sizes or of the validation data, which an epoch would meet at its end.
#include "train/evaluation.hpp"
#include "train/training_run.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include <fmt/format.h>

namespace wengert::train {

template <class T>
void TrainingRun<T>::check_batches() {
  const auto check = [&](const Batch<T>& batch, bool training, const Scores& scores) {
    try {
      scores.check_shapes(programs.outputs_of(batch, training), batch);
    } catch (Error& error) {
      error.prefix("fit", fmt::format("a batch of {} sample{} of {}", batch.samples, batch.samples == 1 ? "" : "s",
                                      training ? "the data" : "the validation data"));
      throw;
    }
  };
  if (Batch<T> shortest; batches.gather_shortest(shortest)) check(shortest, true, state.scores);
  if (validation == nullptr) return;
  const std::size_t size = evaluation_batch_size(batches.batch_size()), rest = validation->size() % size;
  check(first_batch(*validation, size, "fit", where), false, validation_scores);
  if (rest == 0 || rest == validation->size()) return;
  std::vector<std::size_t> rows(rest);
  std::iota(rows.begin(), rows.end(), validation->size() - rest);
  Batch<T> last;
  validation->gather(rows, last);
  check(last, false, validation_scores);
}

template void TrainingRun<float>::check_batches();
template void TrainingRun<double>::check_batches();

}  // namespace wengert::train
