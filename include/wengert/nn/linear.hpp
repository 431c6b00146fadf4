// Linear: the fully connected layer.
#pragma once

#include <wengert/ops/random.hpp>
#include <wengert/tape/parameter.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <optional>

namespace wengert::nn {

/// Options of Linear.
struct LinearOptions {
  bool bias = true;  ///< whether the layer has a bias
};

/// x·Wᵀ + b over the last axis: (…, in) gives (…, out). Also called a dense or fully connected layer.
template <class T>
struct Linear {
  Parameter<T> weight;               ///< (out, in)
  std::optional<Parameter<T>> bias;  ///< (out,)

  /// Initialises as in PyTorch: weight and bias are drawn uniformly from ±1/√in.
  /// Throws ValueError for sizes below 1, MemoryError for sizes that are too large.
  static Linear make(std::size_t in, std::size_t out, Generator generator, const LinearOptions& options = {},
                     Location where = Location::current());

  /// Throws ShapeError unless the last axis of x has extent `in`.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const;
};

extern template struct Linear<float>;
extern template struct Linear<double>;

}  // namespace wengert::nn
