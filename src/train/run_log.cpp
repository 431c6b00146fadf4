// Writes the history of a training run, and displays its progress.
#include "train/run_log.hpp"

#include "report/text.hpp"
#include "train/run_report.hpp"

#include <fmt/format.h>

namespace wengert::train {

template <class T>
void RunLog<T>::begin(FitStatus& status) {
  if (run_.folder.exists()) csv_.emplace(run_.folder.file("history.csv"), run_.where).begin(status);
  progress_.emplace(run_.options.display, run_.options.epochs, run_.data.size(),
                    run_.state.epoch * run_.data.size() + run_.batches.samples_in(run_.state.step_in_epoch));
  run_.display_warning = [this](std::string_view warning) { progress_->note(fmt::format("warning: {}", warning)); };
}

template <class T>
void RunLog<T>::after_step(FitStatus& status) {
  run_.state.losses.add(status.loss);
  progress_->step(status.epoch, run_.batches.samples_in(run_.state.step_in_epoch), run_.state.scores.loss());
  const std::size_t most = run_.options.batches.max_programs;
  if (warned_ || run_.programs.recompilations() < most) return;
  warned_ = true;
  run_.warn(
      fmt::format("batches have more shapes than max_programs ({}), so steps are recompiled repeatedly: raise "
                  "max_programs, or use fewer shapes (pad sequences to a few lengths)",
                  most));
}

template <class T>
void RunLog<T>::after_epoch(FitStatus& status) {
  if (csv_) csv_->after_epoch(status);
  progress_->end_epoch(status.epoch, figures_text(status.history));
}

template <class T>
void RunLog<T>::end(FitStatus& status) {
  progress_->finish(fmt::format("{} in {}, {} steps, {} compilations; {}", to_string(status.reason),
                                report::duration_text(run_.seconds()), status.step, run_.programs.compilations(),
                                figures_text(status.history)));
}

template class RunLog<float>;
template class RunLog<double>;

}  // namespace wengert::train
