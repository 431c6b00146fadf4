// A consumer of the component nn alone: the forward pass of a linear layer.
#include <wengert/nn/linear.hpp>

int main() {
  wengert::Generator generator(1);
  const auto layer = wengert::nn::Linear<float>::make(2, 3, generator);
  wengert::Tape<float> tape;
  return layer(tape.constant(wengert::Tensor<float>{{1, 2}})).shape()[1] == 3 ? 0 : 1;
}
