// Instruction sets: every elementwise kernel is compiled once for each level, and the level is chosen at run time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

// A translation unit that is compiled with optimisation for the x86-64 baseline contains kernels for all levels. One
// with other flags (-march=native, another processor), or without optimisation, which inlines nothing into kernels,
// contains one kernel, for the target of its flags.
#if defined(__x86_64__) && !defined(__SSE3__) && defined(__OPTIMIZE__)
#define WENGERT_MULTIVERSION 1
#else
#define WENGERT_MULTIVERSION 0
#endif

#define WENGERT_INLINE __attribute__((always_inline)) inline

// For functions between a kernel and a formula, which the kernel's `flatten` inlines. They must not be always_inline
// with g++ 12: it processes callees before callers, but ignores calls from an always_inline function to an ordinary
// one, such as a user's formula. It would process the kernel before the formula, defer the inlining, and then fail to
// inline what interprocedural passes have cloned in the meantime.
#if defined(__clang__)
#define WENGERT_FLATTENED_ATTRIBUTE __attribute__((always_inline))
#else
#define WENGERT_FLATTENED_ATTRIBUTE __attribute__((noclone))
#endif
#define WENGERT_FLATTENED WENGERT_FLATTENED_ATTRIBUTE inline

namespace wengert {

/// A level of the x86-64 instruction set: SSE2; AVX2 and FMA; AVX-512.
enum class Isa : std::uint8_t { baseline, v3, v4 };

namespace detail {
struct ChosenIsa {
  Isa isa;
};
extern const ChosenIsa chosen_isa;  // initialised before all other global variables
}  // namespace detail

/// The level at which kernels run: the highest that the processor supports, or a lower one given by the environment
/// variable WENGERT_ISA, `baseline` or `v3`.
inline Isa active_isa() noexcept { return detail::chosen_isa.isa; }

/// The name of a level: `baseline`, `v3` or `v4`.
std::string_view to_string(Isa isa) noexcept;

namespace kernel {

#if WENGERT_MULTIVERSION || !(defined(__AVX2__) && defined(__FMA__))
inline constexpr std::size_t native_bytes = 16;
#elif defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__AVX512BW__)
inline constexpr std::size_t native_bytes = 64;
#else
inline constexpr std::size_t native_bytes = 32;
#endif

/// One function pointer per level: a kernel compiled three times.
template <class Function>
using PerIsa = std::array<Function*, 3>;

// `Body::run<bytes>(arguments...)`, compiled for each level. `flatten` inlines the whole formula into each of them;
// `hot` places them in a separate section, so that the rest of the code stays compact.
template <class Body, class... Arguments>
[[gnu::hot, gnu::flatten]] void run_native(Arguments... arguments) {
  Body::template run<native_bytes>(arguments...);
}
#if WENGERT_MULTIVERSION
template <class Body, class... Arguments>
[[gnu::target("arch=x86-64-v3"), gnu::hot, gnu::flatten]] void run_v3(Arguments... arguments) {
  Body::template run<32>(arguments...);
}
template <class Body, class... Arguments>
[[gnu::target("arch=x86-64-v4"), gnu::hot, gnu::flatten]] void run_v4(Arguments... arguments) {
  Body::template run<64>(arguments...);
}
#endif

/// The function table of `Body::run`, a static member template over the lane's width in bytes.
template <class Body, class... Arguments>
constexpr PerIsa<void(Arguments...)> compile_per_isa() {
#if WENGERT_MULTIVERSION
  return {run_native<Body, Arguments...>, run_v3<Body, Arguments...>, run_v4<Body, Arguments...>};
#else
  return {run_native<Body, Arguments...>, run_native<Body, Arguments...>, run_native<Body, Arguments...>};
#endif
}

}  // namespace kernel
}  // namespace wengert
