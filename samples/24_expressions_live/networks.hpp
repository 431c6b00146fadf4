// The networks that judge faces.
#pragma once

#include "live.hpp"

#include <filesystem>
#include <string>

namespace expressions {

/// Loads a network for inference: `photographs`, with weights that others trained on photographs, or `drawings`, with
/// weights that 23_expressions trained on drawings. Without a file, those of the default place. Throws FileError if the
/// file is missing or does not fit, ValueError for another name.
Classify load_network(const std::string& name, const std::filesystem::path& weights);

}  // namespace expressions
