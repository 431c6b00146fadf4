// The contents of a report on a trained network.
#pragma once

#include "train/step_programs.hpp"
#include <wengert/report/report.hpp>

#include <string>

namespace wengert::train {

/// Adds the confusion matrix and the most confident mistakes on these samples, if targets are labels of the outputs.
template <class T>
void add_mistakes(report::Report& report, StepPrograms<T>& programs, const ModelInfo& info, const Source<T>& data,
                  std::size_t batch_size, const Shape& picture, double threshold);
/// The parameters as a table: path, shape, number of elements.
template <class T>
std::string parameter_table(const ErasedModel<T>& model);

/// The loss and metrics of the last epoch in one line.
std::string figures_text(const report::History& history);

}  // namespace wengert::train
