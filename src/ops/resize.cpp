// Image resizing by separable interpolation, one axis at a time, and pixel shuffling.
#include "kernel/resize.hpp"

#include "ops/attributes/axes.hpp"
#include "ops/windows.hpp"
#include <wengert/ops/resize.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

#include <fmt/format.h>

namespace wengert {
namespace {

using kernel::Interpolation;

// ---- one axis: two linear maps, each the transpose of the other ----------------------------------------------------

struct Resize : attributes::Resize {
  static constexpr std::size_t arity = 1;

  kernel::Resizing resizing(const Shape& x) const {
    std::size_t outer = 1, inner = 1;
    for (std::size_t i = 0; i < x.rank(); ++i)
      if (i != axis) (i < axis ? outer : inner) *= x[i];
    return {outer, small, large, inner, interpolation};
  }
};
template <class T>
Var<T> resized(const Resize& how, Var<T> x);
template <class T>
Var<T> shared_out(const Resize& how, Var<T> g);

constexpr std::string_view edges =
    "element i lies at (i + ½)·L/size − ½, or with aligned corners at "
    "i·(L − 1)/(size − 1); nearest takes ⌊i·L/size⌋ (PyTorch)";

struct ResizeAxis : Resize {
  static constexpr std::string_view name = "resize_axis";
  static constexpr std::string_view notation = "x interpolated along an axis";
  static constexpr std::string_view convention = edges;

  Shape shape(const Shape& x) const {
    Shape y = x;
    y[axis] = large;
    return y;
  }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    kernel::resize_axis<T>(resizing(x.shape()), x.data, y.data);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return shared_out(*this, g);
  }
  static std::vector<StructuralExample<ResizeAxis>> examples() {
    return {{{{0, 3, 5, Interpolation::nearest}}, {{3, 2}}},
            {{{1, 3, 7, Interpolation::linear}}, {{2, 3}}},
            {{{1, 5, 3, Interpolation::linear}}, {{2, 5}}},
            {{{0, 3, 5, Interpolation::linear_aligned_corners}}, {{3}}}};
  }
};

struct ResizeAxisGradient : Resize {
  static constexpr std::string_view name = "resize_axis_gradient";
  static constexpr std::string_view notation = "cotangents distributed to the interpolated elements";
  static constexpr std::string_view convention = edges;

  Shape shape(const Shape& g) const {
    Shape x = g;
    x[axis] = small;
    return x;
  }
  template <class T>
  void forward(Value<const T> g, Value<T> x) const {
    kernel::resize_axis_gradient<T>(resizing(g.shape()), g.data, x.data);
  }
  template <class T>
  auto vjp(Var<T> gx, Var<T>, Var<T>) const {
    return resized(*this, gx);
  }
  static std::vector<StructuralExample<ResizeAxisGradient>> examples() {
    return {{{{0, 3, 5, Interpolation::nearest}}, {{5, 2}}}, {{{1, 3, 7, Interpolation::linear}}, {{2, 7}}}};
  }
};

template <class T>
Var<T> resized(const Resize& how, Var<T> x) {
  return record(ResizeAxis{how}, Location::current(), x);
}
template <class T>
Var<T> shared_out(const Resize& how, Var<T> g) {
  return record(ResizeAxisGradient{how}, Location::current(), g);
}

template <std::size_t n, class T>
Var<T> resize(std::string_view name, Var<T> x, const PerAxis<n>& size, Interpolation interpolation,
              const Location& where) {
  return detail::on_batch(name, n, x, where, [&](Var<T> y) {
    if (!size.is_given()) throw ValueError(name, "the size is not given");
    const auto extents = detail::checked_numbers(name, "size", size, 1);
    const Shape before = y.shape();
    for (std::size_t axis = n + 1; axis >= 2; --axis)  // innermost first, while the others are still short
      if (const std::size_t extent = extents[axis + 1 - n]; extent != before[axis])
        y = record(ResizeAxis{{axis, before[axis], extent, interpolation}}, where, y);
    return y;
  });
}

Interpolation linear(AlignCorners corners) {
  return corners == AlignCorners::yes ? Interpolation::linear_aligned_corners : Interpolation::linear;
}

// Splits the axes of (N, …) into factors, reorders them and merges them again.
template <class T>
Var<T> shuffle(std::string_view name, Var<T> x, std::ptrdiff_t factor, bool undo, const Location& where) {
  return detail::on_batch(name, 2, x, where, [&](Var<T> batch) {
    const std::size_t r = detail::checked_numbers(name, "factor", PerAxis<1>(factor), 1)[2];
    const Shape s = batch.shape();
    if (!undo) {
      if (s[1] % (r * r) != 0)
        throw ShapeError(name, fmt::format("x of shape {} with factor {}: {} channels are not divisible by {}",
                                           to_string(x.shape()), r, s[1], r * r));
      const Var<T> parts = reshape(batch, {s[0], s[1] / (r * r), r, r, s[2], s[3]}, where);
      return reshape(transpose(parts, {0, 1, 4, 2, 5, 3}, where), {s[0], s[1] / (r * r), s[2] * r, s[3] * r}, where);
    }
    if (s[2] % r != 0 || s[3] % r != 0)
      throw ShapeError(name, fmt::format("x of shape {} with factor {}: both spatial extents must be multiples of it",
                                         to_string(x.shape()), r));
    const Var<T> parts = reshape(batch, {s[0], s[1], s[2] / r, r, s[3] / r, r}, where);
    return reshape(transpose(parts, {0, 1, 3, 5, 2, 4}, where), {s[0], s[1] * r * r, s[2] / r, s[3] / r}, where);
  });
}

}  // namespace

// ---- functions -----------------------------------------------------------------------------------------------------

template <class T>
Var<T> upsample_nearest1d(Var<T> x, const PerAxis<1>& size, Location where) {
  return resize("upsample_nearest1d", x, size, Interpolation::nearest, where);
}
template <class T>
Var<T> upsample_nearest2d(Var<T> x, const PerAxis<2>& size, Location where) {
  return resize("upsample_nearest2d", x, size, Interpolation::nearest, where);
}
template <class T>
Var<T> upsample_nearest3d(Var<T> x, const PerAxis<3>& size, Location where) {
  return resize("upsample_nearest3d", x, size, Interpolation::nearest, where);
}

template <class T>
Var<T> upsample_linear(Var<T> x, const PerAxis<1>& size, AlignCorners corners, Location where) {
  return resize("upsample_linear", x, size, linear(corners), where);
}
template <class T>
Var<T> upsample_bilinear(Var<T> x, const PerAxis<2>& size, AlignCorners corners, Location where) {
  return resize("upsample_bilinear", x, size, linear(corners), where);
}
template <class T>
Var<T> upsample_trilinear(Var<T> x, const PerAxis<3>& size, AlignCorners corners, Location where) {
  return resize("upsample_trilinear", x, size, linear(corners), where);
}

template <class T>
Var<T> pixel_shuffle(Var<T> x, std::ptrdiff_t factor, Location where) {
  return shuffle("pixel_shuffle", x, factor, false, where);
}
template <class T>
Var<T> pixel_unshuffle(Var<T> x, std::ptrdiff_t factor, Location where) {
  return shuffle("pixel_unshuffle", x, factor, true, where);
}

#define WENGERT_INSTANTIATE(T)                                                           \
  template Var<T> upsample_nearest1d(Var<T>, const PerAxis<1>&, Location);               \
  template Var<T> upsample_nearest2d(Var<T>, const PerAxis<2>&, Location);               \
  template Var<T> upsample_nearest3d(Var<T>, const PerAxis<3>&, Location);               \
  template Var<T> upsample_linear(Var<T>, const PerAxis<1>&, AlignCorners, Location);    \
  template Var<T> upsample_bilinear(Var<T>, const PerAxis<2>&, AlignCorners, Location);  \
  template Var<T> upsample_trilinear(Var<T>, const PerAxis<3>&, AlignCorners, Location); \
  template Var<T> pixel_shuffle(Var<T>, std::ptrdiff_t, Location);                       \
  template Var<T> pixel_unshuffle(Var<T>, std::ptrdiff_t, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

// ---- the registry --------------------------------------------------------------------------------------------------

namespace {

using Vars = std::span<const Var<double>>;
#define WENGERT_FUNCTION(n, text, rule, call, ...)                                                             \
  register_op({.name = #n, .notation = text, .convention = rule, .own_examples = [] {                          \
                 return std::vector{detail::example_of(#n, {Shape __VA_ARGS__}, [](Vars v) { return call; })}; \
               }})
const bool resize_registered[] = {
    WENGERT_FUNCTION(upsample_nearest1d, "the nearest element", edges, upsample_nearest1d(v[0], 5), {2, 3}),
    WENGERT_FUNCTION(upsample_nearest2d, "the nearest element", edges, upsample_nearest2d(v[0], {4, 5}), {1, 2, 2, 3}),
    WENGERT_FUNCTION(upsample_nearest3d, "the nearest element", edges, upsample_nearest3d(v[0], 3), {1, 2, 2, 2}),
    WENGERT_FUNCTION(upsample_linear, "linear interpolation", edges, upsample_linear(v[0], 5), {2, 3}),
    WENGERT_FUNCTION(upsample_bilinear, "bilinear interpolation", edges,
                     upsample_bilinear(v[0], {4, 5}, AlignCorners::yes), {1, 2, 2, 3}),
    WENGERT_FUNCTION(upsample_trilinear, "trilinear interpolation", edges, upsample_trilinear(v[0], {3, 2, 4}),
                     {1, 1, 2, 2, 2}),
    WENGERT_FUNCTION(pixel_shuffle, "channels turned into resolution", {}, pixel_shuffle(v[0], 2), {1, 4, 2, 3}),
    WENGERT_FUNCTION(pixel_unshuffle, "resolution turned into channels", {}, pixel_unshuffle(v[0], 2), {1, 4, 2})};
#undef WENGERT_FUNCTION

}  // namespace
}  // namespace wengert
