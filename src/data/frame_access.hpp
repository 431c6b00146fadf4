// How the readers fill frames.
#pragma once

#include "data/csv_reader.hpp"
#include <wengert/data/frame.hpp>
#include <wengert/data/mapped_frame.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

namespace wengert::data {

struct FrameAccess {
  /// A frame without rows, whose columns are named as `reader` and `options` say. Throws FileError and ValueError.
  static Frame start(const CsvReader& reader, const FrameOptions& options, std::string_view subject,
                     const Location& where);
  /// Appends the current row of the reader.
  static void append_row(Frame& frame, const CsvReader& reader, std::size_t line);
  /// Appends a row of another frame with the same columns.
  static void append_row(Frame& frame, const Frame& from, std::size_t row);
  /// The decimal separator of the frame's numbers.
  static char decimal(const Frame& frame) { return frame.decimal_; }
  /// Throws ValueError as `subject` for a row that is not below `size`.
  static void check_rows(std::string_view subject, std::span<const std::size_t> rows, std::size_t size,
                         const Location& where);
  /// A frame with the same columns.
  static Frame without_rows(const Frame& frame);
};

inline CsvFormat format_of(const FrameOptions& options) {
  return {options.header, options.delimiter, options.decimal, options.comment, options.quote, true};
}

/// Calls `use` with consecutive chunks of the rows.
///@{
template <class Use>
void for_each_chunk(const Frame& frame, const Location&, const Use& use) {
  use(frame);
}
template <class Use>
void for_each_chunk(FrameReader& reader, const Location& where, const Use& use) {
  constexpr std::size_t at_once = 1024;
  for (Frame chunk; reader.next(chunk, at_once, where);) use(chunk);
}
template <class Use>
void for_each_chunk(const MappedFrame& mapped, const Location& where, const Use& use) {
  constexpr std::size_t at_once = 1024;
  std::vector<std::size_t> rows;
  for (std::size_t first = 0; first < mapped.size(); first += at_once) {
    rows.resize(std::min(at_once, mapped.size() - first));
    std::iota(rows.begin(), rows.end(), first);
    use(mapped.gather(rows, where));
  }
}
///@}

}  // namespace wengert::data
