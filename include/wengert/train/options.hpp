// The options and results of `fit` and `evaluate`.
#pragma once

#include <wengert/base/tensor.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/optim/schedule.hpp>
#include <wengert/report/history.hpp>
#include <wengert/train/metrics.hpp>
#include <wengert/train/observer.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert::train {

/// The batch size for full-batch gradient descent.
inline constexpr std::size_t all_samples = 0;

/// Balanced class weights: see ClassWeights.
struct Balanced {};
/// Balanced class weights: `{.class_weights = train::balanced}`.
inline constexpr Balanced balanced{};

/// The weights of the classes in the loss, by label; without any, all are 1. A negative label has the weight 0.
class ClassWeights {
 public:
  ClassWeights() = default;
  /// Weights not below 0, one for each class.
  ///@{
  ClassWeights(std::initializer_list<double> weights) : values_(weights) {}
  ClassWeights(std::vector<double> weights) : values_(std::move(weights)) {}  // NOLINT(google-explicit-constructor)
  ///@}
  /// N / (K · n) for a class with n of the N labels, where K classes occur: scikit-learn's "balanced". Reads all
  /// samples once.
  ClassWeights(Balanced) : balanced_(true) {}  // NOLINT(google-explicit-constructor)

  /// Whether there are none, so that all are 1.
  bool empty() const { return values_.empty() && !balanced_; }
  /// The weights, unless they are balanced.
  const std::vector<double>& values() const { return values_; }
  /// Whether they are balanced.
  bool is_balanced() const { return balanced_; }

 private:
  std::vector<double> values_{};
  bool balanced_ = false;
};

/// How progress is displayed.
enum class Display {
  automatic,  ///< a bar if the output is a terminal, otherwise lines
  bar,
  lines,  ///< one per epoch, and one every ten seconds within an epoch
  quiet   ///< nothing
};

/// How the samples of an epoch become steps. A `data::Loader` and data with `batches` make batches in an order of their
/// own, which `shuffle` and `drop_last` must not contradict: for data with `batches`, leave both out.
struct BatchOptions {
  /// The number of batches whose gradients are added up before each step: steps of batch_size · accumulate samples, in
  /// the memory of batch_size. Gradients are weighted by the samples of their batch, as suits a mean over samples.
  std::size_t accumulate = 1;
  /// Whether each epoch shuffles the samples, in an order that depends only on `seed` and the epoch.
  bool shuffle = true;
  std::uint64_t seed = 0;  ///< the seed of the order
  /// Whether each epoch drops a last batch that is short, for example because batch normalisation needs more samples.
  bool drop_last = false;
  /// The number of compiled steps that are kept, one per batch shape, like `CompileOptions::max_programs`; at least 1.
  std::size_t max_programs = 16;
};

/// What sets the learning rate, at most one of these; without any, the optimiser's rate stays, and observers may set
/// it. While one is set, `set_rate` of the optimiser throws.
struct ScheduleOptions {
  optim::Schedule by_step = {};   ///< the learning rate by step, counted from 0
  optim::Schedule by_epoch = {};  ///< the learning rate by epoch, counted from 0
  /// Lowers the learning rate when the monitored quantity stops improving. Its `goal` and `rate` are ignored: they come
  /// from that quantity and from the optimiser.
  std::optional<optim::Plateau> plateau = {};
};

/// When a training run ends, and with which weights.
struct StoppingOptions {
  /// Ends the training run after this many seconds, including those before it was resumed.
  double seconds = std::numeric_limits<double>::infinity();
  /// The monitored quantity, which determines the best epoch: a column of the history; by default the validation loss,
  /// or the training loss without validation data.
  std::string monitor = {};
  /// Early stopping: ends the training run after this many epochs in a row in which the monitored quantity did not
  /// improve by more than `min_improvement`; 0: never.
  std::size_t patience = 0;
  double min_improvement = 0;  ///< only larger improvements count
  /// At the end, restores the weights of the best epoch.
  bool best_weights = false;
  /// Whether SIGINT (Ctrl-C) and SIGTERM end the training run after the current step; a second signal ends the program.
  bool handle_interrupts = true;
};

/// What is kept of the state of a training run: checkpoints in the run folder, and one in memory.
struct CheckpointOptions {
  /// Resumes from the checkpoint of `folder`, if there is one. If not set, training starts over, and an existing
  /// checkpoint becomes `checkpoint.previous`. The optimiser must have the same rule and options, and the
  /// monitored column must be the same. If its rate is that
  /// of the run's beginning, the rate that schedules had reached is restored; otherwise the new rate applies.
  bool resume = false;
  double seconds = 30;    ///< the time between checkpoints; one is also written at the end
  std::size_t steps = 0;  ///< also writes a checkpoint after this many steps, to `folder`; 0: by time only
  /// Random generators, besides those in the network, whose positions are saved in checkpoints.
  std::vector<Generator> generators = {};
  /// Whether to find the earlier step whose gradient caused a loss that is not finite. This keeps a copy of the
  /// parameters and the optimiser's state in memory, from which steps are run again.
  bool trace_gradients = true;
};

/// What the report and config.json of the run folder contain.
struct ReportOptions {
  std::string title = "Training";             ///< the title of the report
  std::vector<std::string> class_names = {};  ///< one for each class; if empty, classes are numbers
  /// The shape of a sample as an image, (height, width) or (1 or 3, height, width), if its inputs do not have that
  /// shape; must have as many elements.
  Shape picture = {};
  /// For a single binary output, the threshold above which it predicts class 1, in the report and in the default
  /// accuracy: 0 for logits, 0.5 for probabilities.
  double threshold = 0;
  bool gradient_norms = true;  ///< whether to record the norms of the gradients, once per epoch
  /// Additional entries for config.json and the report: names, which no setting may have, and values.
  std::vector<std::pair<std::string, std::string>> notes = {};
};

/// Options of `fit`; all have defaults: `{.epochs = 5, .batches = {.shuffle = false}, .stopping = {.patience = 3}}`.
struct FitOptions {
  std::size_t epochs = 10;  ///< the maximum number of epochs
  /// The samples per step: all (`all_samples`) for full-batch gradient descent, 1 for stochastic, or some. Data that
  /// divide themselves (Sequences) and Loaders have a batch size of their own; for the former, this one bounds the
  /// batches of validation.
  std::size_t batch_size = 32;
  BatchOptions batches = {};      ///< order, accumulation, short batches
  ScheduleOptions schedule = {};  ///< the learning rate, by step, by epoch or on a plateau
  /// The metrics to measure besides the loss, with distinct names; by default the accuracy if targets are labels.
  Metrics metrics = {};
  /// The weights of the classes in the training loss, not in the validation loss and the metrics. The loss must return
  /// one value per label.
  ClassWeights class_weights = {};
  StoppingOptions stopping = {};         ///< time limit, early stopping, best weights, Ctrl-C
  CheckpointOptions checkpoint = {};     ///< resumption and its checkpoints
  Display display = Display::automatic;  ///< `Display::quiet` shows nothing
  ReportOptions report = {};             ///< the contents of the report
  Observers observers = {};              ///< called during the run, in this order
  /// The run folder, created if it does not exist: config.json, history.csv, checkpoint, weights.npz, report.html. If
  /// empty, nothing is written.
  std::filesystem::path folder = {};
};

/// The result of a training run.
struct FitResult {
  report::History history{};               ///< all epochs, including those before it was resumed
  StopReason reason = StopReason::epochs;  ///< why it ended
  std::size_t steps = 0;                   ///< the total number of steps of the optimiser
  double seconds = 0;                      ///< the total time of training and validation, without the final files
  /// The number of Programs compiled by this call: one per batch shape and purpose.
  std::size_t compilations = 0;
  /// The number of these that were compiled again, because more shapes than `max_programs` recurred.
  std::size_t recompilations = 0;
  std::size_t best_epoch = 0;           ///< counted from 1; 0: no epoch was completed
  bool resumed = false;                 ///< whether it resumed from a checkpoint
  std::vector<std::string> warnings{};  ///< of this call, which were displayed and are in the report

  /// The last value of a column of the history. Throws ValueError if there is none.
  double last(std::string_view column, const Location& where = Location::current()) const;
};

/// The loss and metrics of a network on a data set.
struct Evaluation {
  double loss = 0;                                        ///< the mean loss over the batches, weighted by their samples
  std::vector<std::pair<std::string, double>> metrics{};  ///< by name
  /// Counts samples, whatever their weights, for labels of at most 1,000 classes; otherwise empty.
  report::ConfusionMatrix confusion{};

  /// A metric by its name. Throws ValueError if there is none.
  double metric(std::string_view name, const Location& where = Location::current()) const;
};

/// Options of `evaluate`.
struct EvaluateOptions {
  /// Samples per batch. It affects memory and time, but no result if the loss is a mean over samples of equal weight.
  std::size_t batch_size = 256;
  Metrics metrics = {};             ///< as in FitOptions
  ClassWeights class_weights = {};  ///< as in FitOptions
  double threshold = 0;             ///< as in ReportOptions, also for the confusion matrix
};

}  // namespace wengert::train
