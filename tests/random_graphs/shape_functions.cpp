// Functions of random graphs: views, slices, joins, and reductions along any axes.
#include "random_graphs/functions.hpp"

namespace wengert::random_graphs {
namespace {

// Returns whether a reduced axis is kept with extent 1.
template <class A>
KeepDims keep(A& a) {
  return a.flag() ? KeepDims::yes : KeepDims::no;
}

// Returns all axes, one, or two.
template <class A>
Axes axes_of(A& a) {
  switch (a.below(4)) {
    case 0:
      return {};
    case 1:
      return Axes{0, -1};
    default:
      return a.axis_of(a.x[0]);
  }
}

template <class F>
Function reduction(const char* name, F f) {
  return function(name, 1, [f](auto& a) {
    const Axes axes = axes_of(a);
    return f(a.x[0], axes, keep(a));
  });
}
template <class F>
Function along_axis(const char* name, F f) {
  return function(name, 1, [f](auto& a) { return f(a.x[0], a.axis_of(a.x[0])); });
}

std::vector<Function> views() {
  return {
      function("reshape", 1,
               [](auto& a) {
                 return a.flag() ? reshape(a.x[0], {-1, 1}) : reshape(a.x[0], {-1});
               }),
      function("flatten", 1, [](auto& a) { return flatten(a.x[0], a.axis_of(a.x[0])); }),
      along_axis("expand_dims", [](auto x, auto axis) { return expand_dims(x, axis); }),
      function("squeeze", 1, [](auto& a) { return a.flag() ? squeeze(a.x[0], a.axis_of(a.x[0])) : squeeze(a.x[0]); }),
      function(
          "transpose", 1, [](auto& a) { return transpose(a.x[0]); }, 3),
      function("swapaxes", 1,
               [](auto& a) {
                 const auto first = a.axis_of(a.x[0]);
                 return swapaxes(a.x[0], first, a.axis_of(a.x[0]));
               }),
      function("moveaxis", 1, [](auto& a) { return moveaxis(a.x[0], a.axis_of(a.x[0]), -1); }),
      function("broadcast_to", 1,
               [](auto& a) {
                 Shape shape{1 + a.below(3)};
                 for (const std::size_t extent : a.x[0].shape()) shape.push_back(extent == 1 && a.flag() ? 3 : extent);
                 return broadcast_to(a.x[0], shape);
               }),
      function("sum_to", 1,
               [](auto& a) {
                 Shape shape;
                 const std::size_t dropped = a.below(a.x[0].rank() + 1);
                 for (std::size_t axis = dropped; axis < a.x[0].rank(); ++axis)
                   shape.push_back(a.flag() ? 1 : a.x[0].shape()[axis]);
                 return sum_to(a.x[0], shape);
               }),
      function("contiguous", 1, [](auto& a) { return contiguous(a.x[0]); }),
      function(
          "slice", 1,
          [](auto& a) {
            const auto first = static_cast<std::ptrdiff_t>(a.below(3));
            const auto step = std::array<std::ptrdiff_t, 4>{1, 2, -1, -2}[a.below(4)];
            const auto axis = a.axis_of(a.x[0]);
            return slice(a.x[0], axis, step > 0 ? Slice{first, {}, step} : Slice{{}, first, step});
          },
          3),
      function("slice at a position", 1,
               [](auto& a) {
                 return slice(a.x[0], {xt::ellipsis(), -1 - static_cast<std::ptrdiff_t>(a.below(2))});
               }),
      function("slice with a new axis", 1,
               [](auto& a) {
                 return slice(a.x[0], {xt::newaxis(), xt::range(0, 2)});
               }),
      function("flip", 1, [](auto& a) { return flip(a.x[0], axes_of(a)); }),
      function("diagonal", 1, [](auto& a) { return diagonal(a.x[0], static_cast<std::ptrdiff_t>(a.below(3)) - 1); }),
      function("diag", 1, [](auto& a) { return diag(a.x[0], static_cast<std::ptrdiff_t>(a.below(3)) - 1); }),
      function("trace", 1, [](auto& a) { return trace(a.x[0], static_cast<std::ptrdiff_t>(a.below(3)) - 1); }),
      function("tril", 1, [](auto& a) { return tril(a.x[0], static_cast<std::ptrdiff_t>(a.below(3)) - 1); }),
      function("triu", 1, [](auto& a) { return triu(a.x[0], static_cast<std::ptrdiff_t>(a.below(3)) - 1); })};
}

std::vector<Function> joins() {
  return {function("concatenate", 2,
                   [](auto& a) {
                     const auto axis = a.axis_of(a.x[0]);
                     return concatenate({a.x[0], a.flag() ? a.x[1] : fit(a.x[1], a.x[0].shape(), a.flag())}, axis);
                   }),
          function("stack", 2,
                   [](auto& a) {
                     const auto axis = a.axis_of(a.x[0]);
                     return stack({a.x[0], fit(a.x[1], a.x[0].shape(), a.flag())}, axis);
                   }),
          function("split", 1,
                   [](auto& a) {
                     const auto parts = split(a.x[0], 2, a.axis_of(a.x[0]));
                     return a.flag() ? parts[0] * parts[1] : parts[1];
                   }),
          function("split_with_sizes", 1,
                   [](auto& a) {
                     const auto axis = a.axis_of(a.x[0]);
                     const Shape shape = a.x[0].shape();
                     const std::size_t extent = shape.empty() ? 0 : shape[static_cast<std::size_t>(axis)];
                     const std::vector<std::size_t> sizes{extent / 2, 0, extent - extent / 2};
                     return split_with_sizes(a.x[0], sizes, axis)[a.flag() ? 0 : 2];
                   }),
          function("chunk", 1, [](auto& a) { return chunk(a.x[0], 2, a.axis_of(a.x[0])).back(); }),
          function("tile", 1,
                   [](auto& a) {
                     return tile(a.x[0], {1 + a.below(2), 2});
                   }),
          function("repeat", 1, [](auto& a) { return repeat(a.x[0], 1 + a.below(3), a.axis_of(a.x[0])); }),
          function("roll", 1,
                   [](auto& a) { return roll(a.x[0], static_cast<std::ptrdiff_t>(a.below(4)) - 1, axes_of(a)); }),
          function("pad", 1, [](auto& a) {
            const std::size_t before = a.below(2);
            return pad(a.x[0], {{before, 1}},
                       std::array{PadMode::constant, PadMode::edge, PadMode::reflect}[a.below(3)], 0.5);
          })};
}

std::vector<Function> reductions() {
  return {reduction("sum", [](auto x, auto axes, auto keep) { return sum(x, axes, keep); }),
          reduction("mean", [](auto x, auto axes, auto keep) { return mean(x, axes, keep); }),
          reduction("prod", [](auto x, auto axes, auto keep) { return prod(x, axes, keep); }),
          reduction("amax", [](auto x, auto axes, auto keep) { return amax(x, axes, keep); }),
          reduction("amin", [](auto x, auto axes, auto keep) { return amin(x, axes, keep); }),
          reduction("var", [](auto x, auto axes, auto keep) { return var(x, axes, keep); }),
          reduction("stddev", [](auto x, auto axes, auto keep) { return stddev(x, axes, keep, 1); }),
          reduction("logsumexp", [](auto x, auto axes, auto keep) { return logsumexp(x, axes, keep); }),
          reduction("norm", [](auto x, auto axes, auto keep) { return norm(x, 2, axes, keep); }),
          reduction("norm of order 3", [](auto x, auto axes, auto keep) { return norm(x, 3, axes, keep); }),
          reduction("norm of order 1", [](auto x, auto axes, auto keep) { return norm(x, 1, axes, keep); }),
          reduction("count_nonzero", [](auto x, auto axes, auto keep) { return count_nonzero(x, axes, keep); }),
          along_axis("cumsum", [](auto x, auto axis) { return cumsum(x, axis); }),
          along_axis("cumprod", [](auto x, auto axis) { return cumprod(x, axis); }),
          along_axis("logcumsumexp", [](auto x, auto axis) { return logcumsumexp(x, axis); }),
          along_axis("softmax", [](auto x, auto axis) { return softmax(x, axis); }),
          along_axis("log_softmax", [](auto x, auto axis) { return log_softmax(x, axis); }),
          along_axis("sort", [](auto x, auto axis) { return sort(x, axis); }),
          along_axis("sort downwards", [](auto x, auto axis) { return sort(x, axis, SortOrder::descending); })};
}

}  // namespace

std::vector<Function> shape_functions() {
  std::vector<Function> result = views();
  for (const auto& family : {joins(), reductions()}) result.insert(result.end(), family.begin(), family.end());
  return result;
}

}  // namespace wengert::random_graphs
