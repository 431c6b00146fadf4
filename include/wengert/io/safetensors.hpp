// .safetensors, Hugging Face's format for weights: a JSON header, then the elements of all tensors.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/io/named_tensor.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace wengert::io {

/// The metadata of a file: arbitrary text by key. Some readers require `{"format", "pt"}`.
using Metadata = std::map<std::string, std::string>;

/// Writes tensors, in their order, as F32 or F64. An existing file is replaced only once the new one is complete; a
/// failure leaves it unchanged and no other file behind. The same tensors give the same bytes. Throws ValueError if a
/// name is empty, used twice, `__metadata__` or not UTF-8, or if metadata is not UTF-8; FileError if the file cannot be
/// written.
template <class T>
void save_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor<T>>& tensors,
                      const Metadata& metadata = {}, const Location& where = Location::current());

/// Reads all tensors of a file, in the order of its header, rounding their elements to T. Supports F16, BF16, F32, F64,
/// BOOL and all integer types. Throws FileError, naming the tensor, if the file cannot be read, its header is invalid,
/// tensors overlap or leave gaps, or it holds anything else. Memory use grows with the actual content of the file,
/// whatever its header says.
template <class T>
std::vector<NamedTensor<T>> load_safetensors(const std::filesystem::path& path,
                                             const Location& where = Location::current());

/// Reads the metadata of a file, without its tensors. Throws FileError for an unreadable file or an invalid header.
Metadata load_safetensors_metadata(const std::filesystem::path& path, const Location& where = Location::current());

}  // namespace wengert::io
