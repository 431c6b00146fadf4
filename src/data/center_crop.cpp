// center_crop: the window in the centre of images. The readers of images need it, but not the tape that augment uses.
#include <wengert/data/augment.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace wengert::data {
namespace {

// Half of a margin, rounded to even like Python's `round`.
std::size_t half_to_even(std::size_t margin) { return (margin + (margin % 4 == 3 ? 1 : 0)) / 2; }

}  // namespace

template <class T>
Tensor<T> center_crop(const Tensor<T>& images, std::size_t height, std::size_t width, const Location& where) {
  Shape shape(images.shape());
  if (shape.rank() < 2)
    throw ShapeError("center_crop", fmt::format("shape {}: expected images …×H×W", to_string(shape)), where);
  const std::size_t rows = shape[shape.rank() - 2], columns = shape.back();
  if (height == 0 || width == 0 || height > rows || width > columns)
    throw ValueError(
        "center_crop",
        fmt::format("a window of {} by {} pixels: expected at least 1 by 1 and at most the images' {} by {}", height,
                    width, rows, columns),
        where);
  shape[shape.rank() - 2] = height;
  shape[shape.rank() - 1] = width;
  auto result = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  const std::size_t top = half_to_even(rows - height), left = half_to_even(columns - width);
  for (std::size_t line = 0; line < result.size() / width; ++line) {
    const std::size_t from = line / height * rows + top + line % height;
    std::copy_n(images.data() + from * columns + left, width, result.data() + line * width);
  }
  return result;
}

template Tensor<float> center_crop(const Tensor<float>&, std::size_t, std::size_t, const Location&);
template Tensor<double> center_crop(const Tensor<double>&, std::size_t, std::size_t, const Location&);

}  // namespace wengert::data
