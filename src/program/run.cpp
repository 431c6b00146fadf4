// One instruction at a time.
#include "kernel/fold.hpp"
#include "program/executable.hpp"

#include <algorithm>
#include <cstring>

namespace wengert::program {
namespace {

template <class T>
void run_call(const Executable<T>& executable, const KernelCall<T>& call) {
  call.kernel(executable.planes.data() + call.first_plane, call.out, call.rows, call.columns, call.parameters);
}

struct Tile {
  std::size_t row, rows, column, columns;
};

template <class T>
void add_up(TileSum<T>& sum, const KernelCall<T>& call, const Tile& tile) {
  const std::size_t elements = tile.rows * tile.columns;
  switch (sum.kind) {
    case TrailingSum::total: {
      T part = 0;
      kernel::fold_axis<kernel::Fold::sum>(call.out, &part, 1, elements, 1);
      sum.total += static_cast<double>(part);
      break;
    }
    case TrailingSum::columns: {
      kernel::fold_axis<kernel::Fold::sum>(call.out, sum.part, 1, tile.rows, tile.columns);
      T* out = sum.out + tile.column;
      for (std::size_t c = 0; c < tile.columns; ++c) out[c] = tile.row == 0 ? sum.part[c] : out[c] + sum.part[c];
      break;
    }
    case TrailingSum::rows: {
      kernel::fold_axis<kernel::Fold::sum>(call.out, sum.part, tile.rows, tile.columns, 1);
      T* out = sum.out + tile.row;
      for (std::size_t r = 0; r < tile.rows; ++r) out[r] = tile.column == 0 ? sum.part[r] : out[r] + sum.part[r];
      break;
    }
    case TrailingSum::apart:
      break;
  }
}

// The calls of a group on one tile of a plane that starts `offsets` after each operand's data.
template <class T>
void run_tile(Executable<T>& executable, TileGroup<T>& group, std::span<const std::ptrdiff_t> offsets,
              std::size_t plane, const Tile& tile) {
  const std::size_t inner = group.loops.extents.size() - 1;
  for (std::size_t i = 0; i < group.operands.size(); ++i) {
    const TileOperand<T>& operand = group.operands[i];
    executable.planes[operand.plane].data = operand.data + offsets[i] +
                                            static_cast<std::ptrdiff_t>(tile.row) * operand.strides[inner - 1] +
                                            static_cast<std::ptrdiff_t>(tile.column) * operand.strides[inner];
  }
  const std::size_t at =
      (plane * group.loops.rows() + tile.row) * group.loops.columns() + tile.column;  // of contiguous results
  for (const TileResult<T>& result : group.results) executable.calls[result.call].out = result.data + at;
  for (const std::uint32_t p : group.inner_planes)
    executable.planes[p].row_stride = static_cast<std::ptrdiff_t>(tile.columns);
  for (std::uint32_t c = group.first_call; c < group.last_call; ++c) {
    KernelCall<T>& call = executable.calls[c];
    call.rows = tile.rows;
    call.columns = tile.columns;
    run_call(executable, call);
  }
  for (TileSum<T>& sum : group.sums) add_up(sum, executable.calls[sum.call], tile);
}

template <class T>
void run_group(Executable<T>& executable, TileGroup<T>& group) {
  for (TileSum<T>& sum : group.sums) sum.total = 0;
  const std::size_t outer = group.loops.extents.size() - 2;
  std::vector<std::ptrdiff_t>& offsets = group.offsets;
  std::fill(offsets.begin(), offsets.end(), 0);
  std::array<std::size_t, max_rank> position{};
  const std::size_t rows = group.loops.rows(), columns = group.loops.columns(), planes = group.loops.planes();
  for (std::size_t plane = 0; plane < planes; ++plane) {
    for (std::size_t row = 0; row < rows; row += group.tile_rows)
      for (std::size_t column = 0; column < columns; column += group.tile_columns)
        run_tile<T>(
            executable, group, offsets, plane,
            {row, std::min(group.tile_rows, rows - row), column, std::min(group.tile_columns, columns - column)});
    for (std::size_t loop = outer; loop-- > 0;) {  // the outer loops, counted like an odometer
      for (std::size_t i = 0; i < offsets.size(); ++i) offsets[i] += group.operands[i].strides[loop];
      if (++position[loop] < group.loops.extents[loop]) break;
      for (std::size_t i = 0; i < offsets.size(); ++i)
        offsets[i] -= group.operands[i].strides[loop] * static_cast<std::ptrdiff_t>(group.loops.extents[loop]);
      position[loop] = 0;
    }
  }
  for (const TileSum<T>& sum : group.sums)
    if (sum.kind == TrailingSum::total) *sum.out = static_cast<T>(sum.total);
}

}  // namespace

template <class T>
void Executable<T>::bind(std::uint32_t input, const void* data) {
  if (bound[input] == data) return;
  bound[input] = static_cast<const std::byte*>(data);
  for (const Binding<T>& binding : bindings)
    if (binding.input == input)
      *binding.pointer = reinterpret_cast<const T*>(static_cast<const std::byte*>(data) + binding.bytes);
}

template <class T>
void Executable<T>::run(const Instruction& instruction) {
  switch (instruction.kind) {
    case Instruction::Kind::kernels:
      for (std::uint32_t c = instruction.first; c < instruction.last; ++c) run_call(*this, calls[c]);
      break;
    case Instruction::Kind::tiles:
      run_group(*this, groups[instruction.first]);
      break;
    case Instruction::Kind::structural: {
      const StructuralCall<T>& call = structural[instruction.first];
      const std::span<const Value<const T>> inputs(values.data() + call.first_value, call.arity);
      if (call.accumulates)
        call.op->accumulate(call.attributes, inputs, call.out, call.alpha, call.beta);
      else
        call.op->forward(call.attributes, inputs, call.out);
      break;
    }
    case Instruction::Kind::copy: {
      const CopyCall<T>& copy = copies[instruction.first];
      if (copy.indices)
        copy_elements<std::int64_t>({reinterpret_cast<const std::int64_t*>(copy.from.data), copy.from.layout},
                                    reinterpret_cast<std::int64_t*>(copy.to));
      else
        copy_elements<T>(copy.from, copy.to);
      break;
    }
  }
}

template void Executable<float>::bind(std::uint32_t, const void*);
template void Executable<double>::bind(std::uint32_t, const void*);
template void Executable<float>::run(const Instruction&);
template void Executable<double>::run(const Instruction&);

}  // namespace wengert::program
