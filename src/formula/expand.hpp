// The formula of an elementwise op as nodes of the ops that it calls.
#pragma once

#include <wengert/tape/op.hpp>

#include <span>

namespace wengert::detail {

/// Records the formula of an elementwise op, which may be a pullback, as the ops that it calls, with `broadcast_to` and
/// constants where operands differ in shape. The result has the op's shape. An op that the formula calls may have a
/// formula too, and can be expanded in turn; what is left at the end are primitive ops (see Op::formula).
///
/// `op.formula` must not be null. There are as many inputs as the op takes, all on one tape, and `op.parameters`
/// parameters.
template <class T>
Var<T> expand(const Op<T>& op, std::span<const Var<T>> inputs, std::span<const double> parameters);

}  // namespace wengert::detail
