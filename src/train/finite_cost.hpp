// The cost's guard inside a step: a replay that it stops changes no parameter.
#pragma once

#include <wengert/tape.hpp>

namespace wengert::train {

/// The cost itself. Throws ValueError, also in a Program, if it is NaN or infinite.
template <class T>
Var<T> finite_cost(Var<T> cost, Location where = Location::current());

}  // namespace wengert::train
