// The steps of a training run as Programs, one for each batch shape.
#pragma once

#include "train/trainer.hpp"
#include <wengert/program/program_cache.hpp>
#include <wengert/train/erased_model.hpp>

#include <optional>
#include <string>
#include <vector>

namespace wengert::train {

/// What is known about a network before it is trained.
struct ModelInfo {
  std::vector<std::string> terms{};                      ///< the names of the loss's terms
  std::vector<std::pair<std::string, Shape>> outputs{};  ///< the network's outputs, with their paths
  std::string dot{};                                     ///< the graph of the loss

  /// The index of the first output among the results of a Program.
  std::size_t first_output() const { return 1 + terms.size(); }
};

/// Compiles and caches the Programs. Their results are the loss, then its terms, then the outputs, then gradient norms
/// if asked for.
template <class T>
class StepPrograms {
 public:
  /// Keeps up to `max_programs` of each kind of Program. With `want_outputs`, results include the outputs of a network
  /// that the loss calls itself. Errors name the line `where`.
  StepPrograms(const ErasedModel<T>& model, std::optional<Trainer<T>> trainer, bool want_outputs, const Location& where,
               std::size_t max_programs = CompileOptions().max_programs);

  /// The subject of errors.
  std::string_view subject() const { return !trainer_ ? "evaluate" : "fit"; }
  /// Records the loss of a batch without computing values. Throws like `check_loss` and `check_trained`.
  ModelInfo model_info(const Batch<T>& batch);
  /// Records the loss of a batch in training or evaluation mode without computing values. Throws like `check_loss`;
  /// returns the outputs. Afterwards the network is in training mode.
  std::vector<std::pair<std::string, Shape>> outputs_of(const Batch<T>& batch, bool training);
  /// A whole step: loss, gradients, update.
  Program<T>& step(const Batch<T>& batch, bool with_norms);
  /// Adds the gradients of the batch, times its weight, to the sums for the next update.
  Program<T>& accumulate(const Batch<T>& batch);
  /// Updates by the summed gradients, divided by the sum of the batches' weights; the results are the gradient norms.
  Program<T>& apply(double weight);
  /// The loss and its gradients, which are the results after the outputs, for a line search: the loss may be infinite
  /// or NaN. Updates nothing, except that the first evaluation of a step commits the updates that the network queues,
  /// such as BatchNorm's statistics; its results stay valid during the others.
  Program<T>& gradients(const Batch<T>& batch, bool first);
  /// Resets the sums of gradients to 0.
  void forget_sums();
  /// Loss and outputs in evaluation mode; updates nothing. Throws ValueError for a loss that is not finite.
  Program<T>& evaluate(const Batch<T>& batch);
  /// How many Programs were compiled, and how many of them again, for shapes that had occurred before.
  ///@{
  std::size_t compilations() const;
  std::size_t recompilations() const;
  ///@}
  /// Runs the step without a Program. Throws ValueError at the first value that is not finite.
  void trace(const Batch<T>& batch);
  /// The same for the loss in evaluation mode.
  void trace_evaluation(const Batch<T>& batch);
  /// Whether the loss of a batch in evaluation mode (or, with `with_gradients`, its gradients) throws a ValueError, for
  /// example because a value is not finite.
  bool fails(const Batch<T>& batch, bool with_gradients);

 private:
  struct Leaves;
  Leaves leaves(Tape<T>& tape, const Batch<T>& batch) const;
  std::vector<ProgramInput<T>>& bound(const Batch<T>& batch);
  RecordedLoss<T> record(const Leaves& leaves, bool finite = true) const;
  RecordedLoss<T> record_checked(const Leaves& leaves) const;
  void trace(const Batch<T>& batch, bool training, bool with_gradients);
  void notice_frozen();
  template <class Count>
  std::size_t of_all(Count count) const;
  void require_known_generators(const Tape<T>& tape) const;
  std::vector<Var<T>> norms(const std::vector<Var<T>>& gradients) const;

  const ErasedModel<T>& model_;
  std::optional<Trainer<T>> trainer_;  // empty for evaluation alone
  bool want_outputs_;
  Location where_;
  std::vector<std::pair<Parameter<T>, bool>> trainable_;  // the optimiser's, and whether trainable when recorded
  std::vector<Parameter<T>> sums_;                        // of gradients
  std::vector<ProgramInput<T>> bound_;                    // the inputs of the last batch
  CompileOptions options_;
  ProgramCache<T> steps_, steps_with_norms_, accumulations_, applications_, gradients_, first_gradients_, evaluations_;
  std::size_t compiled_before_ = 0, recompiled_before_ = 0;  // by caches that were replaced
};

extern template class StepPrograms<float>;
extern template class StepPrograms<double>;

}  // namespace wengert::train
