// The kernel loop around a formula: rows of lanes, compiled for every instruction set.
#pragma once

#include <wengert/simd/lane.hpp>
#include <wengert/simd/plane.hpp>

#include <array>
#include <cstddef>
#include <utility>

namespace wengert::kernel {

/// Applies `Formula`, a stateless function of `arity` inputs and `parameters` parameters, to every element.
template <class T, class Formula, std::size_t arity, std::size_t parameters>
struct ElementwiseBody {
  template <std::size_t Bytes>
  static WENGERT_FLATTENED void run(const Plane<T>* operands, T* out, std::size_t rows, std::size_t columns,
                                    const double* parameter) {
    loop<Lane<T, Bytes>>(operands, out, rows, columns, parameter, std::make_index_sequence<arity>{},
                         std::make_index_sequence<parameters>{});
  }

 private:
  // One row of full lanes without repeated elements, the usual case of small values: the setup of the general loop
  // would take longer than their computation.
  template <class L, std::size_t... I, std::size_t... P>
  static WENGERT_FLATTENED void loop(const Plane<T>* operands, T* out, std::size_t rows, std::size_t columns,
                                     [[maybe_unused]] const double* parameter, std::index_sequence<I...> inputs,
                                     std::index_sequence<P...> numbers) {
    constexpr Formula formula{};
    if (rows == 1 && columns % L::width == 0 && (operands[I].column_steps && ...)) {
      for (std::size_t k = 0; k < columns; k += L::width)
        L(formula(L::load(operands[I].data + k)..., L(static_cast<T>(parameter[P]))...)).store(out + k);
      return;
    }
    general_loop<L>(operands, out, rows, columns, parameter, inputs, numbers);
  }
  // A repeated element is broadcast to a lane once for each row. The address of that lane stays fixed (step mask 0)
  // while the others advance. The last lane of a row may be partial.
  template <class L, std::size_t... I, std::size_t... P>
  static WENGERT_FLATTENED void general_loop(const Plane<T>* operands, T* out, std::size_t rows, std::size_t columns,
                                             [[maybe_unused]] const double* parameter, std::index_sequence<I...>,
                                             std::index_sequence<P...>) {
    constexpr Formula formula{};
    const std::size_t rest = columns % L::width, whole = columns - rest;
    alignas(L) T spread[arity][L::width];
    const std::size_t step[] = {(operands[I].column_steps ? ~std::size_t{0} : std::size_t{0})...};
    for (std::size_t row = 0; row < rows; ++row, out += columns) {
      const T* from[] = {operands[I].data + static_cast<std::ptrdiff_t>(row) * operands[I].row_stride...};
      ((operands[I].column_steps ? void() : (L(*from[I]).store(spread[I]), void(from[I] = spread[I]))), ...);
      for (std::size_t k = 0; k < whole; k += L::width)
        L(formula(L::load(from[I] + (k & step[I]))..., L(static_cast<T>(parameter[P]))...)).store(out + k);
      if (rest == 0) continue;
      L(formula(L::load_first(from[I] + (whole & step[I]), rest)..., L(static_cast<T>(parameter[P]))...))
          .store_first(out + whole, rest);
    }
  }
};

/// The kernels of a formula, one for each instruction set.
template <class T, class Formula, std::size_t arity, std::size_t parameters>
constexpr ElementwiseKernels<T> elementwise_kernels() {
  return compile_per_isa<ElementwiseBody<T, Formula, arity, parameters>, const Plane<T>*, T*, std::size_t, std::size_t,
                         const double*>();
}

}  // namespace wengert::kernel
