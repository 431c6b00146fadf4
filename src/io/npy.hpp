// .npy, NumPy's format of one array (numpy.lib.format): a preamble with a header, then the elements.
#pragma once

#include "io/byte_source.hpp"
#include <wengert/tensor.hpp>

#include <string>

namespace wengert {

/// What precedes the elements of a row-major array of T, in version 1.0 of the format.
template <class T>
std::string npy_preamble(const Shape& shape);

/// Reads an array to the end of `source`, rounding its elements to T. Complains through `source`.
template <class T>
Tensor<T> read_npy(ByteSource& source);

}  // namespace wengert
