// evaluate: runs a network over a data set, and collects loss, metrics and the confusion matrix.
#include "train/evaluation.hpp"

#include "base/located.hpp"
#include "train/class_weights.hpp"
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

// Throws ShapeError unless all arrays of a batch have a row for each sample.
template <class T>
void require_rows(const Batch<T>& batch, std::string_view subject, const Location& where) {
  const auto check = [&](const std::vector<Array<T>>& arrays, std::string_view kind) {
    data::detail::Arrays all;
    for (const Array<T>& array : arrays) std::visit([&](const auto& a) { all.push_back(&a); }, array);
    data::detail::check_rows(all, batch.samples, kind, subject, where);
  };
  check(batch.inputs, "inputs");
  check(batch.targets, "targets");
}

// Sets back the states of metrics, which an observer may share with the training run that calls it.
class KeptStates {
 public:
  explicit KeptStates(const Metrics& metrics) : metrics_(metrics) {
    for (const auto& metric : metrics_) states_.push_back(metric->state());
  }
  KeptStates(const KeptStates&) = delete;
  KeptStates& operator=(const KeptStates&) = delete;
  ~KeptStates() {
    for (std::size_t i = 0; i < states_.size(); ++i) try {
        metrics_[i]->set_state(states_[i]);
      } catch (...) {  // a metric that does not accept its own state begins anew
        metrics_[i]->reset();
      }
  }

 private:
  Metrics metrics_;
  std::vector<std::vector<double>> states_;
};

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
    scores.add_loss(program, batch);
    scores.add_outputs(program, batch, [&](Error& error, std::size_t number) {
      error.prefix(programs.subject(), at_sample(number, origin));
    });
    if (visit) visit(batch, program, first);
  }
  scores.require_weight(programs.subject(), name, {});
}

template <class T>
void require_sample_weight(const Source<T>& data, std::string_view name, std::string_view subject,
                           const Location& where) {
  const Tensor<double>* weights = data.sample_weights();
  if (weights == nullptr || weights->size() == 0 || weights->dimension() == 0) return;
  if (std::ranges::any_of(*weights, [](double w) { return w != 0; })) return;
  throw ValueError(subject, fmt::format("the sample weights of {} add up to 0: expected at least one above 0", name),
                   where);
}

template <class T>
Metrics chosen_metrics(const Metrics& asked, double threshold, const ModelInfo& info, const Batch<T>& batch,
                       const Location& where) {
  for (const auto& metric : asked)
    if (metric == nullptr)
      throw ValueError("fit", "a metric is a null pointer: expected one such as accuracy()", where);
  if (!asked.empty() || !classifies(info, batch)) return asked;
  return {accuracy(threshold)};
}

template <class T>
bool classifies(const ModelInfo& info, const Batch<T>& batch) {
  if (info.outputs.size() != 1 || batch.targets.size() != 1) return false;
  const auto* labels = std::get_if<Indices>(&batch.targets[0]);
  return labels != nullptr && are_labels_of(Shape(labels->shape()), info.outputs[0].second);
}

template <class T>
std::size_t count_of_classes(const ModelInfo& info, const Batch<T>& batch) {
  const Shape& outputs = info.outputs[0].second;
  const Shape labels = std::visit([](const auto& t) { return Shape(t.shape()); }, batch.targets[0]);
  return labels == outputs ? 2 : std::max<std::size_t>(outputs.back(), 2);
}

template <class T>
void check_class_weights(const ClassWeights& weights, const ModelInfo& info, const Batch<T>& batch,
                         std::string_view subject, const Location& where) {
  if (weights.is_balanced() || !classifies(info, batch)) return;
  const std::size_t classes = count_of_classes(info, batch);
  if (weights.values().size() != classes)
    throw ValueError(subject,
                     fmt::format("{} class weights for outputs of {} classes: expected {}, one for each class",
                                 weights.values().size(), classes, classes),
                     where);
}

template <class T>
Batch<T> first_batch(const Source<T>& data, std::size_t batch_size, std::string_view subject, const Location& where) {
  if (data.size() == 0) throw ValueError(subject, "there are no samples", where);
  std::vector<std::size_t> rows(std::min(batch_size, data.size()));
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  Batch<T> batch;
  data.gather(rows, batch);
  require_rows(batch, subject, where);
  return batch;
}

namespace detail {

template <class T>
static Evaluation evaluate_on(const ErasedModel<T>& model, const Source<T>& data, const EvaluateOptions& options,
                              const Location& where) {
  if (std::isnan(options.threshold)) throw ValueError("evaluate", "threshold is NaN: expected a number", where);
  if (options.batch_size == 0) throw ValueError("evaluate", "batch size 0: expected at least 1", where);
  require_sample_weight(data, "the data", "evaluate", where);
  const Batch<T> batch = first_batch(data, options.batch_size, "evaluate", where);
  StepPrograms<T> programs(model, {}, !options.metrics.empty(), where);
  const ModelInfo info = programs.model_info(batch);
  if (!options.class_weights.empty()) check_class_weights(options.class_weights, info, batch, "evaluate", where);
  const Metrics metrics = chosen_metrics(options.metrics, options.threshold, info, batch, where);
  const KeptStates kept(metrics);
  Scores scores(metrics, info, data.target_names(), "evaluate", where);
  Evaluation result;
  Tensor<double> outputs;
  Targets targets;
  const bool classified = classifies(info, batch);
  evaluate_all<T>(programs, data, "the data", options.batch_size, scores,
                  [&](const Batch<T>& of, const Program<T>& program, std::size_t) {
                    if (!classified) return;
                    cast_into(program.output(info.first_output()), outputs);
                    for_each_class(
                        outputs, targets_of(of.targets[0], targets), "evaluate", options.threshold, where,
                        [&](const ClassifiedRow& row) { count_if_small(result.confusion, row); },
                        BeyondClasses::skipped);
                  });
  result.loss = scores.loss();
  const std::vector<std::string> names = scores.names();
  const std::vector<double> values = scores.values();
  for (std::size_t i = 0; i < names.size(); ++i) result.metrics.emplace_back(names[i], values[i]);
  return result;
}

template <class T>
Evaluation run_evaluate(const ErasedModel<T>& model, const Source<T>& data, const EvaluateOptions& options,
                        const Location& where) {
  return located("evaluate", where, [&] {
    if (options.class_weights.empty()) return evaluate_on(model, data, options, where);
    return evaluate_on<T>(model, ClassWeighted<T>(data, options.class_weights, "evaluate", where), options, where);
  });
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
  template void require_sample_weight(const Source<T>&, std::string_view, std::string_view, const Location&);  \
  template Metrics chosen_metrics(const Metrics&, double, const ModelInfo&, const Batch<T>&, const Location&); \
  template bool classifies(const ModelInfo&, const Batch<T>&);                                                 \
  template std::size_t count_of_classes(const ModelInfo&, const Batch<T>&);                                    \
  template void check_class_weights(const ClassWeights&, const ModelInfo&, const Batch<T>&, std::string_view,  \
                                    const Location&);                                                          \
  template Batch<T> first_batch(const Source<T>&, std::size_t, std::string_view, const Location&);             \
  template Evaluation detail::run_evaluate(const ErasedModel<T>&, const Source<T>&, const EvaluateOptions&,    \
                                           const Location&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
