// Activations in blocks of channels, the layout of convolutions: (N, C, spatial…) as (N, C/block, spatial…, block).
#pragma once

#include <wengert/base/layout.hpp>
#include <wengert/tape/op.hpp>

#include <cstddef>

namespace wengert::program {

/// The shape of a value of this shape in blocks of channels.
Shape in_blocks(const Shape& shape, std::size_t block);

/// Two ops of Programs, which no tape records: a value in blocks of channels, and in row-major order again. The
/// attributes are the block, a std::size_t.
///@{
template <class T>
const Op<T>& to_channel_blocks();
template <class T>
const Op<T>& from_channel_blocks();
///@}

}  // namespace wengert::program
