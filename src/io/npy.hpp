// .npy, NumPy's file of one array, in memory.
#pragma once

#include <wengert/tensor.hpp>

#include <string>
#include <string_view>

namespace wengert {

/// The array as version 1.0 of the format.
template <class T>
std::string to_npy(const Tensor<T>& tensor);

/// The array that `bytes` hold, converted to T. Throws FileError, whose message begins with `name`.
template <class T>
Tensor<T> from_npy(std::string_view bytes, const std::string& name);

}  // namespace wengert
