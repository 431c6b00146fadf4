// How many threads one operation may use.
#pragma once

namespace wengert {

/// Sets how many threads a large operation may use, in the whole process; at least 1. Throws ValueError below 1.
/// Results are bit-identical from run to run for a given number.
void set_num_threads(int count);

/// How many threads a large operation may use; at the start, as many as OpenMP offers (OMP_NUM_THREADS).
int num_threads() noexcept;

}  // namespace wengert
