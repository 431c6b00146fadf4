// The networks of the samples, in small sizes, saved as ONNX files and loaded again: equal outputs, or the error.
#include "../../samples/common/mlp.hpp"
#include "saved.hpp"

#include <array>
#include <cstddef>
#include <numbers>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

using wengert::onnx::SaveOptions;
using wengert::onnx::Value;

// Saves a network of any inputs and outputs, loads the file, and compares the outputs for two batch sizes. `inputs`
// makes a tuple of inputs on a tape; `call` applies the network to them and returns a vector of its outputs.
template <class T, class Network, class Sample, class Inputs, class F>
void check_outputs(const Network& network, const Sample& sample, const SaveOptions& options, const Inputs& inputs,
                   const F& call) {
  const TemporaryFolder folder;
  wengert::onnx::save(network, sample, folder / "network.onnx", options);
  const auto model = wengert::onnx::load<T>(folder / "network.onnx");
  const nn::EvaluationMode evaluation(network);
  for (const std::size_t batch : {1u, 5u}) {
    CAPTURE(batch);
    Tape<T> tape;
    const auto x = inputs(tape, batch);
    const std::vector<Var<T>> expected = std::apply(call, x);
    const auto outputs = std::apply([&](const auto&... each) { return model.run({Value<T>(each)...}); }, x);
    REQUIRE(outputs.size() == expected.size());
    for (std::size_t i = 0; i < outputs.size(); ++i)
      CHECK(distance(outputs[i].numbers(), expected[i].value()) < saved_tolerance<T>);
  }
}

Indices tokens_of_sample(const Shape& shape, std::size_t count, unsigned seed) {
  return xt::cast<std::int64_t>(xt::floor(random_tensor(shape, seed, 0, static_cast<double>(count))));
}

// 07: residual blocks.
struct ResidualBlock {
  nn::Linear<float> inner, outer;
  Var<float> operator()(Var<float> x) const { return x + outer(relu(inner(x))); }
};
struct SpiralNetwork {
  nn::Linear<float> lift;
  std::vector<ResidualBlock> blocks;
  nn::Linear<float> classify;

  Var<float> operator()(Var<float> x) const {
    x = lift(x);
    for (const ResidualBlock& block : blocks) x = block(x);
    return classify(relu(x));
  }
};

// 10: a convolution, batch normalisation with statistics as of a training, and relu.
auto clothes_block(std::size_t in, std::size_t out, Generator& generator, unsigned seed) {
  const auto norm = nn::BatchNorm<float>::make(out);
  Parameter<float>(norm.running_mean.parameter).assign(random_tensor<float>({out}, seed));
  Parameter<float>(norm.running_var.parameter).assign(random_tensor<float>({out}, seed + 1, 0.5, 2));
  return nn::sequential(nn::Conv2d<float>::make(in, out, 3, generator, {.padding = 1, .bias = false}), norm,
                        nn::ReLU{});
}

// 11: letters to logits of the next ones.
struct Writer {
  nn::Embedding<float> embedding;
  nn::LSTM<float> lstm;
  nn::Dropout dropout;
  nn::Linear<float> head;

  Var<float> operator()(IndexVar<float> x) const { return head(dropout(lstm(embedding(x)))); }
};
// 11: one letter and the state, as for writing a text.
struct OneLetter {
  Writer writer;

  struct Result {
    Var<float> logits, h, c;
  };
  Result operator()(IndexVar<float> x, Var<float> h, Var<float> c) const {
    const auto [output, state] = writer.lstm.run(writer.embedding(x), {h, c});
    return {writer.head(writer.dropout(output)), state.hidden, state.cell};
  }
};

// 12: sums as text; predictions from the "=" on.
struct Adder {
  nn::Embedding<float> embedding;
  Parameter<float> position;
  std::vector<nn::TransformerEncoderLayer<float>> layers;
  nn::LayerNorm<float> norm;
  nn::Linear<float> head;

  Var<float> operator()(IndexVar<float> tokens) const {
    const std::size_t length = tokens.shape()[1], prompt = position.shape()[0] / 3 * 2 + 2;
    Var<float> x = embedding(tokens) + slice(tokens.tape().variable(position), 0, xt::range(0, length));
    for (const auto& layer : layers) x = layer(x);
    return head(norm(slice(x, 1, xt::range(prompt - 1, length))));
  }
};

// 13: u(x, t), which satisfies the initial and boundary conditions.
template <class Layers>
struct Temperature {
  Layers layers;
  Var<double> operator()(Var<double> x, Var<double> t) const {
    return sin(std::numbers::pi * x) + x * (1 - x) * t * layers(concatenate({x, t}, 1));
  }
};
// 13: the residual of the equation, which contains derivatives of u.
template <class Layers>
struct HeatResidual {
  Temperature<Layers> u;
  Var<double> operator()(Var<double> x, Var<double> t) const {
    const auto [u_x, u_t] = grad(sum(u(x, t)), x, t);
    const auto [u_xx] = grad(sum(u_x), x);
    return u_t - u_xx / (std::numbers::pi * std::numbers::pi);
  }
};

// 16: the two halves of the autoencoder, and the draw between them.
struct Encoder {
  nn::Linear<float> encode1, encode2, mean, log_variance;

  struct Result {
    Var<float> mean, log_variance;
  };
  Result operator()(Var<float> x) const {
    const auto hidden = relu(encode2(relu(encode1(x))));
    return {mean(hidden), log_variance(hidden)};
  }
};
struct Autoencoder {
  Encoder encoder;
  nn::Linear<float> decode1, decode2, decode3;
  Generator noise;

  Var<float> decode(Var<float> z) const { return decode3(relu(decode2(relu(decode1(z))))); }
  Var<float> operator()(Var<float> x) const {
    const auto [m, ln_v] = encoder(x);
    Generator stream = noise;
    return decode(normal(m, exp(ln_v / 2), stream));
  }
};
struct Decoder {
  Autoencoder autoencoder;
  Var<float> operator()(Var<float> z) const { return sigmoid(autoencoder.decode(z)); }
};

// 19: a picture and a row of a table.
template <class V>
struct PictureAndLimits {
  V picture, limits;
};
struct TwoBranches {
  nn::Conv2d<float> convolution;
  nn::Linear<float> look, read, join, head;

  Var<float> operator()(const PictureAndLimits<Var<float>>& x) const {
    const auto seen = relu(look(flatten(max_pool2d(relu(convolution(x.picture)), 2), 1)));
    const auto noted = relu(read(x.limits));
    return head(relu(join(concatenate({seen, noted}, 1))));
  }
};

// 20: the language of sentences of different lengths.
struct Languages {
  nn::Embedding<float> embedding;
  nn::GRU<float> gru;
  nn::Linear<float> head;

  Var<float> operator()(IndexVar<float> bytes, IndexVar<float> lengths) const {
    return head(mean_steps(gru(embedding(bytes), lengths), lengths));
  }
};

// 21: a body of plain or adapted layers, and a head.
template <class L>
struct Finetuned {
  std::array<L, 2> body;
  nn::Linear<float> head;
  Var<float> operator()(Var<float> x) const { return head(relu(body[1](relu(body[0](x))))); }
};

// 22: probabilities instead of logits.
template <class N>
struct Probabilities {
  using UnnamedMember = void;
  N network;
  Var<float> operator()(Var<float> x) const { return softmax(network(x)); }
};

const SaveOptions batch_and_length{.axes = {{"batch", {{0, 0}}}, {"length", {{0, 1}}}}};

template <class Network, class Sample>
std::string refusal_of(const Network& network, const Sample& sample, const SaveOptions& options) {
  const TemporaryFolder folder;
  return message_of<ValueError>([&] { wengert::onnx::save(network, sample, folder / "network.onnx", options); });
}

Writer make_writer() {
  Generator generator(11);
  return {nn::Embedding<float>::make(9, 5, generator), nn::LSTM<float>::make(5, 6, generator),
          nn::Dropout::make(0.3, generator), nn::Linear<float>::make(6, 9, generator)};
}

Languages make_languages() {
  Generator generator(7);
  return {nn::Embedding<float>::make(20, 4, generator), nn::GRU<float>::make(4, 6, generator),
          nn::Linear<float>::make(6, 3, generator)};
}

}  // namespace

TEST_CASE("multilayer perceptrons of the samples are saved") {
  Generator generator(1);
  for (const auto activation : {sample::Activation::sigmoid, sample::Activation::tanh, sample::Activation::relu})
    check_saved<float>(sample::Mlp::make({12, 8, 10}, activation, generator), {1, 12}, {{1, 12}, {5, 12}});

  SpiralNetwork spirals{nn::Linear<float>::make(2, 8, generator), {}, nn::Linear<float>::make(8, 3, generator)};
  for (int i = 0; i < 3; ++i)
    spirals.blocks.push_back({nn::Linear<float>::make(8, 8, generator), nn::Linear<float>::make(8, 8, generator)});
  check_saved<float>(spirals, {1, 2}, {{1, 2}, {5, 2}});

  check_saved<float>(nn::Linear<float>::make(30, 1, generator), {1, 30}, {{1, 30}, {5, 30}});
  check_saved<float>(nn::sequential(nn::Linear<float>::make(14, 8, generator), nn::ReLU{},
                                    nn::Dropout::make(0.3, generator), nn::Linear<float>::make(8, 2, generator)),
                     {1, 14}, {{1, 14}, {5, 14}});

  const auto head = nn::Linear<float>::make(6, 10, generator);
  const std::array body{nn::Linear<float>::make(9, 6, generator), nn::Linear<float>::make(6, 6, generator)};
  check_saved<float>(Finetuned<nn::Linear<float>>{body, head}, {1, 9}, {{1, 9}, {5, 9}});
  const Finetuned<nn::LoRALinear<float>> adapted{
      {nn::with_lora(body[0], 2, generator), nn::with_lora(body[1], 2, generator)}, head};
  for (const auto& layer : adapted.body)  // as after a training: B starts at 0
    Parameter<float>(layer.lora_b).assign(random_tensor<float>(layer.lora_b.shape(), 21));
  check_saved<float>(adapted, {1, 9}, {{1, 9}, {5, 9}});
}

TEST_CASE("convolutional networks of the samples are saved") {
  Generator generator(2);
  const auto digits =
      nn::sequential(nn::Conv2d<float>::make(1, 4, 3, generator, {.padding = 1}), nn::ReLU{}, nn::MaxPool2d{2},
                     nn::Conv2d<float>::make(4, 6, 3, generator, {.padding = 1}), nn::ReLU{}, nn::MaxPool2d{2},
                     nn::Flatten{}, nn::Dropout::make(0.25, generator), nn::Linear<float>::make(24, 8, generator),
                     nn::ReLU{}, nn::Dropout::make(0.5, generator), nn::Linear<float>::make(8, 10, generator));
  check_saved<float>(digits, {1, 1, 8, 8}, {{1, 1, 8, 8}, {5, 1, 8, 8}});
  check_saved<float>(Probabilities<std::remove_const_t<decltype(digits)>>{digits}, {1, 1, 8, 8},
                     {{1, 1, 8, 8}, {5, 1, 8, 8}});

  const auto clothes = nn::sequential(
      clothes_block(1, 4, generator, 1), nn::MaxPool2d{2}, clothes_block(4, 6, generator, 3),
      clothes_block(6, 6, generator, 5), nn::MaxPool2d{2}, nn::Flatten{}, nn::Linear<float>::make(24, 8, generator),
      nn::ReLU{}, nn::Dropout::make(0.3, generator), nn::Linear<float>::make(8, 10, generator));
  check_saved<float>(clothes, {1, 1, 8, 8}, {{1, 1, 8, 8}, {5, 1, 8, 8}});
}

TEST_CASE("the sample with two inputs is saved, with its inputs by name") {
  Generator generator(3);
  const TwoBranches network{nn::Conv2d<float>::make(1, 4, 3, generator, {.padding = 1}),
                            nn::Linear<float>::make(64, 8, generator), nn::Linear<float>::make(2, 8, generator),
                            nn::Linear<float>::make(16, 8, generator), nn::Linear<float>::make(8, 3, generator)};
  check_outputs<float>(
      network, PictureAndLimits<Shape>{{1, 1, 8, 8}, {1, 2}}, {},
      [](Tape<float>& tape, std::size_t batch) {
        return std::tuple(tape.constant(random_tensor<float>({batch, 1, 8, 8}, 1)),
                          tape.constant(random_tensor<float>({batch, 2}, 2)));
      },
      [&](Var<float> picture, Var<float> limits) {
        return std::vector{network(PictureAndLimits<Var<float>>{picture, limits})};
      });
}

TEST_CASE("the sample of the heat equation is saved, also the derivatives of its network") {
  Generator generator(4);
  const auto layers =
      nn::sequential(nn::Linear<double>::make(2, 6, generator), nn::Tanh{}, nn::Linear<double>::make(6, 6, generator),
                     nn::Tanh{}, nn::Linear<double>::make(6, 1, generator));
  const Temperature<std::remove_const_t<decltype(layers)>> u{layers};
  const auto points = [](Tape<double>& tape, std::size_t batch) {
    return std::tuple(tape.variable(random_tensor({batch, 1}, 1, 0, 1)),
                      tape.variable(random_tensor({batch, 1}, 2, 0, 1)));
  };
  const auto sample = std::tuple(Shape{2, 1}, Shape{2, 1});
  check_outputs<double>(u, sample, {}, points, [&](auto x, auto t) { return std::vector{u(x, t)}; });
  const HeatResidual<std::remove_const_t<decltype(layers)>> residual{u};
  check_outputs<double>(residual, sample, {}, points, [&](auto x, auto t) { return std::vector{residual(x, t)}; });
}

TEST_CASE("the letters of the sample with an LSTM are saved, also letter by letter with the state") {
  const Writer writer = make_writer();
  check_outputs<float>(
      writer, Indices::from_shape({1, 7}), {},
      [](Tape<float>& tape, std::size_t batch) {
        return std::tuple(tape.indices(tokens_of_sample({batch, 7}, 9, 1)));
      },
      [&](IndexVar<float> x) { return std::vector{writer(x)}; });

  const OneLetter one{writer};
  check_outputs<float>(
      one, std::tuple(Indices::from_shape({1, 1}), Shape{1, 1, 6}, Shape{1, 1, 6}),
      {.axes = {{"batch", {{0, 0}, {1, 1}, {2, 1}}}}},
      [](Tape<float>& tape, std::size_t batch) {
        return std::tuple(tape.indices(tokens_of_sample({batch, 1}, 9, 2)),
                          tape.constant(random_tensor<float>({1, batch, 6}, 3)),
                          tape.constant(random_tensor<float>({1, batch, 6}, 4)));
      },
      [&](IndexVar<float> x, Var<float> h, Var<float> c) {
        const auto [logits, next_h, next_c] = one(x, h, c);
        return std::vector{logits, next_h, next_c};
      });
}

TEST_CASE("the transformer of the sample that adds is saved for every batch and length") {
  Generator generator(5);
  constexpr std::size_t digits = 4, width = 8;  // 14 positions, of which 10 are the prompt
  Adder adder{nn::Embedding<float>::make(12, width, generator),
              nn::Embedding<float>::make(3 * digits + 2, width, generator).weight,
              {},
              nn::LayerNorm<float>::make({width}),
              nn::Linear<float>::make(width, 10, generator)};
  for (int i = 0; i < 2; ++i)
    adder.layers.push_back(nn::TransformerEncoderLayer<float>::make(
        width, 4, generator, {.feedforward = 4 * width, .dropout = 0, .norm_first = true, .causal = true}));
  const TemporaryFolder folder;
  wengert::onnx::save(adder, Indices::from_shape({1, 11}), folder / "adder.onnx", batch_and_length);
  const auto loaded = wengert::onnx::load<float>(folder / "adder.onnx");
  for (const std::size_t length : {10u, 11u, 12u, 14u}) {  // the prompt alone, and with digits of the answer so far
    CAPTURE(length);
    Tape<float> tape;
    const IndexVar<float> x = tape.indices(tokens_of_sample({3, length}, 12, 1));
    CHECK(distance(loaded(x).value(), adder(x).value()) < saved_tolerance<float>);
  }
}

TEST_CASE("encoder and decoder of the sample with an autoencoder are saved; the draw between them is refused") {
  Generator generator(6);
  const auto linear = [&](std::size_t in, std::size_t out) { return nn::Linear<float>::make(in, out, generator); };
  const Autoencoder autoencoder{
      {linear(16, 8), linear(8, 8), linear(8, 2), linear(8, 2)}, linear(2, 8), linear(8, 8), linear(8, 16), generator};
  check_outputs<float>(
      autoencoder.encoder, Shape{1, 16}, {},
      [](Tape<float>& tape, std::size_t batch) {
        return std::tuple(tape.constant(random_tensor<float>({batch, 16}, 1, 0, 1)));
      },
      [&](Var<float> x) {
        const auto [m, ln_v] = autoencoder.encoder(x);
        return std::vector{m, ln_v};
      });
  check_saved<float>(Decoder{autoencoder}, {1, 2}, {{1, 2}, {5, 2}});
  CHECK(
      contains(refusal_of(autoencoder, Shape{1, 16}, {}),
               "the op normal draws random numbers, which a file cannot repeat: leave it out, or save what it draws"));
}

TEST_CASE("the sample of sentences of different lengths is saved with the lengths as an input") {
  const Languages network = make_languages();
  check_outputs<float>(
      network, std::tuple(Indices::from_shape({1, 7}), Indices{7}), {},
      [](Tape<float>& tape, std::size_t batch) {
        const Indices lengths = 1 + tokens_of_sample({batch}, 7, 2);
        return std::tuple(tape.indices(tokens_of_sample({batch, 7}, 20, 1)), tape.indices(lengths));
      },
      [&](IndexVar<float> bytes, IndexVar<float> lengths) { return std::vector{network(bytes, lengths)}; });
}

TEST_CASE("the recurrent networks of the samples are saved for any number of steps") {
  const auto steps = [](std::size_t batch) { return 2 + 3 * batch; };
  const Writer writer = make_writer();
  check_outputs<float>(
      writer, Indices::from_shape({1, 7}), batch_and_length,
      [&](Tape<float>& tape, std::size_t batch) {
        return std::tuple(tape.indices(tokens_of_sample({batch, steps(batch)}, 9, 1)));
      },
      [&](IndexVar<float> x) { return std::vector{writer(x)}; });

  const Languages languages = make_languages();
  check_outputs<float>(
      languages, std::tuple(Indices::from_shape({1, 7}), Indices{7}),
      {.axes = {{"batch", {{0, 0}, {1, 0}}}, {"length", {{0, 1}}}}},
      [&](Tape<float>& tape, std::size_t batch) {
        const Indices lengths = 1 + tokens_of_sample({batch}, steps(batch), 2);
        return std::tuple(tape.indices(tokens_of_sample({batch, steps(batch)}, 20, 1)), tape.indices(lengths));
      },
      [&](IndexVar<float> bytes, IndexVar<float> lengths) { return std::vector{languages(bytes, lengths)}; });
}
