// .npy, NumPy's file of one array.
#pragma once

#include <wengert/error.hpp>
#include <wengert/tensor.hpp>

#include <filesystem>

namespace wengert {

/// Writes a tensor to a file that `numpy.load` and `load_npy` read. T is float, double or int64.
///
/// The file is replaced only when all is written: a failure leaves an existing one as it was, and nothing beside it.
/// Throws FileError if the file cannot be written.
template <class T>
void save_npy(const std::filesystem::path& path, const Tensor<T>& tensor, const Location& where = Location::current());

/// Reads an array, rounding its elements to T: float, double, or int64 (labels).
///
/// Arrays of float16, float32, float64, bool and all integers can be read, little-endian, in C or Fortran order, from
/// versions 1 to 3 of the format; into int64 only what it holds exactly. Throws FileError if the file cannot be read,
/// is cut short, goes on after its elements, or holds anything else. Memory grows with what the file holds, whatever
/// its header claims.
template <class T>
Tensor<T> load_npy(const std::filesystem::path& path, const Location& where = Location::current());

}  // namespace wengert
