// For op authors: the table that defines an op, the Pullback that its vjp is given, and the registry.
#pragma once

#include <wengert/index_var.hpp>
#include <wengert/kernel/isa.hpp>
#include <wengert/kernel/text.hpp>
#include <wengert/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wengert {

namespace kernel {

/// One operand of an elementwise kernel: a plane of rows. Along a row, it steps by one element or repeats the first.
template <class T>
struct Plane {
  const T* data;
  std::ptrdiff_t row_stride;
  bool column_steps;  // false: one element for the whole row
};

/// Computes rows × columns elements, contiguous in `out`.
template <class T>
using Elementwise = void(const Plane<T>* operands, T* out, std::size_t rows, std::size_t columns,
                         const double* parameters);

/// Machine code whose signature depends on the instruction set (see Stage).
using StageCode = void (*)();

}  // namespace kernel

/// The random numbers that an op draws, part of its attributes: blocks of a generator's stream (see ops/random.hpp).
struct Draw {
  std::uint64_t key = 0;      ///< key of the stream
  std::uint64_t counter = 0;  ///< counter of the first block
  std::uint64_t blocks = 0;   ///< number of blocks
};

/// The elements that a sum adds up: those along `count` in a contiguous value seen as (outer, count, inner).
struct Summed {
  std::size_t outer = 1;  ///< the product of the extents before the axis
  std::size_t count = 1;  ///< the extent of the axis
  std::size_t inner = 1;  ///< the product of the extents after it
};

/// The definition of an op as the engine uses it: one constant table per op and scalar type, made by `elementwise(...)`
/// or StructuralTable.
template <class T>
struct Op {
  std::string_view name;  ///< its name in messages, graphs and the registry
  /// The function that the caller used, if it has another name: `add` for add_scalar.
  std::string_view called{};
  /// Elementwise ops: the kernel for each instruction set.
  kernel::PerIsa<kernel::Elementwise<T>> kernels{};
  /// Elementwise ops of few operations: the code of their stage in a register chain, which takes input `place` in one
  /// or four registers of `bytes` bytes. Null if there is none (see kernel::Stage).
  kernel::StageCode (*stage)(std::size_t bytes, std::size_t place, std::size_t lanes) = nullptr;
  /// Elementwise ops: the number of scalar parameters, which are the attributes.
  std::size_t parameters = 0;
  /// Elementwise ops: the inputs that the kernel reads, one bit each, determined by evaluating the formula on `Reads`.
  std::uint32_t reads = ~std::uint32_t{0};
  /// Structural ops: the result's shape. Throws ShapeError or AxisError.
  Shape (*shape)(const void* attributes, std::span<const Shape* const> inputs) = nullptr;
  /// Structural ops: computes a contiguous result.
  void (*forward)(const void* attributes, std::span<const Value<const T>> inputs, Value<T> out) = nullptr;
  /// Views: the result's layout in the input's storage, and the offset of its first element, in elements. Returns false
  /// if the input must be made contiguous first.
  bool (*view)(const void* attributes, const Layout& input, Layout& out, std::ptrdiff_t& offset) = nullptr;
  /// Whether `forward` takes inputs with any strides; otherwise they are made contiguous.
  bool takes_strides = false;
  /// Structural ops: the inputs that are indices, one bit each. Their Values point to 64-bit integers, whatever their
  /// type says; the same holds for the result.
  std::uint8_t index_inputs = 0;
  bool index_output = false;  ///< whether the result holds integers
  /// Records the cotangents of the inputs.
  void (*vjp)(Pullback<T>&) = nullptr;
  /// The op as text, applied to the texts of its inputs.
  Text (*text)(const void* attributes, std::span<const Text> inputs) = nullptr;
  /// Structural ops: the size of their attributes in bytes.
  std::size_t attribute_bytes = 0;

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
  /// Structural ops that sum elements of their only input: which elements.
  Summed (*summed)(const void* attributes, const Shape& input) = nullptr;
  /// Structural ops of one input that process each row along its last axis independently.
  bool rowwise = false;
  /// Compute-bound structural ops: their number of floating-point operations.
  double (*flops)(const void* attributes, std::span<const Shape* const> inputs) = nullptr;
  /// Ops that draw random numbers: the Draw among their attributes. Their last input keeps the generator alive.
  Draw& (*draw)(void* attributes) = nullptr;
  /// The op only checks its first input. A Program that computes that input, or writes parameters, runs the op although
  /// nothing reads its result.
  bool guards = false;
  /// The node has the value of an older one, whose index its attributes hold.
  bool stands_for = false;

  /// The size of the attributes of any op in bytes.
  std::size_t attribute_size() const { return attribute_bytes + parameters * sizeof(double); }
};

/// The interface of an op's vjp: the node, the cotangent of its value, and the destination of the inputs' cotangents.
template <class T>
class Pullback {
 public:
  /// For the engine: `base` is the slot of the adjoint of node `first`.
  Pullback(Tape<T>& tape, std::size_t index, Var<T> cotangent, std::size_t base, std::size_t first)
      : tape_(tape), index_(index), cotangent_(cotangent), base_(base), first_(first) {}

  /// The tape to record on.
  Tape<T>& tape() const { return tape_; }
  /// The node being differentiated.
  const Node<T>& node() const { return tape_.node(index_); }
  /// The cotangent of the node's value.
  const Var<T>& cotangent() const { return cotangent_; }
  /// The node's value.
  Var<T> output() const { return tape_.at(index_); }
  /// Input `i` of the node.
  Var<T> input(std::size_t i) const { return tape_.at(tape_.inputs(index_)[i]); }
  /// The number of inputs.
  std::size_t arity() const { return tape_.inputs(index_).size(); }
  /// Whether the cotangent of input `i` is needed.
  bool needs(std::size_t i) const {
    const std::size_t input = tape_.edges_[node().first_edge + i];
    return input >= first_ && tape_.adjoints_[base_ + (input - first_)].depends;
  }
  /// Adds `cotangent` to that of input `i`, if it is needed. Throws ShapeError if the input has another shape.
  void give(std::size_t i, Var<T> cotangent);
  /// As `give`, for an input that needs it and a cotangent known to have its shape.
  void pass(std::size_t i, const Var<T>& cotangent) {
    tape_.accumulate(base_ + (tape_.edges_[node().first_edge + i] - first_), cotangent);
  }
  /// The op's attributes, as recorded.
  template <class Attributes>
  const Attributes& attributes() const {
    return *static_cast<const Attributes*>(node().attributes);
  }

 private:
  Tape<T>& tape_;
  std::size_t index_;
  Var<T> cotangent_;
  std::size_t base_;  // slot of the adjoint of node `first_`; those of later nodes follow
  std::size_t first_;
};

/// The tape of an operand. Throws HandleError, naming the op and the caller's line, if the operand is empty or stale,
/// or its tape was destroyed.
template <class T>
Tape<T>& tape_of(Var<T> operand, std::string_view op, const Location& where) {
  Tape<T>& tape = operand.tape(op, where);
  tape.node(operand, op, where);
  return tape;
}

/// Runs `record_all`; if it throws, rewinds everything it recorded on `tape` and adds the caller's line to the error.
/// `where` is passed by value: it may be a node's, and rewinding frees nodes.
template <class T, class F>
auto atomically(Tape<T>& tape, Location where, F&& record_all) {
  const auto start = tape.mark();
  try {
    return record_all();
  } catch (Error& error) {
    tape.rewind(start);
    error.locate(where);
    throw;
  } catch (...) {
    tape.rewind(start);
    throw;
  }
}

/// The range of an op's input values in a check; values are drawn uniformly from [low, high].
struct Domain {
  double low = -2;  ///< inclusive
  double high = 2;  ///< inclusive
};

/// One application of an op, on which its derivative is checked.
struct OpExample {
  std::string label;                                                        ///< the op with its attributes
  std::vector<Shape> shapes;                                                ///< shapes of the inputs
  std::vector<Domain> domains;                                              ///< ranges of the values of each input
  std::function<Var<double>(std::span<const Var<double>>)> apply;           ///< the application, in double
  std::function<Var<float>(std::span<const Var<float>>)> apply_in_float{};  ///< empty: checked in double only
  bool any_extents = true;  ///< whether it accepts inputs of other extents, or rejects them with an Error
};

/// One row of the op registry.
struct OpRow {
  std::string_view name;        ///< the name it is found by
  std::string_view notation;    ///< the formula
  std::string_view convention;  ///< behaviour at kinks, ties and edges; empty if there are none
  bool differentiable = true;   ///< false: the derivative is zero wherever it exists, or the result is indices
  // Elementwise ops: their examples are derived from these.
  const Op<double>* table = nullptr;          ///< the op in double
  const Op<float>* table_in_float = nullptr;  ///< the op in float
  std::size_t arity = 0;                      ///< the number of inputs
  std::span<const double> parameters{};       ///< example parameters: one set, or several sets one after another
  bool any_parameters = false;                ///< whether checks may use other parameters
  Domain domain{};                            ///< range of the input values
  /// Structural ops, and functions composed of ops: their own examples.
  std::vector<OpExample> (*own_examples)() = nullptr;

  /// The applications on which the op's derivative is checked.
  std::vector<OpExample> examples() const;
  /// Elementwise ops: an application with these parameters to inputs of these shapes.
  OpExample example(std::vector<Shape> shapes, std::vector<double> values) const;
};

/// All ops defined in this program, in no particular order; complete before `main`.
const std::vector<OpRow>& op_registry();

/// Adds a row. The definition of an op calls it once. A function composed of ops can call it, with a name, a notation
/// and its own examples, to be listed and checked.
bool register_op(const OpRow& row);

extern template class Pullback<float>;
extern template class Pullback<double>;

}  // namespace wengert
