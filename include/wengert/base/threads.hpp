// The number of threads that one operation may use.
#pragma once

namespace wengert {

/// Sets how many threads a large operation may use, for the whole process: from 1 to 1024, or to four times the
/// number of hardware threads if that is more. Throws ValueError for any other number, 0 included. For a given number
/// of threads, results are bit-identical from run to run.
void set_num_threads(int count);

/// How many threads a large operation may use; initially as many as OpenMP offers (OMP_NUM_THREADS).
///
/// In a child process of fork(), always 1: the parent's threads do not exist there, and OpenMP's runtime would wait for
/// them.
int num_threads() noexcept;

}  // namespace wengert
