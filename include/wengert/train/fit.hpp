// fit and evaluate: train a network, and measure its loss and metrics.
//
//     auto network = nn::sequential(nn::Linear<float>::make(784, 128, generator), nn::ReLU{}, …);
//     optim::Optimizer<float> optimizer(network, optim::Adam{});
//     auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
//     auto result = train::fit(network, optimizer, loss, data.train, data.test, {.epochs = 5, .folder = "runs/first"});
//
// A step is recorded and compiled when a batch shape first occurs, and replayed from then on. The batch size selects
// full-batch (all samples), stochastic (one) or mini-batch (some) gradient descent.
#pragma once

#include <wengert/optim/any_optimizer.hpp>
#include <wengert/train/erased_model.hpp>
#include <wengert/train/options.hpp>
#include <wengert/train/samples.hpp>

namespace wengert::train {

namespace detail {

template <class T>
FitResult run_fit(ErasedModel<T> model, optim::AnyOptimizer<T>& optimizer, const Source<T>& data,
                  const Source<T>* validation, const FitOptions& options, const Location& where);
template <class T>
Evaluation run_evaluate(const ErasedModel<T>& model, const Source<T>& data, const EvaluateOptions& options,
                        const Location& where);

}  // namespace detail

/// Trains a network on samples, with validation after each epoch.
///
/// `loss(outputs, targets)` returns the mean loss of a batch as a scalar, or one value per sample, where `outputs` is
/// the result of `network(inputs)`. A loss with three arguments receives the network itself: `loss(network, inputs,
/// targets)`; it may return LossAndOutputs. A loss of several terms returns LossTerms. Tensors are passed as Vars,
/// integer indices as IndexVars, in the structure of the data (see `data::Samples`). Afterwards the network is in
/// evaluation mode. The same seed gives the same results: a run that is interrupted and resumed ends with the weights
/// of an uninterrupted one, bit for bit.
///
/// If the optimiser averages the weights, validation uses the averages, and the network holds them afterwards; the next
/// `fit` continues from the weights themselves. While a schedule or plateau is set, `set_rate` of the optimiser throws.
///
/// If samples or classes have weights, the loss must return one value per sample: the batch's loss is their weighted
/// mean, Σ w·l / Σ w.
///
/// With `optim::LBFGS`, a step is a call of `step_with_gradients` on all samples: it needs `.batch_size = all_samples`.
/// Random numbers repeat at each evaluation of a step, and BatchNorm's statistics are updated at the first one. The
/// step's loss, outputs and gradient norms are those of the first evaluation.
///
/// Throws ValueError for invalid options, if there is nothing to train, if the loss depends on trainable parameters
/// that no optimiser was made for, and for a loss or gradient that is not finite. That error names the op, element and
/// line that produced the value, and the row in the data if a sample caused it; the parameters are those before that
/// step. Throws ShapeError unless there is a target for each sample, and if outputs (N, 1) meet targets (N,); FileError
/// if the run folder cannot be written, is in use by another training run, or has a checkpoint that is damaged or
/// belongs to another run; and whatever recording throws.
template <class Module, class T, class Loss, data::SampleData Data, data::SampleData Validation>
FitResult fit(const Module& network, optim::AnyOptimizer<T>& optimizer, const Loss& loss, const Data& data,
              const Validation& validation, const FitOptions& options = {}, Location where = Location::current()) {
  static_assert(std::same_as<typename Data::Inputs, typename Validation::Inputs> &&
                    std::same_as<typename Data::Targets, typename Validation::Targets>,
                "wengert: training and validation data must be of the same kind");
  const detail::SourceOf<T, Validation> held_out(validation, "fit", where);
  return detail::run_fit<T>(detail::erased_model<T, Data>(network, loss, where), optimizer,
                            detail::SourceOf<T, Data>(data, "fit", where), &held_out, options, where);
}

/// The same without validation.
template <class Module, class T, class Loss, data::SampleData Data>
FitResult fit(const Module& network, optim::AnyOptimizer<T>& optimizer, const Loss& loss, const Data& data,
              const FitOptions& options = {}, Location where = Location::current()) {
  return detail::run_fit<T>(detail::erased_model<T, Data>(network, loss, where), optimizer,
                            detail::SourceOf<T, Data>(data, "fit", where), nullptr, options, where);
}

/// The loss and metrics of a network on samples. Changes no parameters; afterwards the network is in evaluation mode.
/// `loss` is as in `fit`. Throws ValueError if there are no samples, for invalid options, and for a loss that is not
/// finite; ShapeError unless there is a target for each sample.
template <class Module, class Loss, data::SampleData Data>
Evaluation evaluate(const Module& network, const Loss& loss, const Data& data, const EvaluateOptions& options = {},
                    Location where = Location::current()) {
  using T = typename detail::ScalarOfBoth<Module, Data>::type;
  return detail::run_evaluate<T>(detail::erased_model<T, Data>(network, loss, where),
                                 detail::SourceOf<T, Data>(data, "evaluate", where), options, where);
}

/// @cond
#define WENGERT_TRAIN_INSTANCES(prefix, T)                                                                         \
  prefix template FitResult detail::run_fit(ErasedModel<T>, optim::AnyOptimizer<T>&, const Source<T>&,             \
                                            const Source<T>*, const FitOptions&, const Location&);                 \
  prefix template Evaluation detail::run_evaluate(const ErasedModel<T>&, const Source<T>&, const EvaluateOptions&, \
                                                  const Location&);
WENGERT_TRAIN_INSTANCES(extern, float)
WENGERT_TRAIN_INSTANCES(extern, double)
/// @endcond

}  // namespace wengert::train
