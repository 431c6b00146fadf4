// MiniXception: a small network for facial expressions, for weights that others trained on photographs.
//
// Source: O. Arriaga, P. Plöger, M. Valdenegro, "Real-time Convolutional Neural Networks for Emotion and Gender
// Classification" (2017), after Xception (F. Chollet 2017): depthwise separable convolutions in residual blocks.
#pragma once

#include "classes.hpp"
#include "face.hpp"
#include <wengert/nn/conv.hpp>
#include <wengert/ops/random.hpp>

#include <cstddef>
#include <filesystem>

namespace expressions {

/// A depthwise separable convolution: 3×3 in each channel, then 1×1 over the channels. Keeps the height and width.
template <class T>
struct SeparableConv {
  wengert::nn::Conv2d<T> depthwise;  ///< a group for each channel, without a bias
  wengert::nn::Conv2d<T> pointwise;  ///< mixes the channels

  /// With random weights.
  static SeparableConv make(std::size_t in, std::size_t out, wengert::Generator generator);
  /// Maps (N, in, H, W) to (N, out, H, W).
  wengert::Var<T> operator()(wengert::Var<T> x) const;
};

/// A residual block that halves height and width, rounding up.
template <class T>
struct XceptionBlock {
  SeparableConv<T> first, second;   ///< the residual branch, before a maximum over windows of 3×3
  wengert::nn::Conv2d<T> shortcut;  ///< 1×1, stride 2

  /// With random weights.
  static XceptionBlock make(std::size_t in, std::size_t out, wengert::Generator generator);
  /// Maps (N, in, H, W) to (N, out, ⌈H/2⌉, ⌈W/2⌉).
  wengert::Var<T> operator()(wengert::Var<T> x) const;
};

/// A network of 205,127 parameters that maps faces (N, 1, 64, 64) from −1, black, to 1, white, to logits (N, 7) of
/// `class_names`. There is no normalisation: the weights of others contain it.
template <class T>
struct MiniXception {
  wengert::nn::Conv2d<T> conv1, conv2;  ///< 3×3 without padding, the first with stride 2
  XceptionBlock<T> block1, block2;      ///< 64 to 128, and 128 to 256 channels
  wengert::nn::Conv2d<T> head;          ///< 3×3, a channel for each class

  /// With random weights.
  static MiniXception make(wengert::Generator generator);
  /// The features of faces: (N, 256, 8, 8).
  wengert::Var<T> features(wengert::Var<T> faces) const;
  /// The logits for features.
  wengert::Var<T> classify(wengert::Var<T> features) const;
  /// The logits for faces.
  wengert::Var<T> operator()(wengert::Var<T> faces) const { return classify(features(faces)); }
};

/// The file of weights that samples/fetch_data.sh fetches as `expression_weights` to a folder of data.
inline std::filesystem::path fetched_weights(const std::filesystem::path& data_folder = "build/data") {
  return data_folder / "expression_weights/mini_xception.safetensors";
}

/// The network with the weights of a file. Throws FileError if the file cannot be read or does not fit, with
/// instructions if it is missing.
template <class T = float>
MiniXception<T> load_mini_xception(const std::filesystem::path& path = fetched_weights());

extern template struct SeparableConv<float>;
extern template struct SeparableConv<double>;
extern template struct XceptionBlock<float>;
extern template struct XceptionBlock<double>;
extern template struct MiniXception<float>;
extern template struct MiniXception<double>;

}  // namespace expressions
