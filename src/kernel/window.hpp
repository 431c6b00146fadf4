// A window that slides over up to three spatial axes, and its columns (im2col).
#pragma once

#include <array>
#include <cstddef>

namespace wengert::kernel {

/// One spatial axis: output o and kernel element k meet at input o·stride + k·dilation − padding, if it exists.
struct WindowAxis {
  std::size_t input = 1;
  std::size_t kernel = 1;
  std::size_t output = 1;
  std::size_t stride = 1;
  std::size_t dilation = 1;
  std::size_t padding = 0;  // before the first element; the extents determine the padding after the last

  bool operator==(const WindowAxis&) const = default;
};

/// Three axes, innermost last; an unused axis keeps its default extents of 1.
struct Window {
  std::array<WindowAxis, 3> axes{};

  std::size_t input_size() const { return axes[0].input * axes[1].input * axes[2].input; }
  std::size_t kernel_size() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }
  std::size_t output_size() const { return axes[0].output * axes[1].output * axes[2].output; }
  /// Whether each output sees only the input at the same position.
  bool is_point() const {
    for (const WindowAxis& axis : axes)
      if (axis.kernel != 1 || axis.stride != 1 || axis.padding != 0 || axis.input != axis.output) return false;
    return true;
  }
  bool operator==(const Window&) const = default;
};

/// A range of output positions, numbered image by image and row-major within each.
struct Positions {
  std::size_t first;
  std::size_t last;
  std::size_t count() const { return last - first; }
};

/// columns[(c, k), p] = the element of channel c under kernel element k at position p, 0 beyond the edges. Images are
/// `image_stride` elements apart, the channels of one contiguous.
template <class T>
void gather_columns(const Window& window, std::size_t channels, std::size_t image_stride, const T* images,
                    Positions positions, T* columns);

/// The adjoint: adds every column to the elements it was gathered from.
template <class T>
void scatter_columns(const Window& window, std::size_t channels, std::size_t image_stride, const T* columns,
                     Positions positions, T* images);

}  // namespace wengert::kernel
