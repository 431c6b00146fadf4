// How many threads one operation may use.
#pragma once

namespace wengert {

/// Sets how many threads a large operation may use, in the whole process: at least 1, and at most 1024 or four times
/// what the processor has, whichever is more. Throws ValueError for any other number; 0 does not stand for a choice of
/// the library's. Results are bit-identical from run to run for a given number.
void set_num_threads(int count);

/// How many threads a large operation may use; at the start, as many as OpenMP offers (OMP_NUM_THREADS).
///
/// In a child of fork() it is 1, whatever is set: the threads of the parent are not there, and OpenMP's runtime would
/// wait for them.
int num_threads() noexcept;

}  // namespace wengert
