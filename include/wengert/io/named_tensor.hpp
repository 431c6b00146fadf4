// A named tensor, the entry of files with several tensors.
#pragma once

#include <wengert/base/tensor.hpp>

#include <string>

namespace wengert::io {

/// A tensor and the name it is stored under. T is float or double.
template <class T>
struct NamedTensor {
  std::string name;  ///< such as `encoder.0.weight`
  Tensor<T> value;   ///< the tensor
};

}  // namespace wengert::io
