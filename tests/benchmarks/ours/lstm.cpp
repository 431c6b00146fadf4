// ADBench's LSTM objective: layers with diagonal weights predict the next characters of a text.
//
// Source: Srajer, Kukelova & Fitzgibbon 2018, "A benchmark of selected algorithmic differentiation tools on some
// problems in computer vision and machine learning", and its program.
#include "tensors.hpp"

namespace {

using namespace bench;

struct Layer {
  wg::Var<double> forget_w, ingate_w, outgate_w, change_w, forget_b, ingate_b, outgate_b, change_b;
  wg::Var<double> hidden, cell;

  void read(wg::Var<double> input) {
    const auto forget = sigmoid(input * forget_w + forget_b);
    const auto ingate = sigmoid(hidden * ingate_w + ingate_b);
    const auto outgate = sigmoid(input * outgate_w + outgate_b);
    const auto change = tanh(hidden * change_w + change_b);
    cell = cell * forget + ingate * change;
    hidden = outgate * tanh(cell);
  }
};

class Lstm : public Work {
 public:
  double items() const override { return static_cast<double>(lstm::ops(layers_.size())); }

 protected:
  explicit Lstm(std::size_t layers)
      : layers_(layers),
        main_(tensor<double>({layers, 8, lstm::width}, 2, -1, 1)),
        state_(tensor<double>({layers, 2, lstm::width}, 4, -1, 1)) {}

  wg::Var<double> objective(wg::Var<double> main, wg::Var<double> extra, wg::Var<double> sequence,
                            wg::Var<double> state) {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const auto part = [&](int i) { return slice(main, {l, i}); };
      layers_[l] = {part(0),
                    part(1),
                    part(2),
                    part(3),
                    part(4),
                    part(5),
                    part(6),
                    part(7),
                    slice(state, {l, 0}),
                    slice(state, {l, 1})};
    }
    const auto in_w = slice(extra, {0}), out_w = slice(extra, {1}), out_b = slice(extra, {2});
    wg::Var<double> total;
    auto next = slice(sequence, {0});
    for (std::size_t t = 0; t < lstm::steps; ++t) {
      auto x = next * in_w;
      for (Layer& layer : layers_) {
        layer.read(x);
        x = layer.hidden;
      }
      const auto prediction = x * out_w + out_b;
      next = slice(sequence, {t + 1});
      const auto loss = sum(next * (prediction - log(2 + sum(exp(prediction)))));
      total = t == 0 ? loss : total + loss;
    }
    return total / -static_cast<double>(lstm::steps * lstm::width);
  }

  std::vector<Layer> layers_;
  wg::Tensor<double> main_, state_;
  wg::Tensor<double> extra_ = tensor<double>({3, lstm::width}, 3, -1, 1);
  wg::Tensor<double> sequence_ = tensor<double>({lstm::characters, lstm::width}, 1, 0, 1);
};

class Eager : public Lstm {
 public:
  Eager(std::size_t layers, bool gradient) : Lstm(layers), gradient_(gradient) {}

  void step() override {
    tape_.clear();
    const auto main = tape_.borrow(main_), extra = tape_.borrow(extra_);
    const auto total = objective(main, extra, tape_.borrow(sequence_), tape_.borrow(state_));
    value_ = total.item();
    if (gradient_) gradients_into<double>(total, std::array{main, extra}, results_);
  }
  double value() override { return value_; }
  std::vector<Array> arrays() override {
    if (!gradient_) return {};
    return {array("main", results_[0]), array("extra", results_[1])};
  }

 private:
  bool gradient_;
  wg::Tape<double> tape_;
  std::array<wg::Tensor<double>, 2> results_;
  double value_ = 0;
};

class Replayed : public Lstm {
 public:
  Replayed(std::size_t layers, bool gradient) : Lstm(layers), gradient_(gradient) {}

  void step() override { program_(main_, extra_, sequence_, state_); }
  double value() override { return program_.item(); }
  std::vector<Array> arrays() override {
    if (!gradient_) return {};
    return {array("main", program_.value(1)), array("extra", program_.value(2))};
  }

 private:
  bool gradient_;
  wg::Program<double> program_ = [this] {
    wg::Tape<double> tape;
    const auto main = tape.borrow(main_), extra = tape.borrow(extra_);
    const auto sequence = tape.borrow(sequence_), state = tape.borrow(state_);
    const auto total = objective(main, extra, sequence, state);
    if (!gradient_) return wg::compile(tape, {main, extra, sequence, state}, {total});
    const auto [d_main, d_extra] = grad(total, main, extra);
    return wg::compile(tape, {main, extra, sequence, state}, {total, d_main, d_extra});
  }();
};

const bool offered = [] {
  for (const std::size_t layers : {2U, 4U}) {
    const std::string model = "lstm-" + std::to_string(layers);
    for (const bool gradient : {false, true}) {
      const std::string work = model + (gradient ? "/gradient" : "/objective");
      offer<Eager>(work + "-eager", layers, gradient);
      offer<Replayed>(work + "-program", layers, gradient);
    }
  }
  return true;
}();

}  // namespace
