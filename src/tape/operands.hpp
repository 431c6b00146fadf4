// The check of an operand that must lie on a tape already chosen.
#pragma once

#include <wengert/tape/op.hpp>

#include <utility>

#include <fmt/format.h>

namespace wengert {

/// Throws HandleError unless an operand of `op` is a valid handle of `tape`: it must not be empty, stale or of another
/// tape. `what` and its arguments name the operand in the error, and are formatted for an error only.
template <class T, class... Args>
void check_operand(const Tape<T>& tape, const Var<T>& operand, std::string_view op, const Location& where,
                   fmt::format_string<Args...> what, Args&&... args) {
  if (operand.empty()) detail::refuse_empty(op, fmt::format(what, std::forward<Args>(args)...), where);
  if (&operand.tape(op, where) != &tape)
    detail::refuse_foreign(op, fmt::format(what, std::forward<Args>(args)...), where);
  tape.node(operand, op, where);
}

}  // namespace wengert
