// The parts of IDX files: headers, elements, and labels that belong to samples.
#pragma once

#include "io/byte_source.hpp"
#include <wengert/base/tensor.hpp>
#include <wengert/data/idx.hpp>

#include <cstddef>

namespace wengert::data {

/// The divisor that maps bytes 0 … 255 to 0 … 1.
inline constexpr int largest_byte = 255;

struct IdxLayout {
  Shape shape;
  std::size_t bytes;  // of all elements
};

/// Reads the header of an IDX file of unsigned bytes. Reports errors through `source`.
IdxLayout read_idx_layout(io::ByteSource& source);

/// Reads a whole IDX file of unsigned bytes, to the end. Reports errors through `source`.
IdxBytes read_idx_contents(io::ByteSource& source);

struct IdxLabels {
  Indices labels;
  std::size_t classes;  // the largest label + 1
};

/// Takes the contents of one file as the labels of the samples in another. Reports errors through the source of the
/// file at fault.
IdxLabels labels_of(const IdxBytes& labels, const io::ByteSource& label_source, const Shape& samples,
                    const io::ByteSource& sample_source);

}  // namespace wengert::data
