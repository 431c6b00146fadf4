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
  /// Of each kind of Program, `max_programs` are held. Errors name the line `where`.
  StepPrograms(const Recipe<T>& recipe, optim::Optimizer<T>* optimizer, const Location& where,
               std::size_t max_programs = CompileOptions().max_programs);

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
  /// Cost and outputs in evaluation mode; changes nothing. Throws ValueError for a cost that is not finite.
  Program<T>& evaluate(const Feed<T>& batch);
  /// How many Programs were compiled, and how many of these again, for shapes that had come before.
  ///@{
  std::size_t compilations() const;
  std::size_t recompilations() const;
  ///@}
  /// The step without Programs, stopping at the first value that is not finite.
  void trace(const Feed<T>& batch);
  /// The cost in evaluation mode without a Program, likewise.
  void trace_evaluation(const Feed<T>& batch);
  /// Whether the cost of a batch in evaluation mode, or a gradient of it, fails by an error about values, which one
  /// that is not finite is as well.
  bool fails(const Feed<T>& batch, bool with_gradients);

 private:
  RecordedLoss<T> record(const ProgramVar<T>& x, const ProgramVar<T>& y) const;
  void trace(const Feed<T>& batch, bool training, bool with_gradients);
  void notice_frozen();
  template <class Count>
  std::size_t of_all(Count count) const;
  std::vector<Var<T>> norms(const std::vector<Var<T>>& gradients) const;

  const Recipe<T>& recipe_;
  optim::Optimizer<T>* optimizer_;
  Location where_;
  std::vector<std::pair<Parameter<T>, bool>> trainable_;  // the optimiser's, and whether they were when recorded
  std::vector<Parameter<T>> sums_;                        // of gradients
  CompileOptions options_;
  ProgramCache<T> steps_, steps_with_norms_, accumulations_, applications_, evaluations_;
  std::size_t compiled_before_ = 0, recompiled_before_ = 0;  // by caches that were replaced
};

extern template class StepPrograms<float>;
extern template class StepPrograms<double>;

}  // namespace wengert::train
