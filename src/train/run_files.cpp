// Writes the final weights and the report of a training run.
#include "train/run_files.hpp"

#include "report/text.hpp"
#include "train/evaluation.hpp"
#include "train/run_report.hpp"
#include <wengert/io/npz.hpp>

#include <fmt/format.h>

namespace wengert::train {

template <class T>
void RunFiles<T>::end(FitStatus& status) {
  if (!run_.folder.exists()) return;
  if (!run_.model.parameters.empty()) save_parameters_npz(run_.model, run_.folder.file("weights.npz"), run_.where);
  const ReportOptions& options = run_.options.report;
  report::Report report{options.title, {}, run_.state.history, run_.state.losses, {}, options.class_names};
  report.subtitle = fmt::format("{} samples; {} after {}", run_.data.size(), to_string(status.reason),
                                report::duration_text(run_.seconds()));
  if (run_.options.stopping.best_weights && !run_.model_state.best.empty())
    report.subtitle += fmt::format("; weights of epoch {}", run_.state.best_epoch);
  for (const auto& metric : run_.state.scores.metrics())
    if (!metric->larger_is_better()) report.less_is_better.push_back(metric->name());
  report.less_is_better.insert(report.less_is_better.end(), run_.info.terms.begin(), run_.info.terms.end());
  report.dot = run_.info.dot;
  report.settings = run_.settings;
  report.warnings = run_.warnings;
  report.summary = run_.summary;
  if (run_.classified)
    add_mistakes<T>(report, run_.programs, run_.info, run_.validation != nullptr ? *run_.validation : run_.data,
                    evaluation_batch_size(run_.batches.batch_size()), options.picture, options.threshold);
  report::write_report(run_.folder.file("report.html"), report);
}

template class RunFiles<float>;
template class RunFiles<double>;

}  // namespace wengert::train
