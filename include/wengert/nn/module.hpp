// Functions for any network: find, count, freeze and copy its parameters.
//
// A network is a struct that holds Parameters, or other structs that do, and has an `operator()` from Var to Var. There
// is no base class and no registration: parameters are found by walking its members (see parameters.hpp).
#pragma once

#include <wengert/reflect/converted.hpp>
#include <wengert/reflect/parameters.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace wengert::nn {

using wengert::Buffer;
using wengert::named_parameters;
using wengert::NamedParameter;

namespace detail {
// The scalar type of a network; float if it has no parameters.
template <class Module>
using ScalarOf = std::conditional_t<std::is_void_v<ModuleScalar<Module>>, float, ModuleScalar<Module>>;
}  // namespace detail

namespace detail {
[[noreturn]] void throw_no_such_path(std::string_view function, std::string_view prefix,
                                     const std::vector<std::string>& paths, const Location& where);

template <class Module>
void set_trainable(const Module& module, std::string_view prefix, bool trainable, std::string_view function,
                   const Location& where) {
  using T = ScalarOf<Module>;
  const std::vector<Parameter<T>> buffers = wengert::detail::buffers_of<T>(module);
  std::vector<std::string> others;
  bool found = false;
  for (NamedParameter<T>& each : wengert::detail::parameter_paths(module)) {
    if (wengert::detail::is_below(each.name, prefix)) {
      found = true;
      if (std::find(buffers.begin(), buffers.end(), each.parameter) == buffers.end())
        each.parameter.set_trainable(trainable);
    } else {
      others.push_back(each.name);
    }
  }
  if (!found && !prefix.empty()) throw_no_such_path(function, prefix, others, where);
}
}  // namespace detail

/// The parameter at a path: `nn::parameter(network, "encoder.0.weight")`. A shared parameter is found by any of its
/// paths. Throws ValueError if no parameter has this path.
template <class Module>
Parameter<detail::ScalarOf<Module>> parameter(const Module& module, std::string_view path,
                                              Location where = Location::current()) {
  std::vector<std::string> others;
  for (const auto& each : wengert::detail::parameter_paths(module)) {
    if (each.name == path) return each.parameter;
    others.push_back(each.name);
  }
  detail::throw_no_such_path("parameter", path, others, where);
}

/// Which parameters `parameter_count` counts.
enum class Counted : bool { all, trainable };

/// The total number of elements of a network's parameters; a shared parameter counts once.
template <class Module>
std::size_t parameter_count(const Module& module, Counted counted = Counted::all) {
  std::size_t count = 0;
  for_each_parameter(module, [&](const std::string&, const auto& parameter) {
    if (counted == Counted::all || parameter.trainable()) count += parameter.value().size();
  });
  return count;
}

/// Freezes the parameters of a network, or those at and below a path: optimisers skip them. A shared parameter is
/// frozen by any of its paths. Throws ValueError if no parameter lies at or below the path.
template <class Module>
void freeze(const Module& module, std::string_view path = {}, Location where = Location::current()) {
  detail::set_trainable(module, path, false, "freeze", where);
}

/// Makes frozen parameters trainable again, all of a network or those at and below a path; a Buffer is never trainable.
/// Throws ValueError if no parameter lies at or below the path.
template <class Module>
void unfreeze(const Module& module, std::string_view path = {}, Location where = Location::current()) {
  detail::set_trainable(module, path, true, "unfreeze", where);
}

/// A deep copy: a network with its own parameters, modes and generators. Parts that share state in the network
/// share it in the copy. `converted<double>(network)` copies to another scalar type.
template <class Module>
Module copy(const Module& module) {
  return converted<detail::ScalarOf<Module>>(module);
}

}  // namespace wengert::nn
