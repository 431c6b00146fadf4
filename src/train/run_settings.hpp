// The settings of a training run in words.
#pragma once

#include <wengert/optim/any_optimizer.hpp>
#include <wengert/train/erased_model.hpp>

#include <string>

namespace wengert::train {

/// The settings of an optimiser, which are all but its rate, in one line.
template <class T>
std::string described(const optim::AnyOptimizer<T>& optimizer);

/// The paths of the parameters that are not trained, including Buffers.
template <class T>
std::string frozen_paths(const ErasedModel<T>& model);

}  // namespace wengert::train
