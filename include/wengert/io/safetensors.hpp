// .safetensors, the format of Hugging Face's weights: a header in JSON, then the elements of all tensors.
#pragma once

#include <wengert/error.hpp>
#include <wengert/io/named_tensor.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace wengert {

/// What a file says about itself, free text by free text: `{"format", "pt"}` is what some readers ask for.
using Metadata = std::map<std::string, std::string>;

/// Writes tensors, in their order, as F32 or F64.
///
/// The file is replaced only when all is written: a failure leaves an existing one as it was, and nothing beside it.
/// The same tensors give the same bytes. Throws ValueError if a name is empty, used twice, `__metadata__` or not UTF-8;
/// FileError if the file cannot be written.
template <class T>
void save_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor<T>>& tensors,
                      const Metadata& metadata = {}, const Location& where = Location::current());

/// Reads all tensors of a file, in the order of its header, rounding their elements to T.
///
/// Tensors of F16, BF16, F32, F64, BOOL and all integers can be read. Throws FileError, naming the tensor, if the file
/// cannot be read, its header is unsound, tensors overlap or leave gaps, or it holds anything else. Memory grows with
/// what the file holds, whatever its header claims.
template <class T>
std::vector<NamedTensor<T>> load_safetensors(const std::filesystem::path& path,
                                             const Location& where = Location::current());

/// Reads what a file says about itself; its tensors are not read.
Metadata load_safetensors_metadata(const std::filesystem::path& path, const Location& where = Location::current());

}  // namespace wengert
