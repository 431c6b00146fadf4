// Sets the number of threads of the hand-written programs, through OpenMP.
#include "../common/work.hpp"

extern "C" void omp_set_num_threads(int count);  // from the OpenMP runtime of oneDNN

void bench::set_threads(int count) { omp_set_num_threads(count); }
