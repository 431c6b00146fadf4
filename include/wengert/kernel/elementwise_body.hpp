// The loop around a formula: rows of lanes, compiled for every instruction set.
#pragma once

#include <wengert/kernel/lane.hpp>
#include <wengert/op.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

namespace wengert::kernel {

/// Applies `Formula`, a stateless function of `arity` numbers and `parameters` more, to every element.
template <class T, class Formula, std::size_t arity, std::size_t parameters>
struct ElementwiseBody {
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const Plane<T>* operands, T* out, std::size_t rows, std::size_t columns,
                                 const double* parameter) {
    loop<Lane<T, Bytes>>(operands, out, rows, columns, parameter, std::make_index_sequence<arity>{},
                         std::make_index_sequence<parameters>{});
  }

 private:
  // A repeated element is spread over a lane once a row; its address then stands still (step mask 0) while others move.
  // The last, partial lane of a row goes through padded buffers.
  template <class L, std::size_t... I, std::size_t... P>
  static WENGERT_INLINE void loop(const Plane<T>* operands, T* out, std::size_t rows, std::size_t columns,
                                  [[maybe_unused]] const double* parameter, std::index_sequence<I...>,
                                  std::index_sequence<P...>) {
    constexpr Formula formula{};
    const std::size_t whole = columns - columns % L::width;
    alignas(L) T spread[arity][L::width];
    const std::size_t step[] = {(operands[I].column_steps ? ~std::size_t{0} : std::size_t{0})...};
    for (std::size_t row = 0; row < rows; ++row, out += columns) {
      const T* from[] = {operands[I].data + static_cast<std::ptrdiff_t>(row) * operands[I].row_stride...};
      ((operands[I].column_steps ? void() : (L(*from[I]).store(spread[I]), void(from[I] = spread[I]))), ...);
      for (std::size_t k = 0; k < whole; k += L::width)
        L(formula(L::load(from[I] + (k & step[I]))..., L(static_cast<T>(parameter[P]))...)).store(out + k);
      if (whole == columns) continue;
      alignas(L) T tail[arity + 1][L::width] = {};
      const std::size_t bytes = (columns - whole) * sizeof(T);
      (std::memcpy(tail[I], from[I] + (whole & step[I]), bytes), ...);
      L(formula(L::load(tail[I])..., L(static_cast<T>(parameter[P]))...)).store(tail[arity]);
      std::memcpy(out + whole, tail[arity], bytes);
    }
  }
};

}  // namespace wengert::kernel
