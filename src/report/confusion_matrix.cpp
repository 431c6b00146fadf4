// ConfusionMatrix: counts of samples or sums of their weights, and the metrics derived from them.
#include <wengert/report/confusion_matrix.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace wengert::report {
namespace {

// The quotient, or 0 if there is nothing to divide by.
double ratio(double numerator, double denominator) { return denominator == 0 ? 0 : numerator / denominator; }

}  // namespace

void ConfusionMatrix::add(std::size_t label, std::size_t prediction, double weight, const Location& where) {
  if (!(weight >= 0 && std::isfinite(weight)))
    throw ValueError("ConfusionMatrix", fmt::format("sample weight {}: expected a finite number, 0 or more", weight),
                     where);
  if (const std::size_t needed = std::max(label, prediction) + 1; needed > classes_) {
    constexpr std::size_t most = 10'000;
    if (needed > most || needed == 0)
      throw ValueError("ConfusionMatrix",
                       fmt::format("class {}: expected less than {}, because the counts fill a square matrix",
                                   std::max(label, prediction), most),
                       where);
    std::vector<double> counts(needed * needed);
    for (std::size_t row = 0; row < classes_; ++row)
      std::copy_n(counts_.begin() + static_cast<std::ptrdiff_t>(row * classes_), classes_,
                  counts.begin() + static_cast<std::ptrdiff_t>(row * needed));
    counts_ = std::move(counts);
    classes_ = needed;
  }
  counts_[label * classes_ + prediction] += weight;
}

double ConfusionMatrix::total() const {
  double sum = 0;
  for (const double count : counts_) sum += count;
  return sum;
}
double ConfusionMatrix::row_sum(std::size_t label) const {
  double sum = 0;
  for (std::size_t c = 0; c < classes_; ++c) sum += (*this)(label, c);
  return sum;
}
double ConfusionMatrix::column_sum(std::size_t prediction) const {
  double sum = 0;
  for (std::size_t c = 0; c < classes_; ++c) sum += (*this)(c, prediction);
  return sum;
}

double ConfusionMatrix::accuracy() const {
  double right = 0;
  for (std::size_t c = 0; c < classes_; ++c) right += (*this)(c, c);
  return ratio(right, total());
}
double ConfusionMatrix::precision(std::size_t c) const { return ratio((*this)(c, c), column_sum(c)); }
double ConfusionMatrix::recall(std::size_t c) const { return ratio((*this)(c, c), row_sum(c)); }
double ConfusionMatrix::f1(std::size_t c) const { return ratio(2 * (*this)(c, c), row_sum(c) + column_sum(c)); }
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
