// Errors of modules made of many ops: what an op refuses there is said of the caller's line, not of the module's.
#pragma once

#include <wengert/error.hpp>
#include <wengert/op.hpp>

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace wengert::nn {

/// Throws an error again, with the line `where` if it names one of the file `own`.
template <class E>
[[noreturn]] void throw_at(const E& error, std::string_view own, const Location& where) {
  const std::string_view text = error.what();
  const std::size_t line = text.rfind(fmt::format(" ({}:", own));
  if (line == std::string_view::npos) throw;
  const std::size_t begin = error.subject().size() + std::string_view("[] ").size();
  throw E(error.subject(), text.substr(begin, line - begin), where);
}

/// As `atomically`. An error that names a line of the module's own file, that of `own`, names `where` instead.
template <class T, class F>
auto at_caller(Tape<T>& tape, const Location& where, const F& record_all, const Location& own = Location::current()) {
  try {
    return atomically(tape, where, record_all);
  } catch (const ShapeError& error) {
    throw_at(error, own.file_name(), where);
  } catch (const AxisError& error) {
    throw_at(error, own.file_name(), where);
  } catch (const HandleError& error) {
    throw_at(error, own.file_name(), where);
  } catch (const ValueError& error) {
    throw_at(error, own.file_name(), where);
  } catch (const MemoryError& error) {
    throw_at(error, own.file_name(), where);
  }
}

}  // namespace wengert::nn
