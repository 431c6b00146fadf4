// Sequences of different lengths: the language of a sentence, from its characters, by a GRU.
//
// Reads the Universal Declaration of Human Rights in sixteen languages, sentence by sentence: 4 to 685 bytes of
// UTF-8. Learns from all articles but the last eleven, which are held out. Batches consist of sentences of similar
// lengths, so that little of them is padding, and the network takes the lengths of the sentences, so that the padding
// affects nothing. Prints the number of Programs, the accuracy, the languages that are most often confused, and the
// time of an epoch with all sentences padded to one length instead.
// Data: bash samples/fetch_data.sh declaration. With --brief: eight languages, shorter sentences, fewer epochs.
#include "../common/arguments.hpp"
#include "../common/load.hpp"
#include <wengert/data.hpp>
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace wg = wengert;
namespace data = wengert::data;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

constexpr std::array<std::string_view, 16> languages{"eng", "deu_1996", "fra",    "spa", "fin", "pol", "tur", "ind",
                                                     "nld", "swe",      "por_PT", "ita", "dan", "ces", "cat", "nob"};

// A sentence is a list of bytes; 0, which no text contains, is the padding.
struct Sentences {
  std::vector<wg::Indices> bytes;
  std::vector<std::int64_t> language;

  void add(std::string_view text, std::size_t of, std::size_t longest) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return;
    text = text.substr(begin, longest);
    wg::Indices sentence = wg::Indices::from_shape({text.size()});
    for (std::size_t i = 0; i < text.size(); ++i) sentence(i) = static_cast<unsigned char>(text[i]);
    bytes.push_back(std::move(sentence));
    language.push_back(static_cast<std::int64_t>(of));
  }
  data::Sequences<std::int64_t, std::int64_t> batches(const data::BucketOptions& options) const {
    wg::Indices labels = wg::Indices::from_shape({language.size()});
    std::copy(language.begin(), language.end(), labels.begin());
    return {bytes, labels, options};
  }
};

struct Network {
  nn::Embedding<float> embedding;
  nn::GRU<float> gru;
  nn::Linear<float> head;

  wg::Var<float> operator()(wg::IndexVar<float> bytes, wg::IndexVar<float> lengths) const {
    return head(mean_steps(gru(embedding(bytes), lengths), lengths));
  }
};

// The sentences of one language: paragraphs `<p>…</p>`, divided after full stops and semicolons.
void read(std::size_t language, std::size_t longest, Sentences& training, Sentences& test) {
  const auto path = sample::fetched("declaration") / fmt::format("{}.html", languages[language]);
  std::ifstream file(path);
  Sentences* part = &training;
  for (std::string line; std::getline(file, line);) {
    if (line.find("<article data-number=\"20\">") != std::string::npos) part = &test;
    const std::size_t begin = line.find("<p>"), end = line.find("</p>");
    if (begin == std::string::npos || end == std::string::npos) continue;
    std::string_view rest = std::string_view(line).substr(begin + 3, end - begin - 3);
    while (!rest.empty()) {
      const std::size_t stop = std::min(rest.find_first_of(".;"), rest.size() - 1);
      part->add(rest.substr(0, stop + 1), language, longest);
      rest.remove_prefix(stop + 1);
    }
  }
}

int main(int count, char** arguments) {
  const bool brief = sample::brief(count, arguments);
  try {
    const std::size_t classes = brief ? 8 : languages.size(), width = brief ? 32 : 64;
    Sentences read_training, read_test;
    for (std::size_t k = 0; k < classes; ++k) read(k, brief ? 200 : 1000, read_training, read_test);
    const auto training = read_training.batches({.batch_size = 32, .buckets = 6});
    const auto test = read_test.batches({.batch_size = 128, .buckets = 6});
    const auto& steps = training.steps();
    const auto [shortest, longest] = std::minmax_element(steps.begin(), steps.end());
    fmt::print("{} sentences of {} to {} bytes in {} languages, {} to test\n", training.size(), *shortest, *longest,
               classes, test.size());

    const auto make = [&] {
      wg::Generator generator(1948);
      return Network{nn::Embedding<float>::make(256, 16, generator), nn::GRU<float>::make(16, width, generator),
                     nn::Linear<float>::make(width, classes, generator)};
    };
    const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
    const auto fitted = [&](const Network& network, const auto& samples, std::size_t epochs) {
      optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 5e-3});
      return train::fit(network, optimizer, loss, samples,
                        {.epochs = epochs, .display = train::Display::quiet, .report = {.gradient_norms = false}});
    };

    const auto show = [](const char* how, const train::FitResult& result, const data::BucketSampler& sampler) {
      const auto& epochs = result.history.epochs;  // the first of them compiles the Programs
      fmt::print("{}: {} Programs, {:.0f}% of a batch is padding, {:.2f} s per epoch\n", how, result.compilations,
                 100 * sampler.padding(),
                 (epochs.back().seconds - epochs.front().seconds) / static_cast<double>(epochs.size() - 1));
    };
    const Network network = make();
    show("six buckets", fitted(network, training, brief ? 10 : 40), training.sampler());
    const auto together = read_training.batches({.batch_size = 32, .buckets = 1});
    show("one length ", fitted(make(), together, 3), together.sampler());

    const auto scores = train::evaluate(network, loss, test);
    std::size_t from = 0, to = 1;
    for (std::size_t i = 0; i < classes; ++i)
      for (std::size_t k = 0; k < classes; ++k)
        if (i != k && scores.confusion(i, k) > scores.confusion(from, to)) from = i, to = k;
    fmt::print("most often confused: {} of {}, taken for {}\n", scores.confusion(from, to), languages[from],
               languages[to]);
    fmt::print("test accuracy: {:.1f}%\n", 100 * scores.metric("accuracy"));
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
