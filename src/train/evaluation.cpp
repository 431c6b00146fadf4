// evaluate: runs a network over a data set, and collects loss, metrics and the confusion matrix.
#include "train/evaluation.hpp"

#include "base/located.hpp"
#include "train/classes.hpp"
#include "train/faulty_samples.hpp"
#include <wengert/train/fit.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

namespace wengert::train {

std::size_t evaluation_batch_size(std::size_t training_batch_size) {
  constexpr std::size_t least = 128, most = 1024;
  return std::clamp(training_batch_size, least, most);
}

namespace {

// Runs the Program of a batch. If it fails, the error names the samples at fault.
template <class T>
const Program<T>& evaluated(StepPrograms<T>& programs, const Batch<T>& batch, const Origin& origin,
                            const Source<T>& data) {
  try {
    return programs.evaluate(batch);
  } catch (const ValueError& error) {
    ValueError found = error;
    if (error.subject() == "finite_loss") try {  // find the op
        programs.trace_evaluation(batch);
      } catch (const ValueError& traced) {
        found = traced;
      }
    const std::string samples = faulty_samples(programs, batch, origin, data, false);
    found.prefix(programs.subject(), samples.empty() ? std::string(origin.data) : samples);
    throw found;
  }
}

}  // namespace

template <class T>
void evaluate_all(StepPrograms<T>& programs, const Source<T>& data, std::string_view name, std::size_t batch_size,
                  Scores& scores, const VisitBatch<T>& visit) {
  scores.reset();
  Batch<T> batch;
  std::vector<std::size_t> rows;
  for (std::size_t first = 0; first < data.size(); first += rows.size()) {
    rows.resize(std::min(batch_size, data.size() - first));
    std::iota(rows.begin(), rows.end(), first);
    data.gather(rows, batch);
    const Origin origin{rows, name};
    const Program<T>& program = evaluated(programs, batch, origin, data);
    scores.add_loss(static_cast<double>(program.item(0)), batch.samples);
    if (program.output_count() > 1)
      scores.add_outputs(program.output(1), batch, [&](Error& error, std::size_t number) {
        error.prefix(programs.subject(), at_sample(number, origin));
      });
    if (visit) visit(batch, program, first);
  }
}

template <class T>
Metrics chosen_metrics(const Metrics& asked, double threshold, const ModelInfo& info, const Batch<T>& batch,
                       const Location& where) {
  for (const auto& metric : asked)
    if (metric == nullptr)
      throw ValueError("fit", "a metric is a null pointer: expected one such as accuracy()", where);
  if (!asked.empty()) {
    if (!info.has_outputs)
      throw ValueError("fit",
                       "metrics are requested, but the loss takes the network itself, or the network returns several "
                       "values: expected a network that returns one Var",
                       where);
    return asked;
  }
  const auto* labels = std::get_if<Indices>(&batch.targets);
  if (!info.has_outputs || labels == nullptr || !are_labels_of(Shape(labels->shape()), info.outputs)) return {};
  return {accuracy(threshold)};
}

template <class T>
Batch<T> first_batch(const Source<T>& data, std::size_t batch_size, std::string_view subject, const Location& where) {
  if (data.size() == 0) throw ValueError(subject, "there are no samples", where);
  std::vector<std::size_t> rows(std::min(batch_size, data.size()));
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  Batch<T> batch;
  data.gather(rows, batch);
  return batch;
}

namespace detail {

void check_targets(std::size_t samples, const Shape& targets, std::string_view subject, const Location& where) {
  if (samples == 0 || (!targets.empty() && targets[0] == samples)) return;
  throw ShapeError(subject,
                   targets.empty() ? fmt::format("{} samples without labels: expected one for each", samples)
                                   : fmt::format("{} samples, targets of shape {}: expected one for each", samples,
                                                 to_string(targets)),
                   where);
}

template <class T>
static Evaluation evaluate_on(const ErasedModel<T>& model, const Source<T>& data, const EvaluateOptions& options,
                              const Location& where) {
  if (std::isnan(options.threshold)) throw ValueError("evaluate", "threshold is NaN: expected a number", where);
  if (options.batch_size == 0) throw ValueError("evaluate", "batch size 0: expected at least 1", where);
  const Batch<T> batch = first_batch(data, options.batch_size, "evaluate", where);
  StepPrograms<T> programs(model, nullptr, where);
  const ModelInfo info = programs.model_info(batch);
  Scores scores(chosen_metrics(options.metrics, options.threshold, info, batch, where));
  Evaluation result;
  Tensor<double> outputs;
  Targets targets;
  const bool classified = info.has_outputs && std::holds_alternative<Indices>(batch.targets) &&
                          are_labels_of(Shape(std::get<Indices>(batch.targets).shape()), info.outputs);
  evaluate_all<T>(programs, data, "the data", options.batch_size, scores,
                  [&](const Batch<T>& of, const Program<T>& program, std::size_t) {
                    if (!classified) return;
                    cast_into(program.output(1), outputs);
                    for_each_class(
                        outputs, targets_of(of, targets), "evaluate", options.threshold, where,
                        [&](const ClassifiedRow& row) { count_if_small(result.confusion, row); },
                        BeyondClasses::skipped);
                  });
  result.loss = scores.loss();
  for (const auto& metric : scores.metrics()) result.metrics.emplace_back(metric->name(), metric->value());
  return result;
}

template <class T>
Evaluation run_evaluate(const ErasedModel<T>& model, const Source<T>& data, const EvaluateOptions& options,
                        const Location& where) {
  return located("evaluate", where, [&] { return evaluate_on(model, data, options, where); });
}

}  // namespace detail

double Evaluation::metric(std::string_view name, const Location& where) const {
  std::string known;
  for (const auto& [own, value] : metrics) {
    if (own == name) return value;
    known += (known.empty() ? "" : ", ") + own;
  }
  throw ValueError("evaluate", fmt::format("no metric '{}' (available: {})", name, known.empty() ? "none" : known),
                   where);
}

#define INSTANTIATE(T)                                                                                         \
  template void evaluate_all(StepPrograms<T>&, const Source<T>&, std::string_view, std::size_t, Scores&,       \
                             const VisitBatch<T>&);                                                            \
  template Metrics chosen_metrics(const Metrics&, double, const ModelInfo&, const Batch<T>&, const Location&); \
  template Batch<T> first_batch(const Source<T>&, std::size_t, std::string_view, const Location&);             \
  template Evaluation detail::run_evaluate(const ErasedModel<T>&, const Source<T>&, const EvaluateOptions&,    \
                                           const Location&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
