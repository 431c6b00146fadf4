// Stages of a register chain: each op passes its result to the next in registers.
#pragma once

#include <wengert/formula.hpp>
#include <wengert/kernel/lane.hpp>
#include <wengert/op.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace wengert::kernel {

/// One stage of a register chain. Its code takes the value so far in registers, one lane or four, reads its other
/// operands from memory, and calls the code of the next stage with the result; values between two stages are never
/// stored. The call comes last, so that it becomes a jump.
template <class T>
struct Stage {
  static constexpr std::size_t max_operands = 3;

  StageCode one_lane = nullptr, four_lanes = nullptr;
  Plane<T> operands[max_operands] = {};  // without the one that comes in registers
  T* out = nullptr;                      // for a stage that stores: the result, and the columns of its rows
  std::size_t columns = 0;
  const double* parameters = nullptr;
};

/// Ends a stage: the next one continues with the result, from element `k` of a row on.
template <class T, class... Register>
WENGERT_INLINE void hand_on(const Stage<T>* stage, std::size_t row, std::size_t k, const Register&... registers) {
  const Stage<T>* next = stage + 1;
  const StageCode code = sizeof...(Register) == 1 ? next->one_lane : next->four_lanes;
  reinterpret_cast<void (*)(const Stage<T>*, std::size_t, std::size_t, Register...)>(code)(next, row, k, registers...);
}

/// One lane or four of a row. They are named members because g++ keeps arrays of lanes in memory.
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

/// The stage of a formula that takes operand `place` in registers.
template <class T, class Formula, std::size_t arity, std::size_t parameters, std::size_t place>
struct StageBody {
  template <std::size_t Bytes, class... Register>
  static WENGERT_FLATTENED void run(const Stage<T>* stage, std::size_t row, std::size_t k,
                                    const Register&... registers) {
    using L = Lane<T, Bytes>;
    apply_to_operands(stage, row, k, Lanes<L, sizeof...(Register)>{L(registers)...}, std::make_index_sequence<arity>{});
  }

 private:
  template <class L, std::size_t lanes, std::size_t... I>
  static WENGERT_FLATTENED void apply_to_operands(const Stage<T>* stage, std::size_t row, std::size_t k,
                                                  const Lanes<L, lanes>& value, std::index_sequence<I...>) {
    apply(stage, row, k, std::make_index_sequence<parameters>{}, operand<I>(stage, row, k, value)...);
  }
  template <std::size_t input, class Value>
  static WENGERT_INLINE Value operand(const Stage<T>* stage, std::size_t row, std::size_t k, const Value& value) {
    if constexpr (input == place) {
      return value;
    } else {
      constexpr std::size_t i = input < place ? input : input - 1;
      return Value::load(stage->operands[i], row, k);
    }
  }
  template <std::size_t... P, class L, std::size_t lanes, class... Others>
  static WENGERT_FLATTENED void apply(const Stage<T>* stage, std::size_t row, std::size_t k, std::index_sequence<P...>,
                                      const Lanes<L, lanes>& first, const Others&... others) {
    const auto of = [stage](const auto&... x) WENGERT_FLATTENED_ATTRIBUTE {
      (void)stage;  // unused without parameters
      return L(Formula{}(x..., L(static_cast<T>(stage->parameters[P]))...));
    };
    if constexpr (lanes == 1)
      hand_on(stage, row, k, of(first.a, others.a...).v);
    else
      hand_on(stage, row, k, of(first.a, others.a...).v, of(first.b, others.b...).v, of(first.c, others.c...).v,
              of(first.d, others.d...).v);
  }
};

/// The code of a stage for one or four registers of `bytes` bytes; null if it is not compiled for them here.
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

template <class T, class Formula, std::size_t arity, std::size_t parameters>
StageCode find_stage(std::size_t bytes, std::size_t place, std::size_t lanes) {
  if (place == arity - 1) return stage_code<T, StageBody<T, Formula, arity, parameters, arity - 1>>(bytes, lanes);
  if constexpr (arity == 2)
    if (place == 0) return stage_code<T, StageBody<T, Formula, arity, parameters, 0>>(bytes, lanes);
  return nullptr;
}

/// The `Op::stage` of a formula: the last operand can come in registers, and of two operands also the first. Ops of
/// many operations have none because they gain too little. Builds with clang for several instruction sets have none
/// because clang passes vectors wider than the baseline's registers in memory.
template <class T, class Formula, std::size_t arity, std::size_t parameters>
constexpr auto stage_of() -> StageCode (*)(std::size_t, std::size_t, std::size_t) {
#if defined(__clang__)
  constexpr bool in_registers = !WENGERT_MULTIVERSION;
#else
  constexpr bool in_registers = true;
#endif
  if constexpr (in_registers && arity <= Stage<T>::max_operands + 1 &&
                wengert::detail::has_few_operations<Formula>(std::make_index_sequence<arity + parameters>{}))
    return find_stage<T, Formula, arity, parameters>;
  else
    return nullptr;
}

}  // namespace wengert::kernel
