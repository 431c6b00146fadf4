// The source line of a node, as listings show it.
#pragma once

#include <wengert/base/error.hpp>

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace wengert {

/// `file:line`, without the folder.
inline std::string line_of(const Location& where) {
  const std::string_view path = where.file_name();
  return fmt::format("{}:{}", path.substr(path.rfind('/') + 1), where.line());
}

}  // namespace wengert
