// Selects the instruction set at startup, from the processor's features and WENGERT_ISA.
#include <wengert/simd/isa.hpp>

#include <cstdlib>
#include <string_view>

namespace wengert {
namespace {

Isa best_isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return Isa::v4;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) return Isa::v3;
#endif
  return Isa::baseline;
}

Isa best_allowed() {
  const Isa best = best_isa();
  const char* asked = std::getenv("WENGERT_ISA");
  if (asked == nullptr) return best;
  for (const Isa isa : {Isa::baseline, Isa::v3})
    if (isa < best && to_string(isa) == asked) return isa;
  return best;
}

}  // namespace

// Initialised first: other global variables may hold Programs, which store kernels for the chosen instruction set.
[[gnu::init_priority(101)]] const detail::ChosenIsa detail::chosen_isa{best_allowed()};

std::string_view to_string(Isa level) noexcept {
  switch (level) {
    case Isa::v4:
      return "v4";
    case Isa::v3:
      return "v3";
    default:
      return "baseline";
  }
}

}  // namespace wengert
