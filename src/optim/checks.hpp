// Checks of the ranges of options, and scalar Parameters for the state.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/tape/parameter.hpp>

#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace wengert::optim {

/// Throws ValueError unless `value` is finite and not negative.
inline void require_not_negative(std::string_view rule, std::string_view option, double value, const Location& where) {
  if (std::isfinite(value) && value >= 0) return;
  throw ValueError(rule, fmt::format("{} {}: expected a finite number of at least 0", option, value), where);
}
/// Throws ValueError unless `value` is in [0, 1).
inline void require_decay(std::string_view rule, std::string_view option, double value, const Location& where) {
  if (value >= 0 && value < 1) return;
  throw ValueError(rule, fmt::format("{} {}: expected a number of at least 0 and less than 1", option, value), where);
}
/// Checks the options that Adam and its variants share.
inline void require_like_adam(std::string_view rule, double rate, double beta1, double beta2, double epsilon,
                              double weight_decay, const Location& where) {
  require_not_negative(rule, "rate", rate, where);
  require_decay(rule, "beta1", beta1, where);
  require_decay(rule, "beta2", beta2, where);
  require_not_negative(rule, "epsilon", epsilon, where);
  require_not_negative(rule, "weight_decay", weight_decay, where);
}

/// A scalar of an optimiser's state.
template <class T>
Parameter<T> scalar_parameter(double value, std::string name) {
  return Parameter<T>(Tensor<T>(static_cast<T>(value)), std::move(name), false);
}

}  // namespace wengert::optim
