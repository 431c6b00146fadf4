// The parts of a report's page that are tables or pictures; empty where there is nothing to show.
#pragma once

#include <wengert/train/report.hpp>

#include <string>

namespace wengert::train {

/// The confusion matrix, and each class's figures.
std::string classes_section(const Report& report);
/// The most confidently wrong samples.
std::string mistakes_section(const Report& report);
/// The history as a table.
std::string epochs_section(const History& history);

}  // namespace wengert::train
