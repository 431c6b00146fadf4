// Networks as structs: parameter paths, modes, copies, freezing, shared parameters, chains.
#include "../testing.hpp"
#include <wengert/nn.hpp>

using namespace wengert;
using namespace wengert::testing;

namespace {

// A network as users write it.
template <class T>
struct Network {
  std::vector<nn::Linear<T>> hidden;
  nn::Dropout dropout;
  nn::Linear<T> head;

  Var<T> operator()(Var<T> x) const {
    for (const auto& layer : hidden) x = dropout(relu(layer(x)));
    return head(x);
  }
};
template <class T>
Network<T> network(Generator& g) {
  return {{nn::Linear<T>::make(3, 4, g), nn::Linear<T>::make(4, 4, g)},
          nn::Dropout::make(0.5, g),
          nn::Linear<T>::make(4, 2, g)};
}

template <class Module>
std::string paths_of(const Module& module) {
  std::string text;
  for (const auto& named : nn::named_parameters(module)) text += named.name + " ";
  return text;
}
template <class T, class Module>
Tensor<T> run(const Module& module, const Tensor<T>& x) {
  Tape<T> tape;
  return module(tape.constant(x)).value();
}

}  // namespace

TEST_CASE("parameters of a network have paths; of a chain they begin with a number, as in PyTorch") {
  Generator g(1);
  CHECK(paths_of(network<float>(g)) ==
        "hidden.0.weight hidden.0.bias hidden.1.weight hidden.1.bias head.weight head.bias ");
  const auto chain = nn::sequential(nn::Linear<float>::make(3, 4, g, {.bias = false}), nn::ReLU{},
                                    nn::residual(nn::sequential(nn::Linear<float>::make(4, 4, g), nn::Tanh{})));
  CHECK(paths_of(chain) == "0.weight 2.block.0.weight 2.block.0.bias ");
  CHECK(nn::parameter(chain, "2.block.0.bias").shape() == Shape{4});
  CHECK(nn::parameter_count(chain) == 12 + 16 + 4);
  CHECK_ERROR(ValueError,
              "no parameter has the path '2.bias': expected one of 0.weight, 2.block.0.weight, 2.block.0.bias",
              nn::parameter(chain, "2.bias"));
}

TEST_CASE("Linear is x·Wᵀ + b, and begins as PyTorch's does") {
  Generator g(7);
  auto layer = nn::Linear<double>::make(400, 300, g);
  const double bound = 1 / 20.0;
  for (const auto& p : {layer.weight, *layer.bias}) {
    CHECK(xt::amax(xt::abs(p.value()))() <= bound);
    CHECK(xt::amax(xt::abs(p.value()))() > 0.98 * bound);
  }
  CHECK(std::abs(xt::mean(layer.weight.value())()) < 3 * bound / std::sqrt(3.0 * 120000));
  layer = {Parameter<double>(Tensor<double>{{1, 2, 3}, {4, 5, 6}}), Parameter<double>(Tensor<double>{10, 20})};
  CHECK(run(layer, Tensor<double>{{1, 0, -1}, {0, 1, 0}}) == Tensor<double>{{8, 18}, {12, 25}});
  CHECK(run(layer, Tensor<double>{1, 0, -1}) == Tensor<double>{8, 18});
  CHECK(run(nn::Linear<double>{layer.weight, {}}, Tensor<double>{{{1, 0, -1}}}) == Tensor<double>{{{-2, -2}}});
  CHECK(gradcheck(layer, random_tensor({4, 3}, 1)));
}

TEST_CASE("a wrong width is refused by the layer, on the caller's line, and nothing stays on the tape") {
  Generator g(1);
  Tape<float> tape;
  const auto layer = nn::Linear<float>::make(784, 128, g);
  const auto x = tape.constant(random_tensor<float>({2, 28, 28}, 1));
  CHECK_ERROR(
      ShapeError,
      "[Linear] an input of shape (2, 28, 28): this layer (784 → 128) expects 784 features along the last axis; "
      "put a Flatten before it",
      layer(x));
  const auto chain = nn::sequential(nn::Flatten{}, layer, nn::ReLU{}, nn::Linear<float>::make(64, 10, g));
  CHECK_ERROR(ShapeError, "[Linear] an input of shape (2, 128): this layer (64 → 10) expects 64 features", chain(x));
  CHECK_ERROR(ShapeError,
              "[Residual] the block returns (2, 28, 28, 1) and the shortcut (2, 28, 28): expected equal shapes",
              nn::residual([](auto v) { return expand_dims(v, 3); })(x));
  CHECK_ERROR(ValueError, "[Linear] 0 inputs: expected at least 1", nn::Linear<float>::make(0, 3, g));
  CHECK_ERROR(ValueError, "[Dropout] a probability of 1.5: expected one from 0 to 1", nn::Dropout::make(1.5, g));
  CHECK(tape.size() == 1);
}

TEST_CASE("sizes that no layer can have are refused by name, and cost no memory") {
  Generator g(3);
  constexpr std::size_t huge = std::size_t{1} << 33, none = 0;
  const auto minus_one = static_cast<std::size_t>(-1);
  CHECK_ERROR(ValueError, "[Linear] -1 inputs: expected at least 1", nn::Linear<float>::make(minus_one, 3, g));
  CHECK_ERROR(ValueError, "[Linear] -1 outputs: expected at least 1", nn::Linear<float>::make(3, minus_one, g));
  CHECK_ERROR(ValueError, "[Linear] 562949953421312 inputs: expected at most 2^48",
              nn::Linear<float>::make(std::size_t{1} << 49, 1, g));
  CHECK_ERROR(MemoryError, "[Linear] 'weight' of shape (8589934592, 8589934592) needs more memory than is available",
              nn::Linear<float>::make(huge, huge, g));  // 2⁶⁸ bytes, which is 0 modulo 2⁶⁴
  CHECK_ERROR(MemoryError, "[Linear] 'weight' of shape (8589934592, 131072)",
              nn::Linear<double>::make(1 << 17, huge, g));
  CHECK_ERROR(ValueError, "[Embedding] -1 entries", nn::Embedding<float>::make(minus_one, 3, g));
  CHECK_ERROR(MemoryError, "[Embedding] 'weight' of", nn::Embedding<float>::make(huge, huge, g));
  CHECK_ERROR(ValueError, "[Conv1d] -1 output channels", nn::Conv1d<float>::make(3, minus_one, 3, g));
  CHECK_ERROR(ValueError, "[Conv2d] -1 output channels", nn::Conv2d<float>::make(3, minus_one, 3, g));
  CHECK_ERROR(MemoryError, "[Conv2d] 'weight' of", nn::Conv2d<float>::make(huge, huge, 3, g));
  CHECK_ERROR(ValueError, "[ConvTranspose2d] -1 input channels", nn::ConvTranspose2d<float>::make(minus_one, 3, 3, g));
  CHECK_ERROR(ValueError, "[RNN] -1 inputs", nn::RNN<float>::make(minus_one, 3, g));
  CHECK_ERROR(ValueError, "[GRU] -1 hidden units", nn::GRU<float>::make(3, minus_one, g));
  CHECK_ERROR(ValueError, "[LSTM] -1 layers", nn::LSTM<float>::make(3, 4, g, {.layers = minus_one}));
  CHECK_ERROR(MemoryError, "[LSTM] 'weight_ih_l0' of", nn::LSTM<float>::make(3, huge << 13, g));
  CHECK_ERROR(ValueError, "[BatchNorm] -1 channels", nn::BatchNorm<float>::make(minus_one));
  CHECK_ERROR(ValueError, "[GroupNorm] -1 channels", nn::GroupNorm<float>::make(1, minus_one));
  CHECK_ERROR(ValueError, "[LayerNorm] -1 elements along an axis", nn::LayerNorm<float>::make({minus_one}));
  CHECK_ERROR(ValueError, "[LayerNorm] 0 elements along an axis", nn::LayerNorm<float>::make({3, none}));
  CHECK_ERROR(MemoryError, "[LayerNorm] 'weight' of", nn::LayerNorm<float>::make({huge, huge}));
  CHECK_ERROR(ValueError, "[RMSNorm] -1 elements along an axis", nn::RMSNorm<float>::make({minus_one}));
  CHECK_ERROR(ValueError, "[MultiheadAttention] -1 features", nn::MultiheadAttention<float>::make(minus_one, 1, g));
  CHECK_ERROR(MemoryError, "[MultiheadAttention] 'in_proj_weight' of", nn::MultiheadAttention<float>::make(huge, 1, g));
}

TEST_CASE("dropout drops in training only") {
  Generator g(3);
  const auto chain = nn::sequential(nn::Dropout::make(0.25, g), [](auto x) { return 2 * x; });
  const Tensor<double> ones = xt::ones<double>({100, 100});
  const Tensor<double> dropped = run(chain, ones);
  std::size_t zeros = 0;
  for (const double element : dropped) {
    zeros += element == 0;
    CHECK((element == 0 || element == doctest::Approx(2 / 0.75)));
  }
  CHECK(std::abs(static_cast<double>(zeros) - 2500) < 5 * std::sqrt(10000 * 0.25 * 0.75));
  CHECK(run(chain, ones) != dropped);  // the random stream advances
  nn::eval_mode(chain);
  CHECK(run(chain, ones) == 2 * ones);
  nn::train_mode(chain);
  CHECK(run(chain, ones) != 2 * ones);
}

TEST_CASE("a deep copy has parameters, modes and generators of its own, in either scalar type") {
  Generator g(5);
  const auto net = network<float>(g);
  const auto copy = nn::copy(net);
  const auto wide = converted<double>(net);
  static_assert(std::is_same_v<decltype(wide), const Network<double>>);
  nn::eval_mode(copy);
  CHECK(net.dropout.mode.training());
  CHECK(wide.dropout.mode.training());
  CHECK(copy.dropout.generator.counter() == g.counter());
  g.seek(999);
  CHECK(net.dropout.generator.counter() == 999);
  CHECK(copy.dropout.generator.counter() != 999);
  nn::eval_mode(net);
  nn::eval_mode(wide);
  const auto x = random_tensor<float>({2, 3}, 1);
  CHECK(distance(run(copy, x), run(net, x)) == 0);
  CHECK(distance(run(wide, Tensor<double>(xt::cast<double>(x))), run(net, x)) < 1e-6);
  nn::zeros(net.head.weight);
  CHECK(xt::amax(xt::abs(copy.head.weight.value()))() > 0);
  const auto chain = nn::sequential(net, nn::ReLU{});
  const auto wide_chain = converted<double>(chain);
  static_assert(std::is_same_v<decltype(wide_chain), const nn::Sequential<Network<double>, nn::ReLU>>);
  CHECK(paths_of(wide_chain) == paths_of(chain));
}

TEST_CASE("what was shared is shared in the copy, behind pointers too") {
  Generator g(5);
  const auto layer = nn::Linear<double>::make(3, 3, g);
  const nn::Mode mode;
  struct Tied {
    nn::Linear<double> first, second;
    std::shared_ptr<nn::Linear<double>> third, fourth;
    nn::Mode one, two;
  };
  const auto third = std::make_shared<nn::Linear<double>>(nn::Linear<double>::make(2, 2, g));
  const Tied tied{layer, layer, third, third, mode, mode};
  CHECK(nn::parameter_count(tied) == 9 + 3 + 4 + 2);
  CHECK(paths_of(tied) == "first.weight first.bias third.weight third.bias ");
  const auto copy = nn::copy(tied);
  CHECK(copy.first.weight == copy.second.weight);
  CHECK(!(copy.first.weight == tied.first.weight));
  CHECK(copy.third == copy.fourth);
  CHECK(copy.third != tied.third);
  CHECK(!(copy.third->weight == tied.third->weight));
  CHECK(copy.one.state() == copy.two.state());
  CHECK(copy.one.state() != tied.one.state());
}

TEST_CASE("parameters are frozen by path, and buffers never thaw") {
  Generator g(1);
  struct WithBuffer {
    Network<float> network;
    nn::Buffer<float> average;
  };
  const WithBuffer net{network<float>(g), nn::Buffer<float>::make(Tensor<float>{1, 2})};
  CHECK(paths_of(net).ends_with(" average "));
  CHECK(nn::parameter_count(net, nn::Counted::trainable) == 12 + 4 + 16 + 4 + 8 + 2);
  nn::freeze(net, "network.hidden");
  CHECK(nn::parameter_count(net, nn::Counted::trainable) == 8 + 2);
  nn::unfreeze(net, "network.hidden.1.bias");
  CHECK(nn::parameter_count(net, nn::Counted::trainable) == 8 + 2 + 4);
  nn::freeze(net);
  CHECK(nn::parameter_count(net, nn::Counted::trainable) == 0);
  nn::unfreeze(net);
  CHECK(nn::parameter_count(net) - nn::parameter_count(net, nn::Counted::trainable) == 2);
  CHECK_ERROR(ValueError, "[freeze] no parameter has the path 'network.hid': expected one of network.hidden.0.weight, ",
              nn::freeze(net, "network.hid"));
}

TEST_CASE("a shared parameter is found and frozen by any of its paths") {
  Generator g(1);
  struct Tied {
    nn::Linear<float> encoder, decoder;
  };
  Tied net{nn::Linear<float>::make(3, 3, g), nn::Linear<float>::make(3, 3, g)};
  net.decoder.weight = net.encoder.weight;
  CHECK(nn::parameter(net, "decoder.weight") == net.encoder.weight);
  nn::freeze(net, "decoder");
  CHECK(!net.encoder.weight.trainable());
  CHECK(!net.decoder.bias->trainable());
  CHECK(net.encoder.bias->trainable());
  nn::unfreeze(net, "decoder.weight");
  CHECK(net.encoder.weight.trainable());
}

TEST_CASE("a network runs inside compiled, and learns there") {
  Generator g(11);
  const auto net = network<float>(g);
  nn::eval_mode(net);
  const auto x = random_tensor<float>({16, 3}, 1);
  const Tensor<float> y = xt::view(x, xt::all(), xt::range(0, 2));
  auto apply = compiled<float>([&](auto&, auto input) { return net(input); });
  CHECK(distance(apply(x).value(), run(net, x)) < 1e-6);
  auto step = compiled<float>([&](auto& tape, auto input, auto target) {
    const auto loss = mse_loss(net(input), target);
    for (const auto& [path, parameter, gradient] : nn::grad(loss, net))
      tape.update(parameter, tape.variable(parameter) - 0.1F * gradient);
    return loss;
  });
  const float first = step(x, y).item();
  float last = first;
  for (int i = 0; i < 200; ++i) last = step(x, y).item();
  CHECK(last < 0.3F * first);
}

TEST_CASE("a parameter that is read twice has one gradient, a frozen one none, and an unused one zeros") {
  Generator g(2);
  const auto layer = nn::Linear<double>::make(3, 3, g);
  struct Twice {
    nn::Linear<double> first, second, unused;
    Var<double> operator()(Var<double> x) const { return second(tanh(first(x))); }
  };
  Twice net{layer, layer, nn::Linear<double>::make(2, 2, g, {.bias = false})};
  const auto x = random_tensor({4, 3}, 1);
  Tape<double> tape;
  const auto found = nn::grad(sum(net(tape.constant(x))), net);
  REQUIRE(found.size() == 3);
  CHECK(found[2].path == "unused.weight");
  CHECK(found[2].gradient.value() == xt::zeros<double>({2, 2}));
  const double step = 1e-6, before = sum(net(tape.constant(x))).item();
  Tensor<double> moved = layer.weight.value();
  moved(1, 2) += step;
  net.first.weight.assign(moved);
  CHECK((sum(net(tape.constant(x))).item() - before) / step == doctest::Approx(found[0].gradient.value()(1, 2)));
  nn::freeze(net, "first.weight");
  tape.clear();
  CHECK(nn::grad(sum(net(tape.constant(x))), net).front().path == "first.bias");
}

TEST_CASE("gradients of whole networks are right, chains and float ones included") {
  Generator g(2);
  const auto net = network<double>(g);
  nn::eval_mode(net);
  CHECK(gradcheck(net, random_tensor({2, 3}, 1)));
  const auto chain = nn::sequential(nn::Linear<float>::make(3, 4, g), nn::Tanh{},
                                    nn::residual(nn::Linear<float>::make(4, 2, g), nn::Linear<float>::make(4, 2, g)));
  CHECK(gradcheck(chain, random_tensor<float>({2, 3}, 1)));
}
