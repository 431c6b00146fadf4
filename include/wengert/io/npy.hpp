// .npy, NumPy's file format for one array.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>

#include <filesystem>

namespace wengert::io {

/// Writes a tensor to a file that `numpy.load` and `load_npy` read. T is float, double or int64. An existing file is
/// replaced only once the new one is complete; a failure leaves it unchanged and no other file behind. Throws FileError
/// if the file cannot be written.
template <class T>
void save_npy(const std::filesystem::path& path, const Tensor<T>& tensor, const Location& where = Location::current());

/// Reads an array, rounding its elements to T: float, double, or int64 (labels).
///
/// Supports float16, float32, float64, bool and all integer types, little-endian, in C or Fortran order, from versions
/// 1 to 3 of the format; for int64, only bool and integer types other than uint64. Throws FileError if the file cannot
/// be read, is truncated, continues after its elements, or holds anything else. Memory use grows with the actual
/// content of the file, whatever its header says.
template <class T>
Tensor<T> load_npy(const std::filesystem::path& path, const Location& where = Location::current());

}  // namespace wengert::io
