// Adds the caller's line to the errors of a public function.
#pragma once

#include <wengert/base/error.hpp>

#include <filesystem>
#include <new>
#include <stdexcept>
#include <string_view>

namespace wengert {

/// Returns what `function` returns. An error that names no line gets `where`; memory and file-system exceptions of the
/// standard library become Errors of `subject`.
template <class F>
auto located(std::string_view subject, const Location& where, const F& function) -> decltype(function()) {
  try {
    return function();
  } catch (Error& error) {
    error.locate(where);
    throw;
  } catch (const std::bad_alloc&) {
    throw MemoryError(subject, "not enough memory", where);
  } catch (const std::length_error&) {
    throw MemoryError(subject, "not enough memory", where);
  } catch (const std::filesystem::filesystem_error& error) {
    throw FileError(subject, error.what(), where);
  }
}

}  // namespace wengert
