// The parts of a register chain besides its ops: the load, store and end stages, and the loop over rows.
#pragma once

#include <wengert/simd/stage.hpp>

#include <cstddef>

namespace wengert::kernel {

/// A stage that loads its first operand into the registers.
template <class T>
Stage<T> loading_stage();

/// A stage that stores the registers to `out`. A streaming one bypasses the caches; its `out` is aligned to 64 bytes.
template <class T>
Stage<T> storing_stage(bool streams);

/// The last stage of a register chain.
template <class T>
Stage<T> last_stage();

/// The size of a register in bytes; register chains process whole registers.
std::size_t register_bytes();

/// Runs a register chain over `rows` rows of `columns` elements, a multiple of a lane's width.
template <class T>
void run_stages(const Stage<T>* first, std::size_t rows, std::size_t columns);

}  // namespace wengert::kernel
