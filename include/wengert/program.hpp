// compile(): a recorded tape turned into a Program, which replays it without allocation.
//
//     wg::Tape<float> tape;
//     auto x = tape.constant(X), y = tape.constant(Y);
//     auto w = tape.variable(W);                                  // W is a Parameter<float>
//     auto loss = squared_error(sigmoid(matmul(x, w)), y);
//     auto [dw] = grad(loss, w);
//     tape.update(W, w - rate * dw);                              // queued: the Program takes it along
//     auto step = wg::compile(tape, {x, y}, {loss});
//     for (…) step(X, Y).item();                                  // a whole training step
//
// What is captured: the ops, their attributes and every shape; the values of `constant` and `variable(tensor)`, as
// copies. Read anew at each replay: the inputs, the parameters, borrowed tensors, the streams of random generators.
// Control flow of the program that recorded is not captured, which is why a value that was read while recording is
// refused.
#pragma once

#include <wengert/index_var.hpp>
#include <wengert/parameter.hpp>
#include <wengert/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert {

/// How `compile` compiles.
struct CompileOptions {
  /// Elementwise ops of one shape run tile by tile, sums with them, and updates accumulate in place; results then
  /// differ from those of the tape by rounding, at most 4 ulp an op. Without, they are equal to the last bit.
  bool fuse = true;
  /// Accepts that a value was read (`item`, `value`, `view`) before all was recorded: what was recorded must not depend
  /// on it.
  bool allow_value_dependence = false;
  /// Takes the tape's queued updates along. Without, the Program changes no parameter.
  bool apply_updates = true;
  /// `compiled` functions only: compares each replay with recording the function anew, and throws ValueError where a
  /// result or a parameter differs by more than rounding.
  bool checked = false;
  /// Keeps the text of the graph before and after each pass, for `Program::passes`.
  bool keep_passes = false;
  /// `compiled` functions only: how many Programs are held, one for each signature of shapes; at least 1. A new one
  /// takes the place of the one that was used least recently; should its shapes come back, they are recorded and
  /// compiled again, which `recompilations()` counts. A Program takes about a kilobyte an op besides its values.
  std::size_t max_programs = 16;
};

/// A Var or an IndexVar, as an input or output of a Program.
template <class T>
class ProgramVar {
 public:
  /// From a handle of either kind.
  ///@{
  ProgramVar(Var<T> var) : handle_(var) {}                // NOLINT(google-explicit-constructor)
  ProgramVar(IndexVar<T> var) : handle_(var.handle()) {}  // NOLINT(google-explicit-constructor)
  ///@}
  /// The handle of its node.
  const Var<T>& handle() const { return handle_; }

 private:
  Var<T> handle_;
};

/// What an input is bound to for a replay: a tensor or whole numbers, which are read in place.
template <class T>
struct ProgramInput {
  /// A tensor, in place.
  ProgramInput(const Tensor<T>& tensor)  // NOLINT(google-explicit-constructor)
      : data(tensor.data()), shape(tensor.shape()) {}
  /// Whole numbers, in place.
  ProgramInput(const Indices& numbers)  // NOLINT(google-explicit-constructor)
      : data(numbers.data()), shape(numbers.shape()), indices(true) {}
  /// Elements of the caller's, row-major, in this shape. Throws ShapeError if their number differs.
  ProgramInput(std::span<const T> elements, const Shape& shape);
  /// The value of any other expression, a view for example, or a scalar: a copy.
  ///@{
  template <class E>
  requires(!std::is_same_v<E, Tensor<T>> && !std::is_same_v<E, Indices>)
      ProgramInput(const xt::xexpression<E>& expression)  // NOLINT(google-explicit-constructor)
      : ProgramInput(std::make_shared<const Copied<E>>(expression)) {}
  template <class S>
  requires std::is_arithmetic_v<S> ProgramInput(S scalar)  // NOLINT(google-explicit-constructor)
      : ProgramInput(std::make_shared<const Tensor<T>>(static_cast<T>(scalar))) {}
  ///@}

  const void* data;                   ///< the first element
  Shape shape;                        ///< the extents
  bool indices = false;               ///< whether they are whole numbers
  std::shared_ptr<const void> owner;  ///< keeps a copy alive; empty for what is read in place

 private:
  template <class E>
  using Copied = std::conditional_t<std::is_integral_v<typename E::value_type>, Indices, Tensor<T>>;
  template <class Copy>
  explicit ProgramInput(std::shared_ptr<const Copy> copy)
      : data(copy->data()), shape(copy->shape()), indices(std::is_same_v<Copy, Indices>), owner(copy) {
    static_assert(std::is_same_v<Copy, Indices> || std::is_same_v<Copy, Tensor<T>>);
  }
};

/// One instruction of a Program in a profile: what it computes, and what it costs.
struct ProfileRow {
  std::string op;         ///< its ops' names
  std::string where;      ///< the line that recorded the last of them
  std::size_t calls = 0;  ///< how often it ran
  double seconds = 0;     ///< of all calls
  double bytes = 0;       ///< read and written, a call
  double flops = 0;       ///< of matrix products, a call; 0 for what is bound by memory
};

/// Where the time of replays went.
struct Profile {
  std::vector<ProfileRow> rows;  ///< in the order of execution
  std::size_t replays = 0;       ///< how many were measured

  /// A table by op, the most expensive first: time, share, calls, GFLOP/s and GB/s.
  std::string to_string() const;
  /// The mean replay in Chrome's trace format, for chrome://tracing or Perfetto.
  std::string to_chrome_trace() const;
  /// Writes `to_string()`.
  friend std::ostream& operator<<(std::ostream& out, const Profile& profile);
};

/// The memory a Program takes.
struct ProgramMemory {
  std::size_t arena_bytes = 0;      ///< intermediate values, which share memory where they can
  std::size_t tile_bytes = 0;       ///< of fused ops, in the first-level cache
  std::size_t constant_bytes = 0;   ///< baked in
  std::size_t parameter_bytes = 0;  ///< of the parameters it reads or writes, which live outside
  /// The bytes it holds itself.
  std::size_t total_bytes() const { return arena_bytes + tile_bytes + constant_bytes; }
};

/// Records what a Program computes: gets the tape, gives the inputs and the outputs; updates are queued on the tape.
template <class T>
using ProgramRecorder = std::function<std::vector<ProgramVar<T>>(Tape<T>& tape, std::vector<ProgramVar<T>>& inputs)>;

template <class T>
class ProgramCache;

/// A recorded computation that runs again on new inputs: without a tape, allocation, shape checks or graph.
///
/// It owns its memory and shares the parameters; it outlives the tape it was made from. Moved, not copied. One thread
/// at a time: a call while another thread is in one, or from within its own, throws HandleError, and so does reading
/// results that another thread's call has replaced. For several threads, make a Program for each.
template <class T>
class Program {
 public:
  /// Moved, not copied.
  ///@{
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  ///@}
  ~Program();

  /// Replays on these inputs, in the order given to `compile`; they are read in place and must not change meanwhile.
  /// Returns the Program, for its results. Throws ShapeError unless each input has the recorded shape and kind,
  /// ValueError if one lies in memory that the replay writes, and what an op throws; then no parameter is changed.
  /// Errors name the line that recorded the op, or else the line that compiled the Program.
  template <class... Inputs>
  Program& operator()(const Inputs&... inputs) {
    if constexpr (sizeof...(Inputs) == 0) {
      run({});
    } else {
      const ProgramInput<T> bound[] = {ProgramInput<T>(inputs)...};
      run(bound);
    }
    return *this;
  }
  /// The same for any number of inputs.
  void run(std::span<const ProgramInput<T>> inputs);
  /// Whether these inputs have the recorded shapes and kinds.
  bool accepts(std::span<const ProgramInput<T>> inputs) const;
  /// Replays, and compares every result and parameter with those of `record`, run first on a tape of its own. Throws
  /// ValueError where they differ by more than rounding explains (with `fuse = false`: at all).
  void run_checked(std::span<const ProgramInput<T>> inputs, const ProgramRecorder<T>& record);
  /// Sets random generators back to where they stood when the tape was recorded, so that the first replay draws what
  /// the recording drew.
  void restart_streams();

  /// The number of inputs.
  std::size_t input_count() const;
  /// The number of results.
  std::size_t output_count() const;
  /// The recorded extents of input `i`.
  const Shape& input_shape(std::size_t i, Location where = Location::current()) const;
  /// Result `i` of the last replay in place, as an xtensor adaptor; valid until the next replay, which nothing keeps
  /// another thread from. Zeros before the first. Throws ValueError if there is no such result, if it is of whole
  /// numbers, or if the last replay threw: then there are no results until a replay succeeds.
  auto output(std::size_t i = 0, Location where = Location::current()) const {
    const Value<const T> value = result(i, where);
    const Layout& layout = *value.layout;
    return xt::adapt(value.data, layout.size, xt::no_ownership(), xt::dynamic_shape<std::size_t>(layout.shape),
                     xt::dynamic_shape<std::ptrdiff_t>(
                         layout.strides.begin(), layout.strides.begin() + static_cast<std::ptrdiff_t>(layout.rank())));
  }
  /// A copy of result `i`.
  Tensor<T> value(std::size_t i = 0, Location where = Location::current()) const;
  /// The single element of result `i`. Throws ShapeError for any other size.
  T item(std::size_t i = 0, Location where = Location::current()) const;
  /// A copy of result `i`, which is of whole numbers.
  Indices indices(std::size_t i = 0, Location where = Location::current()) const;

  /// The bytes it holds; they are known before the first replay and do not grow.
  ProgramMemory memory() const;
  /// The instructions in order, one block each, with shapes and places in memory.
  std::string to_string() const;
  /// Name and text of the graph after each pass, if `keep_passes` was asked for.
  const std::vector<std::pair<std::string, std::string>>& passes() const;
  /// Measures every instruction from now on, or no longer.
  void measure(bool on);
  /// What was measured since `measure(true)`.
  Profile profile() const;

  /// For `compile`.
  struct State;
  /// For `compile`: from its parts.
  explicit Program(std::unique_ptr<State> state);

 private:
  friend class ProgramCache<T>;
  State& state(const Location& where = {}) const;
  void replay(std::span<const ProgramInput<T>> inputs);
  void replay_checked(std::span<const ProgramInput<T>> inputs, const ProgramRecorder<T>& record);
  Value<const T> result(std::size_t i, const Location& where) const;

  std::unique_ptr<State> state_;
};

/// Compiles what `outputs` and the tape's queued updates depend on into a Program of `inputs`.
///
/// Inputs are leaves made by `constant`, `borrow`, `variable(tensor)` or `indices`. The tape stays as it is, its queued
/// updates included; the Program does not apply them before it is run. Throws HandleError for a bad handle or input,
/// ValueError if a value was read before all was recorded (see CompileOptions).
template <class T>
Program<T> compile(Tape<T>& tape, const std::vector<ProgramVar<std::type_identity_t<T>>>& inputs,
                   const std::vector<ProgramVar<std::type_identity_t<T>>>& outputs, const CompileOptions& options = {},
                   Location where = Location::current());

/// Records on a tape of its own, without computing values unless `allow_value_dependence` is set, and compiles. Random
/// generators stand where they stood before.
template <class T>
Program<T> compile_recorded(const std::type_identity_t<ProgramRecorder<T>>& record, const CompileOptions& options = {},
                            Location where = Location::current());

/// The bytes that replays will hold at most, known before the first one.
template <class T>
ProgramMemory memory_plan(const Program<T>& program) {
  return program.memory();
}

/// What each instruction of a Program costs: measured in `replays` replays on these inputs, which update parameters
/// like any other.
template <class T>
Profile profile(Program<T>& program, const std::vector<ProgramInput<std::type_identity_t<T>>>& inputs = {},
                std::size_t replays = 10) {
  program.measure(true);
  for (std::size_t i = 0; i < replays; ++i) program.run(inputs);
  program.measure(false);
  return program.profile();
}

/// What each op of the tape costs: everything recorded on it, computed again `replays` times, unfused.
template <class T>
Profile profile(Tape<T>& tape, std::size_t replays = 10);

extern template class Program<float>;
extern template class Program<double>;

}  // namespace wengert
