// fit: trains a network.
//
//     auto network = nn::sequential(nn::Linear<float>::make(784, 128, generator), nn::ReLU{}, …);
//     optim::Optimizer<float> optimizer(network, optim::Adam{});
//     auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
//     auto result = train::fit(network, optimizer, loss, data.train, data.test, {.epochs = 5, .folder = "runs/first"});
//
// A step is recorded and compiled when a size of batch is met first, and replayed from then on. The three descents are
// batch sizes: all samples, one, or some.
#pragma once

#include <wengert/optim/lbfgs.hpp>
#include <wengert/train/options.hpp>
#include <wengert/train/recipe.hpp>
#include <wengert/train/samples.hpp>

namespace wengert::train {

namespace detail {

template <class T>
FitResult run_fit(Recipe<T> recipe, optim::Optimizer<T>& optimizer, const Source<T>& data, const Source<T>* validation,
                  const FitOptions& options, const Location& where);
template <class T>
Evaluation run_evaluate(const Recipe<T>& recipe, const Source<T>& data, const EvaluateOptions& options,
                        const Location& where);

}  // namespace detail

/// Trains a network on samples, with validation after each epoch.
///
/// `loss(outputs, targets)` gives the mean cost of a batch as a scalar, `outputs` being what `network(inputs)` returns;
/// a loss that does more than that takes the network itself: `loss(network, inputs, targets)`. Tensors come as Vars,
/// whole numbers as IndexVars. Afterwards the network is in evaluation mode.
///
/// Throws ValueError for options that make no sense; if there is nothing to train, or the loss depends on trainable
/// parameters that no optimiser was made for; for a cost that is not finite, naming the op, element and line that made
/// it, and the row in the data if it is a sample's fault (the parameters are then as before that step); for a gradient
/// that is not finite, likewise, even in the last step; ShapeError unless there is a target for each sample, and if
/// outputs (N, 1) meet targets (N,); what recording throws; and FileError if the run folder cannot be written, another
/// training writes to it, or its checkpoint is damaged or of another training. From the same seed, the same numbers: a
/// training that was interrupted and resumed ends with the weights of one that was not, to the last bit.
template <class Module, class T, class Loss, SamplesOf<T> Data, SamplesOf<T> Validation>
FitResult fit(const Module& network, optim::Optimizer<T>& optimizer, const Loss& loss, const Data& data,
              const Validation& validation, const FitOptions& options = {}, Location where = Location::current()) {
  static_assert(std::same_as<typename detail::Access<Data>::Inputs, typename detail::Access<Validation>::Inputs> &&
                    std::same_as<typename detail::Access<Data>::Targets, typename detail::Access<Validation>::Targets>,
                "wengert: training and validation data are of the same kind");
  const detail::SourceOf<T, Validation> held_out(validation, "fit", where);
  return detail::run_fit<T>(detail::recipe<T, Data>(network, loss, where), optimizer,
                            detail::SourceOf<T, Data>(data, "fit", where), &held_out, options, where);
}

/// The same without validation.
template <class Module, class T, class Loss, SamplesOf<T> Data>
FitResult fit(const Module& network, optim::Optimizer<T>& optimizer, const Loss& loss, const Data& data,
              const FitOptions& options = {}, Location where = Location::current()) {
  return detail::run_fit<T>(detail::recipe<T, Data>(network, loss, where), optimizer,
                            detail::SourceOf<T, Data>(data, "fit", where), nullptr, options, where);
}

/// Refused: the line search of L-BFGS evaluates the cost several times a step. Call `LBFGS::step`, as
/// docs/training.md shows.
///@{
template <class Module, class T, class Loss, class Data, class Validation>
FitResult fit(  // not with L-BFGS: call its step(), as docs/training.md shows
    const Module&, optim::LBFGS<T>&, const Loss&, const Data&, const Validation&, const FitOptions& = {},
    Location = Location::current()) = delete;
template <class Module, class T, class Loss, class Data>
FitResult fit(  // not with L-BFGS: call its step(), as docs/training.md shows
    const Module&, optim::LBFGS<T>&, const Loss&, const Data&, const FitOptions& = {},
    Location = Location::current()) = delete;
///@}

/// Cost and metrics of a network on samples, without changing it; afterwards it is in evaluation mode. `loss` is as
/// that of `fit`. Throws ValueError if there are no samples.
template <class Module, class Loss, class Data>
Evaluation evaluate(const Module& network, const Loss& loss, const Data& data, const EvaluateOptions& options = {},
                    Location where = Location::current()) {
  using T = std::conditional_t<std::is_void_v<ModuleScalar<Module>>, typename detail::Access<Data>::Inputs::value_type,
                               ModuleScalar<Module>>;
  return detail::run_evaluate<T>(detail::recipe<T, Data>(network, loss, where),
                                 detail::SourceOf<T, Data>(data, "evaluate", where), options, where);
}

/// @cond
#define WENGERT_TRAIN_INSTANCES(prefix, T)                                                                       \
  prefix template FitResult detail::run_fit(Recipe<T>, optim::Optimizer<T>&, const Source<T>&, const Source<T>*, \
                                            const FitOptions&, const Location&);                                 \
  prefix template Evaluation detail::run_evaluate(const Recipe<T>&, const Source<T>&, const EvaluateOptions&,    \
                                                  const Location&);
WENGERT_TRAIN_INSTANCES(extern, float)
WENGERT_TRAIN_INSTANCES(extern, double)
/// @endcond

}  // namespace wengert::train
