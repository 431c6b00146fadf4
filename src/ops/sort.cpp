// sort, argsort and topk along an axis: computes positions, then gathers values by them.
#include "ops/attributes/axes.hpp"
#include "ops/axis_loop.hpp"
#include "ops/composite_registry.hpp"
#include <wengert/ops/index.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace wengert {
namespace {

// The extent of an axis; 1 for a scalar, which counts as one line of one element.
std::size_t extent_of(const Shape& shape, std::size_t axis) { return shape.empty() ? 1 : shape[axis]; }

// The positions of the first `count` elements of each line in sorted order.
struct Argsort : attributes::Argsort {
  static constexpr std::string_view name = "argsort";
  static constexpr std::string_view notation = "the k that sort x";
  static constexpr std::string_view convention = "equal elements keep their order; NaN counts as largest";
  static constexpr std::size_t arity = 1;
  static constexpr bool index_output = true;

  Shape shape(Shape x) const {
    if (!x.empty()) x[axis] = count;
    return x;
  }
  template <class T>
  void forward(Value<const T> x, Value<std::int64_t> y) const {
    const Lines lines(x.shape(), axis);
    const bool few = count <= 32 && 8 * count <= lines.count;
    std::vector<Element<T>> line(few ? 0 : lines.count);
    for (std::size_t o = 0; o < lines.outer; ++o)
      for (std::size_t i = 0; i < lines.inner; ++i) {
        const T* first = x.data + o * lines.count * lines.inner + i;
        const auto element = [&](std::size_t k) { return Element<T>{key(first[k * lines.inner]), k}; };
        if (few) {
          pick(line, lines.count, element);
        } else {
          for (std::size_t k = 0; k < lines.count; ++k) line[k] = element(k);
          arrange(line);
        }
        std::int64_t* to = y.data + o * count * lines.inner + i;
        for (std::size_t k = 0; k < count; ++k) to[k * lines.inner] = static_cast<std::int64_t>(line[k].position);
      }
  }
  static std::vector<StructuralExample<Argsort>> examples() { return {}; }

 private:
  template <class T>
  struct Element {
    T key;
    std::size_t position;
    bool operator<(const Element& other) const {
      return key < other.key || (key == other.key && position < other.position);
    }
  };
  // The sort key, which ascends in either order.
  template <class T>
  T key(T x) const {
    return order == SortOrder::ascending ? x : -x;
  }
  // Collects the first `count` elements in order, in one pass.
  template <class T, class F>
  void pick(std::vector<Element<T>>& best, std::size_t elements, const F& element) const {
    const bool nan_first = order == SortOrder::descending;
    const auto before = [&](const Element<T>& a, const Element<T>& b) {
      return a.key < b.key || (std::isnan(a.key) != std::isnan(b.key) && std::isnan(a.key) == nan_first);
    };
    best.clear();
    for (std::size_t k = 0; k < elements && count > 0; ++k) {
      const Element<T> next = element(k);
      if (best.size() == count) {
        if (!before(next, best.back())) continue;
        best.pop_back();
      }
      best.insert(std::upper_bound(best.begin(), best.end(), next, before), next);
    }
  }
  // Brings the first `count` elements to the front, in order.
  template <class T>
  void arrange(std::vector<Element<T>>& line) const {
    // NaNs are not comparable, so they are first moved to one end of the line, in the order of their positions.
    const bool nan_last = order == SortOrder::ascending;
    const auto is_nan = [](const Element<T>& e) { return std::isnan(e.key); };
    auto border = nan_last ? line.end() : line.begin();
    if (std::any_of(line.begin(), line.end(), is_nan))
      border =
          std::stable_partition(line.begin(), line.end(), [&](const Element<T>& e) { return is_nan(e) != nan_last; });
    const auto begin = nan_last ? line.begin() : border, end = nan_last ? border : line.end();
    const auto needed = line.begin() + static_cast<std::ptrdiff_t>(count);
    if (needed <= begin) return;
    if (needed >= end) {
      std::sort(begin, end);
    } else {
      std::nth_element(begin, needed, end);
      std::sort(begin, needed);
    }
  }
};

template <class T>
IndexVar<T> positions(Var<T> x, std::size_t axis, std::size_t count, SortOrder order, const Location& where) {
  return record(Argsort{{axis, count, order}}, where, x);
}

}  // namespace

template <class T>
Var<T> sort(Var<T> x, std::ptrdiff_t axis, SortOrder order, Location where) {
  return atomically(tape_of(x, "sort", where), where, [&] {
    const std::size_t along = normalise_axis_or_scalar(axis, x.rank(), "sort");
    if (x.rank() == 0) return x;
    return take_along_axis(x, positions(x, along, x.shape()[along], order, where), axis, where);
  });
}

template <class T>
IndexVar<T> argsort(Var<T> x, std::ptrdiff_t axis, SortOrder order, Location where) {
  return atomically(tape_of(x, Argsort::name, where), where, [&] {
    const std::size_t along = normalise_axis_or_scalar(axis, x.rank(), Argsort::name);
    return positions(x, along, extent_of(x.shape(), along), order, where);
  });
}

template <class T>
TopK<T> topk(Var<T> x, std::size_t k, std::ptrdiff_t axis, SortOrder order, Location where) {
  return atomically(tape_of(x, "topk", where), where, [&] {
    const std::size_t along = normalise_axis_or_scalar(axis, x.rank(), "topk");
    const std::size_t extent = extent_of(x.shape(), along);
    if (k > extent)
      throw ShapeError("topk", fmt::format("{} elements of axis {} of shape {}: the axis has {}", k, along,
                                           to_string(x.shape()), extent));
    if (x.rank() == 0 && k == 0) throw ShapeError("topk", "0 elements of a scalar: expected 1");
    const IndexVar<T> indices = positions(x, along, k, order, where);
    return TopK<T>{x.rank() == 0 ? x : take_along_axis(x, indices, axis, where), indices};
  });
}

namespace {
WENGERT_REGISTER_COMPOSITE(sort, "the elements of x in order", "equal elements keep their order; NaN counts as largest",
                           sort(x, 0))
WENGERT_REGISTER_COMPOSITE(topk, "the first k elements of x in order", "the first of equal elements are taken",
                           topk(x, 2, 0, SortOrder::ascending).values)
}  // namespace

#define WENGERT_INSTANTIATE(T)                                               \
  template Var<T> sort(Var<T>, std::ptrdiff_t, SortOrder, Location);         \
  template IndexVar<T> argsort(Var<T>, std::ptrdiff_t, SortOrder, Location); \
  template TopK<T> topk(Var<T>, std::size_t, std::ptrdiff_t, SortOrder, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
