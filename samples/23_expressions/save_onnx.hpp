// The network for photographs as an ONNX file.
#pragma once

#include <filesystem>

namespace expressions {

/// Writes the network with the fetched weights as an ONNX file: `faces` (batch, 1, 64, 64), from −1, black, to 1,
/// white, to `probabilities` (batch, 7). The entry `classes` of the metadata names the classes, with commas between
/// them. Throws FileError if the weights are missing or the file cannot be written, ValueError in a build without the
/// component onnx.
void save_onnx(const std::filesystem::path& data_folder, const std::filesystem::path& file);

}  // namespace expressions
