// Pooling layers: the largest element or the average of windows. See ops/pooling.hpp.
#pragma once

#include <wengert/nn/scope.hpp>
#include <wengert/ops/pooling.hpp>

namespace wengert::nn {

// Define a layer with sliding windows of extents `kernel`, and one with `size` windows that cover its input.
#define WENGERT_POOLING(Name, function, n, Options)                           \
  struct Name {                                                               \
    PerAxis<n> kernel;                                                        \
    Options options{};                                                        \
                                                                              \
    template <class T>                                                        \
    Var<T> operator()(Var<T> x, Location where = Location::current()) const { \
      const Scope scope(*this, x);                                            \
      return function(x, kernel, options, where);                             \
    }                                                                         \
  };
#define WENGERT_ADAPTIVE_POOLING(Name, function, n)                           \
  struct Name {                                                               \
    PerAxis<n> size;                                                          \
                                                                              \
    template <class T>                                                        \
    Var<T> operator()(Var<T> x, Location where = Location::current()) const { \
      const Scope scope(*this, x);                                            \
      return function(x, size, where);                                        \
    }                                                                         \
  };

/// The largest element of each window of (N, C, L): `nn::MaxPool1d{2}`.
WENGERT_POOLING(MaxPool1d, max_pool1d, 1, MaxPool1dOptions)
/// The largest element of each window of (N, C, H, W): `nn::MaxPool2d{3, {.stride = 2, .padding = 1}}`.
WENGERT_POOLING(MaxPool2d, max_pool2d, 2, MaxPool2dOptions)
/// The average of each window of (N, C, L).
WENGERT_POOLING(AvgPool1d, avg_pool1d, 1, AvgPool1dOptions)
/// The average of each window of (N, C, H, W).
WENGERT_POOLING(AvgPool2d, avg_pool2d, 2, AvgPool2dOptions)
/// The average of each of `size` windows that cover (N, C, L) evenly.
WENGERT_ADAPTIVE_POOLING(AdaptiveAvgPool1d, adaptive_avg_pool1d, 1)
/// The average of each of `size` windows that cover (N, C, H, W) evenly; `nn::AdaptiveAvgPool2d{1}` averages the whole
/// image.
WENGERT_ADAPTIVE_POOLING(AdaptiveAvgPool2d, adaptive_avg_pool2d, 2)
/// The largest element of each of `size` windows that cover (N, C, L) evenly.
WENGERT_ADAPTIVE_POOLING(AdaptiveMaxPool1d, adaptive_max_pool1d, 1)
/// The largest element of each of `size` windows that cover (N, C, H, W) evenly.
WENGERT_ADAPTIVE_POOLING(AdaptiveMaxPool2d, adaptive_max_pool2d, 2)

#undef WENGERT_POOLING
#undef WENGERT_ADAPTIVE_POOLING

}  // namespace wengert::nn
