// The check of an operand that must lie on a tape already chosen.
#pragma once

#include <wengert/tape/op.hpp>

#include <utility>

#include <fmt/format.h>

namespace wengert {

/// Throws HandleError if an operand of `op` is empty, stale or on another tape than `tape`. `what` and its arguments
/// name the operand, and are formatted only for an error.
template <class T, class... Args>
void check_operand(const Tape<T>& tape, const Var<T>& operand, std::string_view op, const Location& where,
                   fmt::format_string<Args...> what, Args&&... args) {
  if (operand.empty()) detail::throw_empty_handle(op, fmt::format(what, std::forward<Args>(args)...), where);
  if (&operand.tape(op, where) != &tape)
    detail::throw_foreign_handle(op, fmt::format(what, std::forward<Args>(args)...), where);
  tape.node(operand, op, where);
}

}  // namespace wengert
