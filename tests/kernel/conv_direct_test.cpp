// The convolution without columns against loops over its definition.
#include "kernel/conv_direct.hpp"

#include "testing.hpp"

#include <array>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using kernel::Convolution;
using kernel::WindowAxis;

namespace {

// The input under kernel element k at output o along an axis, if there is one.
bool meets(const WindowAxis& axis, std::size_t o, std::size_t k, std::size_t& input) {
  const std::size_t padded = o * axis.stride + k * axis.dilation;
  input = padded - axis.padding;
  return padded >= axis.padding && input < axis.input;
}

template <class T>
std::vector<double> expected_of(const Convolution& conv, const T* x, const T* w) {
  const auto& [outer, middle, inner] = conv.window.axes;
  const std::size_t channels = conv.channels / conv.groups, filters = conv.filters / conv.groups;
  std::vector<double> y;
  for (std::size_t image = 0; image < conv.batch; ++image)
    for (std::size_t filter = 0; filter < conv.filters; ++filter)
      for (std::size_t o0 = 0; o0 < outer.output; ++o0)
        for (std::size_t o1 = 0; o1 < middle.output; ++o1)
          for (std::size_t o2 = 0; o2 < inner.output; ++o2) {
            double sum = 0;
            const T* weight = w + filter * channels * conv.window.kernel_size();
            for (std::size_t c = 0; c < channels; ++c) {
              const std::size_t plane = image * conv.channels + filter / filters * channels + c;
              for (std::size_t k0 = 0; k0 < outer.kernel; ++k0)
                for (std::size_t k1 = 0; k1 < middle.kernel; ++k1)
                  for (std::size_t k2 = 0; k2 < inner.kernel; ++k2, ++weight) {
                    std::size_t i0 = 0, i1 = 0, i2 = 0;
                    if (meets(outer, o0, k0, i0) && meets(middle, o1, k1, i1) && meets(inner, o2, k2, i2))
                      sum +=
                          static_cast<double>(*weight) *
                          static_cast<double>(x[((plane * outer.input + i0) * middle.input + i1) * inner.input + i2]);
                  }
            }
            y.push_back(sum);
          }
  return y;
}

WindowAxis axis_of(std::size_t input, std::size_t kernel, std::size_t padding, std::size_t dilation = 1,
                   std::size_t stride = 1, std::size_t more_after = 0) {
  const std::size_t padded = input + 2 * padding + more_after;
  return {input, kernel, (padded - (kernel - 1) * dilation - 1) / stride + 1, stride, dilation, padding};
}

template <class T>
void check(const Convolution& conv, bool is_direct = true) {
  CAPTURE(conv.channels);
  CAPTURE(conv.filters);
  CAPTURE(conv.window.axes[2].output);
  const auto x = random_tensor<T>({conv.input_size()}, 1), w = random_tensor<T>({conv.weight_size()}, 2);
  std::vector<T> y(conv.output_size() + 1, T(77));
  const bool expects = is_direct && active_isa() != Isa::baseline;
  CHECK(kernel::is_direct<T>(conv) == expects);
  CHECK(kernel::convolve_directly<T>(conv, x.data(), w.data(), y.data()) == expects);
  CHECK(y.back() == 77);  // the last element must not change
  if (!expects) return;
  const std::vector<double> expected = expected_of(conv, x.data(), w.data());
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    worst = larger_error(worst, std::abs(expected[i] - static_cast<double>(y[i])));
  CHECK(worst < (sizeof(T) == 4 ? 1e-5 : 1e-14) * static_cast<double>(conv.weight_size() / conv.filters));
}

}  // namespace

TEST_CASE_TEMPLATE("direct convolutions of every number of filters, over lines of every length", T, float, double) {
  for (std::size_t filters = 2; filters < 14; ++filters)
    for (std::size_t width = 10; width < 70; width += width < 20 ? 1 : 9)
      check<T>({2, 3, filters, 1, 2, {{WindowAxis{}, axis_of(5, 3, 1), axis_of(width, 3, 0)}}});
}

TEST_CASE_TEMPLATE("direct convolutions: padding, dilation, groups, one and three axes", T, float, double) {
  check<T>({3, 1, 6, 1, 2, {{WindowAxis{}, axis_of(28, 5, 2), axis_of(28, 5, 2)}}});
  check<T>({2, 4, 6, 2, 2, {{WindowAxis{}, axis_of(6, 2, 0), axis_of(11, 2, 1)}}});
  check<T>({2, 2, 5, 1, 2, {{WindowAxis{}, axis_of(9, 3, 2, 2), axis_of(13, 3, 3, 3)}}});
  check<T>({1, 2, 3, 1, 2, {{WindowAxis{}, axis_of(9, 2, 0, 1, 1, 1), axis_of(12, 4, 1, 1, 1, 1)}}});  // "same"
  check<T>({1, 4, 3, 1, 1, {{WindowAxis{}, WindowAxis{}, axis_of(50, 7, 3)}}});
  check<T>({2, 2, 4, 1, 3, {{axis_of(4, 2, 1), axis_of(5, 3, 1), axis_of(10, 3, 1)}}});
  check<T>({1, 1, 2, 1, 2, {{WindowAxis{}, axis_of(3, 5, 2), axis_of(20, 21, 10)}}});  // wider than the input
}

TEST_CASE_TEMPLATE("convolutions that other kernels compute", T, float, double) {
  const WindowAxis rows = axis_of(12, 3, 1);
  check<T>({1, 2, 4, 1, 2, {{WindowAxis{}, rows, axis_of(30, 3, 1, 1, 2)}}}, false);
  check<T>({1, 2, 4, 1, 2, {{WindowAxis{}, rows, axis_of(4, 3, 0)}}}, false);
  check<T>({1, 2, 4, 1, 2, {{WindowAxis{}, axis_of(12, 1, 0), axis_of(30, 1, 0)}}}, false);
  check<T>({1, 9, 4, 1, 2, {{WindowAxis{}, rows, axis_of(30, 3, 1)}}}, false);
  check<T>({1, 5, 4, 1, 2, {{WindowAxis{}, rows, axis_of(30, 3, 1)}}}, sizeof(T) == 8);
  check<T>({1, 1, 2, 1, 2, {{WindowAxis{}, axis_of(130, 3, 0), axis_of(130, 3, 0)}}}, false);
  check<T>({1, 3, 3, 3, 2, {{WindowAxis{}, rows, axis_of(30, 3, 1)}}}, false);
  check<T>({0, 2, 4, 1, 2, {{WindowAxis{}, rows, axis_of(30, 3, 1)}}}, false);
  check<T>({1, 0, 4, 1, 2, {{WindowAxis{}, rows, axis_of(30, 3, 1)}}}, false);
}

TEST_CASE_TEMPLATE("direct convolutions of the images of a batch on two threads", T, float, double) {
  const int before = num_threads();
  set_num_threads(2);
  check<T>({32, 2, 12, 2, 2, {{WindowAxis{}, axis_of(28, 5, 2), axis_of(28, 5, 1)}}});
  set_num_threads(before);
}
