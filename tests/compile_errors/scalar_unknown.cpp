// says: wengert: neither the network nor the data tells float or double
#include <wengert/nn.hpp>
#include <wengert/train.hpp>

int main() {
  const auto embedding = wengert::nn::Embedding<double>::make(3, 2, wengert::Generator(1));
  const auto network = [&](wengert::IndexVar<double> words) { return embedding(words); };
  wengert::train::predict(network, wengert::Indices{0, 2, 1});  // from here
}
