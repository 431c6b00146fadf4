#include <wengert/error.hpp>

#include <fmt/format.h>

namespace wengert {

Error::Error(std::string_view subject, std::string_view message)
    : std::runtime_error(std::string(subject)), subject_(subject), text_(fmt::format("[{}] {}", subject, message)) {}

Error::Error(std::string_view subject, std::string_view message, const Location& where) : Error(subject, message) {
  locate(where);
}

void Error::locate(const Location& where) {
  if (located_ || where.line() == 0) return;
  located_ = true;
  text_ += fmt::format(" ({}:{})", where.file_name(), where.line());
}

void Error::prefix(std::string_view subject, std::string_view context) {
  subject_ = subject;
  text_ = fmt::format("[{}] {}: {}", subject, context, text_);
}

}  // namespace wengert
