// The steps of a training as Programs, one for each size of batch.
#pragma once

#include <wengert/program_cache.hpp>
#include <wengert/train/recipe.hpp>

#include <string>
#include <vector>

namespace wengert::train {

/// What is known of a network before it is trained.
struct Sketch {
  bool has_outputs = false;
  Shape outputs{};
  std::string dot{};  ///< the graph of the loss
};

/// Results of the Programs: the cost first, then the outputs if the network has any, then norms where they are asked
/// for.
template <class T>
class StepPrograms {
 public:
  /// Errors name the line `where`.
  StepPrograms(const Recipe<T>& recipe, optim::Optimizer<T>* optimizer, const Location& where);

  /// By which messages begin.
  std::string_view subject() const { return optimizer_ == nullptr ? "evaluate" : "fit"; }
  /// Records the loss of a batch without computing anything. Throws as `check_loss` and `check_trained`.
  Sketch sketch(const Feed<T>& batch);
  /// A whole step: cost, gradients, update.
  Program<T>& step(const Feed<T>& batch, bool with_norms);
  /// Adds the batch's gradients, times its samples, to those of the step that is to come.
  Program<T>& accumulate(const Feed<T>& batch);
  /// The update by the gradients that were added up, of so many samples; its results are the norms.
  Program<T>& apply(std::size_t samples);
  /// Begins the sums of gradients anew.
  void forget_sums();
  /// Cost and outputs in evaluation mode; changes nothing.
  Program<T>& evaluate(const Feed<T>& batch);
  /// The step without Programs, stopping at the first value that is not finite.
  void trace(const Feed<T>& batch);
  /// Whether a batch fails in evaluation mode, by an error about values, which one that is not finite is as well.
  bool fails(const Feed<T>& batch);

 private:
  RecordedLoss<T> record(const ProgramVar<T>& x, const ProgramVar<T>& y) const;
  void trace(const Feed<T>& batch, bool training);
  void notice_frozen();
  std::vector<Var<T>> norms(const std::vector<Var<T>>& gradients) const;

  const Recipe<T>& recipe_;
  optim::Optimizer<T>* optimizer_;
  Location where_;
  std::vector<std::pair<Parameter<T>, bool>> trainable_;  // the optimiser's, and whether they were when recorded
  std::vector<Parameter<T>> sums_;                        // of gradients
  ProgramCache<T> steps_, steps_with_norms_, accumulations_, applications_;
  ProgramCache<T> evaluations_{CompileOptions{.apply_updates = false}};
};

extern template class StepPrograms<float>;
extern template class StepPrograms<double>;

}  // namespace wengert::train
