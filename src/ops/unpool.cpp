// max_unpool: elements put back at the positions that max pooling took them from.
#include "ops/attributes/windows.hpp"
#include "ops/indexing.hpp"
#include "ops/windows.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/pooling.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>
#include <limits>
#include <vector>

#include <fmt/format.h>

namespace wengert {
namespace {

// The planes of two values: the elements of one are at positions in the other.
struct Unpooling : attributes::Unpooling {
  std::size_t plane_size() const { return to[0] * to[1] * to[2]; }
  // Calls visit(element, position) for each element, in order. Throws ValueError for a position outside its plane.
  template <class Visit>
  void each(Value<const std::int64_t> positions, const Visit& visit) const {
    const std::size_t size = plane_size();
    const Shape& shape = positions.shape();
    const std::size_t planes = Shape(std::span(shape.begin(), shape.rank() - rank)).elements();
    const std::size_t count = planes == 0 ? 0 : positions.size() / planes;
    for (std::size_t plane = 0, i = 0; plane < planes; ++plane)
      for (const std::size_t end = i + count; i < end; ++i) {
        const std::int64_t position = positions.data[i];
        if (static_cast<std::uint64_t>(position) >= size)
          throw ValueError("max_unpool", fmt::format("index {} at {}: a result of {} elements has positions 0 to {}",
                                                     position, to_string(unravel(i, shape)), size, size - 1));
        visit(i, plane * size + static_cast<std::size_t>(position));
      }
  }
};

template <class T>
Var<T> unpool(const Unpooling& how, Var<T> x, IndexVar<T> positions, const Location& where);

// The adjoint of MaxUnpool.
struct MaxUnpoolGradient : Unpooling {
  static constexpr std::string_view name = "max_unpool_gradient";
  static constexpr std::string_view notation = "the elements at their positions, 0 for all but the last of equal ones";
  static constexpr std::size_t arity = 2;
  static constexpr std::uint8_t index_inputs = 0b10;

  Shape shape(const Shape&, const Shape& positions) const { return positions; }
  template <class T>
  void forward(Value<const T> g, Value<const std::int64_t> positions, Value<T> x) const {
    std::vector<std::size_t> last(g.size());
    each(positions, [&](std::size_t i, std::size_t place) { last[place] = i; });
    each(positions, [&](std::size_t i, std::size_t place) { x.data[i] = last[place] == i ? g.data[place] : T(0); });
  }
  template <class T>
  auto vjp(Var<T> gx, Var<T>, Var<T>, IndexVar<T> positions) const {
    return std::tuple([=, this] { return unpool(*this, gx, positions, Location::current()); }, no_gradient);
  }
  static std::vector<StructuralExample<MaxUnpoolGradient>> examples() {
    return {{{{2, {1, 2, 3}}}, {{2, 1, 2, 3}}, {}, {{{{{4, 4}}}, {{{0, 2}}}}}}};
  }
};

struct MaxUnpool : Unpooling {
  static constexpr std::string_view name = "max_unpool";
  static constexpr std::string_view notation = "the elements put at their positions, into zeros";
  static constexpr std::string_view convention = "of several elements for one position, the last is used";
  static constexpr std::size_t arity = 2;
  static constexpr std::uint8_t index_inputs = 0b10;

  Shape shape(const Shape& x, const Shape&) const {
    Shape result = x;
    for (std::size_t i = 0; i < rank; ++i) result[x.rank() - 1 - i] = to[2 - i];
    return result;
  }
  template <class T>
  void forward(Value<const T> x, Value<const std::int64_t> positions, Value<T> y) const {
    std::fill_n(y.data, y.size(), T(0));
    each(positions, [&](std::size_t i, std::size_t place) { y.data[place] = x.data[i]; });
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>, IndexVar<T> positions) const {
    return std::tuple([=, this] { return record(MaxUnpoolGradient{*this}, Location::current(), g, positions); },
                      no_gradient);
  }
  static std::vector<StructuralExample<MaxUnpool>> examples() {
    return {{{{2, {1, 2, 3}}}, {{2, 1, 1, 2}}, {}, {{{{{4, 4}}}, {{{0, 2}}}}}}};
  }
};

template <class T>
Var<T> unpool(const Unpooling& how, Var<T> x, IndexVar<T> positions, const Location& where) {
  return record(MaxUnpool{how}, where, x, positions);
}

template <std::size_t n, class T>
Var<T> unpooled(std::string_view name, Var<T> x, const IndexOperand<T>& indices, const PerAxis<n>& size,
                const Location& where) {
  Tape<T>& tape = tape_of(x, name, where);
  return atomically(tape, where, [&] {
    detail::check_spatial(name, x.shape(), n);
    if (!size.is_given()) throw ValueError(name, "the size is not given");
    const detail::PerThree to = detail::checked_numbers(name, "size", size, 1);
    const IndexVar<T> positions = indices_on(tape, indices, name, where);
    if (positions.shape() != x.shape())
      throw ShapeError(name, fmt::format("x of shape {} and indices of shape {}: must have the same shape",
                                         to_string(x.shape()), to_string(positions.shape())));
    return unpool({n, to}, x, positions, where);
  });
}

}  // namespace

#define WENGERT_UNPOOLING(n)                                                                               \
  template <class T>                                                                                       \
  Var<T> max_unpool##n##d(Var<T> x, std::type_identity_t<IndexOperand<T>> indices, const PerAxis<n>& size, \
                          Location where) {                                                                \
    return unpooled("max_unpool" #n "d", x, indices, size, where);                                         \
  }                                                                                                        \
  template Var<float> max_unpool##n##d(Var<float>, IndexOperand<float>, const PerAxis<n>&, Location);      \
  template Var<double> max_unpool##n##d(Var<double>, IndexOperand<double>, const PerAxis<n>&, Location);
WENGERT_UNPOOLING(1)
WENGERT_UNPOOLING(2)
WENGERT_UNPOOLING(3)
#undef WENGERT_UNPOOLING

// ---- the registry --------------------------------------------------------------------------------------------------

namespace {

using Vars = std::span<const Var<double>>;
const bool unpooling_registered[] = {
#define WENGERT_UNPOOLING(n, shape, ...)                                                          \
  register_op({.name = "max_unpool" #n "d",                                                       \
               .notation = "elements put back at the positions that max pooling took them from",  \
               .convention = MaxUnpool::convention,                                               \
               .own_examples = [] {                                                               \
                 return std::vector{detail::example_of("max_unpool" #n "d", {shape}, [](Vars v) { \
                   const auto [y, indices] = max_pool##n##d_with_indices(v[0], 2, {.stride = 1}); \
                   return max_unpool##n##d(y * y, indices, __VA_ARGS__);                          \
                 })};                                                                             \
               }})
    WENGERT_UNPOOLING(1, (Shape{2, 7}), 7), WENGERT_UNPOOLING(2, (Shape{1, 2, 4, 5}), {4, 5}),
    WENGERT_UNPOOLING(3, (Shape{1, 1, 3, 3, 3}), 3)};
#undef WENGERT_UNPOOLING

}  // namespace
}  // namespace wengert
