// A window that slides over up to three spatial axes, and the columns of what it sees.
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
  std::size_t padding = 0;  // before the first element; the extents say how much follows the last

  bool operator==(const WindowAxis&) const = default;
};

/// Three axes, innermost last; an axis that is not used has the extents of a point.
struct Window {
  std::array<WindowAxis, 3> axes{};

  std::size_t input_size() const { return axes[0].input * axes[1].input * axes[2].input; }
  std::size_t kernel_size() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }
  std::size_t output_size() const { return axes[0].output * axes[1].output * axes[2].output; }
  /// Whether each output sees just the input at its own place.
  bool is_point() const {
    for (const WindowAxis& axis : axes)
      if (axis.kernel != 1 || axis.stride != 1 || axis.padding != 0 || axis.input != axis.output) return false;
    return true;
  }
  bool operator==(const Window&) const = default;
};

/// A run of output positions, counted over images and then row-major over the outputs of one.
struct Positions {
  std::size_t first;
  std::size_t last;
  std::size_t count() const { return last - first; }
};

/// columns[(c, k), p] = what kernel element k sees of channel c at position p, 0 beyond the edges. Images lie
/// `image_stride` elements apart, the channels of one without gaps.
template <class T>
void gather_columns(const Window& window, std::size_t channels, std::size_t image_stride, const T* images,
                    Positions positions, T* columns);

/// The reverse: adds every column to what it was gathered from.
template <class T>
void scatter_columns(const Window& window, std::size_t channels, std::size_t image_stride, const T* columns,
                     Positions positions, T* images);

}  // namespace wengert::kernel
