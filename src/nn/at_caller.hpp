// Errors of modules made of many ops: what an op refuses there is said of the caller's line, not of the module's.
#pragma once

#include <wengert/error.hpp>
#include <wengert/op.hpp>

namespace wengert::nn {

/// As `atomically`. An error that names a line of the module's own file, that of `own`, names `where` instead.
template <class T, class F>
auto at_caller(Tape<T>& tape, const Location& where, const F& record_all, const Location& own = Location::current()) {
  try {
    return atomically(tape, where, record_all);
  } catch (Error& error) {
    error.relocate(own.file_name(), where);
    throw;
  }
}

}  // namespace wengert::nn
