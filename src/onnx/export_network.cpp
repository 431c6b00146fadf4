// How convolutions and their gradients are exported, and unfold and fold.
#include "onnx/export_windows.hpp"
#include "ops/attributes/windows.hpp"

#include <algorithm>
#include <utility>

namespace wengert::onnx::detail {

namespace {

using attributes::Convolution;
using attributes::Unfolding;
using parts::as_signed;
using parts::Numbers;

// ---- the windows of convolutions -----------------------------------------------------------------------------------

// The elements that the windows of an axis reach, of the input with its padding.
std::ptrdiff_t reached(const kernel::WindowAxis& a) {
  return as_signed((a.output - 1) * a.stride + (a.kernel - 1) * a.dilation + 1);
}

// The elements beyond those, if the padding after the last element is that before the first; negative: missing ones.
std::ptrdiff_t rest_of(const kernel::WindowAxis& a) { return as_signed(a.input + 2 * a.padding) - reached(a); }

// The padding after the last element: that before the first if there are as many windows then, which also holds for
// other extents of the input. Negative for elements that no window reaches.
std::ptrdiff_t padding_at_end(const kernel::WindowAxis& a) {
  const std::ptrdiff_t rest = rest_of(a);
  return rest >= 0 && rest < as_signed(a.stride) ? as_signed(a.padding) : as_signed(a.padding) - rest;
}

// Likewise for the transposed convolution, whose result has `output_padding` additional elements.
std::ptrdiff_t output_padding(const kernel::WindowAxis& a) {
  const std::ptrdiff_t rest = rest_of(a);
  return rest >= 0 && rest < as_signed(std::max(a.stride, a.dilation)) ? rest : 0;
}
std::ptrdiff_t padding_at_end_transposed(const kernel::WindowAxis& a) {
  return as_signed(a.padding) - rest_of(a) + output_padding(a);
}

template <class T>
std::size_t axes_of_convolution(const Emit<T>& e) {
  return e.template fixed<Convolution>([](const Convolution& a) { return a.rank; });
}
template <class T>
std::ptrdiff_t groups_of(const Emit<T>& e) {
  return as_signed(e.template fixed<Convolution>([](const Convolution& a) { return a.groups; }));
}

// `f` of the window along each spatial axis; must not depend on the dynamic axes.
template <class T, class F>
Numbers by_axis(const Emit<T>& e, const F& f) {
  Numbers result;
  for (std::size_t i = 3 - axes_of_convolution(e); i < 3; ++i)
    result.push_back(e.template fixed<Convolution>(
        [&](const Convolution& a) { return static_cast<std::int64_t>(f(a.window.axes[i])); }));
  return result;
}

template <class T>
Attributes convolution_attributes(const Emit<T>& e, const Numbers& after) {
  return {{"strides", by_axis(e, [](const auto& a) { return a.stride; })},
          {"dilations", by_axis(e, [](const auto& a) { return a.dilation; })},
          {"pads", parts::pads(by_axis(e, [](const auto& a) { return a.padding; }), after)},
          {"group", groups_of(e)}};
}

// The attribute `pads` cannot remove elements: negative numbers in `after` become 0, and the elements are removed from
// x.
template <class T>
std::string without_unreached(const Emit<T>& e, const std::string& x, Numbers& after) {
  Extents end(after.size() + 2);
  for (std::size_t i = 0; i < after.size(); ++i) {
    end[i + 2].constant = std::min<std::ptrdiff_t>(0, after[i]);
    after[i] = std::max<std::int64_t>(0, after[i]);
  }
  return parts::pad(e, x, Extents(end.size()), end, 0);
}

// ---- convolutions --------------------------------------------------------------------------------------------------

template <class T>
std::string export_conv(const Emit<T>& e) {
  Numbers after = by_axis(e, padding_at_end);
  const std::string x = without_unreached(e, e.x(0), after);
  Attributes attributes = convolution_attributes(e, after);
  attributes["kernel_shape"] = by_axis(e, [](const auto& a) { return a.kernel; });
  return e.node("Conv", {x, e.x(1)}, std::move(attributes));
}

template <class T>
std::string export_conv_input_gradient(const Emit<T>& e) {
  Attributes attributes = convolution_attributes(e, by_axis(e, padding_at_end_transposed));
  attributes["kernel_shape"] = by_axis(e, [](const auto& a) { return a.kernel; });
  if (Numbers added = by_axis(e, output_padding);
      std::any_of(added.begin(), added.end(), [](auto n) { return n != 0; }))
    attributes["output_padding"] = std::move(added);
  return e.node("ConvTranspose", {e.x(0), e.x(1)}, std::move(attributes));
}

// x with batch and channels exchanged, of shape (C/groups, groups·N, …): the channels of group k of the result are
// those of all samples in group k of x.
template <class T>
std::string channels_as_batch(const Emit<T>& e, const std::vector<std::ptrdiff_t>& exchanged, std::ptrdiff_t groups) {
  if (groups == 1) return e.transpose(e.x(0), exchanged);
  const Extents from = e.extents(0);
  Extents split = from, joined = from;
  split[1].constant /= groups;
  split.insert(split.begin() + 1, Extent{groups, {}});
  joined[0] = split[2];
  joined[1] = parts::combination(groups, from[0], 0, {});
  std::vector<std::ptrdiff_t> order{2, 1, 0};
  for (std::size_t axis = 3; axis < split.size(); ++axis) order.push_back(as_signed(axis));
  return parts::reshape(e, e.transpose(parts::reshape(e, e.x(0), split), order), joined);
}

// The weight's gradient is a convolution of x and g with batch and channels exchanged: the kernel's elements are now
// the positions of the window, and stride and dilation change places.
template <class T>
std::string export_conv_weight_gradient(const Emit<T>& e) {
  const std::size_t rank = axes_of_convolution(e);
  std::vector<std::ptrdiff_t> exchanged{1, 0};
  for (std::size_t i = 0; i < rank; ++i) exchanged.push_back(as_signed(i + 2));
  Numbers after = by_axis(e, padding_at_end);
  const std::string x = without_unreached(e, channels_as_batch(e, exchanged, groups_of(e)), after);
  Attributes attributes = convolution_attributes(e, after);
  std::swap(attributes["strides"], attributes["dilations"]);
  const std::string y =
      e.transpose(e.node("Conv", {x, e.transpose(e.x(1), exchanged)}, std::move(attributes)), exchanged);
  // Elements of x that no window reaches are positions of a longer kernel.
  std::vector<std::ptrdiff_t> axes, first, last;
  for (std::size_t i = 0; i < rank; ++i) {
    const auto has_more = [&](const Convolution& a) {
      const kernel::WindowAxis& axis = a.window.axes[3 - rank + i];
      return rest_of(axis) >= as_signed(axis.dilation) && padding_at_end(axis) == as_signed(axis.padding);
    };
    if (!e.template any<Convolution>(has_more)) continue;
    axes.push_back(as_signed(i + 2));
    first.push_back(0);
    last.push_back(as_signed(e.shape()[i + 2]));
  }
  return axes.empty() ? y : e.node("Slice", {y, e.integers(first), e.integers(last), e.integers(axes)});
}

// ---- columns of windows --------------------------------------------------------------------------------------------

// Two spatial axes, whose extents are fixed.
struct Columns {
  kernel::WindowAxis rows, columns;

  template <class T>
  explicit Columns(const Emit<T>& e) {
    const auto window = e.template fixed<Unfolding>([](const Unfolding& a) { return a.window; });
    rows = window.axes[1];
    columns = window.axes[2];
  }
  static std::ptrdiff_t padded(const kernel::WindowAxis& a) { return as_signed(a.input + 2 * a.padding); }
  // For each element of the kernel and each window, the position in the plane of the padded input.
  std::vector<std::ptrdiff_t> positions() const {
    std::vector<std::ptrdiff_t> result;
    for (std::size_t k = 0; k < rows.kernel * columns.kernel; ++k)
      for (std::size_t o = 0; o < rows.output * columns.output; ++o) {
        const std::size_t row = o / columns.output * rows.stride + k / columns.kernel * rows.dilation;
        const std::size_t column = o % columns.output * columns.stride + k % columns.kernel * columns.dilation;
        result.push_back(as_signed(row) * padded(columns) + as_signed(column));
      }
    return result;
  }
  Extents padding() const { return {{}, {}, {as_signed(rows.padding), {}}, {as_signed(columns.padding), {}}}; }
};

template <class T>
std::string export_unfold(const Emit<T>& e) {
  const Columns how(e);
  const std::string padded = parts::pad(e, e.x(), how.padding(), how.padding(), 0);
  return e.reshape(
      e.node("Gather", {parts::flatten_from(e, padded, 2), e.integers(how.positions())}, {{"axis", std::int64_t{2}}}));
}

template <class T>
std::string export_fold(const Emit<T>& e) {
  const Columns how(e);
  const std::vector<std::ptrdiff_t> positions = how.positions();
  Extents planes = e.extents();
  const Extents image{planes[0], planes[1], {Columns::padded(how.rows), {}}, {Columns::padded(how.columns), {}}};
  planes.resize(3);
  planes[2] = {as_signed(positions.size()), {}};
  const std::string elements = parts::reshape(e, e.x(), planes);
  const std::string places = parts::expand(e, e.integers(positions), planes);
  planes[2] = {image[2].constant * image[3].constant, {}};
  const std::string sums = parts::put_elements(e, parts::zeros(e, planes), places, elements, 2, "add");
  Extents outside = how.padding();
  for (Extent& extent : outside) extent.constant = -extent.constant;
  return parts::pad(e, parts::reshape(e, sums, image), outside, outside, 0);
}

}  // namespace

template <class T>
std::span<const Mapping<T>> network_mappings() {
  static constexpr Mapping<T> all[] = {
      {"conv", "Conv", export_conv<T>},
      {"conv_input_gradient", "ConvTranspose", export_conv_input_gradient<T>},
      {"conv_weight_gradient", "Transpose, Conv", export_conv_weight_gradient<T>},
      {"unfold", "Pad, Reshape, Gather", export_unfold<T>},
      {"fold", "Reshape, ScatterElements, Pad", export_fold<T>},
  };
  return all;
}

template std::span<const Mapping<float>> network_mappings<float>();
template std::span<const Mapping<double>> network_mappings<double>();

}  // namespace wengert::onnx::detail
