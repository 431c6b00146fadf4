// Vectorised Philox4x32-10, and uniform and normal (Box–Muller) draws from its words.
#include "kernel/philox.hpp"

#include <wengert/simd/isa.hpp>
#include <wengert/simd/lane.hpp>

#include <algorithm>
#include <limits>

namespace wengert::kernel {
namespace {

// `width` blocks side by side, whose rounds have a form that compilers vectorise.
template <std::size_t width>
struct Blocks {
  std::uint32_t c0[width], c1[width], c2[width], c3[width];

  WENGERT_INLINE void rounds(std::uint32_t k0, std::uint32_t k1) {
    for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9U, k1 += 0xBB67AE85U)
      for (std::size_t j = 0; j < width; ++j) {
        const std::uint64_t a = std::uint64_t{0xD2511F53U} * c0[j], b = std::uint64_t{0xCD9E8D57U} * c2[j];
        c0[j] = static_cast<std::uint32_t>(b >> 32) ^ c1[j] ^ k0;
        c2[j] = static_cast<std::uint32_t>(a >> 32) ^ c3[j] ^ k1;
        c1[j] = static_cast<std::uint32_t>(b);
        c3[j] = static_cast<std::uint32_t>(a);
      }
  }
};

struct WordsBody {
  template <std::size_t>
  static WENGERT_INLINE void run(std::uint64_t key, std::uint64_t counter, std::uint64_t* words, std::size_t blocks) {
    constexpr std::size_t width = 16;
    Blocks<width> block;
    for (std::size_t done = 0; done < blocks; done += width) {
      for (std::size_t j = 0; j < width; ++j) {
        const std::uint64_t number = counter + done + j;
        block.c0[j] = static_cast<std::uint32_t>(number);
        block.c1[j] = static_cast<std::uint32_t>(number >> 32);
        block.c2[j] = block.c3[j] = 0;
      }
      block.rounds(static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32));
      const std::size_t count = std::min(width, blocks - done);
      for (std::size_t j = 0; j < count; ++j) {
        words[2 * (done + j)] = std::uint64_t{block.c1[j]} << 32 | block.c0[j];
        words[2 * (done + j) + 1] = std::uint64_t{block.c3[j]} << 32 | block.c2[j];
      }
    }
  }
};

// The highest bits of a word as a number in [0, 1).
template <class T>
WENGERT_INLINE T unit(std::uint64_t word) {
  constexpr int digits = std::numeric_limits<T>::digits;
  return static_cast<T>(static_cast<std::int64_t>(word >> (64 - digits))) / static_cast<T>(std::uint64_t{1} << digits);
}

template <class T>
struct UniformBody {
  template <std::size_t>
  static WENGERT_INLINE void run(const std::uint64_t* words, T* out, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) out[i] = unit<T>(words[i]);
  }
};

// r = √(−2 ln u), angle 2π v; 1 − u replaces u, which may be 0.
template <class T>
struct NormalBody {
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const std::uint64_t* words, T* out, std::size_t count) {
    using L = Lane<T, Bytes>;
    constexpr T turn = static_cast<T>(6.283185307179586476925);
    alignas(L) T u[L::width], v[L::width];
    for (std::size_t first = 0; first < count; first += 2 * L::width) {
      for (std::size_t j = 0; j < L::width; ++j) {
        u[j] = 1 - unit<T>(words[first + 2 * j]);
        v[j] = turn * unit<T>(words[first + 2 * j + 1]);
      }
      const L r = lane_sqrt(L(T(-2)) * lane_log(L::load(u))), angle = L::load(v);
      (r * lane_cos(angle)).store(u);
      (r * lane_sin(angle)).store(v);
      const std::size_t pairs = std::min(L::width, (count - first + 1) / 2);
      for (std::size_t j = 0; j < pairs; ++j) {
        out[first + 2 * j] = u[j];
        if (first + 2 * j + 1 < count) out[first + 2 * j + 1] = v[j];
      }
    }
  }
};

// Runs `Body` on one buffer of words after another; a buffer holds whole lanes of pairs.
template <class Body, class T>
void from_words(std::uint64_t key, std::uint64_t counter, T* out, std::size_t count) {
  static constexpr auto kernels = compile_per_isa<Body, const std::uint64_t*, T*, std::size_t>();
  constexpr std::size_t size = 512;
  std::uint64_t words[size];
  for (std::size_t done = 0; done < count; done += size) {
    const std::size_t now = std::min(size, count - done);
    philox_words(key, counter + done / 2, words, static_cast<std::size_t>(blocks_for(now)));
    if (now < size) std::fill(words + 2 * blocks_for(now), words + size, 0);
    kernels[static_cast<std::size_t>(active_isa())](words, out + done, now);
  }
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  Blocks<1> block{{counter[0]}, {counter[1]}, {counter[2]}, {counter[3]}};
  block.rounds(key[0], key[1]);
  return {block.c0[0], block.c1[0], block.c2[0], block.c3[0]};
}

void philox_words(std::uint64_t key, std::uint64_t counter, std::uint64_t* words, std::size_t blocks) {
  static constexpr auto kernels =
      compile_per_isa<WordsBody, std::uint64_t, std::uint64_t, std::uint64_t*, std::size_t>();
  kernels[static_cast<std::size_t>(active_isa())](key, counter, words, blocks);
}

template <class T>
void draw_uniform(std::uint64_t key, std::uint64_t counter, T* out, std::size_t count) {
  from_words<UniformBody<T>>(key, counter, out, count);
}

template <class T>
void draw_normal(std::uint64_t key, std::uint64_t counter, T* out, std::size_t count) {
  from_words<NormalBody<T>>(key, counter, out, count);
}

template void draw_uniform<float>(std::uint64_t, std::uint64_t, float*, std::size_t);
template void draw_uniform<double>(std::uint64_t, std::uint64_t, double*, std::size_t);
template void draw_normal<float>(std::uint64_t, std::uint64_t, float*, std::size_t);
template void draw_normal<double>(std::uint64_t, std::uint64_t, double*, std::size_t);

}  // namespace wengert::kernel
