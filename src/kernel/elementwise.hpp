// Runs elementwise ops over operands of any strides.
#pragma once

#include <wengert/base/layout.hpp>
#include <wengert/simd/plane.hpp>

#include <span>

namespace wengert::kernel {

/// Runs a kernel over rows × columns elements, contiguous in `out`; short rows are joined into longer ones first.
template <class T>
void run_rows(Elementwise<T>* kernel, const double* parameters, std::span<const Plane<T>> operands, T* out,
              std::size_t rows, std::size_t columns);

/// Whether kernels can read an operand of this layout without a copy: the innermost stride is 0 or 1.
bool reads_directly(const Layout& layout);

/// The same with the kernel of the active instruction set, on several threads if there are many elements.
template <class T>
void run_plane(const ElementwiseKernels<T>& kernels, const double* parameters, std::span<const Plane<T>> operands,
               T* out, std::size_t rows, std::size_t columns);

/// Runs the kernel of the active instruction set over operands that broadcast to the shape of `out`, which is
/// contiguous.
template <class T>
void run_elementwise(const ElementwiseKernels<T>& kernels, const double* parameters,
                     std::span<const Value<const T>> inputs, Value<T> out);

}  // namespace wengert::kernel
