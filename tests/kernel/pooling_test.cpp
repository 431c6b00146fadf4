// Pooling kernels against loops over the elements of each window: ties, zeros of both signs, infinities and NaN.
#include "kernel/pooling.hpp"

#include "testing.hpp"

#include <array>
#include <cstring>
#include <random>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using kernel::PoolAxis;
using kernel::PoolWindow;

namespace {

// The inputs in window o of an axis, by its definition, and how many positions it covers with the padding.
struct Window {
  std::vector<std::size_t> inputs;
  std::size_t padded_count = 0;
};
Window window_of(const PoolAxis& axis, std::size_t o) {
  Window result;
  if (axis.adaptive) {
    for (std::size_t i = 0; i < axis.input; ++i)
      if (i >= o * axis.input / axis.output && i * axis.output < (o + 1) * axis.input) result.inputs.push_back(i);
    result.padded_count = result.inputs.size();
    return result;
  }
  for (std::size_t k = 0; k < axis.kernel; ++k) {
    const std::size_t padded = o * axis.stride + k * axis.dilation;
    if (padded >= axis.padding && padded - axis.padding < axis.input) result.inputs.push_back(padded - axis.padding);
    if (padded < axis.input + 2 * axis.padding) ++result.padded_count;
  }
  return result;
}

// A regular axis with as many outputs as fit; with `ceil`, also a last one that begins within the input.
PoolAxis axis_of(std::size_t input, std::size_t kernel, std::size_t stride, std::size_t dilation, std::size_t padding,
                 bool ceil) {
  PoolAxis axis{input, 0, kernel, stride, dilation, padding, false};
  const std::size_t padded = input + 2 * padding, reach = (kernel - 1) * dilation + 1;
  if (reach > padded) return axis;
  axis.output = (padded - reach) / stride + 1;
  if (ceil && (padded - reach) % stride != 0 && axis.output * stride < input + padding) ++axis.output;
  return axis;
}
bool has_empty_window(const PoolAxis& axis) {
  for (std::size_t o = 0; o < axis.output; ++o)
    if (window_of(axis, o).inputs.empty()) return true;
  return axis.output == 0;
}

template <class T>
struct Expected {
  std::vector<std::int64_t> positions;
  std::vector<T> values;
  std::vector<double> averages, padded_averages;
};
template <class T>
Expected<T> expected_of(const PoolWindow& window, const std::vector<T>& x) {
  Expected<T> result;
  const auto& [outer, middle, inner] = window.axes;
  for (std::size_t plane = 0; plane < x.size(); plane += window.input_size())
    for (std::size_t o0 = 0; o0 < outer.output; ++o0)
      for (std::size_t o1 = 0; o1 < middle.output; ++o1)
        for (std::size_t o2 = 0; o2 < inner.output; ++o2) {
          const Window w0 = window_of(outer, o0), w1 = window_of(middle, o1), w2 = window_of(inner, o2);
          std::vector<std::size_t> positions;
          for (const std::size_t i0 : w0.inputs)
            for (const std::size_t i1 : w1.inputs)
              for (const std::size_t i2 : w2.inputs) positions.push_back((i0 * middle.input + i1) * inner.input + i2);
          std::size_t largest = positions[0];
          long double sum = 0;
          for (const std::size_t at : positions) {
            const T e = x[plane + at];
            if (e > x[plane + largest] || std::isnan(e)) largest = at;
            sum += e;
          }
          result.positions.push_back(static_cast<std::int64_t>(largest));
          result.values.push_back(x[plane + largest]);
          result.averages.push_back(static_cast<double>(sum / static_cast<long double>(positions.size())));
          result.padded_averages.push_back(
              static_cast<double>(sum / static_cast<long double>(w0.padded_count * w1.padded_count * w2.padded_count)));
        }
  return result;
}

// Numbers of one kind: 0 any, 1 with many ties, 2 zeros of both signs, 3 infinities among numbers, 4 with NaN.
template <class T>
std::vector<T> numbers(std::size_t count, int kind, std::mt19937& random) {
  std::vector<T> result(count);
  constexpr T infinite = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T special[] = {-infinite, infinite, nan, -nan};
  for (T& e : result) {
    const auto word = static_cast<std::uint32_t>(random());
    e = static_cast<T>(word) / T(4e9) - T(0.5);
    if (kind == 1) e = static_cast<T>(word % 3) - 1;
    if (kind == 2) e = word % 4 == 0 ? T(-1) : word % 2 == 0 ? T(0) : -T(0);
    if (kind == 3 && word % 3 == 0) e = special[word / 3 % (word % 5 == 0 ? 2 : 1)];
    if (kind == 4 && word % 5 == 0) e = special[2 + word / 5 % 2];
  }
  return result;
}

template <class T>
bool same_bits(const std::vector<T>& a, const T* b) {
  return std::memcmp(a.data(), b, a.size() * sizeof(T)) == 0;
}
template <class T>
double worst(const std::vector<double>& expected, const T* got) {
  double result = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(expected[i]) != std::isnan(got[i])) return infinity;
    if (std::isnan(expected[i]) || expected[i] == static_cast<double>(got[i])) continue;
    result = larger_error(result, std::abs(expected[i] - static_cast<double>(got[i])));
  }
  return result;
}

template <class T>
void check_windows(const PoolWindow& window, std::size_t planes, std::mt19937& random) {
  for (const PoolAxis& axis : window.axes)
    if (has_empty_window(axis)) return;
  std::string text = fmt::format("{} planes", planes);
  for (const PoolAxis& a : window.axes)
    text += a.adaptive ? fmt::format("; {} to {}", a.input, a.output)
                       : fmt::format("; {} to {}: kernel {}, stride {}, dilation {}, padding {}", a.input, a.output,
                                     a.kernel, a.stride, a.dilation, a.padding);
  CAPTURE(text);
  const std::size_t count = planes * window.output_size();
  const bool dilated =
      std::any_of(window.axes.begin(), window.axes.end(), [](const PoolAxis& a) { return a.dilation != 1; });
  for (int kind = 0; kind < 5; ++kind) {
    CAPTURE(kind);
    const auto x = numbers<T>(planes * window.input_size(), kind, random);
    const Expected<T> expected = expected_of(window, x);
    std::vector<T> y(count + 1, T(77));  // the last element must not change
    kernel::largest_values<T>(window, planes, x.data(), y.data());
    CHECK(same_bits(expected.values, y.data()));
    CHECK(y.back() == 77);
    std::vector<std::int64_t> positions(count + 1, 77);
    kernel::largest_positions<T>(window, planes, x.data(), positions.data());
    CHECK(same_bits(expected.positions, positions.data()));
    CHECK(positions.back() == 77);
    if (dilated) continue;  // averages have no dilation
    const double tolerance = sizeof(T) == 4 ? 6e-8 : 1e-15;
    kernel::average_windows<T>(window, false, planes, x.data(), y.data());
    CHECK(worst(expected.averages, y.data()) <= tolerance);
    kernel::average_windows<T>(window, true, planes, x.data(), y.data());
    CHECK(worst(expected.padded_averages, y.data()) <= tolerance);
    CHECK(y.back() == 77);
  }
}

}  // namespace

TEST_CASE_TEMPLATE("pooling kernels over lines of every length", T, float, double) {
  std::mt19937 random(1);
  for (const bool ceil : {false, true})
    for (const std::size_t stride : Sizes{1, 2, 3})
      for (const std::size_t kernel : Sizes{1, 2, 3, 5})
        for (std::size_t width = 1; width < 72; width += width < 12 ? 1 : 7)
          for (std::size_t padding = 0; padding <= kernel / 2; ++padding)
            check_windows<T>(
                {{PoolAxis{}, axis_of(4, 2, 2, 1, 0, false), axis_of(width, kernel, stride, 1, padding, ceil)}}, 2,
                random);
}

TEST_CASE_TEMPLATE("pooling kernels over random windows of up to three axes", T, float, double) {
  std::mt19937 random(2);
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random()) % bound; };
  for (int i = 0; i < 600; ++i) {
    PoolWindow window;
    for (std::size_t axis = below(3); axis < 3; ++axis) {
      const std::size_t input = 1 + below(axis == 2 ? 40 : 8), kernel = 1 + below(std::min<std::size_t>(input, 5));
      if (below(4) == 0)
        window.axes[axis] = {input, 1 + below(input + 1), 1, 1, 1, 0, true};
      else
        window.axes[axis] = axis_of(input, kernel, 1 + below(4), 1 + below(4) / 3 * (1 + below(3)),
                                    below(kernel / 2 + 1), below(2) == 0);
    }
    check_windows<T>(window, 1 + below(3), random);
  }
}

TEST_CASE_TEMPLATE("pooling kernels over whole planes, lines and columns", T, float, double) {
  std::mt19937 random(3);
  for (const std::size_t height : Sizes{1, 3, 7, 20})
    for (const std::size_t width : Sizes{1, 2, 5, 7, 8, 16, 33}) {
      const auto over = [&](const PoolAxis& rows, const PoolAxis& columns) {
        check_windows<T>({{PoolAxis{}, rows, columns}}, 3, random);
        check_windows<T>({{axis_of(2, 2, 1, 1, 0, false), rows, columns}}, 3, random);
      };
      const PoolAxis all_rows{height, 1, 1, 1, 1, 0, true}, all_columns{width, 1, 1, 1, 1, 0, true};
      over(all_rows, all_columns);
      over(axis_of(height, height, 1, 1, 0, false), axis_of(width, width, 1, 1, 0, false));
      over(all_rows, axis_of(width, 1, 1, 1, 0, false));
      over(axis_of(height, 3, 2, 1, 1, true), all_columns);
      over({height, (height + 1) / 2, 1, 1, 1, 0, true}, all_columns);
    }
}

TEST_CASE_TEMPLATE("pooling kernels over channels that lie side by side", T, float, double) {
  std::mt19937 random(4);
  for (const std::size_t channels : Sizes{4, 8, 16, 21})
    check_windows<T>(
        {{axis_of(9, 3, 2, 1, 1, false), axis_of(8, 2, 2, 1, 0, false), axis_of(channels, 1, 1, 1, 0, false)}}, 2,
        random);
}

TEST_CASE_TEMPLATE("pooling kernels over planes on two threads", T, float, double) {
  const int before = num_threads();
  set_num_threads(2);
  std::mt19937 random(5);
  check_windows<T>({{PoolAxis{}, axis_of(64, 2, 2, 1, 0, false), axis_of(64, 3, 2, 1, 1, false)}}, 33, random);
  set_num_threads(before);
}

TEST_CASE_TEMPLATE("averages of numbers whose sum overflows", T, float, double) {
  const T large = std::numeric_limits<float>::max();
  const std::vector<T> x(64, large);
  std::vector<T> y(16);
  kernel::average_windows<T>({{PoolAxis{}, axis_of(2, 2, 2, 1, 0, false), axis_of(32, 2, 2, 1, 0, false)}}, true, 1,
                             x.data(), y.data());
  CHECK(y == std::vector<T>(16, large));
}

TEST_CASE("windows too long for positions in float") {
  const std::size_t rows = 3, width = (std::size_t{1} << 23) + 9;
  std::vector<float> x(rows * width);
  PoolWindow window{{PoolAxis{}, axis_of(rows, 3, 1, 1, 0, false), axis_of(width, 2, 2, 1, 0, false)}};
  const std::size_t last_row = 2 * width;
  for (std::size_t i = 0; i < 40; ++i) x[last_row + i] = static_cast<float>(i % 2);
  std::vector<std::int64_t> positions(window.output_size());
  kernel::largest_positions<float>(window, 1, x.data(), positions.data());
  for (std::size_t o = 0; o < 24; ++o)
    CHECK(positions[o] == static_cast<std::int64_t>(o < 20 ? last_row + 2 * o + 1 : 2 * o));
}
