// Paths of Parameters.
#include <wengert/reflect/parameters.hpp>

namespace wengert::detail {

std::string joined_path(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

bool is_below(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  return prefix.empty() || path.size() == prefix.size() || path[prefix.size()] == '.';
}

}  // namespace wengert::detail
