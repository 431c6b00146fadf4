// ConfusionMatrix: counts of samples, and the metrics derived from them.
#include <wengert/report/confusion_matrix.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace wengert::report {
namespace {

// The quotient, or 0 if there is nothing to divide by.
double ratio(double numerator, double denominator) { return denominator == 0 ? 0 : numerator / denominator; }

}  // namespace

void ConfusionMatrix::add(std::size_t label, std::size_t prediction, std::size_t times, const Location& where) {
  if (const std::size_t needed = std::max(label, prediction) + 1; needed > classes_) {
    constexpr std::size_t most = 10'000;
    if (needed > most || needed == 0)
      throw ValueError("ConfusionMatrix",
                       fmt::format("class {}: expected less than {}, because the counts fill a square matrix",
                                   std::max(label, prediction), most),
                       where);
    std::vector<std::size_t> counts(needed * needed);
    for (std::size_t row = 0; row < classes_; ++row)
      std::copy_n(counts_.begin() + static_cast<std::ptrdiff_t>(row * classes_), classes_,
                  counts.begin() + static_cast<std::ptrdiff_t>(row * needed));
    counts_ = std::move(counts);
    classes_ = needed;
  }
  counts_[label * classes_ + prediction] += times;
}

std::size_t ConfusionMatrix::total() const {
  std::size_t sum = 0;
  for (const std::size_t count : counts_) sum += count;
  return sum;
}
std::size_t ConfusionMatrix::row_sum(std::size_t label) const {
  std::size_t sum = 0;
  for (std::size_t c = 0; c < classes_; ++c) sum += (*this)(label, c);
  return sum;
}
std::size_t ConfusionMatrix::column_sum(std::size_t prediction) const {
  std::size_t sum = 0;
  for (std::size_t c = 0; c < classes_; ++c) sum += (*this)(c, prediction);
  return sum;
}

double ConfusionMatrix::accuracy() const {
  std::size_t right = 0;
  for (std::size_t c = 0; c < classes_; ++c) right += (*this)(c, c);
  return ratio(static_cast<double>(right), static_cast<double>(total()));
}
double ConfusionMatrix::precision(std::size_t c) const {
  return ratio(static_cast<double>((*this)(c, c)), static_cast<double>(column_sum(c)));
}
double ConfusionMatrix::recall(std::size_t c) const {
  return ratio(static_cast<double>((*this)(c, c)), static_cast<double>(row_sum(c)));
}
double ConfusionMatrix::f1(std::size_t c) const {
  return ratio(2 * static_cast<double>((*this)(c, c)), static_cast<double>(row_sum(c) + column_sum(c)));
}
double ConfusionMatrix::macro(double (ConfusionMatrix::*of)(std::size_t) const) const {
  double sum = 0, occurring = 0;
  for (std::size_t c = 0; c < classes_; ++c) {
    if (row_sum(c) + column_sum(c) == 0) continue;
    sum += (this->*of)(c);
    ++occurring;
  }
  return ratio(sum, occurring);
}

}  // namespace wengert::report
