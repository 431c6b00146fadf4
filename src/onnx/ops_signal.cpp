// ONNX's ops of signal processing: windows, the mel scale and Fourier transforms.
#include "onnx/call.hpp"
#include "onnx/known.hpp"
#include "onnx/limits.hpp"
#include "onnx/operand.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/index.hpp>
#include <wengert/ops/join.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

// Numbers of the type that the attribute 'output_datatype' names.
template <class T>
Value<T> of_output_type(const Call<T>& c, Tensor<double> numbers) {
  const auto type = static_cast<ElementType>(c.integer("output_datatype", static_cast<int>(ElementType::float32)));
  if (!is_floating(type) && !is_integral(type))
    c.fail(fmt::format("output_datatype {}: expected a type of numbers", static_cast<int>(type)));
  return known_numbers<T>(std::move(numbers), type);
}

template <class T>
std::size_t count_input(const Call<T>& c, std::size_t i, std::string_view name) {
  const std::ptrdiff_t count = c.integer(i);
  if (count < 1) c.fail(fmt::format("{} {}: expected a positive number", name, count));
  return static_cast<std::size_t>(count);
}

// The window Σ aₖ cos(2πki / N), where N is the size of a periodic window, and otherwise one less.
template <class T>
Value<T> cosine_window(const Call<T>& c, const std::array<double, 3>& a) {
  const std::size_t size = count_input(c, 0, "size");
  const double period = static_cast<double>(c.integer("periodic", 1) != 0 ? size : std::max<std::size_t>(size - 1, 1));
  require_elements(c, {size}, most_known_elements);
  Tensor<double> window = counted<double>({size});
  for (double& w : window) {
    const double angle = 2 * std::numbers::pi * w / period;
    w = a[0] + a[1] * std::cos(angle) + a[2] * std::cos(2 * angle);
  }
  return of_output_type(c, std::move(window));
}

template <class T>
Outputs<T> mel_weight_matrix_of(const Call<T>& c) {
  const std::size_t bands = count_input(c, 0, "num_mel_bins"), length = count_input(c, 1, "dft_length");
  const double rate = c.number(2), lower = c.number(3), upper = c.number(4);
  if (!(rate > 0 && lower >= 0 && lower <= upper && upper <= rate / 2))
    c.fail(
        fmt::format("frequencies from {} to {} at a sample rate of {}: expected 0 ≤ lower ≤ upper ≤ half of the rate",
                    lower, upper, rate));
  const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const std::size_t spectrum = length / 2 + 1;
  require_elements(c, {spectrum, bands}, most_known_elements);
  const double step = (mel(upper) - mel(lower)) / static_cast<double>(bands + 2);
  std::vector<std::size_t> edges;
  for (std::size_t i = 0; i < bands + 2; ++i) {
    const double hertz = 700 * (std::pow(10, (static_cast<double>(i) * step + mel(lower)) / 2595) - 1);
    edges.push_back(
        static_cast<std::size_t>(std::max(std::floor(static_cast<double>(length + 1) * hertz / rate), 0.0)));
  }
  Tensor<double> weights = Tensor<double>::from_shape({spectrum, bands});
  weights.fill(0);
  for (std::size_t band = 0; band < bands; ++band) {
    const std::size_t left = edges[band], centre = edges[band + 1], right = edges[band + 2];
    for (std::size_t j = left; j < std::min(right, spectrum); ++j)
      weights(j, band) = j < centre ? static_cast<double>(j - left) / static_cast<double>(centre - left)
                                    : static_cast<double>(right - j) / static_cast<double>(right - centre);
    if (centre < spectrum) weights(centre, band) = 1;
  }
  return of_output_type(c, std::move(weights));
}

// A complex signal; an empty imaginary part stands for zeros.
template <class T>
struct Signal {
  Var<T> real, imaginary;
};

// The parts of a signal, which lie along the last axis of x: one part, or both.
template <class T>
Signal<T> parts_of(const Call<T>& c, Var<T> x) {
  const Shape shape = x.shape();
  if (shape.rank() < 2 || shape.back() < 1 || shape.back() > 2)
    c.fail(fmt::format("a signal of shape {}: expected a last axis of one element, or two for complex numbers",
                       to_string(shape)));
  return {slice(x, -1, Slice(0), c.where), shape.back() == 2 ? slice(x, -1, Slice(1), c.where) : Var<T>()};
}

template <class T, class F>
Signal<T> each_part(const Signal<T>& signal, const F& f) {
  return {f(signal.real), signal.imaginary.empty() ? Var<T>() : f(signal.imaginary)};
}

// The transform along the last axis, of n elements: the first `bins` frequencies.
template <class T>
Signal<T> transformed(const Call<T>& c, const Signal<T>& signal, std::size_t n, std::size_t bins, bool inverse) {
  require_elements(c, {n, bins}, most_known_elements);
  Tensor<T> cosines = Tensor<T>::from_shape({n, bins}), sines = cosines;
  const double scale = inverse ? 1 / static_cast<double>(n) : 1;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < bins; ++k) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(i * k % n) / static_cast<double>(n);
      cosines(i, k) = static_cast<T>(scale * std::cos(angle));
      sines(i, k) = static_cast<T>(scale * (inverse ? -std::sin(angle) : std::sin(angle)));
    }
  const Var<T> cosine = c.tape.constant(std::move(cosines), c.where), sine = c.tape.constant(std::move(sines), c.where);
  const auto times = [&](Var<T> x, Var<T> matrix) { return matmul(x, matrix, c.where); };
  const Var<T> real = times(signal.real, cosine), imaginary = negate(at(c, times(signal.real, sine)));
  if (signal.imaginary.empty()) return {real, imaginary};
  return {add(at(c, real), times(signal.imaginary, sine)), add(at(c, imaginary), times(signal.imaginary, cosine))};
}

// Whether only the frequencies up to half of the rate are asked for, which is possible for a real signal.
template <class T>
bool is_onesided(const Call<T>& c, const Signal<T>& signal, std::int64_t otherwise) {
  const bool onesided = c.integer("onesided", otherwise) != 0;
  if (onesided && !signal.imaginary.empty())
    c.fail("onesided 1 with a complex signal: expected a real one, or onesided 0");
  return onesided;
}

template <class T>
Outputs<T> dft_of(const Call<T>& c) {
  const Shape shape = c.shape(0);
  const std::int64_t given = c.has(2) ? c.integer(2) : c.integer("axis", c.opset() >= 20 ? -2 : 1);
  const auto axis = static_cast<std::ptrdiff_t>(c.axis(static_cast<std::ptrdiff_t>(given), shape.rank()));
  if (static_cast<std::size_t>(axis) + 1 == shape.rank())
    c.fail(fmt::format("axis {} of shape {} holds the parts of complex numbers: expected an earlier axis", given,
                       to_string(shape)));
  const std::size_t extent = shape[static_cast<std::size_t>(axis)];
  const std::size_t n = c.has(1) ? count_input(c, 1, "dft_length") : extent;
  const bool inverse = c.integer("inverse", 0) != 0;
  require_elements(c, {n}, most_known_elements);

  const Signal<T> signal = each_part(parts_of(c, c.x(0)), [&](Var<T> part) {
    const Var<T> last = moveaxis(part, axis, -1, c.where);
    if (n <= extent) return slice(last, -1, Slice(0, static_cast<std::ptrdiff_t>(n)), c.where);
    const std::array<PadWidth, 1> widths{PadWidth{0, n - extent}};
    return pad(last, widths, PadMode::constant, 0, c.where);
  });
  const bool onesided = is_onesided(c, signal, 0);
  if (onesided && inverse) c.fail("onesided 1 with inverse 1: expected at most one of them");
  const Signal<T> spectrum = each_part(transformed(c, signal, n, onesided ? n / 2 + 1 : n, inverse),
                                       [&](Var<T> part) { return moveaxis(part, -1, axis, c.where); });
  return stack({spectrum.real, spectrum.imaginary}, -1, c.where);
}

template <class T>
Outputs<T> stft_of(const Call<T>& c) {
  const Signal<T> signal = parts_of(c, c.x(0));
  if (signal.real.rank() != 2)
    c.fail(fmt::format("a signal of shape {}: expected (batch, length, parts)", to_string(c.shape(0))));
  const std::size_t step = count_input(c, 1, "frame_step"), extent = signal.real.shape()[1];
  if (!c.has(2) && !c.has(3)) c.fail("neither a window nor frame_length is given");
  const std::size_t length = c.has(3) ? count_input(c, 3, "frame_length") : c.shape(2).elements();
  if (c.has(2) && c.shape(2) != Shape{length})
    c.fail(fmt::format("a window of shape {} for frames of {} elements: expected equal lengths", to_string(c.shape(2)),
                       length));
  if (length == 0 || length > extent)
    c.fail(fmt::format("frames of {} elements for a signal of {}: expected at most as many", length, extent));

  const std::size_t frames = (extent - length) / step + 1;
  require_elements(c, {frames, length}, most_known_elements);
  Indices places = Indices::from_shape({frames, length});
  for (std::size_t i = 0; i < places.size(); ++i)
    places.data()[i] = static_cast<std::int64_t>(i / length * step + i % length);
  const IndexVar<T> at_frames = c.tape.indices(places, c.where);
  const Var<T> window = c.has(2) ? c.x(2) : Var<T>();
  const Signal<T> framed = each_part(signal, [&](Var<T> part) {
    const Var<T> parts = take(part, IndexOperand<T>(at_frames, c.where), 1, c.where);
    return window.empty() ? parts : multiply(at(c, parts), window);
  });
  const std::size_t bins = is_onesided(c, signal, 1) ? length / 2 + 1 : length;
  const Signal<T> spectrum = transformed(c, framed, length, bins, false);
  return stack({spectrum.real, spectrum.imaginary}, -1, c.where);
}

}  // namespace

template <class T>
std::span<const Entry<T>> signal_entries() {
  static constexpr Entry<T> entries[] = {
      {"BlackmanWindow",
       [](const Call<T>& c) -> Outputs<T> {
         return cosine_window(c, {0.42, -0.5, 0.08});
       },
       true},
      {"DFT", dft_of<T>},
      {"HammingWindow",
       [](const Call<T>& c) -> Outputs<T> {
         return cosine_window(c, {25.0 / 46, -21.0 / 46, 0});
       },
       true},
      {"HannWindow",
       [](const Call<T>& c) -> Outputs<T> {
         return cosine_window(c, {0.5, -0.5, 0});
       },
       true},
      {"MelWeightMatrix", mel_weight_matrix_of<T>, true},
      {"STFT", stft_of<T>},
  };
  return entries;
}

template std::span<const Entry<float>> signal_entries<float>();
template std::span<const Entry<double>> signal_entries<double>();

}  // namespace wengert::onnx::detail
