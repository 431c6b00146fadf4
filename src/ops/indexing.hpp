// Helpers of the index ops: positions from indices, and operands on the tape.
#pragma once

#include "tape/operands.hpp"
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

#include <string_view>

#include <fmt/format.h>

namespace wengert {

/// An axis that indices refer to, with the name of the calling function for messages.
struct IndexedAxis {
  const char* caller;
  std::uint8_t axis = 0;
  bool from_end = true;  // negative indices count from the end; otherwise they are rejected
  bool flat = false;     // the axis is that of all elements in row-major order

  /// The position that an element of `indices` refers to. Throws ValueError if it is out of range.
  std::size_t place(Value<const std::int64_t> indices, std::size_t element, std::size_t extent) const {
    const std::int64_t index = indices.data[element];
    if (static_cast<std::uint64_t>(index) < extent) [[likely]]
      return static_cast<std::size_t>(index);
    return from_its_end(indices, element, extent);
  }
  std::size_t from_its_end(Value<const std::int64_t> indices, std::size_t element, std::size_t extent) const;
};

/// The caller's indices on `tape`. Throws HandleError, naming the op, for an empty or stale handle or another tape's.
template <class T>
IndexVar<T> indices_on(Tape<T>& tape, const IndexOperand<T>& given, std::string_view name, const Location& where) {
  const IndexVar<T> indices = given.on(tape);
  check_operand(tape, indices.handle(), name, where, "the index operand");
  return indices;
}

/// Checks the operands of an op along an axis, then calls record(axis, indices), with the indices on the tape of x.
/// If anything throws, nothing is left on the tape. Throws HandleError, or AxisError if x has no such axis; a scalar
/// has the axes 0 and −1.
template <class T, class F>
auto along_axis(const char* name, Var<T> x, std::ptrdiff_t axis, const IndexOperand<T>& indices, const Location& where,
                const F& record) {
  return atomically(tape_of(x, name, where), where, [&] {
    const IndexedAxis along{name, static_cast<std::uint8_t>(normalise_axis_or_scalar(axis, x.rank(), name))};
    return record(along, indices_on(x.tape(), indices, name, where));
  });
}

/// A further operand on `tape`. Throws HandleError, naming the op, for an empty or stale handle or another tape's.
template <class T>
Var<T> operand_on(Tape<T>& tape, const Operand<T>& given, std::string_view name, const Location& where) {
  const Var<T> operand = given.on(tape);
  check_operand(tape, operand, name, where, "an operand");
  return operand;
}

}  // namespace wengert
