// The affine map of Linear and the layers that contain one.
#pragma once

#include <wengert/tape/parameter.hpp>
#include <wengert/tape/tape.hpp>

#include <optional>
#include <string_view>

namespace wengert::nn {

/// x·Wᵀ + b over the last axis. Throws ShapeError as `subject` unless that axis fits; then nothing is recorded.
template <class T>
Var<T> affine(std::string_view subject, Var<T> x, const Parameter<T>& weight, const std::optional<Parameter<T>>& bias,
              const Location& where);

}  // namespace wengert::nn
