// Layout: the shape and strides of a value.
#pragma once

#include <wengert/base/tensor.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <span>

namespace wengert {

/// Shape and strides of a value. Strides count elements; a stride of 0 repeats one element along an axis
/// (broadcasting).
struct Layout {
  Shape shape;                                     ///< the extents
  std::array<std::ptrdiff_t, max_rank> strides{};  ///< step along each axis, in elements
  std::size_t size = 1;                            ///< number of elements
  bool contiguous = true;                          ///< row-major without gaps

  /// The number of axes.
  std::size_t rank() const { return shape.rank(); }
};

/// The row-major layout of `shape`. Throws ShapeError if the number of elements overflows.
Layout contiguous_layout(const Shape& shape);

/// The layout of `shape` with these strides, one for each axis, in elements. Throws as `contiguous_layout`.
Layout strided_layout(const Shape& shape, std::span<const std::ptrdiff_t> strides);

/// The layout of the elements of `from`, in row-major order, in another shape with the same number of elements; nullopt
/// if that would require a copy.
std::optional<Layout> reshaped_layout(const Layout& from, const Shape& shape);

/// An operand or result as a kernel sees it: the first element and the layout.
template <class T>
struct Value {
  T* data = nullptr;               ///< the first element
  const Layout* layout = nullptr;  ///< shape and strides

  /// The extents.
  const Shape& shape() const { return layout->shape; }
  /// The number of elements.
  std::size_t size() const { return layout->size; }
  /// The elements as a span; only for a contiguous value.
  std::span<T> span() const { return {data, layout->size}; }
};

/// Nested loops over several values of one shape; neighbouring axes are merged if every value allows it.
struct Loops {
  static constexpr std::size_t max_values = 10;  ///< eight inputs of a formula, its output and the cotangent
  std::size_t rank = 0;                          ///< at least 1
  std::array<std::size_t, max_rank> extents{};   ///< outermost first
  std::array<std::array<std::ptrdiff_t, max_rank>, max_values> strides{};  ///< by value, then by loop

  /// The extents of all loops but the `inner` innermost.
  std::span<const std::size_t> outer(std::size_t inner) const {
    return {extents.data(), rank > inner ? rank - inner : 0};
  }
};

/// The loops over `layouts`, which all have the same shape.
Loops merge_loops(std::span<const Layout* const> layouts);

/// Copies `from`, of any strides, to contiguous memory, in row-major order.
template <class T>
void copy_elements(Value<const T> from, T* to);

/// Copies `from` to `to`, which have the same shape and any strides. No two elements of `to` may share an address.
template <class T>
void copy_elements(Value<const T> from, Value<T> to);

}  // namespace wengert
