#include <wengert/train.hpp>

struct Inputs {
  wengert::Tensor<float> picture, table;
};
struct Network {
  wengert::Parameter<float> scale;
  wengert::Var<float> operator()(wengert::Var<float> picture, wengert::Var<float> table) const {
    return picture * table * scale;
  }
};

// says: a struct of inputs or targets must be a template over the types of its arrays
double use(const Network& network, const Inputs& inputs, const wengert::Tensor<float>& targets) {
  const auto loss = [](auto outputs, auto y) { return mse_loss(outputs, y); };
  return wengert::train::evaluate(network, loss, wengert::train::Samples{inputs, targets}).loss;  // from here
}
