// Text in HTML, and durations.
#pragma once

#include <cmath>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace wengert::report {

/// Escapes a text for HTML, including attributes.
inline std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  return result;
}

/// A duration in readable form: `80 ms`, `0.8 s`, `42 s`, `3:07`, `1:02:45`.
inline std::string duration_text(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 0.0995) return fmt::format("{:.0f} ms", std::max(seconds, 0.0) * 1000);
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  if (seconds < 59.5) return fmt::format("{:.0f} s", seconds);
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace wengert::report
