#include <wengert/error.hpp>

#include <fmt/format.h>

namespace wengert {

Error::Error(std::string_view subject, std::string_view message)
    : std::runtime_error(fmt::format("[{}] {}", subject, message)), subject_(subject) {}

Error::Error(std::string_view subject, std::string_view message, const Location& where)
    : std::runtime_error(fmt::format("[{}] {} ({}:{})", subject, message, where.file_name(), where.line())),
      subject_(subject) {}

}  // namespace wengert
