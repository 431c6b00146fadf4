// History: the epochs as columns and CSV. LossTrace: averaged step losses in bounded memory.
#include <wengert/base/error.hpp>
#include <wengert/report/history.hpp>

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

namespace wengert::report {
namespace {

// The root of the sum of squares of the measured norms; NaN if none was measured.
double joint_norm(const std::vector<double>& norms) {
  double sum = 0;
  bool measured = false;
  for (const double norm : norms) {
    if (std::isnan(norm)) continue;
    sum += norm * norm;
    measured = true;
  }
  return measured ? std::sqrt(sum) : EpochRecord::none;
}

double entry(const std::vector<double>& values, std::size_t i) {
  return i < values.size() ? values[i] : EpochRecord::none;
}

// The quantities of an epoch in the order of the columns.
std::vector<double> row(const History& history, const EpochRecord& e) {
  std::vector<double> values{static_cast<double>(e.epoch), static_cast<double>(e.steps), e.seconds, e.rate, e.loss};
  for (std::size_t i = 0; i < history.metric_names.size(); ++i) values.push_back(entry(e.metrics, i));
  values.push_back(e.validation_loss);
  for (std::size_t i = 0; i < history.metric_names.size(); ++i) values.push_back(entry(e.validation_metrics, i));
  values.push_back(joint_norm(e.gradient_norms));
  for (std::size_t i = 0; i < history.parameter_paths.size(); ++i) values.push_back(entry(e.gradient_norms, i));
  return values;
}

}  // namespace

std::vector<std::string> History::columns() const {
  std::vector<std::string> names{"epoch", "steps", "seconds", "rate", "loss"};
  for (const std::string& name : metric_names) names.push_back(name);
  names.emplace_back("validation_loss");
  for (const std::string& name : metric_names) names.push_back("validation_" + name);
  names.emplace_back("gradient_norm");
  for (const std::string& path : parameter_paths) names.push_back("gradient_norm." + path);
  return names;
}

std::vector<double> History::column(std::string_view name, const Location& where) const {
  const std::vector<std::string> names = columns();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw ValueError("history", fmt::format("no column '{}': expected one of {}", name, fmt::join(names, ", ")), where);
  std::vector<double> values;
  for (const EpochRecord& e : epochs) values.push_back(row(*this, e)[static_cast<std::size_t>(found - names.begin())]);
  return values;
}

std::string History::to_csv() const {
  std::string text = fmt::format("{}\n", fmt::join(columns(), ","));
  for (const EpochRecord& e : epochs) {
    const char* separator = "";
    for (const double value : row(*this, e)) {
      text += separator;
      if (!std::isnan(value)) text += fmt::format("{:.9g}", value);
      separator = ",";
    }
    text += '\n';
  }
  return text;
}

void LossTrace::add(double loss) {
  sum_ += loss;
  if (++open_ < each_) return;
  losses_.push_back(sum_ / static_cast<double>(each_));
  sum_ = 0;
  open_ = 0;
  if (losses_.size() < capacity) return;
  for (std::size_t i = 0; i < capacity / 2; ++i) losses_[i] = (losses_[2 * i] + losses_[2 * i + 1]) / 2;
  losses_.resize(capacity / 2);
  each_ *= 2;
}

std::array<double, 3> LossTrace::incomplete() const {
  return {static_cast<double>(each_), static_cast<double>(open_), sum_};
}

LossTrace LossTrace::restored(std::vector<double> losses, const std::array<double, 3>& incomplete) {
  LossTrace trace;
  trace.losses_ = std::move(losses);
  trace.each_ = static_cast<std::size_t>(incomplete[0]);
  trace.open_ = static_cast<std::size_t>(incomplete[1]);
  trace.sum_ = incomplete[2];
  return trace;
}

}  // namespace wengert::report
