// Loops over slices of one tensor: a sum over its rows, and a recurrent network over time steps.
#include "tensors.hpp"

#include <array>

namespace {

using namespace bench;

// Σᵢ |xᵢ|² over the rows xᵢ of x (rows, 16), one slice and one sum a row.
class Rows {
 public:
  explicit Rows(std::size_t rows) : rows_(rows) {}

  std::vector<wg::Tensor<float>> inputs() const { return {tensor<float>({rows_, slices::width}, 1, -1, 1)}; }
  wg::Var<float> record(const std::vector<wg::Var<float>>& x) const {
    auto total = square(slice(x[0], {0}));
    for (std::size_t i = 1; i < rows_; ++i) total = total + square(slice(x[0], {i}));
    return sum(total);
  }

 private:
  std::size_t rows_;
};

// h ← tanh(xₜ W + h U + b) over the time steps xₜ of x (batch, steps, inputs); the value is the sum of squares of h.
class Recurrent {
 public:
  explicit Recurrent(std::size_t steps) : steps_(steps) {}

  std::vector<wg::Tensor<float>> inputs() const {
    using namespace rnn;
    return {tensor<float>({batch, steps_, rnn::inputs}, 1, -1, 1), tensor<float>({rnn::inputs, hidden}, 2, -0.2, 0.2),
            tensor<float>({hidden, hidden}, 3, -0.2, 0.2), tensor<float>({hidden}, 4, -0.2, 0.2)};
  }
  wg::Var<float> record(const std::vector<wg::Var<float>>& x) const {
    const auto step = [&](std::size_t t) { return matmul(slice(x[0], 1, t), x[1]); };
    auto h = tanh(step(0) + x[3]);
    for (std::size_t t = 1; t < steps_; ++t) h = tanh(step(t) + matmul(h, x[2]) + x[3]);
    return sum(square(h));
  }

 private:
  std::size_t steps_;
};

enum class What { value, gradient };

template <class Model>
class Loop : public Work {
 public:
  Loop(std::size_t count, What what) : model_(count), what_(what), inputs_(model_.inputs()) {}

  std::vector<Array> arrays() override {
    std::vector<Array> result;
    if (what_ == What::gradient)
      for (std::size_t i = 0; i < inputs_.size(); ++i)
        result.push_back(array("input_" + std::to_string(i), gradient(i)));
    return result;
  }

 protected:
  virtual wg::Tensor<float> gradient(std::size_t input) = 0;
  std::vector<wg::Var<float>> leaves(wg::Tape<float>& tape) const {
    std::vector<wg::Var<float>> result;
    for (const auto& input : inputs_) result.push_back(tape.borrow(input));
    return result;
  }
  wg::Program<float> program() const {
    wg::Tape<float> tape;
    tape.compute_values(false);
    const auto x = leaves(tape);
    const auto total = model_.record(x);
    std::vector<wg::ProgramVar<float>> outputs{total};
    if (what_ == What::gradient)
      for (const auto& g : wg::grad<float>(total, x)) outputs.emplace_back(g);
    return wg::compile(tape, {x.begin(), x.end()}, outputs);
  }

  Model model_;
  What what_;
  std::vector<wg::Tensor<float>> inputs_;
};

template <class Model>
class EagerLoop : public Loop<Model> {
 public:
  using Loop<Model>::Loop;

  void step() override {
    tape_.clear();
    const auto x = this->leaves(tape_);
    const auto total = this->model_.record(x);
    value_ = total.item();
    results_.resize(x.size());
    if (this->what_ == What::gradient) gradients_into<float>(total, x, results_);
  }
  double value() override { return static_cast<double>(value_); }

 private:
  wg::Tensor<float> gradient(std::size_t input) override { return results_[input]; }
  wg::Tape<float> tape_;
  std::vector<wg::Tensor<float>> results_;
  float value_ = 0;
};

template <class Model>
class ReplayedLoop : public Loop<Model> {
 public:
  using Loop<Model>::Loop;

  void step() override {
    const auto& x = this->inputs_;
    if constexpr (std::is_same_v<Model, Rows>)
      program_(x[0]);
    else
      program_(x[0], x[1], x[2], x[3]);
  }
  double value() override { return static_cast<double>(program_.item()); }

 private:
  wg::Tensor<float> gradient(std::size_t input) override { return program_.value(input + 1); }
  wg::Program<float> program_ = this->program();
};

// Records and compiles the Program in each step.
template <class Model>
class CompiledLoop : public Loop<Model> {
 public:
  using Loop<Model>::Loop;

  void step() override { bytes_ = wg::memory_plan(this->program()).arena_bytes; }
  double value() override { return static_cast<double>(bytes_); }
  std::vector<Array> arrays() override { return {}; }

 private:
  wg::Tensor<float> gradient(std::size_t) override { return {}; }
  std::size_t bytes_ = 0;
};

template <class Model>
bool offer_all(const std::string& name, std::size_t count) {
  for (const auto& [what, of] : {std::pair(What::value, "value"), std::pair(What::gradient, "gradient")}) {
    offer<EagerLoop<Model>>(name + "/" + of + "-eager", count, what);
    offer<ReplayedLoop<Model>>(name + "/" + of + "-program", count, what);
  }
  return offer<CompiledLoop<Model>>(name + "-compile/gradient", count, What::gradient);
}

const bool offered = offer_all<Rows>("slices-1000", 1000) && offer_all<Rows>("slices-4000", 4000) &&
                     offer_all<Rows>("slices-8000", 8000) && offer_all<Recurrent>("rnn-200", 200) &&
                     offer_all<Recurrent>("rnn-1000", 1000);

}  // namespace
