// Collects the contents of a report: most confident mistakes, the parameter table, and an epoch's loss and metrics.
#include "train/run_report.hpp"

#include "report/picture.hpp"
#include "train/classes.hpp"
#include "train/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <fmt/format.h>

namespace wengert::train {
namespace {

// The softmax of the scores at the predicted class. A single score is a logit or, if the threshold is not 0, a
// probability.
double confidence_of(const ClassifiedRow& row) {
  if (row.scores.size() == 1) {
    const double score = row.scores[0];
    return row.threshold == 0 ? 1 / (1 + std::exp(-std::abs(score))) : std::max(score, 1 - score);
  }
  const double largest = row.scores[row.prediction()];
  double sum = 0;
  for (const double score : row.scores) sum += std::exp(score - largest);
  return 1 / sum;
}

// The shape of a sample as an image: the one asked for, otherwise the sample's own; empty if it does not fit.
Shape picture_shape(const Shape& sample, const Shape& asked) {
  if (!asked.empty()) return asked.elements() == sample.elements() ? asked : Shape{};
  return report::is_picture(sample) ? sample : Shape{};
}

class Mistakes {
 public:
  static constexpr std::size_t most = 24;

  // Keeps a mistake if it is among the most confident. Scores that are not finite have no confidence.
  template <class Values>
  void offer(report::Mistake mistake, const Values& values) {
    if (std::isnan(mistake.confidence)) return;
    if (found_.size() == most && mistake.confidence <= found_.back().confidence) return;
    mistake.values = values();
    const auto place =
        std::ranges::upper_bound(found_, mistake.confidence, std::greater<>(), &report::Mistake::confidence);
    found_.insert(place, std::move(mistake));
    if (found_.size() > most) found_.pop_back();
  }
  std::vector<report::Mistake> take() { return std::move(found_); }

 private:
  std::vector<report::Mistake> found_;  // the most confident first
};

}  // namespace

template <class T>
void add_mistakes(report::Report& report, StepPrograms<T>& programs, const ModelInfo& info, const Source<T>& data,
                  std::size_t batch_size, const Shape& picture, double threshold) {
  Scores loss({}, info, {}, "report", {});
  Mistakes mistakes;
  Tensor<double> outputs;
  Targets memory;
  evaluate_all<T>(programs, data, "the data", batch_size, loss,
                  [&](const Batch<T>& batch, const Program<T>& program, std::size_t first) {
                    const auto* labels = std::get_if<Indices>(&batch.targets[0]);
                    cast_into(program.output(info.first_output()), outputs);
                    const std::size_t rows_each =
                        labels->size() / batch.samples;  // more than one if samples are sequences
                    for_each_class(
                        outputs, targets_of(batch.targets[0], memory), "report", threshold, {},
                        [&](const ClassifiedRow& row) {
                          count_if_small(report.confusion, row);
                          if (row.prediction() == row.label || rows_each != 1 || batch.inputs.size() != 1) return;
                          std::visit(
                              [&](const auto& inputs) {
                                Shape sample;
                                for (std::size_t axis = 1; axis < inputs.dimension(); ++axis)
                                  sample.push_back(inputs.shape()[axis]);
                                const auto* begin = inputs.data() + row.index * sample.elements();
                                mistakes.offer({first + row.index,
                                                row.label,
                                                row.prediction(),
                                                confidence_of(row),
                                                {},
                                                picture_shape(sample, picture)},
                                               [&] { return std::vector<double>(begin, begin + sample.elements()); });
                              },
                              batch.inputs[0]);
                        },
                        BeyondClasses::skipped);
                  });
  report.mistakes = mistakes.take();
}

template <class T>
std::string parameter_table(const ErasedModel<T>& model) {
  std::size_t widest = 9, shapes = 5, total = 0;
  for (const auto& [path, parameter] : model.parameters) {
    widest = std::max(widest, path.size());
    shapes = std::max(shapes, to_string(parameter.shape()).size());
  }
  std::string text = fmt::format("{:<{}}  {:<{}}  {:>10}\n", "parameter", widest, "shape", shapes, "elements");
  for (const auto& [path, parameter] : model.parameters) {
    text += fmt::format("{:<{}}  {:<{}}  {:>10}{}\n", path, widest, to_string(parameter.shape()), shapes,
                        parameter.value().size(), parameter.trainable() ? "" : "  not trained");
    total += parameter.value().size();
  }
  return text + fmt::format("{:<{}}  {:<{}}  {:>10}\n", "all", widest, "", shapes, total);
}

std::string figures_text(const report::History& history) {
  if (history.epochs.empty()) return {};
  const report::EpochRecord& e = history.epochs.back();
  std::string text = fmt::format("loss {:.4g}", e.loss);
  const auto add_metrics = [&](const std::vector<double>& values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      text += fmt::format("  {} {:.4g}", history.metric_names[i], values[i]);
  };
  add_metrics(e.metrics);
  if (std::isnan(e.validation_loss)) return text;
  text += fmt::format("  validation: loss {:.4g}", e.validation_loss);
  add_metrics(e.validation_metrics);
  return text;
}

template void add_mistakes(report::Report&, StepPrograms<float>&, const ModelInfo&, const Source<float>&, std::size_t,
                           const Shape&, double);
template void add_mistakes(report::Report&, StepPrograms<double>&, const ModelInfo&, const Source<double>&, std::size_t,
                           const Shape&, double);
template std::string parameter_table(const ErasedModel<float>&);
template std::string parameter_table(const ErasedModel<double>&);

}  // namespace wengert::train
