// MappedFrame: a table that stays in its CSV file; rows are read on demand.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/data/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace wengert::data {

/// The rows of an uncompressed CSV file of any size, which is mapped into memory. Holds 16 bytes for each row: where it
/// stands. A handle: copies refer to the same mapping, and several threads may read at a time. Each call of `gather`
/// checks that the file has not been modified since it was opened, but cannot detect that it shrinks during the call.
class MappedFrame {
 public:
  // No move operations: a moved-from handle would refer to nothing.
  /// A copy reads the same file.
  ///@{
  MappedFrame(const MappedFrame&) = default;
  MappedFrame& operator=(const MappedFrame&) = default;
  ///@}

  /// The number of rows, N.
  std::size_t size() const;
  /// The names of the columns.
  const std::vector<std::string>& names() const;
  /// Reads rows `indices`, in this order. Throws ValueError for an index out of range, FileError if the file has
  /// changed since it was opened.
  Frame gather(std::span<const std::size_t> indices, const Location& where = Location::current()) const;
  /// The rows `indices`, in this order, as another table that reads the same file. Throws ValueError for an index out
  /// of range.
  MappedFrame select(std::span<const std::size_t> indices, const Location& where = Location::current()) const;

  /// The state that copies share, for `map_frame`.
  struct Rows;
  /// The rows of an open file.
  explicit MappedFrame(std::shared_ptr<const Rows> rows) : rows_(std::move(rows)) {}

 private:
  std::shared_ptr<const Rows> rows_;
};

/// Opens a CSV file to read its rows on demand. Reads it once, to find the rows and to check them: throws like
/// `read_frame`; FileError also for a compressed file.
MappedFrame map_frame(const std::filesystem::path& path, const FrameOptions& options = {},
                      const Location& where = Location::current());

/// Splits like `split` of a Frame; both parts read the same file. Throws likewise.
SplitOf<MappedFrame> split(const MappedFrame& frame, double test_fraction, std::uint64_t seed,
                           const Location& where = Location::current());
/// The same as `MappedFrame::select`.
MappedFrame subset(const MappedFrame& frame, std::span<const std::size_t> rows,
                   const Location& where = Location::current());

}  // namespace wengert::data
