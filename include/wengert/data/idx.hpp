// IDX, the format of MNIST and similar data sets: a magic number, big-endian extents, then the elements in row-major
// order.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/data/dataset.hpp>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace wengert::data {

/// The contents of an IDX file of unsigned bytes.
struct IdxBytes {
  Shape shape;                      ///< outermost axis first
  std::vector<std::uint8_t> bytes;  ///< the elements, in row-major order
};

/// Reads an IDX file of unsigned bytes, plain or compressed by gzip. Throws FileError if the file cannot be read, is
/// not IDX, holds elements of another type, or has fewer or more of them than its header says. Memory use grows with
/// the actual content of the file, whatever its header says.
IdxBytes read_idx_bytes(const std::filesystem::path& path, const Location& where = Location::current());

/// Reads samples and their labels from two IDX files of unsigned bytes, plain or compressed by gzip. The samples, of
/// two or more axes, are flattened to N×D; bytes 0 … 255 map to 0 … 1. Throws FileError like `read_idx_bytes`, and if
/// there are no samples or if the numbers of samples and labels differ.
template <class T>
Dataset<T> read_idx(const std::filesystem::path& samples, const std::filesystem::path& labels,
                    const Location& where = Location::current());

}  // namespace wengert::data
