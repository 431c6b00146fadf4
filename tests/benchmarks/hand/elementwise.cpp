// Eight elementwise ops on 10⁷ floats in one hand-written loop, and a copy of as many floats.
#include "../common/sizes.hpp"
#include "../common/work.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace {

using namespace bench;

class Fused : public Work {
 public:
  void step() override {
    for (std::size_t i = 0; i < elementwise::size; ++i) {
      const float x = x_[i];
      const float y = std::max(x * 1.5F + 0.25F, 0.0F);
      y_[i] = std::max(std::abs(y * x - 0.5F), 0.125F) * x;
    }
  }
  double value() override { return static_cast<double>(y_[0]); }
  std::vector<Array> arrays() override { return {array("y", y_)}; }

 private:
  std::vector<float> x_ = numbers<float>(elementwise::size, 1, -1, 1), y_ = std::vector<float>(elementwise::size);
};

class Copy : public Work {
 public:
  void step() override { std::memcpy(y_.data(), x_.data(), elementwise::size * sizeof(float)); }
  double value() override { return static_cast<double>(y_[0]); }

 private:
  std::vector<float> x_ = numbers<float>(elementwise::size, 1, -1, 1), y_ = std::vector<float>(elementwise::size);
};

const bool offered = offer<Fused>("elementwise/hand") && offer<Copy>("copy/hand");

}  // namespace
