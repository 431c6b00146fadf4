// Shared by the parsers of headers in text.
#pragma once

#include "io/byte_source.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace wengert {

/// Base of parsers: each method continues where the last one stopped.
class HeaderText {
 protected:
  /// `kind` is the name of the header in messages.
  HeaderText(std::string_view text, std::string_view kind, const ByteSource& source)
      : text_(text), rest_(text), kind_(kind), source_(source) {}

  /// Throws FileError with the position where reading stopped.
  [[noreturn]] void fail(std::string_view what) const {
    source_.fail(fmt::format("unsound {}: {} (at character {})", kind_, what, text_.size() - rest_.size()));
  }
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
  /// Skips blanks, then the character if it comes next; returns whether it did.
  bool accept(char wanted) {
    skip_blanks();
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// Like `accept`, but fails if the character does not come next.
  void expect(char wanted) {
    if (!accept(wanted)) fail(fmt::format("expected '{}'", wanted));
  }
  /// Reads an unsigned integer, which messages call `what`.
  std::size_t number(std::string_view what) {
    skip_blanks();
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error == std::errc::result_out_of_range) fail(fmt::format("{} beyond 64 bits", what));
    if (error != std::errc()) fail(fmt::format("expected {}", what));
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  std::string_view text_;
  std::string_view rest_;  // not read yet

 private:
  std::string_view kind_;
  const ByteSource& source_;
};

}  // namespace wengert
