// ONNX's ops that make constants, and numbers that follow from shapes.
#include "onnx/call.hpp"
#include "onnx/known.hpp"
#include "onnx/limits.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

template <class T>
Value<T> known_tensor(const Call<T>& c, const TensorData& tensor) {
  if (is_integral(tensor.type)) return Value<T>(tensor.integers(), tensor.type);
  if (is_floating(tensor.type)) return Value<T>(tensor.template numbers<double>(), tensor.type);
  c.fail(fmt::format("a constant of type {}: expected numbers or truth values", name_of(tensor.type)));
}

template <class T>
Outputs<T> constant_of_attribute(const Call<T>& c) {
  if (c.has("value")) return known_tensor(c, c.tensor("value"));
  if (c.has("value_int")) return Value<T>(known_integer(c.integer("value_int", 0)));
  if (c.has("value_float")) return Value<T>(Tensor<double>(c.number("value_float", 0)), ElementType::float32);
  if (c.has("value_ints")) {
    const auto numbers = c.integers("value_ints");
    return Value<T>(known_integers(std::vector<std::int64_t>(numbers.begin(), numbers.end())));
  }
  if (c.has("value_floats")) {
    const auto numbers = c.numbers("value_floats");
    Tensor<double> vector = Tensor<double>::from_shape({numbers.size()});
    std::copy(numbers.begin(), numbers.end(), vector.begin());
    return Value<T>(std::move(vector), ElementType::float32);
  }
  c.fail("a constant of strings or in sparse format: expected a dense tensor of numbers or truth values");
}

template <class T>
Outputs<T> constant_of_shape_of(const Call<T>& c) {
  const Shape shape = requested_shape(c, c.integers(0));
  const Value<T> one =
      c.has("value") ? known_tensor(c, c.tensor("value")) : Value<T>(Tensor<double>(0.0), ElementType::float32);
  if (one.shape().elements() != 1)
    c.fail(fmt::format("a value of shape {}: expected one element", to_string(one.shape())));
  const auto filled = [&]<class E>(const E& value) {
    E result = E::from_shape(xt::dynamic_shape<std::size_t>(shape));
    result.fill(*value.begin());
    return Value<T>(std::move(result), one.type());
  };
  return one.template holds<Indices>() ? filled(one.template get<Indices>())
                                       : filled(one.template get<Tensor<double>>());
}

template <class T>
Outputs<T> range_of(const Call<T>& c) {
  const double start = c.number(0), limit = c.number(1), delta = c.number(2);
  const double count = std::max(std::ceil((limit - start) / delta), 0.0);
  // The bound only rules out numbers that no size_t holds.
  if (delta == 0 || !(count < 9e15))
    c.fail(fmt::format("from {} to {} in steps of {}: expected a finite number of steps", start, limit, delta));
  require_elements(c, std::array{count}, most_known_elements);
  return known_numbers<T>(counted<double>({static_cast<std::size_t>(count)}) * delta + start, c.type(0));
}

template <class T>
Outputs<T> shape_of(const Call<T>& c) {
  const Shape shape = c.shape(0);
  const auto rank = static_cast<std::int64_t>(shape.rank());
  const auto bound = [&](std::string_view name, std::int64_t otherwise) {
    const std::int64_t given = c.integer(name, otherwise);
    return std::clamp<std::int64_t>(given < 0 ? given + rank : given, 0, rank);
  };
  std::vector<std::int64_t> extents;
  for (std::int64_t axis = bound("start", 0); axis < bound("end", rank); ++axis)
    extents.push_back(static_cast<std::int64_t>(shape[static_cast<std::size_t>(axis)]));
  return Value<T>(known_integers(extents));
}

}  // namespace

template <class T>
std::span<const Entry<T>> constant_entries() {
  static constexpr Entry<T> entries[] = {
      {"Constant", constant_of_attribute<T>, true},
      {"ConstantOfShape", constant_of_shape_of<T>, true},
      {"Range", range_of<T>, true},
      {"Shape", shape_of<T>, true},
      {"Size",
       [](const Call<T>& c) -> Outputs<T> {
         return Value<T>(known_integer(static_cast<std::int64_t>(c.shape(0).elements())));
       },
       true},
  };
  return entries;
}

template std::span<const Entry<float>> constant_entries<float>();
template std::span<const Entry<double>> constant_entries<double>();

}  // namespace wengert::onnx::detail
