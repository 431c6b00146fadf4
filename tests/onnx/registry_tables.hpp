// The lists of ops of docs/onnx.md: those that are imported, and what the ops of the registry become in an export.
#pragma once

#include <string>

namespace wengert::testing {

/// The page with its lists, which comments delimit, replaced by those of the code. Throws std::runtime_error if a
/// comment is missing.
std::string with_op_tables(std::string page);

}  // namespace wengert::testing
