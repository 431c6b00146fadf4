// The header of an .npy array: a Python dictionary in text.
#pragma once

#include "io/byte_source.hpp"
#include <wengert/base/tensor.hpp>

#include <string>
#include <string_view>

namespace wengert::io {

struct NpyHeader {
  std::string descr;  // NumPy's name of the elements' type, such as <f8
  bool fortran_order = false;
  Shape shape;
};

/// Parses `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`, with the three keys in any order. Reports
/// errors through `source`.
NpyHeader parse_npy_header(std::string_view text, const ByteSource& source);

}  // namespace wengert::io
