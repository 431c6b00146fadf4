// Error: composes the message, and adds or replaces its subject, context and source location.
#include <wengert/base/error.hpp>

#include <fmt/format.h>

namespace wengert {

namespace {

std::string shown_location(const Location& where) { return fmt::format(" ({}:{})", where.file_name(), where.line()); }

}  // namespace

Error::Error(std::string_view subject, std::string_view message)
    : std::runtime_error(std::string(subject)), subject_(subject), text_(fmt::format("[{}] {}", subject, message)) {}

Error::Error(std::string_view subject, std::string_view message, const Location& where) : Error(subject, message) {
  locate(where);
}

void Error::locate(const Location& where) {
  if (where_.line() != 0 || where.line() == 0) return;
  where_ = where;
  text_ += shown_location(where);
}

void Error::relocate(std::string_view file, const Location& where) {
  if (where_.line() == 0 || where_.file_name() != file || !text_.ends_with(shown_location(where_))) return;
  text_.resize(text_.size() - shown_location(where_).size());
  where_ = {};
  locate(where);
}

void Error::prefix(std::string_view subject, std::string_view context) {
  subject_ = subject;
  text_ = fmt::format("[{}] {}: {}", subject, context, text_);
}

}  // namespace wengert
