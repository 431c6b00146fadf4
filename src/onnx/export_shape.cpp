// How ops on shapes and parts of values are exported: reshaping, slices, paddings, diagonals, packed factors.
#include "onnx/export_parts.hpp"
#include "ops/attributes/axes.hpp"
#include "ops/attributes/linalg.hpp"
#include "ops/attributes/views.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace wengert::onnx::detail {

namespace {

// The axes of these bits.
parts::Integers axes_of_bits(std::size_t bits, std::size_t rank) {
  parts::Integers axes;
  for (std::size_t axis = 0; axis < rank; ++axis)
    if ((bits >> axis & 1) != 0) axes.push_back(static_cast<std::ptrdiff_t>(axis));
  return axes;
}

template <class T>
std::string emit_transpose(const Emit<T>& e) {
  const auto order = e.template fixed<attributes::Transpose>([](const auto& a) { return a.order; });
  return parts::transpose(e, e.x(), parts::Integers(order.begin(), order.begin() + e.rank()));
}

template <class T>
std::string emit_broadcast_to(const Emit<T>& e) {
  return e.has_shape_of(0) ? e.x() : parts::expand(e, e.x(), e.extents());
}

template <class T>
std::string emit_reshape(const Emit<T>& e) {
  return e.has_shape_of(0) ? e.x() : e.reshape(e.x());
}

template <class T>
std::string emit_concatenate(const Emit<T>& e) {
  if (e.size() == 1) return e.x();
  std::vector<std::string> operands;
  for (std::size_t i = 0; i < e.size(); ++i) operands.push_back(e.x(i));
  const auto axis = e.template fixed<attributes::Concatenate>([](const auto& a) { return a.axis; });
  return e.node("Concat", std::move(operands), {{"axis", static_cast<std::int64_t>(axis)}});
}

template <class T>
std::string emit_flip(const Emit<T>& e) {
  const auto axes = e.template fixed<attributes::Flip>([](const auto& a) { return a.axes; });
  return parts::reverse(e, e.x(), axes_of_bits(axes, e.rank()));
}

// ---- slices and their adjoints -------------------------------------------------------------------------------------

// The elements of a section, `section(attributes)`, without its dropped axes: a Gather if it is at one position of one
// axis.
template <class A, class T, class F>
std::string section_of(const Emit<T>& e, const F& section) {
  std::vector<parts::Range> ranges;
  for (std::size_t axis = 0; axis < e.rank(0); ++axis) {
    const auto step = e.template fixed<A>([&](const A& a) { return section(a).step[axis]; });
    const Extent first = e.template extent<A>([&](const A& a) { return section(a).start[axis]; });
    const Extent last = e.template extent<A>([&](const A& a) {
      const Section& s = section(a);
      return s.start[axis] + (s.count[axis] == 0 ? 0 : (s.count[axis] - 1) * s.step[axis] + 1);
    });
    ranges.push_back({axis, first, last, static_cast<std::ptrdiff_t>(step)});
  }
  const Extents from = e.extents(0);
  const auto dropped = axes_of_bits(e.template fixed<A>([&](const A& a) { return section(a).dropped; }), e.rank(0));
  const auto is_whole = [&](const parts::Range& range) { return parts::is_whole(range, from[range.axis]); };
  if (dropped.size() == 1) {
    const parts::Range range = ranges[static_cast<std::size_t>(dropped.front())];
    const auto whole = static_cast<std::size_t>(std::count_if(ranges.begin(), ranges.end(), is_whole));
    if (whole - (is_whole(range) ? 1 : 0) == ranges.size() - 1)
      return e.node("Gather", {e.x(), parts::scalar(e, parts::position(range.first, from[range.axis]))},
                    {{"axis", static_cast<std::int64_t>(range.axis)}});
  }
  return parts::squeeze(e, parts::slice(e, e.x(), from, ranges), dropped);
}

template <class T>
std::string emit_slice(const Emit<T>& e) {
  return section_of<Section>(e, [](const Section& s) -> const Section& { return s; });
}

template <class T>
std::string emit_slice_indices(const Emit<T>& e) {
  using A = attributes::SliceIndices;
  const std::string part = section_of<A>(e, [](const A& a) -> const Section& { return a.section; });
  const auto backwards = e.template fixed<A>([](const A& a) { return a.backwards; });
  const std::string reversed = parts::reverse(e, part, axes_of_bits(backwards, e.rank(0)));
  const auto kept = e.template fixed<A>(
      [](const A& a) { return a.section.count.rank() - static_cast<std::size_t>(std::popcount(a.section.dropped)); });
  return kept == e.rank() ? reversed : e.reshape(reversed);
}

template <class T>
std::string emit_pad(const Emit<T>& e) {
  using A = ViewTranspose<Section>;
  std::vector<parts::Placement> placements;
  Extents from;
  for (std::size_t axis = 0; axis < e.rank(); ++axis) {
    const auto step = e.template fixed<A>([&](const A& a) { return a.seen.step[axis]; });
    placements.push_back({e.template extent<A>([&](const A& a) { return a.seen.start[axis]; }), e.extents()[axis],
                          static_cast<std::ptrdiff_t>(step)});
    from.push_back(e.template extent<A>([&](const A& a) { return a.seen.count[axis]; }));
  }
  const auto dropped = e.template fixed<A>([](const A& a) { return a.seen.dropped; });
  const double fill = e.template fixed<A>([](const A& a) { return a.fill; });
  const std::string x = parts::unsqueeze(e, e.x(), axes_of_bits(dropped, e.rank()));
  return parts::place(e, x, from, placements, fill);
}

// ---- diagonals -----------------------------------------------------------------------------------------------------

struct DiagonalAxes {
  std::size_t row = 0, column = 1;
  std::ptrdiff_t shift = 0;
  std::ptrdiff_t below() const { return std::max<std::ptrdiff_t>(-shift, 0); }  // the row of its first element
  std::ptrdiff_t right() const { return std::max<std::ptrdiff_t>(shift, 0); }   // the column
};
template <class A, class T, class F>
DiagonalAxes diagonal_axes(const Emit<T>& e, const F& diagonal) {
  return {e.template fixed<A>([&](const A& a) { return std::size_t{diagonal(a).row_axis}; }),
          e.template fixed<A>([&](const A& a) { return std::size_t{diagonal(a).column_axis}; }),
          e.template fixed<A>([&](const A& a) { return diagonal(a).shift; })};
}

// All axes but two, in their order, and then those.
parts::Integers with_last(std::size_t rank, std::size_t row, std::size_t column) {
  parts::Integers order;
  for (std::size_t axis = 0; axis < rank; ++axis)
    if (axis != row && axis != column) order.push_back(static_cast<std::ptrdiff_t>(axis));
  order.push_back(static_cast<std::ptrdiff_t>(row));
  order.push_back(static_cast<std::ptrdiff_t>(column));
  return order;
}
parts::Integers inverse_order(const parts::Integers& order) {
  parts::Integers result(order.size());
  for (std::size_t axis = 0; axis < order.size(); ++axis)
    result[static_cast<std::size_t>(order[axis])] = static_cast<std::ptrdiff_t>(axis);
  return result;
}

// The diagonals of the last two axes: of fixed extents as every (columns + 1)-th element, otherwise as the sums of
// columns that are 0 elsewhere.
template <class T>
std::string emit_diagonal(const Emit<T>& e) {
  const DiagonalAxes axes = diagonal_axes<Diagonal>(e, [](const Diagonal& d) -> const Diagonal& { return d; });
  const Extents from = e.extents(0), to = e.extents();
  const Extent rows = from[axes.row], columns = from[axes.column], length = to.back();
  const std::string x = parts::transpose(e, e.x(), with_last(e.rank(0), axes.row, axes.column));
  Extents merged(to.begin(), to.end() - 1);
  const std::size_t last = merged.size();
  if (rows.fixed() && columns.fixed()) {
    const std::ptrdiff_t step = columns.constant + 1;
    const std::ptrdiff_t first = length.constant == 0 ? 0 : axes.below() * columns.constant + axes.right();
    const std::ptrdiff_t end = length.constant == 0 ? 0 : first + (length.constant - 1) * step + 1;
    merged.push_back({rows.constant * columns.constant, {}});
    return parts::slice(e, parts::reshape(e, x, merged), merged, {{last, {first, {}}, {end, {}}, step}});
  }
  const std::string mask = parts::diagonal_mask(e, rows, columns, axes.shift);
  const std::string sums =
      e.node("ReduceSum", {e.node("Where", {mask, x, e.scalar(0)}), e.integers({-2})}, {{"keepdims", std::int64_t{0}}});
  merged.push_back(columns);
  const Extent first{axes.right(), {}};
  return parts::slice(e, sums, merged, {{last, first, parts::combination(1, first, 1, length)}});
}

template <class T>
std::string emit_diag(const Emit<T>& e) {
  using A = ViewTranspose<Diagonal>;
  const DiagonalAxes axes = diagonal_axes<A>(e, [](const A& a) -> const Diagonal& { return a.seen; });
  const Extent rows = e.extents()[axes.row], columns = e.extents()[axes.column];
  const std::size_t last = e.rank(0) - 1;
  Extents before(last + 1), after(last + 1);
  before[last].constant = axes.right();
  after[last] = parts::combination(1, parts::combination(1, columns, -1, before[last]), -1, e.extents(0)[last]);
  const std::string line =
      parts::unsqueeze(e, parts::pad(e, e.x(), before, after, 0), {static_cast<std::ptrdiff_t>(last)});
  const std::string mask = parts::diagonal_mask(e, rows, columns, axes.shift);
  return parts::transpose(e, e.node("Where", {mask, line, e.scalar(0)}),
                          inverse_order(with_last(e.rank(), axes.row, axes.column)));
}

template <class T>
std::string emit_triangular(const Emit<T>& e, bool upper) {
  const auto offset = e.template fixed<attributes::Triangular>([](const auto& a) { return a.offset; });
  std::vector<std::string> inputs{e.x()};
  if (offset != 0) inputs.push_back(e.graph.integer(offset));
  return e.node("Trilu", std::move(inputs), {{"upper", static_cast<std::int64_t>(upper)}});
}

// ---- packed factors ------------------------------------------------------------------------------------------------

template <class A, class T>
wengert::detail::Place place_of(const Emit<T>& e) {
  wengert::detail::Place place;
  place.offset = e.template fixed<A>([](const A& a) { return a.place.offset; });
  place.rows = e.template fixed<A>([](const A& a) { return a.place.rows; });
  place.columns = e.template fixed<A>([](const A& a) { return a.place.columns; });
  place.stride = e.template fixed<A>([](const A& a) { return a.place.stride; });
  place.is_matrix = e.template fixed<A>([](const A& a) { return a.place.is_matrix; });
  return place;
}
Extent fixed_extent(std::size_t n) { return {static_cast<std::ptrdiff_t>(n), {}}; }

// Rows of `stride` elements, whose last one may extend beyond the packed elements.
template <class T>
std::string emit_unpack(const Emit<T>& e) {
  const auto place = place_of<attributes::Unpack>(e);
  Extents from = e.extents(0);
  const std::size_t last = from.size() - 1;
  const std::size_t end = place.offset + (place.rows == 0 ? 0 : (place.rows - 1) * place.stride + place.columns);
  const std::string part = parts::slice(e, e.x(), from, {{last, fixed_extent(place.offset), fixed_extent(end)}});
  if (!place.is_matrix) return part;
  if (place.rows <= 1 || place.stride == place.columns) return e.reshape(part);
  Extents after(last + 1);
  after[last] = fixed_extent(place.stride - place.columns);
  const std::string padded = parts::pad(e, part, Extents(last + 1), after, 0);
  from[last] = fixed_extent(place.rows);
  from.push_back(fixed_extent(place.stride));
  return parts::slice(e, parts::reshape(e, padded, from), from, {{last + 1, {}, fixed_extent(place.columns)}});
}

template <class T>
std::string emit_pack(const Emit<T>& e) {
  const auto place = place_of<attributes::Pack>(e);
  std::string x = e.x();
  Extents from = e.extents(0);
  if (place.is_matrix) {
    Extents after(from.size());
    after.back().constant = static_cast<std::ptrdiff_t>(place.stride) - static_cast<std::ptrdiff_t>(place.columns);
    x = parts::pad(e, x, Extents(from.size()), after, 0);
    from.pop_back();
    from.back() = fixed_extent(place.rows * place.stride);
    x = parts::reshape(e, x, from);
  }
  Extents before(from.size()), after(from.size());
  before.back() = fixed_extent(place.offset);
  const Extent behind = parts::combination(1, e.extents().back(), -1, before.back());
  after.back() = parts::combination(1, behind, -1, from.back());
  return parts::pad(e, x, before, after, 0);
}

}  // namespace

template <class T>
std::span<const Mapping<T>> shape_mappings() {
  using E = const Emit<T>&;
  static constexpr Mapping<T> all[] = {
      {"reshape", "Reshape", emit_reshape<T>},
      {"reshape_indices", "Reshape", emit_reshape<T>},
      {"transpose", "Transpose", emit_transpose<T>},
      {"broadcast_to", "Expand", emit_broadcast_to<T>},
      {"contiguous", "its operand", [](E e) { return e.x(); }},
      {"stop_gradient", "its operand", [](E e) { return e.x(); }},
      {"concatenate", "Concat", emit_concatenate<T>},
      {"flip", "Slice", emit_flip<T>},
      {"slice", "Slice, Squeeze; Gather", emit_slice<T>},
      {"slice_indices", "Slice, Squeeze, Reshape; Gather", emit_slice_indices<T>},
      {"pad", "Pad", emit_pad<T>},
      {"diagonal", "Reshape, Slice", emit_diagonal<T>},
      {"diag", "EyeLike, Where, …", emit_diag<T>},
      {"tril", "Trilu", [](E e) { return emit_triangular(e, false); }},
      {"triu", "Trilu", [](E e) { return emit_triangular(e, true); }},
      {"unpack", "Slice, Reshape", emit_unpack<T>},
      {"pack", "Reshape, Pad", emit_pack<T>},
  };
  return all;
}

template std::span<const Mapping<float>> shape_mappings<float>();
template std::span<const Mapping<double>> shape_mappings<double>();

}  // namespace wengert::onnx::detail
