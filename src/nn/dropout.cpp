// Dropout: construction with a validated probability.
#include <wengert/nn/dropout.hpp>

#include <fmt/format.h>

namespace wengert::nn {

Dropout Dropout::make(double probability, const Generator& generator, Location where) {
  if (!(probability >= 0 && probability <= 1))
    throw ValueError("Dropout", fmt::format("a probability of {}: expected one from 0 to 1", probability), where);
  return {probability, generator};
}

}  // namespace wengert::nn
