#include <wengert/nn/module.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert::nn::detail {

bool is_below(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  return prefix.empty() || path.size() == prefix.size() || path[prefix.size()] == '.';
}

void throw_no_such_path(std::string_view function, std::string_view prefix, const std::vector<std::string>& paths,
                        const Location& where) {
  constexpr std::size_t most = 12;
  const auto shown = std::vector<std::string>(
      paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(std::min(most, paths.size())));
  throw ValueError(function,
                   fmt::format("no parameter has the path '{}': there are {}{}", prefix, fmt::join(shown, ", "),
                               paths.size() > most ? fmt::format(" and {} more", paths.size() - most) : ""),
                   where);
}

}  // namespace wengert::nn::detail
