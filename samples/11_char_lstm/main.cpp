// A character-level language model: an LSTM predicts the next letter of a text and generates text by sampling.
//
// Prints one line per epoch, a generated text, and the cross entropy in bits per character on the last tenth of the
// text, which is held out to choose the best epoch (uncompressed text has 8 bits per character).
// Data: bash samples/fetch_data.sh constitution, or any text file: 11_char_lstm FILE. With --brief: a smaller network
// and fewer epochs.
#include "../common/arguments.hpp"
#include "../common/load.hpp"
#include <wengert/data.hpp>
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <numbers>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace wg = wengert;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

template <class T>
struct Writer {
  nn::Embedding<T> embedding;
  nn::LSTM<T> lstm;
  nn::Dropout dropout;
  nn::Linear<T> head;

  // Maps letters N×L to logits N×L×letters and returns the state after the last letter.
  std::pair<wg::Var<T>, nn::LSTMState<T>> run(wg::IndexVar<T> x, const nn::LSTMState<T>& state = {}) const {
    const auto result = lstm.run(embedding(x), state);
    return {head(dropout(result.output)), result.state};
  }
  wg::Var<T> operator()(wg::IndexVar<T> x) const { return run(x).first; }
};

// Data for `fit`: stretches of a text as inputs, the same stretches shifted by one letter as targets.
struct Stretches {
  using Inputs = wg::Indices;
  using Targets = wg::Indices;
  std::span<const std::int64_t> text;
  std::size_t length, step;  // of a stretch; from the start of one to that of the next

  std::size_t size() const { return (text.size() - length - 1) / step; }
  void gather(std::span<const std::size_t> rows, Inputs& x, Targets& y) const {
    if (x.dimension() != 2 || x.shape()[0] != rows.size()) x = y = wg::Indices::from_shape({rows.size(), length});
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t t = 0; t < length; ++t) {
        x(i, t) = text[rows[i] * step + t];
        y(i, t) = text[rows[i] * step + t + 1];
      }
  }
};

// Generates `count` letters after `begin`, sampled from the network's predictions at temperature 0.7.
std::string write(const Writer<float>& network, const std::string& letters, const std::string& begin, std::size_t count,
                  wg::Generator& generator) {
  std::string text = begin;
  wg::Tape<float> tape;
  nn::LSTMState<float> state;
  for (std::size_t i = 0; text.size() < begin.size() + count; ++i) {
    const auto letter = static_cast<std::int64_t>(letters.find(text[i]));
    const auto [logits, next] =
        network.run(tape.indices(wg::Indices(xt::dynamic_shape<std::size_t>{1, 1}, letter)), state);
    state = next;
    if (i + 1 == text.size()) text += letters[static_cast<std::size_t>(categorical(logits / 0.7, generator).item())];
  }
  return text;
}

int main(int count, char** arguments) {
  std::string path;
  const bool brief = sample::brief(count, arguments, &path);
  try {
    if (path.empty()) path = sample::fetched("constitution") / "us-constitution";
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) throw wg::FileError("data", path + ": cannot be read");
    if (text.size() < 1000) throw wg::FileError("data", path + ": the text is too short to train on");
    std::string letters = text;  // the distinct letters, sorted
    std::sort(letters.begin(), letters.end());
    letters.erase(std::unique(letters.begin(), letters.end()), letters.end());
    std::vector<std::int64_t> numbers;
    for (const char letter : text) numbers.push_back(static_cast<std::int64_t>(letters.find(letter)));
    const std::size_t seen = numbers.size() * 9 / 10, length = 64;
    const Stretches training{std::span(numbers).first(seen), length, brief ? 32U : 16U};
    const Stretches test{std::span(numbers).subspan(seen), length, length};

    wg::Generator generator(1964);
    const std::size_t hidden = brief ? 64 : 128;
    const Writer<float> network{nn::Embedding<float>::make(letters.size(), 32, generator),
                                nn::LSTM<float>::make(32, hidden, generator), nn::Dropout::make(0.3, generator),
                                nn::Linear<float>::make(hidden, letters.size(), generator)};
    optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 3e-3}, {.clip_norm = 1});
    const auto loss = [](auto logits, auto next) { return cross_entropy(transpose(logits, {0, 2, 1}), next); };
    const auto result = train::fit(network, optimizer, loss, training, test,
                                   {.epochs = brief ? 4U : 25U, .batch_size = 32, .stopping = {.best_weights = true}});
    fmt::print("{}\n\n", write(network, letters, "The Congress shall ", brief ? 100 : 600, generator));
    fmt::print("bits per character: {:.2f}\n", train::evaluate(network, loss, test).loss / std::numbers::ln2);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
