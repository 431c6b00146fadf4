// Adds one value to another, both of any strides.
#pragma once

#include <wengert/base/layout.hpp>

namespace wengert::kernel {

/// to += from, which have the same shape. No two elements of `to` may share an address.
template <class T>
void add_elements(Value<const T> from, Value<T> to);

}  // namespace wengert::kernel
