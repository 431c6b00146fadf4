// What a report shows of a trained network.
#pragma once

#include "train/step_programs.hpp"
#include <wengert/train/report.hpp>

#include <string>
#include <string_view>

namespace wengert::train {

/// Confusion matrix and most confident mistakes on these samples, where outputs are classes and targets their labels.
template <class T>
void add_mistakes(Report& report, StepPrograms<T>& programs, const Source<T>& data, std::size_t batch_size,
                  const Shape& picture, double threshold);
/// The parameters as a table: path, shape, number of elements.
template <class T>
std::string parameter_table(const Recipe<T>& recipe);

/// The last epoch's figures in a line.
std::string figures_text(const History& history);
/// The last epoch's value of a column.
double last_value(const History& history, std::string_view column);

}  // namespace wengert::train
