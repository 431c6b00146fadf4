// Errors of what a public function calls, with the line of its caller.
#pragma once

#include <wengert/error.hpp>

#include <filesystem>
#include <new>
#include <stdexcept>
#include <string_view>

namespace wengert {

/// What a function returns. An error that names no line names `where`; what the standard library throws for want of
/// memory or by a file system becomes an Error of `subject`.
template <class F>
auto located(std::string_view subject, const Location& where, const F& function) -> decltype(function()) {
  try {
    return function();
  } catch (Error& error) {
    error.locate(where);
    throw;
  } catch (const std::bad_alloc&) {
    throw MemoryError(subject, "it needs more memory than there is", where);
  } catch (const std::length_error&) {
    throw MemoryError(subject, "it needs more memory than there is", where);
  } catch (const std::filesystem::filesystem_error& error) {
    throw FileError(subject, error.what(), where);
  }
}

}  // namespace wengert
