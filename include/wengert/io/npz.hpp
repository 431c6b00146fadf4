// .npz, NumPy's archive of named arrays: a zip file of .npy files.
#pragma once

#include <wengert/error.hpp>
#include <wengert/io/named_tensor.hpp>

#include <filesystem>
#include <vector>

namespace wengert {

/// Whether arrays are stored as they are (numpy.savez) or deflated (numpy.savez_compressed), which trained weights
/// hardly gain from.
enum class Compression { stored, deflated };

/// Writes tensors, in their order, to a file that `numpy.load` and `load_npz` read.
///
/// The file is replaced only when all is written and on the disk: a failure leaves an existing one as it was, and
/// nothing beside it. Until then the whole file is in memory.
/// The same tensors give the same bytes. Names may hold dots (`encoder.0.weight`). Throws ValueError if there are no
/// tensors, or a name is empty, used twice, longer than 1,000 bytes, not UTF-8, ends in `.npy`, or holds `/`, `\`, `..`
/// or a control character; FileError if the file cannot be written.
template <class T>
void save_npz(const std::filesystem::path& path, const std::vector<NamedTensor<T>>& tensors,
              Compression compression = Compression::stored, const Location& where = Location::current());

/// Reads all arrays of a file, in its order, rounding their elements to T.
///
/// Arrays of float16, float32, float64, bool and all integers can be read, little-endian, in C or Fortran order, from
/// versions 1 to 3 of the .npy format. Throws FileError, naming the entry, if the file cannot be read, is damaged, or
/// holds anything else. Memory grows with what the file holds, whatever its headers claim.
template <class T>
std::vector<NamedTensor<T>> load_npz(const std::filesystem::path& path, const Location& where = Location::current());

}  // namespace wengert
