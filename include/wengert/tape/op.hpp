// For op authors: the table that defines an op.
#pragma once

#include <wengert/simd/plane.hpp>
#include <wengert/simd/text.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/tape/pullback.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace wengert {

class Symbol;
template <class X>
struct Dual;

/// The random numbers that an op draws, part of its attributes: blocks of a generator's stream (see ops/random.hpp).
struct Draw {
  std::uint64_t key = 0;      ///< key of the stream
  std::uint64_t counter = 0;  ///< counter of the first block
  std::uint64_t blocks = 0;   ///< number of blocks
};

/// The elements that a sum adds up: those along the second axis of a contiguous value treated as (outer, count, inner).
struct Summed {
  std::size_t outer = 1;  ///< the product of the extents before the axis
  std::size_t count = 1;  ///< the extent of the axis
  std::size_t inner = 1;  ///< the product of the extents after it
};

/// The definition of an op: one constant table for each op and scalar type, made by `elementwise(...)` or
/// StructuralTable.
template <class T>
struct Op {
  std::string_view name;  ///< its name in messages, graphs and the registry
  /// The function that the caller called, if it has another name: `add` for add_scalar.
  std::string_view called{};
  /// Elementwise ops: the kernel for each instruction set.
  kernel::ElementwiseKernels<T> kernels{};
  /// Elementwise ops of few operations: the code of their stage in a register chain, which takes input `place` in
  /// `lanes` registers (1 or 4) of `bytes` bytes. Null if there is none (see kernel::Stage).
  kernel::StageCode (*stage)(std::size_t bytes, std::size_t place, std::size_t lanes) = nullptr;
  /// Elementwise ops: the number of scalar parameters, which are the attributes.
  std::size_t parameters = 0;
  /// Elementwise ops: the inputs that the kernel reads, one bit each; the formula, evaluated on `InputSet`, gives them.
  std::uint32_t reads = ~std::uint32_t{0};
  /// Elementwise ops: evaluates the formula on Symbols, the inputs followed by the parameters, and so records the ops
  /// that it calls. Pullbacks also give the derivative with respect to input `along`, times `tangent`. Null for
  /// primitive ops: arithmetic, comparisons, `where`, and functions such as `exp`.
  Dual<Symbol> (*formula)(std::span<const Symbol> x, std::size_t along, const Symbol& tangent) = nullptr;
  /// Structural ops: the result's shape. Throws ShapeError or AxisError.
  Shape (*shape)(const void* attributes, std::span<const Shape* const> inputs) = nullptr;
  /// Structural ops: computes a contiguous result.
  void (*forward)(const void* attributes, std::span<const Value<const T>> inputs, Value<T> out) = nullptr;
  /// Scatters, whose result is zero except where elements of the first input are added: adds the result to `out`, in
  /// time proportional to the first input. Their vjp must not read the output.
  void (*add_to)(const void* attributes, std::span<const Value<const T>> inputs, Value<T> out) = nullptr;
  /// Views: the result's layout in the input's storage, and the offset of its first element, in elements. Returns false
  /// if the input must be made contiguous first.
  bool (*view)(const void* attributes, const Layout& input, Layout& out, std::ptrdiff_t& offset) = nullptr;
  /// Whether `forward` takes inputs with any strides; otherwise, inputs are made contiguous first.
  bool takes_strides = false;
  /// Structural ops: the inputs that are indices, one bit each. Their Values point to 64-bit integers despite their
  /// type, as does the result if `index_output` is set.
  std::uint8_t index_inputs = 0;
  bool index_output = false;  ///< whether the result holds integers
  /// Records the cotangents of the inputs and passes them to the Pullback.
  void (*vjp)(Pullback<T>&) = nullptr;
  /// The op as text, applied to the texts of its inputs.
  Text (*text)(const void* attributes, std::span<const Text> inputs) = nullptr;
  /// Structural ops: the size of their attributes in bytes.
  std::size_t attribute_bytes = 0;
  /// Whether the size of the attributes differs between nodes: they then begin with it, as a std::size_t.
  bool sized_attributes = false;

  /// The name that errors use.
  std::string_view subject() const { return called.empty() ? name : called; }

  // Properties that Programs use.
  /// Elementwise ops that are signed sums of their inputs: the sign of each input.
  std::span<const int> signs{};
  /// Elementwise ops that multiply their input by their parameter.
  bool scales = false;
  bool multiplies = false;  ///< elementwise ops that multiply their two inputs
  /// Structural ops: out = alpha · f(inputs) + beta · out.
  void (*accumulate)(const void* attributes, std::span<const Value<const T>> inputs, Value<T> out, double alpha,
                     double beta) = nullptr;
  /// Structural ops that sum elements of their only input: the elements of each sum.
  Summed (*summed)(const void* attributes, const Shape& input) = nullptr;
  /// Structural ops of one input that process each row along its last axis independently.
  bool rowwise = false;
  /// Compute-bound structural ops: their number of floating-point operations.
  double (*flops)(const void* attributes, std::span<const Shape* const> inputs) = nullptr;
  /// Ops that draw random numbers: the Draw among their attributes. Their last input keeps the generator alive.
  Draw& (*draw)(void* attributes) = nullptr;
  /// Whether the op only checks its first input. A Program that computes that input, or writes parameters, runs the op
  /// although nothing reads its result.
  bool guards = false;
  /// Whether the op's nodes have the value of an older node, whose index is their attribute.
  bool stands_for = false;

  /// The size of a node's attributes in bytes, for elementwise and structural ops.
  std::size_t attribute_size(const void* attributes) const {
    return sized_attributes ? *static_cast<const std::size_t*>(attributes)
                            : attribute_bytes + parameters * sizeof(double);
  }
};

template <class T>
Tape<T>& Var<T>::tape(const Op<T>& op, const Location& where) const {
  if (!detail::is_live(tape_)) [[unlikely]]
    refuse(op.subject(), where);
  return *tape_;
}

namespace detail {
// Records an elementwise op on the tape of the first operand that is a Var. Throws HandleError if none is.
template <class T>
Var<T> record_operands(const Op<T>& op, std::span<const Operand<T>* const> operands,
                       std::span<const double> parameters);
}  // namespace detail

/// The tape of an operand. Throws HandleError, naming the op and the caller's line, if the operand is empty or stale,
/// or its tape was destroyed.
template <class T>
Tape<T>& tape_of(Var<T> operand, std::string_view op, const Location& where) {
  Tape<T>& tape = operand.tape(op, where);
  tape.node(operand, op, where);
  return tape;
}

namespace detail {
// Rewinds `tape` to `start`, adds the line `where` to the current exception if it has none, and rethrows it.
template <class T>
[[noreturn]] void undo_recording(Tape<T>& tape, const typename Tape<T>::Mark& start, const Location& where);
}  // namespace detail

/// Returns what `record` returns. If it throws, rewinds `tape` to where it was and adds the line `where`, if the
/// error has none. `where` is passed by value: it may belong to a node, and rewinding frees nodes.
template <class T, class F>
auto atomically(Tape<T>& tape, Location where, F&& record) {
  const auto start = tape.mark();
  try {
    return record();
  } catch (...) {
    detail::undo_recording(tape, start, where);
  }
}

}  // namespace wengert
