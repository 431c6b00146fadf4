// The operands of elementwise kernels, and the types of kernels.
#pragma once

#include <wengert/simd/isa.hpp>

#include <cstddef>

namespace wengert::kernel {

/// One operand of an elementwise kernel: a plane of rows. Along a row, it steps by one element or repeats the first.
template <class T>
struct Plane {
  const T* data;
  std::ptrdiff_t row_stride;
  bool column_steps;  // false: one element for the whole row
};

/// Computes rows × columns elements, contiguous in `out`.
template <class T>
using Elementwise = void(const Plane<T>* operands, T* out, std::size_t rows, std::size_t columns,
                         const double* parameters);

/// The kernels of one op, one for each instruction set.
template <class T>
using ElementwiseKernels = PerIsa<Elementwise<T>>;

/// The address of a function whose signature depends on the instruction set (see Stage).
using StageCode = void (*)();

}  // namespace wengert::kernel
