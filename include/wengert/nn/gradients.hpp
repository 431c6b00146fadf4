// Gradients with respect to a network's parameters.
#pragma once

#include <wengert/nn/module.hpp>
#include <wengert/transform/transforms.hpp>

#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

namespace wengert::nn {

/// The gradient of a loss with respect to one parameter.
template <class T>
struct ParameterGradient {
  std::string path;        ///< such as `encoder.0.weight`
  Parameter<T> parameter;  ///< the parameter itself
  Var<T> gradient;         ///< has the shape of the parameter
};

/// The gradients of a loss with respect to every trainable parameter of a network, in the order of the members,
/// recorded as ordinary nodes. A parameter has one gradient, however often the network reads it; it is all zeros if the
/// loss does not depend on the parameter. Throws GradientError unless the loss has size 1.
template <class T, class Module>
std::vector<ParameterGradient<T>> grad(Var<T> loss, const Module& module, Location where = Location::current()) {
  static_assert(std::is_same_v<T, ModuleScalar<Module>>,
                "wengert: the network's parameters have a different scalar type from the loss");
  std::vector<ParameterGradient<T>> result;
  std::vector<Parameter<T>> parameters;
  for (const auto& [path, parameter] : named_parameters(module)) {
    if (!parameter.trainable()) continue;
    result.push_back({path, parameter, {}});
    parameters.push_back(parameter);
  }
  const std::vector<Var<T>> gradients = wengert::grad<T>({loss, where}, parameters);
  for (std::size_t i = 0; i < result.size(); ++i) result[i].gradient = gradients[i];
  return result;
}

}  // namespace wengert::nn
