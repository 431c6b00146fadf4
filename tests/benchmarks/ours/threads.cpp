// Sets Wengert's number of threads.
#include "../common/work.hpp"
#include <wengert/wengert.hpp>

void bench::set_threads(int count) { wengert::set_num_threads(count); }
