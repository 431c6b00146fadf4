// The epilogue of prepared convolutions: bias, addend and relu in one pass over a result in the cache.
#include "kernel/conv_prepared.hpp"

#include "base/parallel.hpp"
#include <wengert/simd/isa.hpp>
#include <wengert/simd/lane.hpp>

namespace wengert::kernel {
namespace {

struct EpilogueBody {
  // Rows of `columns` elements. Along a row, the bias steps with the columns or is one element.
  template <class L>
  static WENGERT_INLINE std::size_t row(std::size_t j, const float* bias, bool steps, const float* addend, bool relu,
                                        std::size_t columns, float* y) {
    const L one(steps ? 0.0F : *bias), zero(0.0F);
    for (; j + L::width <= columns; j += L::width) {
      L value = L::load(y + j) + (steps ? L::load(bias + j) : one);
      if (addend != nullptr) value = value + L::load(addend + j);
      if (relu) value = where(value <= zero, zero, value);
      value.store(y + j);
    }
    return j;
  }
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const float* bias, bool steps, const float* addend, bool relu, std::size_t rows,
                                 std::size_t columns, float* y) {
    for (std::size_t i = 0; i < rows; ++i, y += columns) {
      std::size_t j = 0;
      if constexpr (Bytes > 32) j = row<Lane<float, Bytes>>(j, bias, steps, addend, relu, columns, y);
      if constexpr (Bytes > 16) j = row<Lane<float, 32>>(j, bias, steps, addend, relu, columns, y);
      j = row<Lane<float, 16>>(j, bias, steps, addend, relu, columns, y);
      for (; j < columns; ++j) {
        float value = y[j] + (steps ? bias[j] : *bias);
        if (addend != nullptr) value += addend[j];
        y[j] = relu && value <= 0 ? 0 : value;
      }
      if (addend != nullptr) addend += columns;
    }
  }
};

}  // namespace

double PreparedConvolution::flops() const {
  return 2.0 * static_cast<double>(conv_.output_size()) * static_cast<double>(conv_.weight_size() / conv_.filters);
}

void apply_epilogue(const ConvolutionEpilogue& epilogue, std::size_t images, std::size_t channels,
                    std::size_t positions, std::size_t block, float* y) {
  static constexpr auto kernels =
      compile_per_isa<EpilogueBody, const float*, bool, const float*, bool, std::size_t, std::size_t, float*>();
  static constexpr float zero = 0;
  if (epilogue.bias == nullptr && epilogue.addend == nullptr && !epilogue.relu) return;
  const bool steps = block != 0 && epilogue.bias != nullptr;
  const std::size_t rows = block == 0 ? 1 : positions, columns = block == 0 ? positions : block;
  const std::size_t step = block == 0 ? 1 : block;  // channels of a plane
  const std::size_t planes = channels / step;
  parallel_for(images * planes, 1, images * channels * positions, [&](std::size_t first, std::size_t last) {
    for (std::size_t plane = first; plane < last; ++plane) {
      const std::size_t at = plane * rows * columns;
      kernels[static_cast<std::size_t>(active_isa())](
          epilogue.bias != nullptr ? epilogue.bias + plane % planes * step : &zero, steps,
          epilogue.addend != nullptr ? epilogue.addend + at : nullptr, epilogue.relu, rows, columns, y + at);
    }
  });
}

}  // namespace wengert::kernel
