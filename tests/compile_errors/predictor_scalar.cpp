#include <wengert/train.hpp>

struct Network {
  wengert::Parameter<double> scale;
  wengert::Var<double> operator()(wengert::Var<double> x) const { return x * scale; }
};

// says: the tensors of the Predictor's signature must have the network's scalar type
void use(const Network& network) {
  const wengert::train::Predictor<wengert::Tensor<float>(wengert::Tensor<float>)> predictor(network);  // from here
}
