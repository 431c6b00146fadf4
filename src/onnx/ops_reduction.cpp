// ONNX's reductions, cumulative sums and softmaxes.
#include "onnx/call.hpp"
#include "onnx/operand.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/index.hpp>
#include <wengert/ops/join.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <array>
#include <vector>

#include <xtensor/xbuilder.hpp>

namespace wengert::onnx::detail {
namespace {

template <class T>
KeepDims keepdims_of(const Call<T>& c) {
  return c.integer("keepdims", 1) != 0 ? KeepDims::yes : KeepDims::no;
}

// ---- reductions over axes

// The axes are an attribute or, from opset 13 (ReduceSum) or 18 on, an input.
template <class T, class F>
Outputs<T> reduce_of(const Call<T>& c, const F& reduction) {
  const std::vector<std::ptrdiff_t> axes = c.has(1) ? c.integers(1) : c.integers("axes");
  if (axes.empty() && c.integer("noop_with_empty_axes", 0) != 0) return c.value(0);
  return reduction(c.x(0), axes.empty() ? Axes() : Axes(axes, c.where), keepdims_of(c));
}

// A result that is rounded towards 0 where the inputs are integers.
template <class T>
Var<T> whole(const Call<T>& c, Var<T> y) {
  return c.integral(0) ? trunc(at(c, y)) : y;
}

template <class T>
Outputs<T> reduce_l1_of(const Call<T>& c) {
  return reduce_of(c, [&](Var<T> x, const Axes& axes, KeepDims keep) { return norm(x, 1, axes, keep, c.where); });
}

template <class T>
Outputs<T> reduce_l2_of(const Call<T>& c) {
  return reduce_of(
      c, [&](Var<T> x, const Axes& axes, KeepDims keep) { return whole(c, norm(x, 2, axes, keep, c.where)); });
}

template <class T>
Outputs<T> reduce_log_sum_of(const Call<T>& c) {
  return reduce_of(
      c, [&](Var<T> x, const Axes& axes, KeepDims keep) { return whole(c, log(at(c, sum(x, axes, keep, c.where)))); });
}

template <class T>
Outputs<T> reduce_log_sum_exp_of(const Call<T>& c) {
  return reduce_of(
      c, [&](Var<T> x, const Axes& axes, KeepDims keep) { return whole(c, logsumexp(x, axes, keep, c.where)); });
}

template <class T>
Outputs<T> reduce_max_of(const Call<T>& c) {
  return reduce_of(c, [&](Var<T> x, const Axes& axes, KeepDims keep) { return amax(x, axes, keep, c.where); });
}

// The mean of integers is a quotient of integers, because a product with 1/n may be slightly less than a whole number.
template <class T>
Outputs<T> reduce_mean_of(const Call<T>& c) {
  return reduce_of(c, [&](Var<T> x, const Axes& axes, KeepDims keep) {
    if (!c.integral(0)) return mean(x, axes, keep, c.where);
    const Var<T> total = sum(x, axes, keep, c.where);
    const double count = static_cast<double>(x.size()) / static_cast<double>(total.size());
    return trunc(at(c, divide(at(c, total), at(c, count))));
  });
}

template <class T>
Outputs<T> reduce_min_of(const Call<T>& c) {
  return reduce_of(c, [&](Var<T> x, const Axes& axes, KeepDims keep) { return amin(x, axes, keep, c.where); });
}

template <class T>
Outputs<T> reduce_prod_of(const Call<T>& c) {
  return reduce_of(c, [&](Var<T> x, const Axes& axes, KeepDims keep) { return prod(x, axes, keep, c.where); });
}

template <class T>
Outputs<T> reduce_sum_of(const Call<T>& c) {
  return reduce_of(c, [&](Var<T> x, const Axes& axes, KeepDims keep) { return sum(x, axes, keep, c.where); });
}

template <class T>
Outputs<T> reduce_sum_square_of(const Call<T>& c) {
  return reduce_of(
      c, [&](Var<T> x, const Axes& axes, KeepDims keep) { return sum(square(at(c, x)), axes, keep, c.where); });
}

// ---- along one axis

template <class T, class F>
Outputs<T> extremum_of(const Call<T>& c, const F& position) {
  const auto axis = static_cast<std::ptrdiff_t>(c.integer("axis", 0));
  const KeepDims keep = keepdims_of(c);
  if (c.integer("select_last_index", 0) == 0) return Value<T>(position(c.x(0), axis, keep));
  const Value<T> from_end(position(flip(c.x(0), axis, c.where), axis, keep));
  const std::size_t last = c.shape(0)[c.axis(axis, c.rank(0))] - 1;
  const Operand<T> distance = at(c, from_end.var(c.tape, c.where));
  return Value<T>(subtract(at(c, static_cast<double>(last)), distance), ElementType::int64);
}

template <class T>
Outputs<T> argmax_of(const Call<T>& c) {
  return extremum_of(c, [&](Var<T> x, std::ptrdiff_t axis, KeepDims keep) { return argmax(x, axis, keep, c.where); });
}

template <class T>
Outputs<T> argmin_of(const Call<T>& c) {
  return extremum_of(c, [&](Var<T> x, std::ptrdiff_t axis, KeepDims keep) { return argmin(x, axis, keep, c.where); });
}

// x moved by one along an axis: a 0, then all elements but the last.
template <class T>
Var<T> shifted(const Call<T>& c, Var<T> x, std::ptrdiff_t axis) {
  Shape front = x.shape();
  std::size_t& extent = front[static_cast<std::size_t>(axis)];
  if (extent == 0) return x;
  extent = 1;
  const Var<T> zeros = c.tape.constant(xt::zeros<T>(xt::dynamic_shape<std::size_t>(front)), c.where);
  return concatenate(std::array{zeros, slice(x, axis, Slice(0, -1), c.where)}, axis, c.where);
}

template <class T>
Outputs<T> cumsum_of(const Call<T>& c) {
  const auto axis = static_cast<std::ptrdiff_t>(c.axis(c.integer(1), c.rank(0)));
  const bool reverse = c.integer("reverse", 0) != 0;
  Var<T> x = c.x(0);
  if (reverse) x = flip(x, axis, c.where);
  if (c.integer("exclusive", 0) != 0) x = shifted(c, x, axis);
  const Var<T> y = cumsum(x, axis, c.where);
  return reverse ? flip(y, axis, c.where) : y;
}

// A function along one axis. Before opset 13, it runs over that axis and all that follow, as one.
template <class T, class F>
Outputs<T> along_axis_of(const Call<T>& c, const F& function) {
  const bool merges = c.opset() < 13;
  const Var<T> x = c.x(0);
  const Shape shape = x.shape();
  const std::size_t axis = c.axis(static_cast<std::ptrdiff_t>(c.integer("axis", merges ? 1 : -1)), shape.rank());
  if (!merges || axis + 1 == shape.rank()) return function(x, static_cast<std::ptrdiff_t>(axis));
  Shape merged{1, 1};
  for (std::size_t i = 0; i < shape.rank(); ++i) merged[i < axis ? 0 : 1] *= shape[i];
  return reshape(function(reshape(x, merged, c.where), 1), shape, c.where);
}

template <class T>
Outputs<T> hardmax_of(const Call<T>& c) {
  return along_axis_of(c, [&](Var<T> x, std::ptrdiff_t axis) {
    const std::size_t classes = x.shape()[static_cast<std::size_t>(axis)];
    return moveaxis(one_hot(argmax(x, axis, {}, c.where), classes, c.where), -1, axis, c.where);
  });
}

template <class T>
Outputs<T> softmax_of(const Call<T>& c) {
  return along_axis_of(c, [&](Var<T> x, std::ptrdiff_t axis) { return softmax(x, axis, c.where); });
}

template <class T>
Outputs<T> log_softmax_of(const Call<T>& c) {
  return along_axis_of(c, [&](Var<T> x, std::ptrdiff_t axis) { return log_softmax(x, axis, c.where); });
}

}  // namespace

template <class T>
std::span<const Entry<T>> reduction_entries() {
  static constexpr Entry<T> entries[] = {
      {"ArgMax", argmax_of<T>},
      {"ArgMin", argmin_of<T>},
      {"CumSum", cumsum_of<T>},
      {"Hardmax", hardmax_of<T>},
      {"LogSoftmax", log_softmax_of<T>},
      {"ReduceL1", reduce_l1_of<T>},
      {"ReduceL2", reduce_l2_of<T>},
      {"ReduceLogSum", reduce_log_sum_of<T>},
      {"ReduceLogSumExp", reduce_log_sum_exp_of<T>},
      {"ReduceMax", reduce_max_of<T>},
      {"ReduceMean", reduce_mean_of<T>},
      {"ReduceMin", reduce_min_of<T>},
      {"ReduceProd", reduce_prod_of<T>},
      {"ReduceSum", reduce_sum_of<T>},
      {"ReduceSumSquare", reduce_sum_square_of<T>},
      {"Softmax", softmax_of<T>},
  };
  return entries;
}

template std::span<const Entry<float>> reduction_entries<float>();
template std::span<const Entry<double>> reduction_entries<double>();

}  // namespace wengert::onnx::detail
