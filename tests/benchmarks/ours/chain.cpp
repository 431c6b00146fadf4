// Graphs of many tiny nodes, which measure the cost of recording and of the reverse sweep.
#include "tensors.hpp"

#include <optional>

namespace {

using namespace bench;

// x ← tanh(x)·c + x on 16 floats. `value` is the sum of the result; the gradient is with respect to x.
class Chain : public Work {
 public:
  double items() const override { return static_cast<double>(chain::ops); }

 protected:
  static wg::Var<float> record(wg::Var<float> x, wg::Var<float> c) {
    for (std::size_t i = 0; i < chain::steps; ++i) x = tanh(x) * c + x;
    return sum(x);
  }
  wg::Tensor<float> x_ = tensor<float>({chain::width}, 1, -1, 1), c_ = tensor<float>({chain::width}, 2, 0, 0.01);
};

class EagerChain : public Chain {
 public:
  EagerChain(bool gradient, bool cold) : gradient_(gradient), cold_(cold) {}

  void step() override {
    if (cold_) tape_.emplace();
    tape_->clear();
    const auto x = tape_->borrow(x_), total = record(x, tape_->borrow(c_));
    value_ = total.item();
    if (gradient_) gradients_into<float>(total, std::array{x}, result_);
  }
  double value() override { return static_cast<double>(value_); }
  std::vector<Array> arrays() override {
    if (!gradient_) return {};
    return {array("x", result_[0])};
  }

 private:
  bool gradient_, cold_;
  std::optional<wg::Tape<float>> tape_{std::in_place};
  std::array<wg::Tensor<float>, 1> result_;
  float value_ = 0;
};

class ReplayedChain : public Chain {
 public:
  explicit ReplayedChain(bool gradient) : gradient_(gradient) {}

  void step() override { program_(x_, c_); }
  double value() override { return static_cast<double>(program_.item()); }
  std::vector<Array> arrays() override {
    if (!gradient_) return {};
    return {array("x", program_.value(1))};
  }

 private:
  bool gradient_;
  wg::Program<float> program_ = [this] {
    wg::Tape<float> tape;
    const auto x = tape.borrow(x_), c = tape.borrow(c_), total = record(x, c);
    if (!gradient_) return wg::compile(tape, {x, c}, {total});
    return wg::compile(tape, {x, c}, {total, grad(total, x)[0]});
  }();
};

// Records, differentiates and destroys a chain of `nodes` nodes.
class Length : public Work {
 public:
  explicit Length(std::size_t nodes) : nodes_(nodes) {}

  void step() override {
    wg::Tape<double> tape;
    const auto x0 = tape.variable(wg::Tensor<double>(1.0));
    auto x = x0;
    for (std::size_t i = 0; i < nodes_; ++i) x = sin(x);
    value_ = x.item();
    gradients_into<double>(x, std::array{x0}, result_);
  }
  double value() override { return value_; }
  std::vector<Array> arrays() override { return {array("x", result_[0])}; }

 private:
  std::size_t nodes_;
  std::array<wg::Tensor<double>, 1> result_;
  double value_ = 0;
};

// y ← y + y: the graph of n nodes has 2ⁿ paths.
class Doubling : public Work {
 public:
  explicit Doubling(std::size_t times) : times_(times) {}

  void step() override {
    tape_.clear();
    const auto x = tape_.borrow(x_);
    auto y = x;
    for (std::size_t i = 0; i < times_; ++i) y = y + y;
    value_ = y.item();
    gradients_into<double>(y, std::array{x}, result_);
  }
  double value() override { return value_; }
  std::vector<Array> arrays() override { return {array("x", result_[0])}; }

 private:
  std::size_t times_;
  wg::Tensor<double> x_ = wg::Tensor<double>(1.0);
  wg::Tape<double> tape_;
  std::array<wg::Tensor<double>, 1> result_;
  double value_ = 0;
};

const bool offered =
    offer<EagerChain>("chain/forward-eager", false, false) && offer<EagerChain>("chain/forward-cold", false, true) &&
    offer<EagerChain>("chain/gradient-eager", true, false) && offer<EagerChain>("chain/gradient-cold", true, true) &&
    offer<ReplayedChain>("chain/forward-program", false) && offer<ReplayedChain>("chain/gradient-program", true) &&
    offer<Length>("nodes-1e5/eager", std::size_t{100'000}) &&
    offer<Length>("nodes-1e6/eager", std::size_t{1'000'000}) &&
    offer<Doubling>("doubling-100/eager", std::size_t{100}) &&
    offer<Doubling>("doubling-1000/eager", std::size_t{1000});

}  // namespace
