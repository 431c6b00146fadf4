// fit: a training run with the types erased, and its result.
#include "base/located.hpp"
#include "train/class_weights.hpp"
#include "train/fit_loop.hpp"
#include <wengert/train/fit.hpp>

#include <cmath>

#include <fmt/format.h>

namespace wengert::train {

std::string_view to_string(StopReason reason) {
  switch (reason) {
    case StopReason::epochs:
      return "all epochs completed";
    case StopReason::time:
      return "time limit reached";
    case StopReason::no_improvement:
      return "no further improvement";
    case StopReason::observer:
      return "stopped by an observer";
    case StopReason::interrupt:
      return "interrupted";
  }
  return "";
}

double FitResult::last(std::string_view column, const Location& where) const {
  const std::vector<double> values = history.column(column, where);
  if (values.empty())
    throw ValueError("fit", fmt::format("no epoch was completed, so there is no '{}'", column), where);
  if (std::isnan(values.back()))
    throw ValueError("fit", fmt::format("'{}' was not measured in the last epoch", column), where);
  return values.back();
}

namespace detail {

template <class T>
FitResult run_fit(ErasedModel<T> model, optim::AnyOptimizer<T>& optimizer, const Source<T>& data,
                  const Source<T>* validation, const FitOptions& options, const Location& where) {
  return located("fit", where, [&] {
    const auto run = [&](const Source<T>& samples) {
      TrainingRun<T> training(std::move(model), Trainer<T>(optimizer), samples, validation, options, where);
      return FitLoop<T>(training).run();
    };
    if (options.class_weights.empty()) return run(data);
    return run(ClassWeighted<T>(data, options.class_weights, "fit", where));
  });
}
template FitResult run_fit(ErasedModel<float>, optim::AnyOptimizer<float>&, const Source<float>&, const Source<float>*,
                           const FitOptions&, const Location&);
template FitResult run_fit(ErasedModel<double>, optim::AnyOptimizer<double>&, const Source<double>&,
                           const Source<double>*, const FitOptions&, const Location&);

}  // namespace detail

}  // namespace wengert::train
