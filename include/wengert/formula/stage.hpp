// The stages of a formula: its code in a register chain.
#pragma once

#include <wengert/formula/formula.hpp>
#include <wengert/simd/stage.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace wengert::kernel {

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
      call_next_stage(stage, row, k, of(first.a, others.a...).v);
    else
      call_next_stage(stage, row, k, of(first.a, others.a...).v, of(first.b, others.b...).v, of(first.c, others.c...).v,
                      of(first.d, others.d...).v);
  }
};

template <class T, class Formula, std::size_t arity, std::size_t parameters>
StageCode find_stage(std::size_t bytes, std::size_t place, std::size_t lanes) {
  if (place == arity - 1) return stage_code<T, StageBody<T, Formula, arity, parameters, arity - 1>>(bytes, lanes);
  if constexpr (arity == 2)
    if (place == 0) return stage_code<T, StageBody<T, Formula, arity, parameters, 0>>(bytes, lanes);
  return nullptr;
}

/// The `Op::stage` of a formula. The last operand can come in registers and, of two operands, also the first. Null for
/// ops of many operations, which gain too little, and in builds with clang for several instruction sets, because clang
/// passes vectors wider than the baseline's registers in memory.
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
