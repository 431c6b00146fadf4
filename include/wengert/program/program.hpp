// compile(): turns a recorded tape into a Program, which replays it without allocation.
//
//     wg::Tape<float> tape;
//     auto x = tape.constant(X), y = tape.constant(Y);
//     auto w = tape.variable(W);                                  // W is a Parameter<float>
//     auto loss = squared_error(sigmoid(matmul(x, w)), y);
//     auto [dw] = grad(loss, w);
//     tape.update(W, w - rate * dw);                              // queued: the Program includes it
//     auto step = wg::compile(tape, {x, y}, {loss});
//     for (…) step(X, Y).item();                                  // a whole training step
//
// A Program captures the ops, their attributes, all shapes, and copies of the values of `constant` and
// `variable(tensor)`. It reads the inputs, the parameters, borrowed tensors and the positions of random generators at
// each replay. The control flow of the function that was recorded is not captured, so reading a value before recording
// ends is an error.
#pragma once

#include <wengert/tape/index_var.hpp>
#include <wengert/tape/parameter.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert {

/// What Programs computed from frozen parameters, which they share; made by `frozen_constants`.
class FrozenConstants;

/// An empty FrozenConstants, for CompileOptions::frozen. Any number of threads may compile with it at once.
std::shared_ptr<FrozenConstants> frozen_constants();

/// Options of `compile`.
struct CompileOptions {
  /// Runs elementwise ops of one shape, and sums over them, tile by tile, and accumulates updates in place. Results
  /// then differ from the tape's by rounding, at most 4 ulp per op. Without fusion, they are equal to the last bit.
  bool fuse = true;
  /// Allows a value to be read (`item`, `value`, `view`) before recording ends; the recording must not depend on it.
  bool allow_value_dependence = false;
  /// Includes the tape's queued updates. Otherwise, the Program changes no parameter.
  bool apply_updates = true;
  /// `compiled` functions only: compares each replay with a new recording of the function, and throws ValueError if a
  /// result or a parameter differs by more than rounding.
  bool checked = false;
  /// Keeps the text of the graph before and after each pass, for `Program::passes`.
  bool keep_passes = false;
  /// `compiled` functions only: the maximum number of Programs held, one per signature of shapes; at least 1. Beyond
  /// it, the least recently used one is evicted; if its shapes occur again, they are compiled again, which
  /// `recompilations()` counts. A Program takes about a kilobyte per op, plus its values.
  std::size_t max_programs = 16;
  /// For inference: if set, parameters that the Program does not update are constants; a replay after one has changed
  /// throws HandleError. What depends on them alone is computed once and shared by the Programs with the same
  /// FrozenConstants. With `fuse`, a batch normalisation in evaluation mode is folded into the weights of the linear or
  /// convolutional layer before it, and weights are laid out for the kernels, which changes the rounding of results: by
  /// some ulp of the largest term of the sums.
  std::shared_ptr<FrozenConstants> frozen{};
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

/// An input of a replay.
template <class T>
struct ProgramInput {
  /// A tensor, read in place.
  ProgramInput(const Tensor<T>& tensor)  // NOLINT(google-explicit-constructor)
      : data(tensor.data()), shape(tensor.shape()) {}
  /// Integers, read in place.
  ProgramInput(const Indices& numbers)  // NOLINT(google-explicit-constructor)
      : data(numbers.data()), shape(numbers.shape()), indices(true) {}
  /// Elements in row-major order, read in place. Throws ShapeError unless their number is that of the shape.
  ProgramInput(std::span<const T> elements, const Shape& shape);
  /// A copy of any other expression, such as a view, or of a scalar.
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
  bool indices = false;               ///< whether the elements are integers
  std::shared_ptr<const void> owner;  ///< keeps a copy alive; empty if the data is read in place

 private:
  template <class E>
  using Copied = std::conditional_t<std::is_integral_v<typename E::value_type>, Indices, Tensor<T>>;
  template <class Copy>
  explicit ProgramInput(std::shared_ptr<const Copy> copy)
      : data(copy->data()), shape(copy->shape()), indices(std::is_same_v<Copy, Indices>), owner(copy) {
    static_assert(std::is_same_v<Copy, Indices> || std::is_same_v<Copy, Tensor<T>>);
  }
};

/// One instruction of a Program: what it computes and how long it takes.
struct ProfileRow {
  std::string op;         ///< names of its ops
  std::string where;      ///< the line that recorded the last of them
  std::size_t calls = 0;  ///< number of runs
  double seconds = 0;     ///< total of all calls
  double bytes = 0;       ///< read and written per call
  double flops = 0;       ///< floating-point operations per call; 0 for memory-bound instructions
};

/// The time that replays spend in each instruction.
struct Profile {
  std::vector<ProfileRow> rows;  ///< in the order of execution
  std::size_t replays = 0;       ///< number of measured replays

  /// A table by op, the most expensive first: time, share, calls, GFLOP/s and GB/s.
  std::string to_string() const;
  /// The mean replay in Chrome's trace format, for chrome://tracing or Perfetto.
  std::string to_chrome_trace() const;
  /// Writes `to_string()`.
  friend std::ostream& operator<<(std::ostream& out, const Profile& profile);
};

/// The memory that a Program uses.
struct ProgramMemory {
  std::size_t arena_bytes = 0;      ///< intermediate values, which share memory where they can
  std::size_t tile_bytes = 0;       ///< tiles of fused ops, for one thread; every other thread has its own
  std::size_t constant_bytes = 0;   ///< constants that it captured
  std::size_t parameter_bytes = 0;  ///< parameters that it reads or writes, which are not its own memory
  std::size_t frozen_bytes = 0;     ///< shared with other Programs (see CompileOptions::frozen)
  /// The bytes that the Program itself holds, on one thread.
  std::size_t total_bytes() const { return arena_bytes + tile_bytes + constant_bytes; }
};

/// A function that records a computation on `tape`: it sets `inputs`, returns the outputs and may queue updates.
template <class T>
using ProgramRecorder = std::function<std::vector<ProgramVar<T>>(Tape<T>& tape, std::vector<ProgramVar<T>>& inputs)>;

template <class T>
class ProgramCache;

/// A recorded computation that replays on new inputs without a tape and without allocation.
///
/// A Program owns its memory, shares the parameters and can outlive the tape that it was compiled from. Use one Program
/// per thread: a call during another call throws HandleError, and so does reading results that another thread's call
/// has replaced.
template <class T>
class Program {
 public:
  /// Moved, not copied.
  ///@{
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  ///@}
  ~Program();

  /// Replays on these inputs, in the order given to `compile`. They are read in place and must not change during the
  /// replay. Returns the Program, to read its results. Throws ShapeError unless each input has the recorded shape and
  /// kind, ValueError if an input overlaps memory that the replay writes, and what an op throws; no parameter is then
  /// changed. Errors name the line that recorded the op, or the line that compiled the Program.
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
  /// Replays, and compares every result and parameter with those of `record`, which runs first on a separate tape.
  /// Throws ValueError if they differ by more than rounding (with `fuse = false`: at all).
  void run_checked(std::span<const ProgramInput<T>> inputs, const ProgramRecorder<T>& record);
  /// Resets random generators to their positions before the recording, so that the next replay draws the same numbers.
  void restart_streams();

  /// The number of inputs.
  std::size_t input_count() const;
  /// The number of results.
  std::size_t output_count() const;
  /// The recorded shape of input `i`. Throws ValueError if there is no such input.
  const Shape& input_shape(std::size_t i, Location where = Location::current()) const;
  /// Result `i` of the last replay in place, as an xtensor adaptor; zeros before the first replay. Valid until the next
  /// replay, even one on another thread. Throws ValueError if there is no such result, if it holds integers, or if the
  /// last replay threw, HandleError if another thread has replaced the results.
  auto output(std::size_t i = 0, Location where = Location::current()) const {
    const Value<const T> value = result(i, where);
    const Layout& layout = *value.layout;
    return xt::adapt(value.data, layout.size, xt::no_ownership(), xt::dynamic_shape<std::size_t>(layout.shape),
                     xt::dynamic_shape<std::ptrdiff_t>(
                         layout.strides.begin(), layout.strides.begin() + static_cast<std::ptrdiff_t>(layout.rank())));
  }
  /// A copy of result `i`. Throws as `output`.
  Tensor<T> value(std::size_t i = 0, Location where = Location::current()) const;
  /// The single element of result `i`. Throws ShapeError for any other size; otherwise as `output`.
  T item(std::size_t i = 0, Location where = Location::current()) const;
  /// A copy of result `i`, which must hold integers. Throws as `output`.
  Indices indices(std::size_t i = 0, Location where = Location::current()) const;

  /// Copies result `i` to a tensor, which is resized if its shape differs. Throws as `output`.
  void copy_to(std::size_t i, Tensor<T>& to, Location where = Location::current()) const;
  /// The same for a result that holds integers.
  void copy_to(std::size_t i, Indices& to, Location where = Location::current()) const;

  /// The memory that it needs; known before the first replay.
  ProgramMemory memory() const;
  /// The instructions in order, one block each, with shapes and memory locations.
  std::string to_string() const;
  /// The name of each pass and the text of the graph after it; empty unless `keep_passes` was set.
  const std::vector<std::pair<std::string, std::string>>& passes() const;
  /// Starts or stops measuring every instruction.
  void measure(bool on);
  /// The measurements since `measure(true)`.
  Profile profile() const;

  /// For `compile`.
  struct State;
  /// For `compile`: from a state.
  explicit Program(std::unique_ptr<State> state);

 private:
  friend class ProgramCache<T>;
  State& state(const Location& where = {}) const;
  void replay(std::span<const ProgramInput<T>> inputs);
  void replay_checked(std::span<const ProgramInput<T>> inputs, const ProgramRecorder<T>& record);
  Value<const T> result(std::size_t i, const Location& where) const;
  template <class A>
  void copy_result(std::size_t i, A& to, const Location& where) const;

  std::unique_ptr<State> state_;
};

/// Compiles everything that `outputs` and the tape's queued updates depend on into a Program of `inputs`.
///
/// Inputs are leaf nodes recorded by `constant`, `borrow`, `variable(tensor)` or `indices`. The tape keeps its nodes
/// and its queued updates, which the Program applies when it runs. Throws HandleError for an invalid handle or input,
/// ValueError if a value was read before recording ended (see CompileOptions).
template <class T>
Program<T> compile(Tape<T>& tape, const std::vector<ProgramVar<std::type_identity_t<T>>>& inputs,
                   const std::vector<ProgramVar<std::type_identity_t<T>>>& outputs, const CompileOptions& options = {},
                   Location where = Location::current());

/// Records on a new tape, which computes values only if `allow_value_dependence` is set, and compiles. Then resets
/// random generators to their positions before the recording.
template <class T>
Program<T> compile_recorded(const std::type_identity_t<ProgramRecorder<T>>& record, const CompileOptions& options = {},
                            Location where = Location::current());

/// The memory that a Program needs; known before its first replay.
template <class T>
ProgramMemory memory_plan(const Program<T>& program) {
  return program.memory();
}

/// The time that each instruction of a Program takes, measured over `replays` replays on these inputs, which update
/// parameters like any others.
template <class T>
Profile profile(Program<T>& program, const std::vector<ProgramInput<std::type_identity_t<T>>>& inputs = {},
                std::size_t replays = 10) {
  program.measure(true);
  for (std::size_t i = 0; i < replays; ++i) program.run(inputs);
  program.measure(false);
  return program.profile();
}

/// The time that each op of a tape takes, measured by computing everything recorded again `replays` times, unfused.
template <class T>
Profile profile(Tape<T>& tape, std::size_t replays = 10);

extern template class Program<float>;
extern template class Program<double>;

}  // namespace wengert
