// Trains a multi-layer perceptron on a data set of the user's choice; see --help.
//
// The network and its loss are graphs of generic ops (common/mlp.hpp). `train::fit` takes steps W ← W − α ∂J/∂W. The
// three descents differ only in batch size: all samples, one, or several.
#include "../common/load.hpp"
#include "../common/mlp.hpp"
#include "../common/output.hpp"
#include "options.hpp"
#include <wengert/io/npz.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace {

using namespace sample;
namespace data = wengert::data;
namespace io = wengert::io;
namespace optim = wengert::optim;
namespace train = wengert::train;

data::Split<float> load(const Options& o) {
  if (o.data != "csv" && o.data != "idx") return load_named(o.data, o.data_folder, o.seed);
  const auto read = [&](const std::string& first, const std::string& labels) {
    if (o.data == "idx") return data::read_idx<float>(first, labels);
    data::CsvOptions options;
    options.scale = o.scale;
    return data::read_csv<float>(first, options);
  };
  const bool idx = o.data == "idx";
  data::Dataset<float> data = read(idx ? o.images : o.csv, o.labels);
  const std::string& test_file = idx ? o.test_images : o.test_csv;
  if (test_file.empty()) return data::split(data, o.test_fraction, o.seed);
  data::Dataset<float> test = read(test_file, o.test_labels);
  if (test.features() != data.features())
    throw wg::FileError("data", fmt::format("{}: {} features a sample, the training data has {}", test_file,
                                            test.features(), data.features()));
  data.classes = test.classes = std::max(data.classes, test.classes);
  return {std::move(data), std::move(test)};
}

struct Outcome {
  train::FitResult training;
  train::Evaluation test;
};

Outcome train_and_test(const Mlp& network, const data::Split<float>& data, std::size_t batch_size, const Options& o) {
  optim::Optimizer<float> optimizer(network, optim::SGD{.rate = o.rate});
  const LossFunction loss{o.loss};
  try {
    Outcome outcome{train::fit(network, optimizer, loss, data.train, data.test,
                               {.epochs = o.epochs,
                                .batch_size = batch_size,
                                .batches = {.seed = o.seed},
                                .stopping = {.seconds = o.seconds.value_or(std::numeric_limits<double>::infinity())},
                                .display = o.quiet ? train::Display::quiet : train::Display::automatic}),
                    train::evaluate(network, loss, data.test)};
    if (!std::isfinite(outcome.test.loss)) throw wg::ValueError("test", "the loss is not finite");
    return outcome;
  } catch (const wg::ValueError& error) {
    throw std::runtime_error(fmt::format("the training diverged; a smaller --rate may help: {}", error.what()));
  }
}

void print_epochs(const wengert::report::History& history) {
  fmt::print("epoch  training loss  test loss  test accuracy  seconds\n");
  for (const wengert::report::EpochRecord& e : history.epochs)
    fmt::print("{:>5}  {:>13.4f}  {:>9.4f}  {:>12.2f}%  {:>7.2f}\n", e.epoch, e.loss, e.validation_loss,
               100 * e.validation_metrics.at(0), e.seconds);
}

void print_confusion(const wengert::report::ConfusionMatrix& confusion) {
  const std::size_t classes = confusion.classes();
  if (classes > 40) {
    fmt::print("\n(too many classes for a confusion matrix)\n");
    return;
  }
  fmt::print("\nconfusion matrix (rows: label, columns: prediction)\n     ");
  for (std::size_t c = 0; c < classes; ++c) fmt::print("{:>6}", c);
  fmt::print("\n");
  for (std::size_t label = 0; label < classes; ++label) {
    fmt::print("{:>5}", label);
    for (std::size_t c = 0; c < classes; ++c) fmt::print("{:>6}", confusion(label, c));
    fmt::print("\n");
  }
}

void save_weights(const Mlp& network, const std::string& path) {
  std::vector<io::NamedTensor<float>> arrays;  // W1, b1, W2, b2, …
  for (const Layer& layer : network.layers)
    for (const auto& parameter : {layer.w, layer.b}) arrays.push_back({parameter.name(), parameter.value()});
  io::save_npz(path, arrays);
}

int run(const Options& o) {
  for (const std::string& path : {o.weights, o.curve})
    if (!path.empty()) check_writable(path);
  wg::set_num_threads(o.threads);
  const data::Split<float> data = load(o);
  const std::size_t n = data.train.size();
  const std::size_t batch_size = o.method == "full" ? n : o.method == "stochastic" ? 1 : std::min(o.batch_size, n);

  std::vector<std::size_t> sizes{data.train.features()};
  sizes.insert(sizes.end(), o.hidden.begin(), o.hidden.end());
  sizes.push_back(data.train.classes);
  wg::Generator generator(o.seed);
  const Mlp network = Mlp::make(sizes, o.activation, generator);

  if (!o.quiet) {
    fmt::print("data: {}, {} samples to train on, {} to test on\n", o.data, n, data.test.size());
    fmt::print("network: {}, batches of {}, {} thread{}\n\n", fmt::join(sizes, "-"), batch_size, o.threads,
               o.threads == 1 ? "" : "s");
    std::fflush(stdout);
  }
  const auto [training, test] = train_and_test(network, data, batch_size, o);

  if (!o.weights.empty()) save_weights(network, o.weights);
  if (!o.curve.empty()) write_file(o.curve, training.history.to_csv());
  if (!o.quiet) {
    print_epochs(training.history);
    print_confusion(test.confusion);
    fmt::print("\ntraining took {:.2f} s: {}\n", training.seconds, to_string(training.reason));
  }
  fmt::print("test accuracy: {:.2f}%\n", 100 * test.metric("accuracy"));
  std::fflush(stdout);
  if (training.reason != train::StopReason::interrupt) return 0;
  fmt::print(stderr, "interrupted: the training so far is {}\n", o.weights.empty() ? "lost" : "saved");
  return 130;
}

}  // namespace

int main(int argc, char** argv) {
  int status = 0;
  const auto options = sample::parse_options(argc, argv, status);
  if (!options) return status;
  try {
    return run(*options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
