// Parameters by their paths.
#pragma once

#include <wengert/parameters.hpp>
#include <wengert/tape.hpp>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert::optim {

/// A parameter and the path it is known by.
template <class T>
struct NamedParameter {
  std::string name;        ///< such as `encoder.0.weight`
  Parameter<T> parameter;  ///< itself
};

/// The Parameters of a struct, of a vector of them, or a single one, with their paths; a single one's is its name.
template <class T, class Module>
std::vector<NamedParameter<T>> named_parameters(const Module& module) {
  std::vector<NamedParameter<T>> result;
  for_each_parameter(module, [&]<class U>(const std::string& path, const Parameter<U>& parameter) {
    static_assert(std::is_same_v<T, U>, "wengert: an optimiser of T is for Parameters of the same T");
    result.push_back({path.empty() ? parameter.name() : path, parameter});
  });
  return result;
}

namespace detail {

/// A tensor and its name, as a checkpoint holds it.
template <class T>
using NamedValues = std::vector<std::pair<std::string, Tensor<T>>>;

/// From a range of NamedParameters, or of anything with `name` and `value`.
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

}  // namespace detail

}  // namespace wengert::optim
