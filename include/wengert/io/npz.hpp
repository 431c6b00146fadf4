// .npz, NumPy's archive of named arrays: a zip file of .npy files.
#pragma once

#include <wengert/tensor.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace wengert {

/// A tensor with the name it is stored under.
template <class T>
struct NamedTensor {
  std::string name;
  Tensor<T> value;
};

/// Writes tensors for `numpy.load`, in the order given. The file is there whole or not at all: an existing one is
/// replaced only when the new one is complete. Throws ValueError for a name that is empty, used twice, or holds a
/// slash; FileError if the file cannot be written.
template <class T>
void save_npz(const std::filesystem::path& path, const std::vector<NamedTensor<T>>& tensors);

/// Reads all arrays of an .npz file, converted to T, in the file's order: float, double, signed and unsigned integers,
/// booleans; little-endian, in C or Fortran order.
/// Throws FileError, naming the array, if the file is missing, damaged or holds another type.
template <class T>
std::vector<NamedTensor<T>> load_npz(const std::filesystem::path& path);

}  // namespace wengert
