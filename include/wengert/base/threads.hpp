// The number of threads that one operation may use.
#pragma once

namespace wengert {

/// Sets how many threads a large operation may use, for the whole process: at least 1, and at most 1024 or four times
/// the number of hardware threads, whichever is more. Throws ValueError for any other number; 0 does not select one
/// automatically. For a given number, results are bit-identical from run to run.
void set_num_threads(int count);

/// How many threads a large operation may use; initially as many as OpenMP offers (OMP_NUM_THREADS).
///
/// In a child of fork() it is 1, whatever is set: the parent's threads do not exist there, and OpenMP's runtime would
/// wait for them.
int num_threads() noexcept;

}  // namespace wengert
