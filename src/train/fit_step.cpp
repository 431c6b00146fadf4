// Takes the steps of a training run: one Program per step, or one per accumulated batch.
#include "train/fit_step.hpp"

#include "train/faulty_samples.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace wengert::train {

template <class T>
double FitStep<T>::take(bool traced) {
  traced_ = traced;
  FitState& state = run_.state;
  state.rate = run_.rate();
  const bool with_norms = run_.options.report.gradient_norms && state.step_in_epoch == 0;
  const double loss = run_.trainer.line_search != nullptr    ? searched(with_norms)
                      : run_.options.batches.accumulate == 1 ? whole(with_norms)
                                                             : accumulated(with_norms);
  ++state.steps;
  ++state.step_in_epoch;
  return loss;
}

template <class T>
double FitStep<T>::whole(bool with_norms) {
  run_.batches.gather(run_.state.step_in_epoch);
  const Program<T>& program =
      guarded([&]() -> Program<T>& { return run_.programs.step(run_.batches.batch(), with_norms); });
  const auto loss = static_cast<double>(program.item(0));
  add_scores(program);
  const std::size_t first = run_.info.first_output() + run_.info.outputs.size();
  if (with_norms) record_norms([&](std::size_t i) { return static_cast<double>(program.item(first + i)); });
  return loss;
}

template <class T>
double FitStep<T>::accumulated(bool with_norms) {
  const std::size_t each = run_.options.batches.accumulate, first = run_.state.step_in_epoch * each,
                    last = std::min(first + each, run_.batches.batches_per_epoch());
  double loss = 0, weight = 0;
  for (std::size_t number = first; number < last; ++number) {
    run_.batches.gather(number);
    const Program<T>& program =
        guarded([&]() -> Program<T>& { return run_.programs.accumulate(run_.batches.batch()); });
    const double of_batch = run_.batches.batch().weight();
    loss += static_cast<double>(program.item(0)) * of_batch;
    weight += of_batch;
    add_scores(program);
  }
  const Program<T>& program = run_.programs.apply(weight);
  if (with_norms) record_norms([&](std::size_t i) { return static_cast<double>(program.item(i)); });
  return weight == 0 ? 0 : loss / weight;
}

// A call of L-BFGS on all samples. Every evaluation draws the same random numbers.
template <class T>
double FitStep<T>::searched(bool with_norms) {
  run_.batches.gather(run_.state.step_in_epoch);
  const Batch<T>& batch = run_.batches.batch();
  std::vector<std::uint64_t> positions;
  for (const Generator& generator : run_.model.generators) positions.push_back(generator.counter());
  const auto rewind = [&] {
    for (std::size_t i = 0; i < positions.size(); ++i) Generator(run_.model.generators[i]).seek(positions[i]);
  };
  std::vector<std::pair<Parameter<T>, Tensor<T>>> fixed;  // such as running statistics, which an evaluation updates
  for (const auto& [path, parameter] : run_.model.parameters)
    if (!parameter.trainable()) fixed.emplace_back(parameter, parameter.value());
  const std::size_t first = run_.info.first_output() + run_.info.outputs.size();
  Program<T>* start = nullptr;
  const auto evaluate = [&](std::vector<Tensor<T>>& gradients) {
    rewind();
    Program<T>& program = run_.programs.gradients(batch, start == nullptr);
    if (start == nullptr) start = &program;
    for (std::size_t i = 0; i < gradients.size(); ++i) gradients[i] = program.value(first + i);
    return static_cast<double>(program.item(0));
  };
  const Program<T>& program = guarded([&]() -> Program<T>& {
    try {
      run_.trainer.line_search->step_with_gradients(evaluate, run_.where);
    } catch (...) {
      rewind();
      for (auto& [parameter, value] : fixed) parameter.assign(value);
      throw;
    }
    return *start;
  });
  add_scores(program);
  if (with_norms)
    record_norms(
        [&](std::size_t i) { return std::sqrt(static_cast<double>(xt::sum(xt::square(program.value(first + i)))())); });
  return static_cast<double>(program.item(0));
}

template <class T>
Program<T>& FitStep<T>::guarded(const std::function<Program<T>&()>& run_program) {
  try {
    if (traced_) run_.programs.trace(run_.batches.batch());
    return run_program();
  } catch (const ValueError& error) {
    throw StepFailure{error};
  }
}

template <class T>
void FitStep<T>::add_scores(const Program<T>& program) {
  run_.state.scores.add_loss(program, run_.batches.batch());
  run_.state.scores.add_outputs(program, run_.batches.batch(), [&](Error& error, std::size_t number) {
    error.prefix("fit", at_sample(number, {run_.batches.rows()}));
  });
}

// `norm(i)` is the norm of the gradient of trainable parameter i.
template <class T>
template <class Norm>
void FitStep<T>::record_norms(const Norm& norm) {
  run_.add_norm_columns();
  const std::vector<std::string>& paths = run_.state.history.parameter_paths;
  run_.state.norms.assign(paths.size(), report::EpochRecord::none);
  std::size_t number = 0;
  for (const auto& [name, parameter] : run_.optimizer().trainable()) {
    const auto column = static_cast<std::size_t>(std::ranges::find(paths, name) - paths.begin());
    run_.state.norms[column] = norm(number++);
  }
}

template class FitStep<float>;
template class FitStep<double>;

}  // namespace wengert::train
