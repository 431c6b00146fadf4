// Sections of a report that are tables or images; empty if there is nothing to show.
#pragma once

#include <wengert/report/report.hpp>

#include <string>

namespace wengert::report {

/// The confusion matrix, and precision, recall and F1 of each class.
std::string classes_section(const Report& report);
/// The most confident mistakes.
std::string mistakes_section(const Report& report);
/// The history as a table.
std::string epochs_section(const History& history);

}  // namespace wengert::report
