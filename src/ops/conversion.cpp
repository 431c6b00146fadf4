// to_values and to_indices: indices as values, and values as indices.
#include <wengert/ops/index.hpp>
#include <wengert/tape/structural.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <fmt/format.h>

namespace wengert {
namespace {

// The largest n such that T holds every integer from −n to n.
template <class T>
constexpr std::int64_t most_exact = std::int64_t{1} << std::numeric_limits<T>::digits;

template <class T>
std::string exact_range() {
  return fmt::format("from -{0} to {0}, where {1} holds every integer", most_exact<T>,
                     std::is_same_v<T, float> ? "float" : "double");
}

struct ToValues {
  static constexpr std::string_view name = "to_values";
  static constexpr std::string_view notation = "k as numbers";
  static constexpr std::string_view convention = "an index that T may not hold exactly throws ValueError";
  static constexpr std::size_t arity = 1;
  static constexpr std::uint8_t index_inputs = 0b1;
  static constexpr bool differentiable = false;

  Shape shape(const Shape& indices) const { return indices; }
  template <class T>
  void forward(Value<const std::int64_t> indices, Value<T> y) const {
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const std::int64_t index = indices.data[i];
      if (index < -most_exact<T> || index > most_exact<T>)
        throw ValueError(name, fmt::format("index {} at {}: expected one {}; number the indices anew{}", index,
                                           to_string(unravel(i, indices.shape())), exact_range<T>(),
                                           std::is_same_v<T, float> ? ", or use a tape of double" : ""));
      y.data[i] = static_cast<T>(index);
    }
  }
  template <class T>
  auto vjp(Var<T>, Var<T>, IndexVar<T>) const {
    return no_gradient;
  }
  static std::vector<StructuralExample<ToValues>> examples() { return {}; }
};

struct ToIndices {
  static constexpr std::string_view name = "to_indices";
  static constexpr std::string_view notation = "x as integers";
  static constexpr std::string_view convention = "a value that is not an integer throws ValueError";
  static constexpr std::size_t arity = 1;
  static constexpr bool index_output = true;

  Shape shape(const Shape& x) const { return x; }
  template <class T>
  void forward(Value<const T> x, Value<std::int64_t> y) const {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const T value = x.data[i];
      if (!(std::abs(value) <= static_cast<T>(most_exact<T>)) || value != std::trunc(value))
        throw ValueError(name,
                         fmt::format("element {} is {}: expected an integer {}; round the values, or correct them",
                                     to_string(unravel(i, x.shape())), std::isnan(value) ? std::abs(value) : value,
                                     exact_range<T>()));
      y.data[i] = static_cast<std::int64_t>(value);
    }
  }
  static std::vector<StructuralExample<ToIndices>> examples() { return {}; }
};

}  // namespace

template <class T>
Var<T> to_values(IndexVar<T> indices, Location where) {
  return record(ToValues{}, where, indices);
}

template <class T>
IndexVar<T> to_indices(Var<T> values, Location where) {
  return record(ToIndices{}, where, values);
}

#define WENGERT_INSTANTIATE(T)                      \
  template Var<T> to_values(IndexVar<T>, Location); \
  template IndexVar<T> to_indices(Var<T>, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
