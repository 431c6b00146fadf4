// The parts of an .npy file (numpy.lib.format): a preamble with a header, then the elements.
#pragma once

#include "io/byte_source.hpp"
#include "io/elements.hpp"
#include <wengert/base/tensor.hpp>

#include <string>

namespace wengert::io {

/// The preamble of a row-major array of T, in version 1.0 of the format.
template <class T>
std::string npy_preamble(const Shape& shape);

/// What a preamble says about the elements that follow it.
struct NpyLayout {
  ElementType type;
  bool fortran_order;
  Shape shape;
  std::size_t bytes;  // of all elements
  std::string descr;  // NumPy's name of the type
};

/// Reads a preamble. Reports errors through `source`, also if the elements do not convert to T or no memory could hold
/// them.
template <class T>
NpyLayout read_npy_layout(ByteSource& source);

/// What the header claims, as a phrase for messages.
std::string claim_of(const NpyLayout& layout);

/// Reads an array to the end of `source`, rounding its elements to T. Sets `type`, unless it is null, to their type in
/// the file. Reports errors through `source`.
template <class T>
Tensor<T> read_npy(ByteSource& source, ElementType* type = nullptr);

}  // namespace wengert::io
