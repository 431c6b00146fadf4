// softmax and log_softmax along the last axis; any other axis is swapped with it.
#include "kernel/softmax.hpp"

#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

namespace wengert {
namespace {

// The base of both ops, which run along the last axis of x; there is at least one axis.
struct AlongRows {
  static constexpr std::size_t arity = 1;

  Shape shape(const Shape& x) const { return x; }
};

struct Softmax : AlongRows {
  static constexpr std::string_view name = "softmax";
  static constexpr std::string_view notation = "eˣ / Σ eˣ";

  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    if (const std::size_t count = x.shape().back(); count > 0)
      kernel::softmax_rows(x.data, y.data, x.size() / count, count);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T>) const {
    return y * (g - sum(g * y, -1, KeepDims::yes));
  }
  static std::vector<StructuralExample<Softmax>> examples() {
    return {{{}, {{3, 5}}}, {{}, {{4}}}, {{}, {{2, 1, 19}}}};
  }
};

struct LogSoftmax : AlongRows {
  static constexpr std::string_view name = "log_softmax";
  static constexpr std::string_view notation = "x − ln Σ eˣ";

  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    if (const std::size_t count = x.shape().back(); count > 0)
      kernel::log_softmax_rows(x.data, y.data, x.size() / count, count);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T> y, Var<T>) const {
    return g - exp(y) * sum(g, -1, KeepDims::yes);
  }
  static std::vector<StructuralExample<LogSoftmax>> examples() {
    return {{{}, {{3, 5}}}, {{}, {{4}}}, {{}, {{2, 1, 19}}}};
  }
};

// Applies an op along any axis by swapping that axis with the last one and back.
template <class Op, class T>
Var<T> along_axis(Var<T> x, std::ptrdiff_t axis, const Location& where) {
  return atomically(tape_of(x, Op::name, where), where, [&] {
    const std::size_t rank = x.rank();
    const std::size_t along = normalise_axis_or_scalar(axis, rank, Op::name);
    if (rank == 0) return reshape(record(Op{}, where, reshape(x, {1}, where)), {}, where);
    return along + 1 == rank ? record(Op{}, where, x)
                             : swapaxes(record(Op{}, where, swapaxes(x, axis, -1, where)), axis, -1, where);
  });
}

}  // namespace

template <class T>
Var<T> softmax(Var<T> x, std::ptrdiff_t axis, Location where) {
  return along_axis<Softmax>(x, axis, where);
}

template <class T>
Var<T> log_softmax(Var<T> x, std::ptrdiff_t axis, Location where) {
  return along_axis<LogSoftmax>(x, axis, where);
}

template Var<float> softmax(Var<float>, std::ptrdiff_t, Location);
template Var<double> softmax(Var<double>, std::ptrdiff_t, Location);
template Var<float> log_softmax(Var<float>, std::ptrdiff_t, Location);
template Var<double> log_softmax(Var<double>, std::ptrdiff_t, Location);

}  // namespace wengert
