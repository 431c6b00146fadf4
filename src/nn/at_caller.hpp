// Errors in modules of many ops name the caller's line instead of the module's.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/tape/op.hpp>

namespace wengert::nn {

/// Like `atomically`, but an error that names a line of the module's file (the file of `own`) names `where` instead.
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
