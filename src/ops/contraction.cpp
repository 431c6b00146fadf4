// Pairwise tensor contraction by matmul, and the contraction order: exhaustive search for few operands, else greedy.
#include "ops/contraction.hpp"

#include "ops/attributes/views.hpp"
#include "ops/matrices.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>
#include <limits>

namespace wengert::detail {

LabelSet set_of(std::span<const std::uint8_t> labels) {
  LabelSet set = 0;
  for (const std::uint8_t label : labels) set |= set_of(label);
  return set;
}

// ---- map_axes and spread_axes --------------------------------------------------------------------------------------

namespace {

struct MapAxes : attributes::MapAxes {
  static constexpr std::string_view name = "map_axes";
  static constexpr std::string_view notation = "axes in another order, diagonals of repeated ones";
  static constexpr std::size_t arity = 1;

  bool view(const Layout& input, Layout& out, std::ptrdiff_t&) const {
    out = map.apply(input);
    return true;
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x) const;
  static std::vector<StructuralExample<MapAxes>> examples() {
    constexpr std::uint8_t no = AxisMap::dropped;
    return {{{{{{2, 0, 1}, 3}}}, {{2, 3, 4}}},
            {{{{{0, 1, 1}, 2}}}, {{2, 3, 3}}},
            {{{{{3, no, 1}, 4}}}, {{3, 1, 2}}},
            {{{{{0, 0, 0}, 1}}}, {{2, 2, 2}}}};
  }
};

// The adjoint of taking diagonals: x on the diagonals of a tensor of zeros.
struct SpreadAxes : attributes::SpreadAxes {
  static constexpr std::string_view name = "spread_axes";
  static constexpr std::string_view notation = "x on the diagonals of zeros";
  static constexpr std::size_t arity = 1;

  Shape shape(const Shape&) const { return to; }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    std::fill_n(y.data, y.size(), T(0));
    const Layout diagonal = map.apply(*y.layout);
    copy_elements(x, {y.data, &diagonal});
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return record(MapAxes{map}, Location::current(), g);
  }
  static std::vector<StructuralExample<SpreadAxes>> examples() {
    return {{{{{{0, 1, 1}, 2}, {2, 3, 3}}}, {{2, 3}}}, {{{{{0, 0, 0}, 1}, {2, 2, 2}}}, {{2}}}};
  }
};

template <class T>
auto MapAxes::vjp(Var<T> g, Var<T>, Var<T> x) const {
  const Shape shape = x.shape();
  if (map.takes_diagonals(shape.rank())) return record(SpreadAxes{{map, shape}}, Location::current(), g);
  AxisMap inverse;
  inverse.to.fill(AxisMap::dropped);
  inverse.rank = static_cast<std::uint8_t>(shape.rank());
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    if (map.to[axis] != AxisMap::dropped) inverse.to[map.to[axis]] = static_cast<std::uint8_t>(axis);
  return record(MapAxes{inverse}, Location::current(), g);
}

AxisMap map_between(std::span<const std::uint8_t> labels, std::span<const std::uint8_t> wanted) {
  AxisMap map;
  map.rank = static_cast<std::uint8_t>(wanted.size());
  for (std::size_t axis = 0; axis < labels.size(); ++axis) {
    const auto found = std::find(wanted.begin(), wanted.end(), labels[axis]);
    map.to[axis] = found == wanted.end() ? AxisMap::dropped : static_cast<std::uint8_t>(found - wanted.begin());
  }
  return map;
}

}  // namespace

template <class T>
Var<T> with_labels(Var<T> x, std::span<const std::uint8_t> labels, std::span<const std::uint8_t> wanted,
                   const Location& where) {
  if (std::equal(labels.begin(), labels.end(), wanted.begin(), wanted.end())) return x;
  return record(MapAxes{map_between(labels, wanted)}, where, x);
}

// ---- join ----------------------------------------------------------------------------------------------------------

namespace {

using Labels = std::vector<std::uint8_t>;

Labels those_in(const Labels& labels, LabelSet set) {
  Labels result;
  std::copy_if(labels.begin(), labels.end(), std::back_inserter(result),
               [&](std::uint8_t label) { return (set & set_of(label)) != 0; });
  return result;
}
Labels joined(std::initializer_list<const Labels*> parts) {
  Labels result;
  for (const Labels* part : parts) result.insert(result.end(), part->begin(), part->end());
  return result;
}
std::size_t extent_of(const Shape& shape, const Labels& labels, const Labels& group) {
  std::size_t product = 1;
  for (const std::uint8_t label : group)
    product *= shape[static_cast<std::size_t>(std::find(labels.begin(), labels.end(), label) - labels.begin())];
  return product;
}

// x as matrices: the axes `rows` are merged into one, and so are `columns`; `batch` comes first, merged if necessary.
template <class T>
Var<T> as_matrices(const Labelled<T>& x, const Labels& batch, Labels rows, Labels columns, const Location& where) {
  constexpr std::uint8_t unused_label = label_count - 1;  // of no axis: an empty group becomes an axis of extent 1
  const Layout layout = *x.value.tape().node(x.value, "einsum").layout;
  const bool one_batch = batch.size() + 2 > max_rank;
  Shape shape;
  if (one_batch)
    shape.push_back(extent_of(layout.shape, x.labels, batch));
  else
    for (const std::uint8_t label : batch) shape.push_back(extent_of(layout.shape, x.labels, {label}));
  const std::size_t n = extent_of(layout.shape, x.labels, rows), m = extent_of(layout.shape, x.labels, columns);
  if (rows.empty()) rows.push_back(unused_label);
  if (columns.empty()) columns.push_back(unused_label);
  const Labels plain = joined({&batch, &rows, &columns}), turned = joined({&batch, &columns, &rows});
  const auto lies_in_order = [&](const Labels& order) { return map_between(x.labels, order).apply(layout).contiguous; };
  if (!one_batch && rows.size() == 1 && columns.size() == 1) return with_labels<T>(x.value, x.labels, plain, where);
  if (!lies_in_order(plain) && lies_in_order(turned))
    return transposed(reshape(with_labels<T>(x.value, x.labels, turned, where), with_axes(shape, {m, n}), where));
  return reshape(with_labels<T>(x.value, x.labels, plain, where), with_axes(shape, {n, m}), where);
}

}  // namespace

template <class T>
Labelled<T> join(const Labelled<T>& a, const Labelled<T>& b, LabelSet kept, const Location& where) {
  const LabelSet of_a = set_of(a.labels), of_b = set_of(b.labels);
  const Labels batch = those_in(a.labels, of_a & of_b & kept), inner = those_in(a.labels, of_a & of_b & ~kept);
  const Labels rows = those_in(a.labels, of_a & ~of_b), columns = those_in(b.labels, of_b & ~of_a);
  const Labels result = joined({&batch, &rows, &columns});
  const Shape shape_a = a.value.shape(), shape_b = b.value.shape();
  if (inner.empty()) {  // nothing is summed: an elementwise product with broadcasting
    const Var<T> left = with_labels<T>(a.value, a.labels, result, where);
    const Var<T> right = with_labels<T>(b.value, b.labels, result, where);
    return {multiply(Operand<T>(left, where), Operand<T>(right, where)), result};
  }
  const Var<T> product =
      matmul(as_matrices(a, batch, rows, inner, where), as_matrices(b, batch, inner, columns, where), where);
  Shape shape;
  for (const std::uint8_t label : batch) shape.push_back(extent_of(shape_a, a.labels, {label}));
  for (const std::uint8_t label : rows) shape.push_back(extent_of(shape_a, a.labels, {label}));
  for (const std::uint8_t label : columns) shape.push_back(extent_of(shape_b, b.labels, {label}));
  return {product.shape() == shape ? product : reshape(product, shape, where), result};
}

// ---- the contraction order -----------------------------------------------------------------------------------------

namespace {

constexpr double impossible = std::numeric_limits<double>::infinity();

double elements(LabelSet labels, const LabelExtents& extents) {
  double product = 1;
  for (; labels != 0; labels &= labels - 1)
    product *= static_cast<double>(extents[static_cast<std::size_t>(std::countr_zero(labels))]);
  return product;
}
bool fits(LabelSet labels) { return static_cast<std::size_t>(std::popcount(labels)) <= max_rank; }

using Order = std::vector<std::pair<std::size_t, std::size_t>>;

// For each set of operands, from small to large, the cheapest split into two sets.
struct Exhaustive {
  const std::vector<LabelSet> kept;  // by set of operands: the labels still needed outside it
  std::vector<double> cost;
  std::vector<std::size_t> half;

  std::size_t follow(std::size_t set, std::size_t count, Order& order) const {
    if (std::has_single_bit(set)) return static_cast<std::size_t>(std::countr_zero(set));
    std::size_t first = half[set], second = set & ~half[set];
    if (std::countr_zero(second) < std::countr_zero(first)) std::swap(first, second);  // in the order of operands
    const std::size_t left = follow(first, count, order), right = follow(second, count, order);
    order.emplace_back(left, right);
    return count + order.size() - 1;
  }
};

std::vector<LabelSet> kept_by_set(std::span<const LabelSet> operands, LabelSet result) {
  const std::size_t sets = std::size_t{1} << operands.size();
  std::vector<LabelSet> inside(sets), kept(sets);
  for (std::size_t set = 1; set < sets; ++set)
    inside[set] = inside[set & (set - 1)] | operands[static_cast<std::size_t>(std::countr_zero(set))];
  for (std::size_t set = 1; set < sets; ++set) kept[set] = inside[set] & (result | inside[sets - 1 - set]);
  return kept;
}

Order exhaustive_order(std::span<const LabelSet> operands, LabelSet result, const LabelExtents& extents) {
  const std::size_t sets = std::size_t{1} << operands.size();
  Exhaustive best{kept_by_set(operands, result), std::vector<double>(sets), std::vector<std::size_t>(sets)};
  for (std::size_t set = 1; set < sets; ++set) {
    if (std::has_single_bit(set)) continue;
    best.cost[set] = impossible;
    for (std::size_t half = (set - 1) & set; half > (set & ~half); half = (half - 1) & set) {
      const std::size_t other = set & ~half;
      const double cost = best.cost[half] + best.cost[other] + elements(best.kept[half] | best.kept[other], extents);
      if (fits(best.kept[set]) && (best.half[set] == 0 || cost < best.cost[set]) && cost < impossible) {
        best.cost[set] = cost;
        best.half[set] = half;
      }
    }
  }
  Order order;
  if (best.cost[sets - 1] < impossible) best.follow(sets - 1, operands.size(), order);
  return order;
}

enum class First { most_shrinking, cheapest };

// Joins the best pair repeatedly. Adds the cost of the products to `total`.
Order greedy_order(std::span<const LabelSet> operands, LabelSet result, const LabelExtents& extents, First criterion,
                   double& total) {
  struct LiveOperand {
    std::size_t index;
    LabelSet labels;
  };
  std::vector<LiveOperand> live;
  for (std::size_t i = 0; i < operands.size(); ++i) live.push_back({i, operands[i]});
  Order order;
  std::array<std::size_t, label_count> uses{};  // the number of live values with each label
  const auto count_uses = [&](LabelSet labels, std::size_t change) {
    for (; labels != 0; labels &= labels - 1) uses[static_cast<std::size_t>(std::countr_zero(labels))] += change;
  };
  for (const LiveOperand& value : live) count_uses(value.labels, 1);
  while (live.size() > 1) {
    std::pair<double, double> best{impossible, impossible};
    std::size_t first = 0, second = 0;
    LabelSet joint = 0;
    for (std::size_t i = 0; i < live.size(); ++i)
      for (std::size_t j = i + 1; j < live.size(); ++j) {
        const LabelSet all = live[i].labels | live[j].labels, both = live[i].labels & live[j].labels;
        LabelSet kept = all;
        for (LabelSet rest = both & ~result; rest != 0; rest &= rest - 1)
          if (uses[static_cast<std::size_t>(std::countr_zero(rest))] == 2) kept &= ~(rest & (~rest + 1));
        if (!fits(kept)) continue;
        const double growth =
            elements(kept, extents) - elements(live[i].labels, extents) - elements(live[j].labels, extents);
        const double cost = elements(all, extents);
        const auto rank = criterion == First::cheapest ? std::pair{cost, growth} : std::pair{growth, cost};
        if (rank < best) {
          best = rank;
          first = i, second = j, joint = kept;
        }
      }
    if (first == second) return {};
    total += criterion == First::cheapest ? best.first : best.second;
    order.emplace_back(live[first].index, live[second].index);
    count_uses(live[first].labels, ~std::size_t{0});
    count_uses(live[second].labels, ~std::size_t{0});
    count_uses(joint, 1);
    live[first] = {operands.size() + order.size() - 1, joint};
    live.erase(live.begin() + static_cast<std::ptrdiff_t>(second));
  }
  return order;
}

}  // namespace

Order contraction_order(std::span<const LabelSet> operands, LabelSet result, const LabelExtents& extents) {
  constexpr std::size_t few = 6;
  if (operands.size() <= few) return exhaustive_order(operands, result, extents);
  double shrinking_cost = 0, cheapest_cost = 0;
  Order shrinking = greedy_order(operands, result, extents, First::most_shrinking, shrinking_cost);
  Order cheapest = greedy_order(operands, result, extents, First::cheapest, cheapest_cost);
  if (shrinking.empty() || cheapest.empty()) return shrinking.empty() ? cheapest : shrinking;
  return cheapest_cost < shrinking_cost ? cheapest : shrinking;
}

#define WENGERT_INSTANTIATE(T)                                                                                        \
  template Var<T> with_labels(Var<T>, std::span<const std::uint8_t>, std::span<const std::uint8_t>, const Location&); \
  template Labelled<T> join(const Labelled<T>&, const Labelled<T>&, LabelSet, const Location&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::detail
