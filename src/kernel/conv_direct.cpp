// Convolutions of few channels, without columns: lines of outputs of several filters in registers.
#include "kernel/conv_direct.hpp"

#include "base/parallel.hpp"
#include "kernel/scratch.hpp"
#include <wengert/simd/isa.hpp>
#include <wengert/simd/lane.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace wengert::kernel {
namespace {

// The images of one group, padded, so that the element of weight r at an output is offsets[r] after the first one.
struct Padded {
  std::array<std::size_t, 3> extents{};  // of a plane
  std::size_t channels = 0;
  std::size_t rows = 0;  // weights of a filter

  explicit Padded(const Convolution& conv)
      : channels(conv.channels / conv.groups), rows(channels * conv.window.kernel_size()) {
    for (std::size_t i = 0; i < 3; ++i) {
      const WindowAxis& axis = conv.window.axes[i];
      extents[i] = std::max(axis.input + axis.padding, axis.output + (axis.kernel - 1) * axis.dilation);
    }
  }
  std::size_t plane() const { return extents[0] * extents[1] * extents[2]; }
};

template <class T>
constexpr std::size_t slack = 64 / sizeof(T);  // elements after the last plane: lanes may read beyond a line

template <class T>
void pad(const Convolution& conv, const Padded& padded, const T* x, T* to) {
  const auto& [outer, middle, inner] = conv.window.axes;
  std::fill_n(to, padded.channels * padded.plane() + slack<T>, T(0));
  for (std::size_t c = 0; c < padded.channels; ++c, to += padded.plane())
    for (std::size_t i0 = 0; i0 < outer.input; ++i0)
      for (std::size_t i1 = 0; i1 < middle.input; ++i1, x += inner.input)
        std::copy_n(
            x, inner.input,
            to + ((i0 + outer.padding) * padded.extents[1] + i1 + middle.padding) * padded.extents[2] + inner.padding);
}

void find_offsets(const Convolution& conv, const Padded& padded, std::size_t* offsets) {
  const auto& [outer, middle, inner] = conv.window.axes;
  for (std::size_t c = 0; c < padded.channels; ++c)
    for (std::size_t k0 = 0; k0 < outer.kernel; ++k0)
      for (std::size_t k1 = 0; k1 < middle.kernel; ++k1)
        for (std::size_t k2 = 0; k2 < inner.kernel; ++k2)
          *offsets++ = c * padded.plane() +
                       (k0 * outer.dilation * padded.extents[1] + k1 * middle.dilation) * padded.extents[2] +
                       k2 * inner.dilation;
}

// The products of `count` outputs of a line, at most two lanes, by `filters` filters.
template <class T>
struct DirectLine {
  const T* x;  // the first element under the window of the first output
  const std::size_t* offsets;
  std::size_t rows;
  const T* w;
  T* y;
  std::size_t y_step;  // from filter to filter
  std::size_t count;

  template <class L, std::size_t filters, std::size_t lanes>
  WENGERT_INLINE void compute() const {
    using R = typename L::Register;
    [&]<std::size_t... I, std::size_t... F>(std::index_sequence<I...>, std::index_sequence<F...>)
        __attribute__((always_inline)) {
      R sums[] = {(static_cast<void>(I), R{})...};
      for (std::size_t r = 0; r < rows; ++r) {
        const T* at = x + offsets[r];
        const R first = L::load(at).v, second = L::load(at + (lanes - 1) * L::width).v;
        const auto add = [&](T by, R * of_filter) __attribute__((always_inline)) {
          R weight;
          broadcast(by, weight);
          of_filter[0] += weight * first;
          if constexpr (lanes == 2) of_filter[1] += weight * second;
        };
        (add(w[F * rows + r], sums + F * lanes), ...);
      }
      (store<L, I % lanes == lanes - 1>(L(sums[I]), y + I / lanes * y_step + I % lanes * L::width,
                                        count - I % lanes * L::width),
       ...);
    }
    (std::make_index_sequence<filters * lanes>(), std::make_index_sequence<filters>());
  }
  // All elements of a lane, or if it is the last one, the first `rest`.
  template <class L, bool last>
  static WENGERT_INLINE void store(const L& lane, T* to, std::size_t rest) {
    if (!last || rest >= L::width)
      lane.store(to);
    else
      lane.store_first(to, rest);
  }
};

template <class T>
struct DirectBody {
  // One image of one group.
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const Convolution& conv, const Padded& padded, const std::size_t* offsets, const T* x,
                                 const T* w, T* y) {
    const std::size_t filters = conv.filters / conv.groups, rows = padded.rows, step = conv.window.output_size();
    std::size_t f = 0;
    for (; f + 6 <= filters; f += 6) lines<Bytes, 6>(conv, padded, offsets, x, w + f * rows, y + f * step);
    for (; f + 4 <= filters; f += 4) lines<Bytes, 4>(conv, padded, offsets, x, w + f * rows, y + f * step);
    for (; f + 2 <= filters; f += 2) lines<Bytes, 2>(conv, padded, offsets, x, w + f * rows, y + f * step);
    for (; f < filters; ++f) lines<Bytes, 1>(conv, padded, offsets, x, w + f * rows, y + f * step);
  }

 private:
  template <std::size_t Bytes, std::size_t filters>
  static WENGERT_INLINE void lines(const Convolution& conv, const Padded& padded, const std::size_t* offsets,
                                   const T* x, const T* w, T* y) {
    using L = Lane<T, Bytes>;
    const auto& [outer, middle, inner] = conv.window.axes;
    const std::size_t step = conv.window.output_size();
    for (std::size_t o0 = 0; o0 < outer.output; ++o0)
      for (std::size_t o1 = 0; o1 < middle.output; ++o1, y += inner.output) {
        const T* line = x + (o0 * padded.extents[1] + o1) * padded.extents[2];
        for (std::size_t o2 = 0; o2 < inner.output; o2 += 2 * L::width) {
          const DirectLine<T> of{
              line + o2, offsets, padded.rows, w, y + o2, step, std::min(2 * L::width, inner.output - o2)};
          if (of.count > L::width)
            of.template compute<L, filters, 2>();
          else
            of.template compute<L, filters, 1>();
        }
      }
  }
};

}  // namespace

template <class T>
bool is_direct(const Convolution& conv) {
  constexpr std::size_t most_channels = sizeof(T) == 4 ? 4 : 8, most_bytes = std::size_t{1} << 16;
  constexpr std::size_t fewest = 32 / sizeof(T);  // outputs of a line: its lanes are at least half full
  if (conv.input_size() == 0 || conv.output_size() == 0 || conv.window.is_point() || active_isa() == Isa::baseline)
    return false;
  for (const WindowAxis& axis : conv.window.axes)
    if (axis.stride != 1) return false;
  const Padded padded(conv);
  return padded.channels <= most_channels && conv.filters >= 2 * conv.groups && conv.window.axes[2].output >= fewest &&
         padded.channels * padded.plane() * sizeof(T) <= most_bytes;
}

template <class T>
bool convolve_directly(const Convolution& conv, const T* x, const T* w, T* y) {
  if (!is_direct<T>(conv)) return false;
  const Padded padded(conv);
  static constexpr auto kernels =
      compile_per_isa<DirectBody<T>, const Convolution&, const Padded&, const std::size_t*, const T*, const T*, T*>();
  const std::size_t work = conv.output_size() * padded.rows / 16;  // an element takes as long as 16 products
  parallel_for(conv.batch, 1, work, [&](std::size_t first, std::size_t last) {
    auto* offsets = scratch<std::size_t>(Scratch::left, padded.rows);
    find_offsets(conv, padded, offsets);
    T* images = scratch<T>(Scratch::columns, padded.channels * padded.plane() + slack<T>);
    for (std::size_t image = first; image < last; ++image)
      for (std::size_t group = 0; group < conv.groups; ++group) {
        const std::size_t part = image * conv.groups + group, filters = conv.filters / conv.groups;
        pad(conv, padded, x + part * padded.channels * conv.window.input_size(), images);
        kernels[static_cast<std::size_t>(active_isa())](conv, padded, offsets, images,
                                                        w + group * filters * padded.rows,
                                                        y + part * filters * conv.window.output_size());
      }
  });
  return true;
}

template bool is_direct<float>(const Convolution&);
template bool is_direct<double>(const Convolution&);
template bool convolve_directly<float>(const Convolution&, const float*, const float*, float*);
template bool convolve_directly<double>(const Convolution&, const double*, const double*, double*);

}  // namespace wengert::kernel
