// Source: the ONNX file that is being read, as messages name it, with a limit on the memory it may take.
#pragma once

#include "onnx/graph.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace wengert::onnx::detail {

class Source {
 public:
  /// `label` is the file's name in messages, `bytes` its size, `folder` where its external data are.
  Source(std::string label, std::size_t bytes, std::filesystem::path folder);

  /// Throws a FileError that names the file, followed by `what`.
  [[noreturn]] void fail(std::string_view what) const;
  /// Throws FileError, which calls the text `what`, unless it is UTF-8.
  void require_utf8(std::string_view text, std::string_view what) const;
  /// Accounts for memory that the file does not hold byte by byte, such as the body of a function at each of its calls.
  /// Throws FileError if it exceeds a multiple of the file's size.
  void spend(std::size_t bytes);
  /// Reads `expected` bytes from `offset` of an external file. `what` names the tensor in messages; `length` is the
  /// number of bytes that the file declares, if it does. Throws FileError.
  std::string external(const std::string& what, const std::string& location, std::size_t offset,
                       std::optional<std::size_t> length, std::size_t expected);

 private:
  std::filesystem::path locate(const std::string& what, const std::string& location) const;

  std::string label_;
  std::size_t budget_;
  std::filesystem::path folder_;
  std::map<std::filesystem::path, std::size_t> taken_;  // bytes read of each external file
};

/// Throws FileError, naming the node, unless every name is defined exactly once and before it is read.
void check_names(const Graph& graph, const Source& source);

}  // namespace wengert::onnx::detail
