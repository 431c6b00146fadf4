// IDX, the format of MNIST and its kin: a magic number, big-endian extents, then the elements in row-major order.
#pragma once

#include <wengert/data/dataset.hpp>
#include <wengert/error.hpp>
#include <wengert/tensor.hpp>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace wengert {

/// What an IDX file of unsigned bytes holds.
struct IdxBytes {
  Shape shape;                      ///< outermost axis first
  std::vector<std::uint8_t> bytes;  ///< row-major, as many as the shape has elements
};

/// Reads an IDX file of unsigned bytes, plain or compressed by gzip.
///
/// Throws FileError if the file cannot be read, is not IDX, holds elements of another type, or has fewer or more of
/// them than its header says. Memory grows with what the file holds, whatever the header claims.
IdxBytes read_idx_bytes(const std::filesystem::path& path, const Location& where = Location::current());

/// Reads samples and their labels from two IDX files of unsigned bytes, plain or compressed by gzip.
///
/// The samples, of two or more axes, are flattened to N×D; bytes 0 … 255 become numbers 0 … 1. Throws FileError as
/// `read_idx_bytes` does, and if there are no samples or not one label for each.
template <class T>
Dataset<T> read_idx(const std::filesystem::path& samples, const std::filesystem::path& labels,
                    const Location& where = Location::current());

}  // namespace wengert
