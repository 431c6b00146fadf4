// The benchmark inputs as tensors and parameters.
#pragma once

#include "../common/sizes.hpp"
#include "../common/work.hpp"
#include <wengert/wengert.hpp>

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bench {

namespace wg = wengert;

template <class T>
wg::Tensor<T> empty(const wg::Shape& shape) {
  return wg::Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
}

template <class T>
wg::Tensor<T> tensor(const wg::Shape& shape, std::uint64_t stream, double low, double high) {
  auto result = empty<T>(shape);
  fill(std::span<T>(result.data(), result.size()), stream, low, high);
  return result;
}

inline wg::Tensor<float> one_hot(std::size_t rows, std::size_t classes, std::uint64_t stream) {
  auto result = empty<float>({rows, classes});
  fill_one_hot(std::span<float>(result.data(), result.size()), stream, classes);
  return result;
}

inline wg::Parameter<float> parameter(const Weights& w, std::uint64_t stream, const std::string& prefix = "") {
  auto result = empty<float>(wg::Shape(std::span(w.extents.data(), w.rank)));
  fill_weights(std::span<float>(result.data(), result.size()), stream, w.inputs);
  return wg::Parameter<float>(std::move(result), prefix + w.name);
}

/// A workload that changes parameters.
class Training : public Work {
 public:
  double value() override { return loss_; }
  bool trains() const override { return true; }
  std::vector<Array> arrays() override {
    std::vector<Array> result;
    for (const auto& p : parameters()) result.push_back(array(p.name(), p.value()));
    return result;
  }

 protected:
  virtual std::vector<wg::Parameter<float>> parameters() = 0;
  double loss_ = 0;
};

}  // namespace bench
