// The windows of convolutions and pooling: padding, and how many there are.
#include "onnx/windows.hpp"

#include "onnx/limits.hpp"
#include <wengert/ops/join.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace wengert::onnx::detail {

namespace {

// Throws if an input of this shape with the padding of the windows has too many elements.
template <class T>
void require_padded(const Call<T>& c, const Shape& shape, const Windows& windows) {
  std::vector<double> extents;
  for (const std::size_t extent : shape) extents.push_back(static_cast<double>(extent));
  for (std::size_t i = 0; i < windows.axes(); ++i)
    extents[i + 2] += static_cast<double>(windows.before[i]) + static_cast<double>(windows.after[i]);
  require_elements(c, extents);
}

}  // namespace

bool Windows::dense() const {
  return std::all_of(dilation.begin(), dilation.end(), [](std::ptrdiff_t d) { return d == 1; });
}

std::ptrdiff_t Windows::count(std::size_t axis, bool ceil_mode) const {
  const std::ptrdiff_t room =
      input[axis] + before[axis] + after[axis] - span(axis) + (ceil_mode ? stride[axis] - 1 : 0);
  if (room < 0) return 0;
  const std::ptrdiff_t all = room / stride[axis] + 1;
  return ceil_mode && (all - 1) * stride[axis] >= input[axis] + before[axis] ? all - 1 : all;
}

Windows Windows::filled(bool ceil_mode) const {
  Windows result = *this;
  for (std::size_t i = 0; i < axes(); ++i) {
    const std::ptrdiff_t needed = (count(i, ceil_mode) - 1) * stride[i] + span(i);
    result.after[i] = std::max<std::ptrdiff_t>(0, needed - before[i] - input[i]);
  }
  return result;
}

template <class T>
std::vector<std::ptrdiff_t> per_axis_of(const Call<T>& c, std::string_view attribute, std::size_t axes,
                                        std::ptrdiff_t otherwise) {
  std::vector<std::ptrdiff_t> numbers = c.integers(attribute);
  if (numbers.empty()) return std::vector<std::ptrdiff_t>(axes, otherwise);
  if (numbers.size() != axes)
    c.fail("attribute " + std::string(attribute) + " with " + std::to_string(numbers.size()) + " numbers: expected " +
           std::to_string(axes) + ", one for each spatial axis");
  return numbers;
}

template <class T>
std::vector<std::ptrdiff_t> pads_of(const Call<T>& c, std::size_t axes) {
  std::vector<std::ptrdiff_t> pads = c.integers("pads");
  if (pads.empty()) return std::vector<std::ptrdiff_t>(2 * axes, 0);
  if (pads.size() != 2 * axes)
    c.fail("attribute pads with " + std::to_string(pads.size()) + " numbers: expected " + std::to_string(2 * axes) +
           ", two for each spatial axis");
  for (const std::ptrdiff_t p : pads)
    if (p < 0 || p > largest_number)
      c.fail("attribute pads with the number " + std::to_string(p) + ": expected 0 to " +
             std::to_string(largest_number));
  return pads;
}

template <class T>
std::size_t spatial_axes_of(const Call<T>& c) {
  const std::size_t rank = c.rank(0);
  if (rank < 3) c.fail("an input of shape " + to_string(c.shape(0)) + ": expected a batch, channels and spatial axes");
  return rank - 2;
}

template <class T>
Windows windows_of(const Call<T>& c, std::vector<std::ptrdiff_t> kernel) {
  const std::size_t axes = spatial_axes_of(c);
  const Shape x = c.shape(0);
  if (kernel.size() != axes)
    c.fail("a kernel with " + std::to_string(kernel.size()) + " axes for an input of shape " + to_string(x) +
           ": expected " + std::to_string(axes));
  Windows w;
  w.input.assign(x.begin() + 2, x.end());
  w.kernel = std::move(kernel);
  w.stride = per_axis_of(c, "strides", axes, 1);
  w.dilation = per_axis_of(c, "dilations", axes, 1);
  for (std::size_t i = 0; i < axes; ++i)
    if (std::min({w.kernel[i], w.stride[i], w.dilation[i]}) < 1 ||
        std::max({w.kernel[i], w.stride[i], w.dilation[i]}) > largest_number)
      c.fail("a kernel of extent " + std::to_string(w.kernel[i]) + ", stride " + std::to_string(w.stride[i]) +
             " and dilation " + std::to_string(w.dilation[i]) + ": expected 1 to " + std::to_string(largest_number));
  const std::string automatic = c.text("auto_pad", "NOTSET");
  const auto end = static_cast<std::ptrdiff_t>(axes);
  if (automatic == "NOTSET") {
    const std::vector<std::ptrdiff_t> pads = pads_of(c, axes);
    w.before.assign(pads.begin(), pads.begin() + end);
    w.after.assign(pads.begin() + end, pads.end());
  } else if (automatic == "VALID") {
    w.before.assign(axes, 0);
    w.after.assign(axes, 0);
  } else if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
    for (std::size_t i = 0; i < axes; ++i) {
      const std::ptrdiff_t outputs = (w.input[i] + w.stride[i] - 1) / w.stride[i];
      const std::ptrdiff_t total = std::max<std::ptrdiff_t>(0, (outputs - 1) * w.stride[i] + w.span(i) - w.input[i]);
      const std::ptrdiff_t less = total / 2, more = total - less;
      w.before.push_back(automatic == "SAME_UPPER" ? less : more);
      w.after.push_back(automatic == "SAME_UPPER" ? more : less);
    }
  } else {
    c.fail("attribute auto_pad = '" + automatic + "': expected NOTSET, VALID, SAME_UPPER or SAME_LOWER");
  }
  require_padded(c, x, w);
  return w;
}

template <class T>
Var<T> padded(const Call<T>& c, Var<T> x, const Windows& windows, double value) {
  std::vector<PadWidth> widths;
  bool any = false;
  for (std::size_t i = 0; i < windows.axes(); ++i) {
    widths.push_back({static_cast<std::size_t>(windows.before[i]), static_cast<std::size_t>(windows.after[i])});
    any = any || windows.before[i] != 0 || windows.after[i] != 0;
  }
  if (!any) return x;
  require_padded(c, x.shape(c.where), windows);
  return pad(x, widths, PadMode::constant, value, c.where);
}

#define WENGERT_WINDOWS(T)                                                                                         \
  template std::vector<std::ptrdiff_t> per_axis_of(const Call<T>&, std::string_view, std::size_t, std::ptrdiff_t); \
  template std::vector<std::ptrdiff_t> pads_of(const Call<T>&, std::size_t);                                       \
  template std::size_t spatial_axes_of(const Call<T>&);                                                            \
  template Windows windows_of(const Call<T>&, std::vector<std::ptrdiff_t>);                                        \
  template Var<T> padded(const Call<T>&, Var<T>, const Windows&, double);
WENGERT_WINDOWS(float)
WENGERT_WINDOWS(double)
#undef WENGERT_WINDOWS

}  // namespace wengert::onnx::detail
