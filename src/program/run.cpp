// Binds inputs and runs one instruction at a time.
#include "kernel/fold.hpp"
#include "program/executable.hpp"

#include <cstring>

namespace wengert::program {
template <class T>
void Executable<T>::bind(std::uint32_t input, const void* data) {
  if (data == nullptr) data = Pool::no_elements;
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
      run_calls<T>(calls, planes, chains, instruction.first, instruction.last);
      break;
    case Instruction::Kind::sum: {
      const SumCall<T>& sum = sums[instruction.first];
      const bool total = sum.kind == TrailingSum::total, columns_stay = sum.kind == TrailingSum::columns;
      const std::size_t elements = sum.rows * sum.columns;
      kernel::fold_axis<kernel::Fold::sum>(sum.values, sum.out, total || columns_stay ? 1 : sum.rows,
                                           total          ? elements
                                           : columns_stay ? sum.rows
                                                          : sum.columns,
                                           columns_stay ? sum.columns : 1);
      break;
    }
    case Instruction::Kind::tiles:
      run_tiles(groups[instruction.first]);
      break;
    case Instruction::Kind::structural: {
      const StructuralCall<T>& call = structural[instruction.first];
      const std::span<const Value<const T>> inputs(values.data() + call.first_value, call.arity);
      if (call.accumulates)
        call.op->accumulate(call.attributes, inputs, call.out,
                            call.factor == nullptr ? call.alpha : call.alpha * static_cast<double>(*call.factor),
                            call.beta);
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
