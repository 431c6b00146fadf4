// The steps of a training run as Programs, one for each batch shape.
#pragma once

#include <wengert/optim/optimizer.hpp>
#include <wengert/program/program_cache.hpp>
#include <wengert/train/erased_model.hpp>

#include <string>
#include <vector>

namespace wengert::train {

/// What is known about a network before it is trained.
struct ModelInfo {
  bool has_outputs = false;
  Shape outputs{};
  std::string dot{};  ///< the graph of the loss
};

/// Compiles and caches the Programs. Their results are the loss, then the outputs if the network has any, then gradient
/// norms if asked for.
template <class T>
class StepPrograms {
 public:
  /// Keeps up to `max_programs` of each kind of Program. Errors name the line `where`.
  StepPrograms(const ErasedModel<T>& model, optim::Optimizer<T>* optimizer, const Location& where,
               std::size_t max_programs = CompileOptions().max_programs);

  /// The subject of errors.
  std::string_view subject() const { return optimizer_ == nullptr ? "evaluate" : "fit"; }
  /// Records the loss of a batch without computing values. Throws like `check_loss` and `check_trained`.
  ModelInfo model_info(const Batch<T>& batch);
  /// A whole step: loss, gradients, update.
  Program<T>& step(const Batch<T>& batch, bool with_norms);
  /// Adds the gradients of the batch, times its number of samples, to the sums for the next update.
  Program<T>& accumulate(const Batch<T>& batch);
  /// Updates by the summed gradients, divided by the number of samples; the results are the gradient norms.
  Program<T>& apply(std::size_t samples);
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
  RecordedLoss<T> record(const ProgramVar<T>& x, const ProgramVar<T>& y) const;
  void trace(const Batch<T>& batch, bool training, bool with_gradients);
  void notice_frozen();
  template <class Count>
  std::size_t of_all(Count count) const;
  std::vector<Var<T>> norms(const std::vector<Var<T>>& gradients) const;

  const ErasedModel<T>& model_;
  optim::Optimizer<T>* optimizer_;
  Location where_;
  std::vector<std::pair<Parameter<T>, bool>> trainable_;  // the optimiser's, and whether trainable when recorded
  std::vector<Parameter<T>> sums_;                        // of gradients
  CompileOptions options_;
  ProgramCache<T> steps_, steps_with_norms_, accumulations_, applications_, evaluations_;
  std::size_t compiled_before_ = 0, recompiled_before_ = 0;  // by caches that were replaced
};

extern template class StepPrograms<float>;
extern template class StepPrograms<double>;

}  // namespace wengert::train
