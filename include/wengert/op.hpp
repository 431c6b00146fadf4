// For authors of ops: the table an op is, what its vjp is given, and the registry.
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

/// One operand of an elementwise kernel: a plane of rows whose columns follow one another, or repeat the first.
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

/// The random numbers that an op draws, among its attributes: blocks of a generator's stream (see ops/random.hpp).
struct Draw {
  std::uint64_t key = 0;      ///< of the stream
  std::uint64_t counter = 0;  ///< of the first block
  std::uint64_t blocks = 0;   ///< how many it takes
};

/// The elements that a sum adds up: of a contiguous value seen as (outer, count, inner), those along `count`.
struct Summed {
  std::size_t outer = 1;  ///< the product of the extents before the axis
  std::size_t count = 1;  ///< the extent of the axis
  std::size_t inner = 1;  ///< the product of the extents behind it
};

/// What the engine knows of an op: one constant table an op and scalar type, made from its definition by
/// `elementwise(...)` or `structural_op`.
template <class T>
struct Op {
  std::string_view name;  ///< by which messages, graphs and the registry call it
  /// The function that a caller knows the op by, if it has another name: `add` for add_scalar.
  std::string_view called{};
  /// Elementwise ops: the kernel for each instruction set.
  kernel::PerIsa<kernel::Elementwise<T>> kernels{};
  /// Elementwise ops of a few operations: their code between two others, which takes input `place` in registers of so
  /// many bytes, one of them or four. Null if there is none. (see kernel::Stage)
  kernel::StageCode (*stage)(std::size_t bytes, std::size_t place, std::size_t lanes) = nullptr;
  /// Elementwise ops: the number of scalar parameters, which its attributes are.
  std::size_t parameters = 0;
  /// Elementwise ops: the inputs that the kernel reads, one bit each. Found by reading the formula on `Reads`.
  std::uint32_t reads = ~std::uint32_t{0};
  /// Structural ops: the result's shape. Throws ShapeError or AxisError.
  Shape (*shape)(const void* attributes, std::span<const Shape* const> inputs) = nullptr;
  /// Structural ops: computes a contiguous result.
  void (*forward)(const void* attributes, std::span<const Value<const T>> inputs, Value<T> out) = nullptr;
  /// Views: the result's layout in the input's storage; `offset` elements are added to where it starts.
  /// A result of false means that the input must be made contiguous first.
  bool (*view)(const void* attributes, const Layout& input, Layout& out, std::ptrdiff_t& offset) = nullptr;
  /// Whether `forward` takes inputs of any strides; otherwise they are made contiguous.
  bool takes_strides = false;
  /// Structural ops: which inputs are indices, one bit each, and whether the result is. Their Values point to 64-bit
  /// whole numbers, whatever their type says.
  std::uint8_t index_inputs = 0;
  bool index_output = false;  ///< whether the result is of whole numbers
  /// Records the cotangents of the inputs.
  void (*vjp)(Pullback<T>&) = nullptr;
  /// Writes the op down, applied to inputs written down.
  Text (*text)(const void* attributes, std::span<const Text> inputs) = nullptr;
  /// Structural ops: the bytes of their attributes.
  std::size_t attribute_bytes = 0;

  /// What errors call it.
  std::string_view subject() const { return called.empty() ? name : called; }

  // What a Program can make use of.
  /// Elementwise ops that add up their inputs: the sign of each.
  std::span<const int> signs{};
  /// Elementwise ops that multiply their input by their parameter.
  bool scales = false;
  bool multiplies = false;  ///< the same, its two inputs
  /// Structural ops: out = alpha · f(inputs) + beta · out.
  void (*accumulate)(const void* attributes, std::span<const Value<const T>> inputs, Value<T> out, double alpha,
                     double beta) = nullptr;
  /// Structural ops that add up elements of their only input: which.
  Summed (*summed)(const void* attributes, const Shape& input) = nullptr;
  /// Structural ops of one input that treat each row along its last axis alone.
  bool rowwise = false;
  /// Structural ops bound by arithmetic: their floating-point operations.
  double (*flops)(const void* attributes, std::span<const Shape* const> inputs) = nullptr;
  /// Ops that draw random numbers: where among the attributes it says which. Their last input keeps the generator.
  Draw& (*draw)(void* attributes) = nullptr;
  /// The node has the value of an older one, whose index its attributes are.
  bool stands_for = false;

  /// The bytes of the attributes of any op.
  std::size_t attribute_size() const { return attribute_bytes + parameters * sizeof(double); }
};

/// What an op's vjp works with: its node, the cotangent of the node's value, and where to put the inputs' cotangents.
template <class T>
class Pullback {
 public:
  /// For the engine: `base` and `first` say where the adjoints of the inputs stand.
  Pullback(Tape<T>& tape, std::size_t index, Var<T> cotangent, std::size_t base, std::size_t first)
      : tape_(tape), index_(index), cotangent_(cotangent), base_(base), first_(first) {}

  /// The tape to record on.
  Tape<T>& tape() const { return tape_; }
  /// The node that is differentiated.
  const Node<T>& node() const { return tape_.node(index_); }
  /// The cotangent of the node's value.
  const Var<T>& cotangent() const { return cotangent_; }
  /// The node's value.
  Var<T> output() const { return tape_.at(index_); }
  /// Input `i` of the node.
  Var<T> input(std::size_t i) const { return tape_.at(tape_.inputs(index_)[i]); }
  /// The number of inputs.
  std::size_t arity() const { return tape_.inputs(index_).size(); }
  /// Whether the cotangent of input `i` is asked for.
  bool needs(std::size_t i) const {
    const std::size_t input = tape_.edges_[node().first_edge + i];
    return input >= first_ && tape_.adjoints_[base_ + (input - first_)].depends;
  }
  /// Adds `cotangent` to that of input `i`. Throws ShapeError if the input has another shape.
  void give(std::size_t i, Var<T> cotangent);
  /// As `give`, for an input that needs it and a cotangent that is known to have its shape.
  void pass(std::size_t i, const Var<T>& cotangent) {
    tape_.accumulate(base_ + (tape_.edges_[node().first_edge + i] - first_), cotangent);
  }
  /// The op's attributes, as they were recorded.
  template <class Attributes>
  const Attributes& attributes() const {
    return *static_cast<const Attributes*>(node().attributes);
  }

 private:
  Tape<T>& tape_;
  std::size_t index_;
  Var<T> cotangent_;
  std::size_t base_;  // the adjoint of node `first_` has this number; the following nodes' follow
  std::size_t first_;
};

/// The tape of an operand. Throws HandleError, naming the op and the caller's line, if it is empty or stale.
template <class T>
Tape<T>& tape_of(Var<T> operand, std::string_view op, const Location& where) {
  if (operand.empty()) throw HandleError(op, "empty handle: it was never recorded on a tape", where);
  operand.tape().node(operand, op, where);
  return operand.tape();
}

/// Runs `record_all`; if it throws, gives back everything it recorded on `tape` and adds the caller's line to the
/// error. The line comes by value: it may be a node's, and rewinding frees nodes.
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

/// The values an op's inputs may take in a check: drawn evenly from [low, high].
struct Domain {
  double low = -2;  ///< inclusive
  double high = 2;  ///< inclusive
};

/// One application of an op that its derivative is checked on.
struct OpExample {
  std::string label;                                                        ///< the op with its attributes
  std::vector<Shape> shapes;                                                ///< of the inputs
  std::vector<Domain> domains;                                              ///< of the values of each input
  std::function<Var<double>(std::span<const Var<double>>)> apply;           ///< the application, in double
  std::function<Var<float>(std::span<const Var<float>>)> apply_in_float{};  ///< empty: it is checked in double only
  bool any_extents = true;  ///< whether inputs of other extents fit as well, or are refused by an Error
};

/// One row of the op registry.
struct OpRow {
  std::string_view name;        ///< by which it is found
  std::string_view notation;    ///< the formula
  std::string_view convention;  ///< what holds at kinks, ties and edges; empty if there are none
  bool differentiable = true;   ///< false: the derivative is zero wherever it exists, or the result is indices
  // Elementwise ops: their examples follow from these.
  const Op<double>* table = nullptr;          ///< for double
  const Op<float>* table_in_float = nullptr;  ///< for float
  std::size_t arity = 0;                      ///< the number of inputs
  std::span<const double> parameters{};       ///< to check it with: one for each, or several such sets
  bool any_parameters = false;                ///< whether it may be checked with others, too
  Domain domain{};                            ///< of the inputs
  /// Structural ops, and functions made of ops: their own.
  std::vector<OpExample> (*own_examples)() = nullptr;

  /// What the op's derivative is checked on.
  std::vector<OpExample> examples() const;
  /// Elementwise ops: an application with these parameters to inputs of these shapes.
  OpExample example(std::vector<Shape> shapes, std::vector<double> values) const;
};

/// All ops defined in this program, in no particular order; complete before `main`.
const std::vector<OpRow>& op_registry();

/// Adds a row. Called once for an op by its definition; a function made of ops calls it itself to be listed and
/// checked, with a name, a notation and its own examples.
bool register_op(const OpRow& row);

extern template class Pullback<float>;
extern template class Pullback<double>;

}  // namespace wengert
