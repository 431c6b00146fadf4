// IDX, the file format of MNIST: a magic number, big-endian extents, then bytes in row-major order.
#pragma once

#include <wengert/data/dataset.hpp>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace wengert {

/// The contents of an IDX file of unsigned bytes.
struct IdxBytes {
  std::vector<std::size_t> shape;
  std::vector<std::uint8_t> bytes;  ///< row-major
};

/// Reads an IDX file of unsigned bytes, plain or compressed by gzip.
/// Throws FileError if it is missing, truncated, too long or of another type; never allocates more than the file holds.
IdxBytes read_idx_bytes(const std::filesystem::path& path);

/// Reads samples, each flattened and scaled from 0…255 to [0, 1], and their labels.
/// Throws FileError as `read_idx_bytes` does, and if the two files do not hold the same number.
template <class T>
Dataset<T> read_idx(const std::filesystem::path& samples, const std::filesystem::path& labels);

}  // namespace wengert
