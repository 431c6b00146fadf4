#include <wengert/nn.hpp>
#include <wengert/train.hpp>

// says: the signature of the Predictor must return what `predict` returns for this network
void use(const wengert::nn::Linear<float>& network) {
  const wengert::train::Predictor<wengert::Indices(wengert::Tensor<float>)> predictor(network);  // from here
}
