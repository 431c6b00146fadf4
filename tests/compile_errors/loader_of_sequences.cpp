#include <wengert/data.hpp>

using wengert::data::Loader;
using wengert::data::Sequences;

// says: as Sequences do by length: pass them to fit directly
std::size_t batches_of(const Sequences<std::int64_t, std::int64_t>& texts) {
  return Loader(texts, {.batch_size = 2}).count();  // from here
}
