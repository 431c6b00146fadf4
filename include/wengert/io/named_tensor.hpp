// A tensor with a name: what files of several tensors hold.
#pragma once

#include <wengert/tensor.hpp>

#include <string>

namespace wengert {

/// A tensor and the name it is stored under. T is float or double.
template <class T>
struct NamedTensor {
  std::string name;  ///< such as `encoder.0.weight`
  Tensor<T> value;   ///< its elements
};

}  // namespace wengert
