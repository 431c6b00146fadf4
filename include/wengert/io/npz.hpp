// .npz, NumPy's archive format for named arrays: a zip file of .npy files.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/io/named_tensor.hpp>

#include <filesystem>
#include <vector>

namespace wengert::io {

/// Whether arrays are stored uncompressed (numpy.savez) or deflated (numpy.savez_compressed), which hardly shrinks
/// trained weights.
enum class Compression { stored, deflated };

/// Writes tensors, in their order, to a file that `numpy.load` and `load_npz` read.
///
/// An existing file is replaced only once the new one is complete and on disk; a failure leaves it unchanged and no
/// other file behind. The whole file is assembled in memory. The same tensors give the same bytes. Names may contain
/// dots (`encoder.0.weight`). Throws ValueError if there are no tensors, or if a name is empty, used twice, longer than
/// 1,000 bytes, not UTF-8, ends in `.npy`, or contains `/`, `\`, `..` or a control character; FileError if the file
/// cannot be written.
template <class T>
void save_npz(const std::filesystem::path& path, const std::vector<NamedTensor<T>>& tensors,
              Compression compression = Compression::stored, const Location& where = Location::current());

/// Reads all arrays of a file, in the file's order, rounding their elements to T. Supports float16, float32, float64,
/// bool and all integer types, little-endian, in C or Fortran order, from versions 1 to 3 of the .npy format. Throws
/// FileError, naming the entry, if the file cannot be read, is damaged, or holds anything else. Memory use grows with
/// the actual content of the file, whatever its headers say.
template <class T>
std::vector<NamedTensor<T>> load_npz(const std::filesystem::path& path, const Location& where = Location::current());

}  // namespace wengert::io
