// Sets the number of threads of the programs that use Wengert.
#include "../common/work.hpp"
#include <wengert/wengert.hpp>

void bench::set_threads(int count) { wengert::set_num_threads(count); }
