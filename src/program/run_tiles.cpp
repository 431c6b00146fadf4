// Runs a group of elementwise calls tile by tile.
#include "base/parallel.hpp"
#include "kernel/fold.hpp"
#include "program/executable.hpp"

#include <algorithm>
#include <cstdint>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace wengert::program {
namespace {

struct Tile {
  std::size_t row, rows, column, columns;
};

// Writes to memory past the caches, which would first load the old contents of the lines.
template <class T>
void stream(const T* from, std::size_t count, T* to) {
#if defined(__x86_64__)
  if (reinterpret_cast<std::uintptr_t>(to) % 16 == 0) {
    constexpr std::size_t step = 16 / sizeof(T);
    std::size_t i = 0;
    for (; i + step <= count; i += step)
      _mm_stream_si128(reinterpret_cast<__m128i*>(to + i), _mm_load_si128(reinterpret_cast<const __m128i*>(from + i)));
    std::copy(from + i, from + count, to + i);
    return;
  }
#endif
  std::copy_n(from, count, to);
}
void finish_streams() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

template <class T>
void add_up(TileWorker<T>& worker, std::size_t s, const TileSum<T>& sum, const Tile& tile) {
  const T* values = worker.calls[sum.call].out;
  T* part = worker.part.data();
  switch (sum.kind) {
    case TrailingSum::total:
      kernel::fold_axis<kernel::Fold::sum>(values, part, 1, tile.rows * tile.columns, 1);
      worker.totals[s] += static_cast<double>(*part);
      break;
    case TrailingSum::columns: {
      kernel::fold_axis<kernel::Fold::sum>(values, part, 1, tile.rows, tile.columns);
      T* to = worker.columns[s].data() + tile.column;
      for (std::size_t c = 0; c < tile.columns; ++c) to[c] += part[c];
      break;
    }
    case TrailingSum::rows: {
      kernel::fold_axis<kernel::Fold::sum>(values, part, tile.rows, tile.columns, 1);
      T* to = sum.out + tile.row;
      for (std::size_t r = 0; r < tile.rows; ++r) to[r] = tile.column == 0 ? part[r] : to[r] + part[r];
      break;
    }
    case TrailingSum::unfused:
      break;
  }
}

template <class T>
void run_tile(const TileGroup<T>& group, TileWorker<T>& worker, std::size_t plane, const Tile& tile) {
  const std::size_t inner = group.loops.extents.size() - 1;
  for (std::size_t i = 0; i < group.operands.size(); ++i) {
    const TileOperand<T>& operand = group.operands[i];
    worker.planes[operand.plane].data = operand.data + worker.offsets[i] +
                                        static_cast<std::ptrdiff_t>(tile.row) * operand.strides[inner - 1] +
                                        static_cast<std::ptrdiff_t>(tile.column) * operand.strides[inner];
  }
  const std::size_t at =
      (plane * group.loops.rows() + tile.row) * group.loops.columns() + tile.column;  // in contiguous results
  auto* const streams = reinterpret_cast<T*>(worker.streams.get());
  for (const TileResult<T>& result : group.results)
    worker.calls[result.call].out = result.streams ? streams + result.buffer : result.data + at;
  for (const TileSlot& slot : group.slots)
    for (const std::uint32_t p : slot.planes) worker.planes[p].row_stride = static_cast<std::ptrdiff_t>(tile.columns);
  for (KernelCall<T>& call : worker.calls) {
    call.rows = tile.rows;
    call.columns = tile.columns;
  }
  for (RegisterChain<T>& chain : worker.chains) place_chain<T>(chain, worker.calls, worker.planes);
  run_calls<T>(worker.calls, worker.planes, worker.chains, 0, worker.calls.size());
  for (std::size_t s = 0; s < group.sums.size(); ++s) add_up(worker, s, group.sums[s], tile);
  for (const TileResult<T>& result : group.results)
    if (result.streams) stream(streams + result.buffer, tile.rows * tile.columns, result.data + at);
}

// Sets where each operand's plane starts, from the positions in the outer loops.
template <class T>
void set_offsets(const TileGroup<T>& group, TileWorker<T>& worker, std::size_t plane) {
  std::fill(worker.offsets.begin(), worker.offsets.end(), 0);
  for (std::size_t loop = group.loops.extents.size() - 2; loop-- > 0;) {
    const auto position = static_cast<std::ptrdiff_t>(plane % group.loops.extents[loop]);
    plane /= group.loops.extents[loop];
    for (std::size_t i = 0; i < group.operands.size(); ++i)
      worker.offsets[i] += group.operands[i].strides[loop] * position;
  }
}

// Runs rows of tiles [first, last), or tiles [first, last) if there is a single row of elements.
template <class T>
void run_part(const TileGroup<T>& group, TileWorker<T>& worker, std::size_t first, std::size_t last) {
  const std::size_t rows = group.loops.rows(), columns = group.loops.columns();
  const bool flat = rows * group.loops.planes() == 1;
  const std::size_t across = (columns + group.tile_columns - 1) / group.tile_columns;
  const std::size_t down = (rows + group.tile_rows - 1) / group.tile_rows;
  worker.used = true;
  std::fill(worker.totals.begin(), worker.totals.end(), 0);
  for (std::vector<T>& sums : worker.columns) std::fill(sums.begin(), sums.end(), T(0));
  const auto run_columns = [&](std::size_t plane, std::size_t row, std::size_t from, std::size_t to) {
    for (std::size_t c = from; c < to; ++c) {
      const std::size_t column = c * group.tile_columns;
      run_tile<T>(group, worker, plane,
                  {row, std::min(group.tile_rows, rows - row), column, std::min(group.tile_columns, columns - column)});
    }
  };
  if (flat) {
    set_offsets(group, worker, 0);
    run_columns(0, 0, first, last);
    return;
  }
  std::size_t known = group.loops.planes();  // the plane whose offsets are set
  for (std::size_t tile = first; tile < last; ++tile) {
    const std::size_t plane = tile / down;
    if (plane != known) set_offsets(group, worker, known = plane);
    run_columns(plane, tile % down * group.tile_rows, 0, across);
  }
}

// Adds up the sums of the workers, in order.
template <class T>
void finish_sums(TileGroup<T>& group) {
  for (std::size_t s = 0; s < group.sums.size(); ++s) {
    const TileSum<T>& sum = group.sums[s];
    double total = 0;
    bool first = true;
    for (const TileWorker<T>& worker : group.workers) {
      if (!worker.used) continue;
      total += worker.totals[s];
      if (sum.kind == TrailingSum::columns)
        for (std::size_t c = 0; c < sum.size; ++c)
          sum.out[c] = first ? worker.columns[s][c] : sum.out[c] + worker.columns[s][c];
      first = false;
    }
    if (sum.kind == TrailingSum::total) *sum.out = static_cast<T>(total);
  }
}

}  // namespace

template <class T>
void add_workers(TileGroup<T>& group, std::size_t count) {
  while (group.workers.size() < count) {
    TileWorker<T>& worker = group.workers.emplace_back();
    worker.tiles = allocate(group.slot_elements * sizeof(T));
    worker.streams = allocate(group.stream_elements * sizeof(T));
    worker.calls = group.calls;
    worker.planes = group.planes;
    worker.chains = group.chains;
    worker.offsets.resize(group.operands.size());
    auto* tiles = reinterpret_cast<T*>(worker.tiles.get());
    for (const TileSlot& slot : group.slots) {
      worker.calls[slot.call].out = tiles + slot.offset;
      for (const std::uint32_t p : slot.planes) worker.planes[p] = {tiles + slot.offset, 0, true};
    }
    if (group.sums.empty()) continue;
    worker.part.resize(group.tile_elements);
    worker.totals.resize(group.sums.size());
    for (const TileSum<T>& sum : group.sums)
      worker.columns.emplace_back(sum.kind == TrailingSum::columns ? sum.size : 0);
  }
}

template <class T>
void run_tiles(TileGroup<T>& group) {
  const std::size_t lines = group.loops.planes() * group.loops.rows();
  const std::size_t elements = lines * group.loops.columns() * group.calls.size();
  add_workers(group, static_cast<std::size_t>(kernel::threads_for(elements >= kernel::large_work)));
  for (TileWorker<T>& worker : group.workers) worker.used = false;
  const std::size_t tiles = lines == 1
                                ? (group.loops.columns() + group.tile_columns - 1) / group.tile_columns
                                : group.loops.planes() * ((group.loops.rows() + group.tile_rows - 1) / group.tile_rows);
  kernel::parallel_for(tiles, 1, elements, [&](std::size_t first, std::size_t last) {
    const bool all = first == 0 && last == tiles;
    run_part(group, group.workers[all ? 0 : static_cast<std::size_t>(kernel::omp_get_thread_num())], first, last);
    if (group.streams) finish_streams();
  });
  finish_sums(group);
}

#define WENGERT_INSTANTIATE(T)                           \
  template void add_workers(TileGroup<T>&, std::size_t); \
  template void run_tiles(TileGroup<T>&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::program
