// Computes one op on given memory, without a tape.
#pragma once

#include "kernel/elementwise.hpp"
#include <wengert/tape/op.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace wengert::program {

/// Computes `op` of the inputs into `out`, which is contiguous. Throws what the op throws.
template <class T>
void compute(const Op<T>& op, const void* attributes, std::span<const Value<const T>> inputs, Value<T> out) {
  if (op.kernels[0] != nullptr)
    kernel::run_elementwise(op.kernels, static_cast<const double*>(attributes), inputs, out);
  else
    op.forward(attributes, inputs, out);
}

/// The address `offset` elements after `first`, which points to numbers or to indices.
template <class T>
const T* element(const T* first, std::ptrdiff_t offset, bool indices) {
  return indices ? reinterpret_cast<const T*>(reinterpret_cast<const std::int64_t*>(first) + offset) : first + offset;
}

}  // namespace wengert::program
