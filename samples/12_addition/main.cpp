// A small transformer that learns to add numbers given as text, such as "628+415=".
//
// It writes the digits of the result from the last to the first, as in addition on paper. Prints one line per epoch, a
// few test sums with the network's answers, and the share of test sums with all digits right. With --brief: numbers of
// two digits.
#include "../common/arguments.hpp"
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xview.hpp>

namespace wg = wengert;
namespace data = wengert::data;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

constexpr std::int64_t plus = 10, equals = 11;  // tokens besides the digits

// Reads "a+b=" and the digits of the answer so far; from the "=" on, predicts the next digit at each position.
template <class T>
struct Adder {
  nn::Embedding<T> embedding;
  wg::Parameter<T> position;  // length×width
  std::vector<nn::TransformerEncoderLayer<T>> layers;
  nn::LayerNorm<T> norm;
  nn::Linear<T> head;

  static Adder make(std::size_t digits, std::size_t width, wg::Generator& generator) {
    Adder adder{nn::Embedding<T>::make(12, width, generator),
                nn::Embedding<T>::make(3 * digits + 2, width, generator).weight,
                {},
                nn::LayerNorm<T>::make({width}),
                nn::Linear<T>::make(width, 10, generator)};
    for (int i = 0; i < 2; ++i)
      adder.layers.push_back(nn::TransformerEncoderLayer<T>::make(
          width, 4, generator, {.feedforward = 4 * width, .dropout = 0, .norm_first = true, .causal = true}));
    return adder;
  }
  // Maps tokens N×L to logits N×(L − L₀ + 1)×10: predictions start at the "=", the last of the L₀ tokens of the prompt.
  wg::Var<T> operator()(wg::IndexVar<T> tokens) const {
    const std::size_t length = tokens.shape()[1], prompt = position.shape()[0] / 3 * 2 + 2;
    wg::Var<T> x = embedding(tokens) + slice(tokens.tape().variable(position), 0, xt::range(0, length));
    for (const auto& layer : layers) x = layer(x);
    return head(norm(slice(x, 1, xt::range(prompt - 1, length))));
  }
};

// Sums as tokens: the inputs, and the digits to predict as targets.
using Sums = train::Samples<wg::Indices, wg::Indices>;
Sums write_down(std::span<const std::size_t> pairs, std::size_t digits, std::size_t numbers) {
  Sums sums{wg::Indices::from_shape({pairs.size(), 3 * digits + 2}),
            wg::Indices::from_shape({pairs.size(), digits + 1})};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    std::size_t a = pairs[i] / numbers, b = pairs[i] % numbers, sum = a + b;
    for (std::size_t k = digits; k-- > 0; a /= 10, b /= 10) {
      sums.inputs(i, k) = static_cast<std::int64_t>(a % 10);
      sums.inputs(i, digits + 1 + k) = static_cast<std::int64_t>(b % 10);
    }
    sums.inputs(i, digits) = plus;
    sums.inputs(i, 2 * digits + 1) = equals;
    for (std::size_t k = 0; k <= digits; ++k, sum /= 10) {
      sums.targets(i, k) = static_cast<std::int64_t>(sum % 10);
      if (k < digits) sums.inputs(i, 2 * digits + 2 + k) = sums.targets(i, k);
    }
  }
  return sums;
}

// Generates the sum digit by digit; each digit is fed back as input for the next.
std::size_t add(const Adder<float>& network, const wg::Indices& written, std::size_t i, std::size_t digits) {
  const std::size_t prompt = 2 * digits + 2;
  wg::Tape<float> tape;
  std::size_t sum = 0;
  wg::Indices tokens = xt::view(written, xt::range(i, i + 1), xt::range(0, prompt));
  for (std::size_t k = 0, place = 1; k <= digits; ++k, place *= 10) {
    tape.clear();
    const wg::Indices next = argmax(network(tape.indices(tokens)), -1).value();  // 1×(k + 1)
    sum += place * static_cast<std::size_t>(next(0, k));
    tokens = xt::concatenate(xt::xtuple(tokens, xt::view(next, xt::all(), xt::range(k, k + 1))), 1);
  }
  return sum;
}

// The share of sums with all digits predicted right. Digit-by-digit generation gets the same sums right.
double all_right(const wg::Tensor<double>& outputs, const train::Targets& targets) {
  const wg::Indices& right = std::get<wg::Indices>(targets);
  const wg::Indices said = train::predicted_classes(outputs);
  std::size_t hits = 0;
  for (std::size_t i = 0; i < right.shape()[0]; ++i) hits += xt::all(xt::equal(xt::view(right, i), xt::view(said, i)));
  return static_cast<double>(hits) / static_cast<double>(right.shape()[0]);
}

int main(int count, char** arguments) {
  const bool brief = sample::brief(count, arguments);
  const std::size_t digits = brief ? 2 : 3, numbers = brief ? 100 : 1000;
  std::mt19937_64 shuffle(1964);
  const auto pairs = data::permutation(numbers * numbers, shuffle);
  const std::size_t held_out = brief ? 1000 : 5000, shown = brief ? 9000 : 100000;
  const Sums training = write_down(std::span(pairs).first(shown), digits, numbers);
  const Sums test = write_down(std::span(pairs).last(held_out), digits, numbers);

  wg::Generator generator(1964);
  const auto network = Adder<float>::make(digits, brief ? 32 : 64, generator);
  const std::size_t epochs = brief ? 6 : 3, batch_size = brief ? 60 : 100;
  const double steps = static_cast<double>(epochs * shown / batch_size);
  optim::Optimizer<float> optimizer(network, optim::AdamW{}, {.clip_norm = 1});
  const auto loss = [](auto logits, auto next) { return cross_entropy(transpose(logits, {0, 2, 1}), next); };
  const auto result = train::fit(network, optimizer, loss, training, test,
                                 {.epochs = epochs,
                                  .batch_size = batch_size,
                                  .schedule = {.by_step = optim::OneCycle{.max_rate = 3e-3, .steps = steps}},
                                  .metrics = {train::metric("all_right", all_right)}});
  for (std::size_t i = 0; i < 5; ++i) {
    const std::size_t pair = pairs[pairs.size() - held_out + i];
    fmt::print("{:>{}} + {:>{}} = {}\n", pair / numbers, digits, pair % numbers, digits,
               add(network, test.inputs, i, digits));
  }
  fmt::print("all digits correct: {:.2f}% of {} sums\n", 100 * result.last("validation_all_right"), held_out);
}
