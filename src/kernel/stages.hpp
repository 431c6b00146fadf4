// What a chain of stages needs beside its ops: loading, storing, and the loop over rows.
#pragma once

#include <wengert/kernel/stage_body.hpp>

#include <cstddef>

namespace wengert::kernel {

/// A stage that loads its first operand into the registers.
template <class T>
Stage<T> loading_stage();

/// One that stores the registers to `out`; past the caches if it streams, where `out` is aligned to 64 bytes.
template <class T>
Stage<T> storing_stage(bool streams);

/// The last stage of a chain.
template <class T>
Stage<T> last_stage();

/// The bytes of a register: chains run on whole ones.
std::size_t register_bytes();

/// Runs a chain on so many rows, and columns, a multiple of a lane's.
template <class T>
void run_stages(const Stage<T>* first, std::size_t rows, std::size_t columns);

}  // namespace wengert::kernel
