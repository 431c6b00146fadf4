// The error for a path prefix that matches no parameter of a network.
#include "base/join.hpp"
#include <wengert/nn/module.hpp>

namespace wengert::nn::detail {

void throw_no_such_path(std::string_view function, std::string_view prefix, const std::vector<std::string>& paths,
                        const Location& where) {
  throw ValueError(function,
                   fmt::format("no parameter has the path '{}': expected one of {}", prefix,
                               first_few(paths, [](const std::string& path) { return path; })),
                   where);
}

}  // namespace wengert::nn::detail
