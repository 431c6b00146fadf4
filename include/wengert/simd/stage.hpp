// Stages of a register chain: each op passes its result to the next in registers.
#pragma once

#include <wengert/simd/lane.hpp>
#include <wengert/simd/plane.hpp>

#include <cstddef>

namespace wengert::kernel {

/// One stage of a register chain. Its code takes the previous stage's result in registers, one lane or four, reads its
/// other operands from memory, and calls the code of the next stage with its own result, which is never stored. It is a
/// tail call, so it compiles to a jump.
template <class T>
struct Stage {
  static constexpr std::size_t max_operands = 3;

  StageCode one_lane = nullptr, four_lanes = nullptr;
  Plane<T> operands[max_operands] = {};  // all but the one in registers
  T* out = nullptr;                      // for a stage that stores: the result, and the number of its columns
  std::size_t columns = 0;
  const double* parameters = nullptr;
};

/// Ends a stage: calls the next one with the result, which begins at element `k` of row `row`.
template <class T, class... Register>
WENGERT_INLINE void call_next_stage(const Stage<T>* stage, std::size_t row, std::size_t k,
                                    const Register&... registers) {
  const Stage<T>* next = stage + 1;
  const StageCode code = sizeof...(Register) == 1 ? next->one_lane : next->four_lanes;
  reinterpret_cast<void (*)(const Stage<T>*, std::size_t, std::size_t, Register...)>(code)(next, row, k, registers...);
}

/// One lane or four neighbouring lanes of a row: named members, because g++ keeps arrays of lanes in memory.
template <class L, std::size_t lanes>
struct Lanes;
template <class L>
struct Lanes<L, 1> {
  L a;
  template <class T>
  static WENGERT_INLINE Lanes load(const Plane<T>& plane, std::size_t row, std::size_t k) {
    const T* from = plane.data + static_cast<std::ptrdiff_t>(row) * plane.row_stride;
    if (plane.column_steps) return {L::load(from + k)};
    return {L(*from)};
  }
};
template <class L>
struct Lanes<L, 4> {
  L a, b, c, d;
  template <class T>
  static WENGERT_INLINE Lanes load(const Plane<T>& plane, std::size_t row, std::size_t k) {
    constexpr std::size_t w = L::width;
    const T* from = plane.data + static_cast<std::ptrdiff_t>(row) * plane.row_stride;
    if (plane.column_steps) {
      from += k;
      return {L::load(from), L::load(from + w), L::load(from + 2 * w), L::load(from + 3 * w)};
    }
    const L everywhere(*from);
    return {everywhere, everywhere, everywhere, everywhere};
  }
};

/// The code of a stage for one or four lanes of `bytes` bytes; null if this translation unit has none for that width.
template <class T, class Body>
StageCode stage_code(std::size_t bytes, std::size_t lanes) {
  using S = const Stage<T>*;
#if WENGERT_MULTIVERSION
  if (bytes == 32) {
    using R = Vector<T, 32>;
    return lanes == 1 ? reinterpret_cast<StageCode>(run_v3<Body, S, std::size_t, std::size_t, R>)
                      : reinterpret_cast<StageCode>(run_v3<Body, S, std::size_t, std::size_t, R, R, R, R>);
  }
  if (bytes == 64) {
    using R = Vector<T, 64>;
    return lanes == 1 ? reinterpret_cast<StageCode>(run_v4<Body, S, std::size_t, std::size_t, R>)
                      : reinterpret_cast<StageCode>(run_v4<Body, S, std::size_t, std::size_t, R, R, R, R>);
  }
#endif
  if (bytes != native_bytes) return nullptr;
  using R = Vector<T, native_bytes>;
  return lanes == 1 ? reinterpret_cast<StageCode>(run_native<Body, S, std::size_t, std::size_t, R>)
                    : reinterpret_cast<StageCode>(run_native<Body, S, std::size_t, std::size_t, R, R, R, R>);
}

}  // namespace wengert::kernel
