// Named tensors, the form in which checkpoints hold the state of an optimiser.
#pragma once

#include <wengert/base/tensor.hpp>

#include <string>
#include <utility>
#include <vector>

namespace wengert::optim::detail {

/// Tensors with their names.
template <class T>
using NamedValues = std::vector<std::pair<std::string, Tensor<T>>>;

/// Converts a range of NamedParameters, or of anything with `name` and `value`.
template <class T, class Range>
NamedValues<T> named_values(const Range& range) {
  NamedValues<T> result;
  for (const auto& part : range) {
    if constexpr (requires { part.parameter; })
      result.emplace_back(part.name, part.parameter.value());
    else
      result.emplace_back(part.name, part.value);
  }
  return result;
}

}  // namespace wengert::optim::detail
