// The kernel loop around a formula: rows of lanes, compiled for every instruction set.
#pragma once

#include <wengert/formula/formula.hpp>
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
  // A formula of few operations is compiled three times, for a row of full lanes, for the general loop and for its
  // last, partial lane; a longer one once, because its code weighs more than the branches that choose how to load.
  template <class L, std::size_t... I, std::size_t... P>
  static WENGERT_FLATTENED void loop(const Plane<T>* operands, T* out, std::size_t rows, std::size_t columns,
                                     const double* parameter, std::index_sequence<I...> inputs,
                                     std::index_sequence<P...> numbers) {
    if constexpr (wengert::detail::has_few_operations<Formula>(std::make_index_sequence<arity + parameters>{})) {
      // Small values are usually one row of full lanes, without repetition; the setup of the general loop would take
      // longer than their computation.
      if (rows == 1 && columns % L::width == 0 && (operands[I].column_steps && ...))
        for (std::size_t k = 0; k < columns; k += L::width)
          apply<L>(parameter, numbers, L::load(operands[I].data + k)...).store(out + k);
      else
        general_loop<L>(operands, out, rows, columns, parameter, inputs, numbers);
    } else {
      compact_loop<L>(operands, out, rows, columns, parameter, inputs, numbers);
    }
  }
  // A repeated element is broadcast to a lane once for each row. The address of that lane stays fixed (step mask 0)
  // while the others advance. The last lane of a row may be partial.
  template <class L, std::size_t... I, std::size_t... P>
  static WENGERT_FLATTENED void general_loop(const Plane<T>* operands, T* out, std::size_t rows, std::size_t columns,
                                             const double* parameter, std::index_sequence<I...>,
                                             std::index_sequence<P...> numbers) {
    const std::size_t rest = columns % L::width, whole = columns - rest;
    alignas(L) T spread[arity][L::width];
    const std::size_t step[] = {(operands[I].column_steps ? ~std::size_t{0} : std::size_t{0})...};
    for (std::size_t row = 0; row < rows; ++row, out += columns) {
      const T* from[] = {start_of_row<L>(operands[I], row, spread[I])...};
      for (std::size_t k = 0; k < whole; k += L::width)
        apply<L>(parameter, numbers, L::load(from[I] + (k & step[I]))...).store(out + k);
      if (rest == 0) continue;
      apply<L>(parameter, numbers, L::load_first(from[I] + (whole & step[I]), rest)...).store_first(out + whole, rest);
    }
  }
  template <class L, std::size_t... I, std::size_t... P>
  static WENGERT_FLATTENED void compact_loop(const Plane<T>* operands, T* out, std::size_t rows, std::size_t columns,
                                             const double* parameter, std::index_sequence<I...>,
                                             std::index_sequence<P...> numbers) {
    alignas(L) T spread[arity][L::width];
    const std::size_t step[] = {(operands[I].column_steps ? ~std::size_t{0} : std::size_t{0})...};
    for (std::size_t row = 0; row < rows; ++row, out += columns) {
      const T* from[] = {start_of_row<L>(operands[I], row, spread[I])...};
      for (std::size_t k = 0; k < columns; k += L::width) {
        const std::size_t left = columns - k;
        const auto load = [left](const T* data) WENGERT_FLATTENED_ATTRIBUTE {
          return left < L::width ? L::load_first(data, left) : L::load(data);
        };
        const L result = apply<L>(parameter, numbers, load(from[I] + (k & step[I]))...);
        if (left < L::width)
          result.store_first(out + k, left);
        else
          result.store(out + k);
      }
    }
  }

  // The elements of an operand in a row: in memory or, if it repeats one, spread over a lane.
  template <class L>
  static WENGERT_INLINE const T* start_of_row(const Plane<T>& operand, std::size_t row, T* spread) {
    const T* data = operand.data + static_cast<std::ptrdiff_t>(row) * operand.row_stride;
    if (operand.column_steps) return data;
    L(*data).store(spread);
    return spread;
  }
  template <class L, std::size_t... P, class... Input>
  static WENGERT_FLATTENED L apply([[maybe_unused]] const double* parameter, std::index_sequence<P...>,
                                   const Input&... inputs) {
    constexpr Formula formula{};
    return L(formula(inputs..., L(static_cast<T>(parameter[P]))...));
  }
};

/// The kernels of a formula, one for each instruction set.
template <class T, class Formula, std::size_t arity, std::size_t parameters>
constexpr ElementwiseKernels<T> elementwise_kernels() {
  return compile_per_isa<ElementwiseBody<T, Formula, arity, parameters>, const Plane<T>*, T*, std::size_t, std::size_t,
                         const double*>();
}

}  // namespace wengert::kernel
