// Convolutions of floats whose weight is laid out once for oneDNN's kernel.
#pragma once

#include "kernel/conv.hpp"

#include <cstddef>
#include <memory>

namespace wengert::kernel {

/// What happens to a result before it is stored, in this order: + bias (one element for each channel), + addend (in the
/// result's layout), max(·, 0), which keeps a NaN. Null pointers add nothing.
struct ConvolutionEpilogue {
  const float* bias = nullptr;
  const float* addend = nullptr;
  bool relu = false;
};

/// A product of a convolution with its operands in the layouts that oneDNN's kernel needs. Activations lie in blocks of
/// channels, as (batch, channels/block, spatial…, block); a block of 0 means row-major. Several threads may use it.
class PreparedConvolution {
 public:
  virtual ~PreparedConvolution() = default;
  PreparedConvolution(const PreparedConvolution&) = delete;
  PreparedConvolution& operator=(const PreparedConvolution&) = delete;

  std::size_t x_block() const { return x_block_; }
  std::size_t y_block() const { return y_block_; }
  /// The size of the weight in its own layout, in elements.
  std::size_t weight_size() const { return weight_size_; }
  double flops() const;

  /// Copies a row-major weight to its own layout.
  virtual void lay_out(const float* weight, float* laid_out) const = 0;
  /// y = x ∗ weight, or its transpose, followed by the epilogue.
  virtual void run(const float* x, const float* weight, const ConvolutionEpilogue& epilogue, float* y) const = 0;

 protected:
  PreparedConvolution(Product product, const Convolution& conv) : product_(product), conv_(conv) {}
  std::size_t result_channels() const { return product_ == Product::forward ? conv_.filters : conv_.channels; }
  std::size_t result_positions() const {
    return product_ == Product::forward ? conv_.window.output_size() : conv_.window.input_size();
  }

  Product product_;
  Convolution conv_;
  std::size_t x_block_ = 0, y_block_ = 0, weight_size_ = 0;
};

/// The product `forward` or `input_gradient`; null if oneDNN has no kernel for it that is faster than columns.
std::shared_ptr<const PreparedConvolution> prepare_convolution(Product product, const Convolution& conv);

/// Applies an epilogue to a result of `images` × `channels` × `positions`, in blocks of `block` channels.
void apply_epilogue(const ConvolutionEpilogue& epilogue, std::size_t images, std::size_t channels,
                    std::size_t positions, std::size_t block, float* y);

}  // namespace wengert::kernel
