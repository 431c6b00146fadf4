// Writes ONNX files.
#pragma once

#include "onnx/graph.hpp"

#include <cstddef>
#include <filesystem>
#include <string>

namespace wengert::onnx::detail {

/// The bytes of an ONNX file, the same for equal contents; parse_model is the inverse.
///
/// The file has IR version 8, whatever `ir_version` says, and the producer "wengert" unless the metadata name another.
/// Throws ValueError for a tensor of strings and an attribute that a float cannot hold, FileError if a protobuf message
/// cannot hold the bytes.
std::string serialise(const ModelFile& file);

/// The bytes of initialisers that a file holds by default. Protobuf's limit is 2 GiB for all of it.
inline constexpr std::size_t most_bytes_inside = std::size_t{3} << 29;

/// Writes a file, which read_model reads. If the initialisers take more than `most_inside` bytes, all but the small
/// ones become external data: they are written beside it, to `path.data`. An existing file is replaced only once the
/// new one, and its external data, are complete. Throws as serialise does, and FileError if a file cannot be written.
void write_model(const ModelFile& file, const std::filesystem::path& path, const Location& where,
                 std::size_t most_inside = most_bytes_inside);

/// Throws ValueError, which calls the text `what`, unless it is UTF-8: protobuf writes other bytes without a complaint,
/// and other programs cannot read the file.
void require_utf8(std::string_view text, std::string_view what, std::string_view caller, const Location& where);

}  // namespace wengert::onnx::detail
