// Philox4x32-10, a counter-based generator (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3",
// 2011): every block of four 32-bit words is a function of a key and the block's number alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace wengert::kernel {

/// The block of words for a counter and a key.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// The blocks with the numbers counter, counter + 1, … as one sequence of 64-bit words; the second half of the
/// generator's 128-bit counter is 0.
void philox_words(std::uint64_t key, std::uint64_t counter, std::uint64_t* words, std::size_t blocks);

/// Draws numbers uniformly from [0, 1), with 53 random bits each, or 24 for float. Element i uses half of block
/// counter + i/2 and nothing else.
template <class T>
void draw_uniform(std::uint64_t key, std::uint64_t counter, T* out, std::size_t count);
/// Draws from the standard normal distribution by the Box–Muller transform (1958): a block gives two numbers.
template <class T>
void draw_normal(std::uint64_t key, std::uint64_t counter, T* out, std::size_t count);

/// The number of blocks that `count` draws use.
constexpr std::uint64_t blocks_for(std::size_t count) { return static_cast<std::uint64_t>(count / 2 + count % 2); }

}  // namespace wengert::kernel
