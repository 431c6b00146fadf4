// DrawingNetwork: a convolutional network for drawn faces of 64×64 pixels.
#pragma once

#include "classes.hpp"
#include <wengert/nn.hpp>
#include <wengert/wengert.hpp>

#include <cstddef>

namespace expressions {

/// A convolution that keeps the size of pictures, or halves it, batch normalisation and relu.
template <class T>
struct NormalisedConv {
  wengert::nn::Conv2d<T> conv;     ///< without a bias
  wengert::nn::BatchNorm<T> norm;  ///< of its channels

  /// With random weights, windows of kernel×kernel, which must be odd, and a stride.
  static NormalisedConv make(std::size_t in, std::size_t out, std::ptrdiff_t kernel, std::ptrdiff_t stride,
                             wengert::Generator generator) {
    return {wengert::nn::Conv2d<T>::make(in, out, kernel, generator,
                                         {.stride = stride, .padding = kernel / 2, .bias = false}),
            wengert::nn::BatchNorm<T>::make(out)};
  }
  /// Maps (N, in, H, W) to (N, out, ⌈H/stride⌉, ⌈W/stride⌉).
  wengert::Var<T> operator()(wengert::Var<T> x) const { return relu(norm(conv(x))); }
};

/// Maps pictures (N, 1, 64, 64) from −1, black, to 1, white, to logits (N, 7) of `class_names`.
template <class T>
struct DrawingNetwork {
  NormalisedConv<T> conv1;         ///< 5×5 with stride 2; a maximum over windows of 2×2 follows
  NormalisedConv<T> conv2;         ///< 3×3; a maximum over windows of 2×2 follows
  NormalisedConv<T> conv3, conv4;  ///< 3×3
  wengert::nn::Linear<T> hidden;   ///< from the features, by maxima over windows of 2×2
  wengert::nn::Dropout dropout;    ///< of the features and the hidden units
  wengert::nn::Linear<T> head;     ///< a logit for each class

  /// With random weights.
  static DrawingNetwork make(wengert::Generator generator) {
    namespace nn = wengert::nn;
    return {NormalisedConv<T>::make(1, 24, 5, 2, generator),  NormalisedConv<T>::make(24, 32, 3, 1, generator),
            NormalisedConv<T>::make(32, 48, 3, 1, generator), NormalisedConv<T>::make(48, 64, 3, 1, generator),
            nn::Linear<T>::make(64 * 4 * 4, 64, generator),   nn::Dropout::make(0.1, generator),
            nn::Linear<T>::make(64, class_count, generator)};
  }
  /// The features of pictures: (N, 64, 8, 8).
  wengert::Var<T> features(wengert::Var<T> pictures) const {
    const auto half = [](wengert::Var<T> x) { return max_pool2d(x, 2); };
    return conv4(conv3(half(conv2(half(conv1(pictures))))));
  }
  /// The logits for features.
  wengert::Var<T> classify(wengert::Var<T> features) const {
    const auto pooled = wengert::nn::Flatten{}(max_pool2d(features, 2));
    return head(dropout(relu(hidden(dropout(pooled)))));
  }
  /// The logits for pictures.
  wengert::Var<T> operator()(wengert::Var<T> pictures) const { return classify(features(pictures)); }
};

}  // namespace expressions
