// How `fit` trains, and what it gives.
#pragma once

#include <wengert/ops/random.hpp>
#include <wengert/optim/schedule.hpp>
#include <wengert/tensor.hpp>
#include <wengert/train/history.hpp>
#include <wengert/train/metrics.hpp>
#include <wengert/train/progress.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert::train {

/// The batch size of full-batch descent.
inline constexpr std::size_t all_samples = 0;

/// Where a training stands, for callbacks.
struct FitStatus {
  const History& history;  ///< of the epochs that are over
  std::size_t epoch = 0;   ///< the present one, counted from 1
  std::size_t step = 0;    ///< of the optimiser, counted from 1
  double cost = 0;         ///< of this step's samples; after an epoch, its mean
  bool stop = false;       ///< set it to end the training
};

/// How `fit` trains; all have defaults: `{.epochs = 5, .batch_size = 64}`.
struct FitOptions {
  std::size_t epochs = 10;  ///< at most
  /// The samples of a step: all of them (`all_samples`) for full-batch descent, 1 for stochastic descent, or some.
  std::size_t batch_size = 32;
  /// The batches whose gradients are added up before each step: steps of batch_size · accumulate samples, with the
  /// memory of batch_size. Gradients of batches are weighted by their samples, as suits a loss that is a mean over them.
  std::size_t accumulate = 1;
  /// Whether each epoch takes the samples in another order, which follows from `seed` and the epoch alone.
  bool shuffle = true;
  std::uint64_t seed = 0;  ///< of the order
  /// The learning rate by step, which is counted from 0; empty: the optimiser's.
  optim::Schedule schedule = {};
  /// The learning rate by epoch, which is counted from 0.
  optim::Schedule epoch_schedule = {};
  /// Lowers the learning rate when the figure that `monitor` names no longer improves; its goal follows from
  /// that, its first rate is the optimiser's.
  std::optional<optim::Plateau> plateau = {};
  /// What is measured besides the cost, each under a name of its own, without commas; by default the accuracy where
  /// targets are labels.
  Metrics metrics = {};
  /// What the only output of a yes/no question must be above to speak for class 1, in that accuracy and in the report:
  /// 0 for logits, 0.5 for probabilities.
  double threshold = 0;
  /// Ends the training after so many seconds, those of the runs before a resumption among them.
  double seconds = std::numeric_limits<double>::infinity();

  /// The figure that tells which epoch is best, by its name in the history; by default the validation cost, or the cost
  /// if there are no validation data.
  std::string monitor = {};
  /// Ends the training after so many epochs in which that figure did not get better by more than `min_improvement`; 0:
  /// never.
  std::size_t patience = 0;
  double min_improvement = 0;  ///< what counts as better
  /// At the end, gives the network the weights it had after the best epoch.
  bool best_weights = false;

  std::function<void(FitStatus&)> after_step = {};   ///< called after each step
  std::function<void(FitStatus&)> after_epoch = {};  ///< called after each epoch
  /// Whether SIGINT (Ctrl-C) and SIGTERM end the training after the current step; a second one ends the program.
  bool handle_interrupts = true;
  /// Whether an earlier step whose gradient is to blame is looked for when the cost is not finite; this keeps a copy of
  /// the parameters and the optimiser's state in memory.
  bool trace_gradients = true;
  /// Whether the norms of the gradients are recorded, once an epoch.
  bool gradient_norms = true;
  /// How many compiled steps are held, one for each shape of batch, as `CompileOptions::max_programs`; at least 1.
  std::size_t max_programs = 16;

  Display display = Display::automatic;  ///< `Display::quiet` shows nothing
  /// The run folder, which is made if need be: config.json, history.csv, checkpoint, weights.npz, report.html. Empty:
  /// nothing is written.
  std::filesystem::path folder = {};
  /// Goes on where the checkpoint of `folder` left off, if there is one; otherwise begins anew, and a checkpoint that
  /// is there becomes `checkpoint.previous`. The optimiser must have the same rule and options; a rate other than the
  /// one the training began with takes the place of what schedules had made of that.
  bool resume = false;
  /// A checkpoint is written when so many seconds have gone by, or so many steps, and at the end.
  double checkpoint_seconds = 30;
  std::size_t checkpoint_steps = 0;  ///< 0: whatever their number
  /// Random generators, besides those in the network, whose positions belong to a checkpoint.
  std::vector<Generator> generators = {};

  std::string title = "Training";             ///< of the report
  std::vector<std::string> class_names = {};  ///< for the report; otherwise classes are numbers
  /// The shape of a sample's picture, (height, width) or (1 or 3, height, width), where its inputs do not tell; with as
  /// many elements.
  Shape picture = {};
  /// Further lines for config.json and the report: names, which must be new there, and values.
  std::vector<std::pair<std::string, std::string>> notes = {};
};

/// Why a training ended.
enum class StopReason { epochs, time, no_improvement, callback, interrupt };
/// As words: `all epochs are done`, …
std::string_view to_string(StopReason reason);

/// What a training came to.
struct FitResult {
  History history{};                       ///< all epochs, those before a resumption too
  StopReason reason = StopReason::epochs;  ///< why it ended
  std::size_t steps = 0;                   ///< of the optimiser, in all
  double seconds = 0;                      ///< in all
  /// How many Programs were compiled since this call began: one for each shape of batch and what is done with it.
  std::size_t compilations = 0;
  /// How many of these were compiled again: there were more shapes than `max_programs`, and they came back.
  std::size_t recompilations = 0;
  std::size_t best_epoch = 0;  ///< counted from 1; 0: no epoch was finished
  bool resumed = false;        ///< whether it went on from a checkpoint

  /// The last value of a figure, by its name in the history. Throws ValueError if there is none.
  double last(std::string_view column, const Location& where = Location::current()) const;
};

/// The figures of a network on a data set.
struct Evaluation {
  double cost = 0;                                        ///< mean over the batches, weighted by their samples
  std::vector<std::pair<std::string, double>> metrics{};  ///< by name
  ConfusionMatrix confusion{};                            ///< of outputs that are up to 1,000 classes, and labels

  /// A metric by its name. Throws ValueError if there is none.
  double metric(std::string_view name, const Location& where = Location::current()) const;
};

/// How `evaluate` works.
struct EvaluateOptions {
  /// Samples of a batch: memory and time depend on it, and no figure, if the loss is a mean over samples of equal weight.
  std::size_t batch_size = 256;
  Metrics metrics = {};          ///< as those of `fit`
  double threshold = 0;          ///< as that of `fit`, also for the confusion matrix
};

}  // namespace wengert::train
