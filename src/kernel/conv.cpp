// Convolutions lowered to matrix products (im2col) in cache-sized blocks, where no other kernel is faster.
#include "kernel/conv.hpp"

#include "kernel/conv_direct.hpp"
#include "kernel/gemm.hpp"
#include "kernel/scratch.hpp"

#include <algorithm>
#include <type_traits>

namespace wengert::kernel {
namespace {

// Whole images, or a part of one, whose columns fit the cache.
struct Block {
  std::size_t image;
  std::size_t images;
  std::size_t first;  // positions within an image
  std::size_t last;
  std::size_t count() const { return images * (last - first); }
};

// One group of a convolution.
template <class T>
class Group {
 public:
  Group(const Convolution& conv, std::size_t group)
      : conv_(conv),
        channels_(conv.channels / conv.groups),
        filters_(conv.filters / conv.groups),
        rows_(channels_ * conv.window.kernel_size()),
        positions_(conv.window.output_size()),
        input_offset_(group * channels_ * conv.window.input_size()),
        input_stride_(conv.channels * conv.window.input_size()),
        output_offset_(group * filters_ * positions_),
        output_stride_(conv.filters * positions_),
        weight_offset_(group * filters_ * rows_) {}

  void forward(const T* x, const T* w, T* y) const {
    for_each_block([&](const Block& block) {
      const bool in_place = block.images == 1 && block.count() == positions_;
      T* product = in_place ? y + output_offset_ + block.image * output_stride_
                            : scratch<T>(Scratch::result, filters_ * block.count());
      gemm<T>(filters_, block.count(), rows_, {w + weight_offset_, rows_, false}, columns(block, x), product);
      if (!in_place)
        for_each_run(block, y, [&](T* run, std::size_t at, std::size_t n) { std::copy_n(product + at, n, run); });
    });
  }
  // Adds to x.
  void input_gradient(const T* g, const T* w, T* x) const {
    for_each_block([&](const Block& block) {
      T* product = scratch<T>(Scratch::columns, rows_ * block.count());
      gemm<T>(rows_, block.count(), filters_, {w + weight_offset_, rows_, true}, outputs(block, g), product);
      scatter_columns<T>(conv_.window, channels_, input_stride_, product, range(block), x + input_offset_);
    });
  }
  void weight_gradient(const T* x, const T* g, T* w) const {
    w += weight_offset_;
    bool first = true;
    for_each_block([&](const Block& block) {
      T* product = first ? w : scratch<T>(Scratch::result, filters_ * rows_);
      const Matrix<T> seen = columns(block, x);
      gemm<T>(filters_, rows_, block.count(), outputs(block, g), {seen.data, seen.stride, true}, product);
      if (!first)
        for (std::size_t i = 0; i < filters_ * rows_; ++i) w[i] += product[i];
      first = false;
    });
    if (first) std::fill_n(w, filters_ * rows_, T(0));
  }

 private:
  template <class F>
  void for_each_block(const F& f) const {
    constexpr std::size_t bytes = std::size_t{1} << 20;
    const std::size_t fitting = std::max<std::size_t>(64, bytes / sizeof(T) / std::max<std::size_t>(rows_, 1));
    if (positions_ == 0) return;
    const std::size_t images = std::max<std::size_t>(1, fitting / positions_);
    const std::size_t part = conv_.window.is_point() ? positions_ : std::min(positions_, fitting);
    for (std::size_t image = 0; image < conv_.batch; image += images)
      for (std::size_t first = 0; first < positions_; first += part)
        f(Block{image, std::min(images, conv_.batch - image), first, std::min(positions_, first + part)});
  }
  Positions range(const Block& block) const {
    const std::size_t start = block.image * positions_ + block.first;
    return {start, start + block.count()};
  }
  // The columns of a block (im2col): rows × positions.
  Matrix<T> columns(const Block& block, const T* x) const {
    x += input_offset_;
    if (conv_.window.is_point() && block.images == 1) return {x + block.image * input_stride_, positions_, false};
    T* gathered = scratch<T>(Scratch::columns, rows_ * block.count());
    gather_columns<T>(conv_.window, channels_, input_stride_, x, range(block), gathered);
    return {gathered, block.count(), false};
  }
  // A block of outputs: filters × positions.
  Matrix<T> outputs(const Block& block, const T* g) const {
    if (block.images == 1) return {g + output_offset_ + block.image * output_stride_ + block.first, positions_, false};
    T* gathered = scratch<T>(Scratch::left, filters_ * block.count());
    for_each_run(block, g, [&](const T* run, std::size_t at, std::size_t n) { std::copy_n(run, n, gathered + at); });
    return {gathered, block.count(), false};
  }
  // Calls f(run of outputs, its offset in a filters × positions matrix, its length).
  template <class P, class F>
  void for_each_run(const Block& block, P y, const F& f) const {
    y += output_offset_ + block.first;
    const std::size_t n = block.last - block.first;
    for (std::size_t filter = 0; filter < filters_; ++filter)
      for (std::size_t i = 0; i < block.images; ++i)
        f(y + (block.image + i) * output_stride_ + filter * positions_, filter * block.count() + i * n, n);
  }

  const Convolution& conv_;
  std::size_t channels_;
  std::size_t filters_;
  std::size_t rows_;  // of the columns: channels × kernel elements
  std::size_t positions_;
  std::size_t input_offset_;
  std::size_t input_stride_;
  std::size_t output_offset_;
  std::size_t output_stride_;
  std::size_t weight_offset_;
};

template <class T>
void run(Product product, const Convolution& conv, const T* a, const T* b, T* result) {
  if constexpr (std::is_same_v<T, float>)
    if (convolve_by_library(product, conv, a, b, result)) return;
  convolve_by_columns(product, conv, a, b, result);
}

}  // namespace

template <class T>
void convolve_by_columns(Product product, const Convolution& conv, const T* a, const T* b, T* result) {
  if (product == Product::input_gradient) std::fill_n(result, conv.input_size(), T(0));
  for (std::size_t i = 0; i < conv.groups; ++i) {
    const Group<T> group(conv, i);
    if (product == Product::forward)
      group.forward(a, b, result);
    else if (product == Product::input_gradient)
      group.input_gradient(a, b, result);
    else
      group.weight_gradient(a, b, result);
  }
}

template <class T>
void convolve(const Convolution& conv, const T* x, const T* w, T* y) {
  if (!convolve_directly(conv, x, w, y)) run(Product::forward, conv, x, w, y);
}

template <class T>
void convolve_input_gradient(const Convolution& conv, const T* g, const T* w, T* x) {
  run(Product::input_gradient, conv, g, w, x);
}

template <class T>
void convolve_weight_gradient(const Convolution& conv, const T* x, const T* g, T* w) {
  run(Product::weight_gradient, conv, x, g, w);
}

#define WENGERT_INSTANTIATE(T)                                                               \
  template void convolve_by_columns<T>(Product, const Convolution&, const T*, const T*, T*); \
  template void convolve<T>(const Convolution&, const T*, const T*, T*);                     \
  template void convolve_input_gradient<T>(const Convolution&, const T*, const T*, T*);      \
  template void convolve_weight_gradient<T>(const Convolution&, const T*, const T*, T*);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
