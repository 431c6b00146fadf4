// The guard of the loss in a step: a replay that it stops changes no parameter.
#pragma once

#include <wengert/tape/tape.hpp>

namespace wengert::train {

/// Returns the loss. Throws ValueError, also in a Program, if it is NaN or infinite.
template <class T>
Var<T> finite_loss(Var<T> loss, Location where = Location::current());

}  // namespace wengert::train
