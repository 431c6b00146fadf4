// MiniXception: a small network for facial expressions, for weights that others trained on photographs.
#include "mini_xception.hpp"

#include <wengert/base/error.hpp>
#include <wengert/io/parameters.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/pooling.hpp>
#include <wengert/ops/reduce.hpp>

namespace expressions {

namespace nn = wengert::nn;
using wengert::Generator;
using wengert::Var;

template <class T>
SeparableConv<T> SeparableConv<T>::make(std::size_t in, std::size_t out, Generator generator) {
  return {nn::Conv2d<T>::make(in, in, 3, generator,
                              {.padding = 1, .groups = static_cast<std::ptrdiff_t>(in), .bias = false}),
          nn::Conv2d<T>::make(in, out, 1, generator)};
}

template <class T>
Var<T> SeparableConv<T>::operator()(Var<T> x) const {
  return pointwise(depthwise(x));
}

template <class T>
XceptionBlock<T> XceptionBlock<T>::make(std::size_t in, std::size_t out, Generator generator) {
  return {SeparableConv<T>::make(in, out, generator), SeparableConv<T>::make(out, out, generator),
          nn::Conv2d<T>::make(in, out, 1, generator, {.stride = 2})};
}

template <class T>
Var<T> XceptionBlock<T>::operator()(Var<T> x) const {
  // relu changes nothing in a block whose input is a result of relu.
  const Var<T> branch = second(relu(first(relu(x))));
  return max_pool2d(branch, 3, {.stride = 2, .padding = 1}) + shortcut(x);
}

template <class T>
MiniXception<T> MiniXception<T>::make(Generator generator) {
  return {nn::Conv2d<T>::make(1, 32, 3, generator, {.stride = 2}), nn::Conv2d<T>::make(32, 64, 3, generator),
          XceptionBlock<T>::make(64, 128, generator), XceptionBlock<T>::make(128, 256, generator),
          nn::Conv2d<T>::make(256, class_count, 3, generator, {.padding = 1})};
}

template <class T>
Var<T> MiniXception<T>::features(Var<T> faces) const {
  return block2(block1(relu(conv2(relu(conv1(faces))))));
}

template <class T>
Var<T> MiniXception<T>::classify(Var<T> features) const {
  return mean(head(features), {2, 3});
}

template <class T>
MiniXception<T> load_mini_xception(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path))
    throw wengert::FileError("load_mini_xception", path.string() +
                                                       " does not exist: run bash samples/fetch_data.sh "
                                                       "expression_weights");
  const auto network = MiniXception<T>::make(Generator(0));
  wengert::io::load_parameters(network, path);
  return network;
}

template struct SeparableConv<float>;
template struct SeparableConv<double>;
template struct XceptionBlock<float>;
template struct XceptionBlock<double>;
template struct MiniXception<float>;
template struct MiniXception<double>;
template MiniXception<float> load_mini_xception(const std::filesystem::path& path);
template MiniXception<double> load_mini_xception(const std::filesystem::path& path);

}  // namespace expressions
