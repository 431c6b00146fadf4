// Gradients with respect to a network's parameters.
#pragma once

#include <wengert/nn/module.hpp>
#include <wengert/tape.hpp>

#include <string>
#include <type_traits>
#include <vector>

namespace wengert::nn {

/// The gradient of a loss with respect to one parameter.
template <class T>
struct ParameterGradient {
  std::string path;        ///< such as `encoder.0.weight`
  Parameter<T> parameter;  ///< itself
  Var<T> gradient;         ///< of its shape
};

namespace detail {
template <class T>
std::vector<ParameterGradient<T>> gradients_of(Var<T> loss, const std::vector<NamedParameter<T>>& parameters,
                                               const Location& where);
extern template std::vector<ParameterGradient<float>> gradients_of(Var<float>,
                                                                   const std::vector<NamedParameter<float>>&,
                                                                   const Location&);
extern template std::vector<ParameterGradient<double>> gradients_of(Var<double>,
                                                                    const std::vector<NamedParameter<double>>&,
                                                                    const Location&);
}  // namespace detail

/// The gradients of a scalar with respect to every trainable parameter of a network, in the order of the members.
///
/// They are recorded as ordinary nodes. However often the network read a parameter, it has one gradient, zeros if the
/// scalar does not depend on it. Throws GradientError if the value is not of size 1.
template <class T, class Module>
std::vector<ParameterGradient<T>> grad(Var<T> loss, const Module& module, Location where = Location::current()) {
  static_assert(std::is_same_v<T, ModuleScalar<Module>>,
                "wengert: the network's parameters are of another scalar type than the loss");
  std::vector<NamedParameter<T>> trainable;
  for (NamedParameter<T>& named : named_parameters(module))
    if (named.parameter.trainable()) trainable.push_back(std::move(named));
  return detail::gradients_of(loss, trainable, where);
}

}  // namespace wengert::nn
