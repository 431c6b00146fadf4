// Means and squared deviations of columns, in one pass over the rows.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace wengert::data {

/// The mean of numbers and the sum of their squared deviations from it.
struct Moments {
  double mean = 0, squares = 0;
};

/// Adds rows one by one by Welford's recurrence (1962), which is exact for constant columns.
class ColumnMoments {
 public:
  explicit ColumnMoments(std::size_t columns) : columns_(columns) {}

  template <class T>
  void add(const T* row) {
    const double share = 1.0 / static_cast<double>(++rows_);
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      Moments& m = columns_[column];
      const double x = static_cast<double>(row[column]), before = x - m.mean;
      m.mean += before * share;
      m.squares += before * (x - m.mean);
    }
  }

  std::size_t count() const { return columns_.size(); }
  std::size_t rows() const { return rows_; }

  /// The joint moments of `count` neighbouring columns (Chan, Golub & LeVeque 1979).
  Moments joined(std::size_t first, std::size_t count) const {
    Moments all = columns_[first];
    const auto rows = static_cast<double>(rows_);
    for (std::size_t i = 1; i < count; ++i) {
      const Moments& m = columns_[first + i];
      const auto before = static_cast<double>(i);
      const double distance = m.mean - all.mean;
      all.mean += distance / (before + 1);
      all.squares += m.squares + distance * distance * rows * before / (before + 1);
    }
    return all;
  }

 private:
  std::vector<Moments> columns_;
  std::size_t rows_ = 0;
};

}  // namespace wengert::data
