// What the ops on stacks of matrices share: small linear ops and the names of their operands in messages.
#pragma once

#include <wengert/op.hpp>

#include <cstddef>
#include <span>
#include <string_view>

namespace wengert::detail {

/// The tape of an op's first operand. Throws HandleError for an empty handle.
template <class T>
Tape<T>& tape_of(std::string_view op, Var<T> x, const Location& where) {
  if (x.empty()) throw HandleError(op, "operand 1 is an empty handle: it was never recorded on a tape", where);
  return x.tape();
}

}  // namespace wengert::detail
