// The executable form of a Program: instructions with the addresses of their operands.
#pragma once

#include "kernel/elementwise.hpp"
#include "kernel/stages.hpp"
#include "program/passes.hpp"
#include "program/tiles.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace wengert::program {

struct FreeAligned {
  void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{64}); }
};
/// Memory aligned to a cache line; allocate() fills it with zeros, so results are zeros before the first replay.
using Memory = std::unique_ptr<std::byte[], FreeAligned>;
Memory allocate(std::size_t bytes);

/// A call of an elementwise kernel on a whole value or a tile. Its operands are `arity` planes from `first_plane` on.
template <class T>
struct KernelCall {
  kernel::Elementwise<T>* kernel = nullptr;
  std::uint32_t first_plane = 0, arity = 0;
  T* out = nullptr;
  std::size_t rows = 1, columns = 0;
  const double* parameters = nullptr;
  std::uint32_t chain = none;  // the register chain that begins with this call, if any
};

template <class T>
inline void run_call(const KernelCall<T>& call, const kernel::Plane<T>* planes) {
  if (call.rows == 1)
    call.kernel(planes, call.out, 1, call.columns, call.parameters);
  else
    kernel::run_rows<T>(call.kernel, call.parameters, {planes, call.arity}, call.out, call.rows, call.columns);
}

/// A register chain: neighbouring calls, each of which reads the result of the previous one in registers. A result is
/// stored only if something else reads it.
template <class T>
struct RegisterChain {
  struct Operand {
    std::uint32_t stage = 0, operand = 0, plane = 0;
  };
  struct Result {
    std::uint32_t stage = 0, call = 0;
  };
  std::uint32_t first = 0, last = 0;  // calls
  std::vector<kernel::Stage<T>> stages;
  std::vector<Operand> operands;  // which planes the stages read
  std::vector<Result> results;    // which calls' results they store

  /// The chain with `calls` and `planes` added to the numbers of its calls and planes.
  RegisterChain moved(std::uint32_t calls, std::uint32_t planes) const {
    RegisterChain chain = *this;
    chain.first += calls;
    chain.last += calls;
    for (Operand& operand : chain.operands) operand.plane += planes;
    for (Result& result : chain.results) result.call += calls;
    return chain;
  }
};

/// Sets the addresses of a chain's operands and results in its stages. (register_chains.cpp)
template <class T>
void place_chain(RegisterChain<T>& chain, std::span<const KernelCall<T>> calls,
                 std::span<const kernel::Plane<T>> planes);

/// Runs calls [first, last), including register chains, which use the addresses that `place_chain` set last.
template <class T>
void run_calls(std::span<const KernelCall<T>> calls, std::span<const kernel::Plane<T>> planes,
               std::span<const RegisterChain<T>> chains, std::size_t first, std::size_t last);

/// An operand whose address moves with the tile.
template <class T>
struct TileOperand {
  std::uint32_t plane = 0;  // of the group
  const T* data = nullptr;
  std::vector<std::ptrdiff_t> strides;  // by loop
};

/// The result of a call, whose address moves with the tile.
template <class T>
struct TileResult {
  std::uint32_t call = 0;  // of the group
  T* data = nullptr;
  // A result that exceeds the caches, and that nothing but sums of the group reads, goes to a worker's buffer (at
  // offset `buffer`, in elements) and is streamed to memory from there.
  bool streams = false;
  std::size_t buffer = 0;
};

/// A value that stays in the tile: the call that writes it, its offset in a worker's tiles (in elements), and the
/// planes that read it.
struct TileSlot {
  std::uint32_t call = 0;
  std::size_t offset = 0;
  std::vector<std::uint32_t> planes;
};

/// A sum over a value of a fusion group, accumulated tile by tile.
template <class T>
struct TileSum {
  TrailingSum kind = TrailingSum::unfused;
  std::uint32_t call = 0;  // whose result is summed
  T* out = nullptr;
  std::size_t size = 0;
};

/// A sum over a value of a fusion group that fits in one tile.
template <class T>
struct SumCall {
  TrailingSum kind = TrailingSum::unfused;
  const T* values = nullptr;
  std::size_t rows = 0, columns = 0;
  T* out = nullptr;
};

/// The state of one thread: its tiles, and the calls and planes that point to them.
template <class T>
struct TileWorker {
  Memory tiles, streams;
  std::vector<KernelCall<T>> calls;
  std::vector<kernel::Plane<T>> planes;
  std::vector<RegisterChain<T>> chains;
  std::vector<std::ptrdiff_t> offsets;  // of the operands, in the current plane
  std::vector<T> part;                  // the sums of one tile
  std::vector<double> totals;           // by sum
  std::vector<std::vector<T>> columns;  // by sum: the partial sum of each column
  bool used = false;
};

/// The elementwise calls of a fusion group, which run one after another on every tile.
template <class T>
struct TileGroup {
  TileLoops loops;
  std::size_t tile_rows = 1, tile_columns = 1;
  std::size_t tile_elements = 0, slot_elements = 0, stream_elements = 0;  // of one tile, of all slots, of all buffers
  bool streams = false;                                                   // whether any result is streamed
  std::vector<KernelCall<T>> calls;                                       // copied to every worker
  std::vector<kernel::Plane<T>> planes;
  std::vector<RegisterChain<T>> chains;
  std::vector<TileOperand<T>> operands;
  std::vector<TileResult<T>> results;
  std::vector<TileSlot> slots;
  std::vector<TileSum<T>> sums;
  std::vector<TileWorker<T>> workers;
};

/// Finds the register chains among a group's calls, which compute `entries`. (register_chains.cpp)
template <class T>
void find_chains(const Graph<T>& graph, std::span<const std::uint32_t> entries, TileGroup<T>& group);
/// Runs a group, on several threads if it is large. (run_tiles.cpp)
template <class T>
void run_tiles(TileGroup<T>& group);
/// Adds workers until the group has at least `count`.
template <class T>
void add_workers(TileGroup<T>& group, std::size_t count);

/// A structural op on whole values.
template <class T>
struct StructuralCall {
  const Op<T>* op = nullptr;
  void* attributes = nullptr;
  std::uint32_t first_value = 0, arity = 0;
  Value<T> out;
  bool accumulates = false;
  double alpha = 1, beta = 0;
  const T* factor = nullptr;  // multiplies alpha
};

/// A copy of elements at the beginning or the end of a replay.
template <class T>
struct CopyCall {
  Value<const T> from;
  T* to = nullptr;
  bool indices = false;
};

struct Instruction {
  enum class Kind : std::uint8_t { kernels, sum, tiles, structural, copy };
  Kind kind = Kind::kernels;
  std::uint32_t first = 0, last = 0;   // calls of its kind
  std::vector<std::uint32_t> entries;  // what it computes, for profiles and errors
};

/// A pointer to the memory of an input or a borrowed tensor, set at each replay.
template <class T>
struct Binding {
  std::uint32_t input = 0;
  const T** pointer = nullptr;
  std::ptrdiff_t bytes = 0;  // from the start of the input
};

template <class T>
struct Executable {
  Memory arena;
  Memory tiles;  // of fusion groups that fit in one tile
  std::size_t arena_bytes = 0, tile_bytes = 0;
  std::vector<Instruction> instructions;
  std::vector<kernel::Plane<T>> planes;
  std::vector<KernelCall<T>> calls;
  std::vector<RegisterChain<T>> chains;
  std::vector<SumCall<T>> sums;
  std::vector<TileGroup<T>> groups;
  std::vector<Value<const T>> values;
  std::vector<StructuralCall<T>> structural;
  std::vector<CopyCall<T>> copies;
  std::vector<Binding<T>> bindings;
  std::vector<const std::byte*> bound;  // by input: the address that its bindings refer to
  std::vector<Value<const T>> outputs;
  std::vector<std::shared_ptr<Layout>> layouts;  // of outputs that are copies

  void bind(std::uint32_t input, const void* data);
  void run(const Instruction& instruction);
};

/// Lowers a planned schedule to instructions. The graph must outlive the executable, which refers to its layouts,
/// attributes and constants. (lowering.cpp)
template <class T>
Executable<T> lower(const Graph<T>& graph, const Schedule& schedule, const MemoryPlan& plan);

}  // namespace wengert::program
