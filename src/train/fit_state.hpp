// The complete state of a training run, which checkpoints save and restore.
#pragma once

#include "train/checkpoint.hpp"
#include "train/scores.hpp"
#include "train/trainer.hpp"
#include <wengert/optim/schedule.hpp>
#include <wengert/report/history.hpp>
#include <wengert/train/erased_model.hpp>

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::train {

/// What to do about a checkpoint that does not fit.
inline constexpr std::string_view resume_cure = "start again without .checkpoint.resume, or in another folder";

/// Numbers as a checkpoint holds them.
Tensor<double> as_tensor(const std::vector<double>& numbers);

/// The counters and records of a training run, without the parameters.
class FitState {
 public:
  std::size_t epoch = 0;          ///< the current one, counted from 0
  std::size_t step_in_epoch = 0;  ///< the next step of this epoch
  std::size_t steps = 0;
  double seconds = 0;  ///< of the runs before this one
  Scores scores;       ///< of this epoch so far
  std::vector<double> norms;
  report::History history;
  report::LossTrace losses;

  bool epoch_begun = false;  ///< whether the observers know of this epoch
  double rate = 0;           ///< of the last step

  double best = std::numeric_limits<double>::quiet_NaN();
  std::size_t best_epoch = 0;  ///< counted from 1
  std::size_t without_improvement = 0;
  std::optional<optim::Plateau> plateau;

  /// The number of epochs that were begun.
  std::size_t begun_epochs() const { return epoch_begun ? epoch + 1 : epoch; }
  void next_epoch();
  void save(Checkpoint& checkpoint) const;
  void load(const Checkpoint& checkpoint);
};

/// The state of the network and the optimiser. `load` assigns values to the existing parameters.
template <class T>
struct ModelState {
  const ErasedModel<T>& model;
  const Trainer<T>& trainer;
  std::vector<Tensor<T>> best;  ///< the parameters after the best epoch; empty if there is none

  void save(Checkpoint& checkpoint) const;
  /// Throws FileError, which lists the differing parameters with both shapes, if a checkpoint is of another network.
  void require_same_network(const Checkpoint& checkpoint) const;
  /// Throws likewise, and changes nothing, if the checkpoint is of another network or optimiser.
  void load(const Checkpoint& checkpoint);
  /// Whether the same parameters are frozen as in a checkpoint.
  bool has_frozen(const Checkpoint& checkpoint) const;
  void save_best();
  void restore_best() const;
};

extern template struct ModelState<float>;
extern template struct ModelState<double>;

}  // namespace wengert::train
