// The ops that rearrange activations to and from blocks of channels.
#include "program/channel_blocks.hpp"

#include <array>
#include <span>

namespace wengert::program {
namespace {

// A layout over the elements of a row-major value, in the order of blocks: (N, C/block, spatial…, block).
Layout blocks_of(const Shape& shape, std::size_t block) {
  std::array<std::ptrdiff_t, max_rank> strides = contiguous_layout(shape).strides;
  strides[shape.rank()] = strides[1];
  strides[1] *= static_cast<std::ptrdiff_t>(block);
  return strided_layout(in_blocks(shape, block), {strides.data(), shape.rank() + 1});
}
// A layout over the elements of a value in blocks, in row-major order: (N, C/block, block, spatial…).
Layout rows_of(const Shape& shape, std::size_t block) {
  const Layout blocks = contiguous_layout(in_blocks(shape, block));
  Shape extents{shape[0], shape[1] / block, block};
  std::array<std::ptrdiff_t, max_rank> strides{blocks.strides[0], blocks.strides[1], 1};
  for (std::size_t axis = 2; axis < shape.rank(); ++axis) {
    extents.push_back(shape[axis]);
    strides[axis + 1] = blocks.strides[axis];
  }
  return strided_layout(extents, {strides.data(), extents.rank()});
}

std::size_t block_of(const void* attributes) { return *static_cast<const std::size_t*>(attributes); }

}  // namespace

Shape in_blocks(const Shape& shape, std::size_t block) {
  Shape result = shape;
  result[1] /= block;
  result.push_back(block);
  return result;
}

template <class T>
const Op<T>& to_channel_blocks() {
  static constexpr Op<T> op{.name = "to_channel_blocks",
                            .forward =
                                [](const void* attributes, std::span<const Value<const T>> inputs, Value<T> out) {
                                  const Layout layout = blocks_of(inputs[0].shape(), block_of(attributes));
                                  copy_elements<T>({inputs[0].data, &layout}, out.data);
                                },
                            .attribute_bytes = sizeof(std::size_t)};
  return op;
}
template <class T>
const Op<T>& from_channel_blocks() {
  static constexpr Op<T> op{.name = "from_channel_blocks",
                            .forward =
                                [](const void* attributes, std::span<const Value<const T>> inputs, Value<T> out) {
                                  const Layout layout = rows_of(out.shape(), block_of(attributes));
                                  copy_elements<T>({inputs[0].data, &layout}, out.data);
                                },
                            .attribute_bytes = sizeof(std::size_t)};
  return op;
}

template const Op<float>& to_channel_blocks();
template const Op<double>& to_channel_blocks();
template const Op<float>& from_channel_blocks();
template const Op<double>& from_channel_blocks();

}  // namespace wengert::program
