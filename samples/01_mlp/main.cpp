// Trains the tutorial's network on a data set of the user's choice; see --help.
#include "../common/descent.hpp"
#include "../common/load.hpp"
#include "../common/terminal.hpp"
#include "../common/text_file.hpp"
#include "options.hpp"
#include <wengert/io/npz.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

namespace {

using namespace sample;

volatile std::sig_atomic_t interrupted = 0;

wg::Split<float> load(const Options& o) {
  if (o.data != "csv" && o.data != "idx") return load_named(o.data, o.data_folder, o.seed);
  const auto read = [&](const std::string& first, const std::string& labels) {
    if (o.data == "idx") return wg::read_idx<float>(first, labels);
    wg::CsvOptions options;
    options.scale = o.scale;
    return wg::read_csv<float>(first, options);
  };
  const bool idx = o.data == "idx";
  wg::Dataset<float> data = read(idx ? o.images : o.csv, o.labels);
  const std::string& test_file = idx ? o.test_images : o.test_csv;
  if (test_file.empty()) return wg::split(data, o.test_fraction, o.seed);
  wg::Dataset<float> test = read(test_file, o.test_labels);
  if (test.features() != data.features())
    throw wg::FileError("data", fmt::format("{}: {} features a sample, the training data has {}", test_file,
                                            test.features(), data.features()));
  data.classes = test.classes = std::max(data.classes, test.classes);
  return {std::move(data), std::move(test)};
}

void print_confusion(const Result& result) {
  if (result.confusion.empty()) {
    fmt::print("\n(too many classes for a confusion matrix)\n");
    return;
  }
  fmt::print("\nconfusion matrix (rows: label, columns: prediction)\n     ");
  const std::size_t classes = result.confusion.size();
  for (std::size_t c = 0; c < classes; ++c) fmt::print("{:>6}", c);
  fmt::print("\n");
  for (std::size_t label = 0; label < classes; ++label) {
    fmt::print("{:>5}", label);
    for (const std::size_t count : result.confusion[label]) fmt::print("{:>6}", count);
    fmt::print("\n");
  }
}

// A step of training that gives a NaN has diverged.
template <class Step>
auto descend(const Step& step) {
  try {
    return step();
  } catch (const wg::ValueError& error) {
    throw std::runtime_error(fmt::format("the training diverged; a smaller --rate may help: {}", error.what()));
  }
}

int run(const Options& o) {
  for (const std::string& path : {o.weights, o.curve})
    if (!path.empty()) check_writable(path);
  wg::set_num_threads(o.threads);
  const wg::Split<float> data = load(o);
  const std::size_t n = data.train.size();
  const std::size_t batch_size = o.method == "full" ? n : o.method == "stochastic" ? 1 : std::min(o.batch_size, n);

  std::vector<std::size_t> sizes{data.train.features()};
  sizes.insert(sizes.end(), o.hidden.begin(), o.hidden.end());
  sizes.push_back(data.train.classes);
  std::mt19937_64 generator(o.seed);
  Mlp network(sizes, o.activation, o.cost, generator);
  Trainer trainer(network, data.train, batch_size, o.rate, generator);

  if (!o.quiet) {
    fmt::print("data: {}, {} samples to train on, {} to test on\n", o.data, n, data.test.size());
    fmt::print("network: {}, batches of {}, {} thread{}\n\n", fmt::join(sizes, "-"), batch_size, o.threads,
               o.threads == 1 ? "" : "s");
    fmt::print("epoch  training cost  test cost  test accuracy  seconds\n");
  }
  std::string curve = "epoch,training_cost,test_cost,test_accuracy,seconds\n";
  double seconds = 0;  // of training, without the tests between epochs
  Result result;
  bool stopped = false;
  for (std::size_t epoch = 1; epoch <= o.epochs && !stopped; ++epoch) {
    ProgressBar bar(fmt::format("epoch {}/{}", epoch, o.epochs), n, !o.quiet);
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed = [&] {
      return seconds + std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    const double cost = descend([&] {
      return trainer.epoch([&](std::size_t seen, double batch_cost) {
        bar.update(seen, batch_cost);
        stopped = interrupted != 0 || (o.seconds && elapsed() > *o.seconds);
        return !stopped;
      });
    });
    seconds = elapsed();
    result = descend([&] { return evaluate(network, data.test); });
    curve += fmt::format("{},{:.6g},{:.6g},{:.6g},{:.3f}\n", epoch, cost, result.cost, result.accuracy, seconds);
    if (!o.quiet) {
      bar.clear();
      fmt::print("{:>5}  {:>13.4f}  {:>9.4f}  {:>12.2f}%  {:>7.2f}\n", epoch, cost, result.cost, 100 * result.accuracy,
                 seconds);
      std::fflush(stdout);
    }
  }

  if (!o.weights.empty()) {
    std::vector<wg::NamedTensor<float>> arrays;
    for (const auto& parameter : network.parameters()) arrays.push_back({parameter.name(), parameter.value()});
    wg::save_npz(o.weights, arrays);
  }
  if (!o.curve.empty()) write_text(o.curve, curve);
  if (!o.quiet) {
    print_confusion(result);
    fmt::print("\ntraining took {:.2f} s{}\n", seconds, stopped ? ", stopped early" : "");
  }
  fmt::print("test accuracy: {:.2f}%\n", 100 * result.accuracy);
  std::fflush(stdout);
  if (interrupted == 0) return 0;
  fmt::print(stderr, "interrupted: what was trained so far is {}\n", o.weights.empty() ? "lost" : "saved");
  return 130;
}

}  // namespace

int main(int argc, char** argv) {
  int status = 0;
  const auto options = sample::parse_options(argc, argv, status);
  if (!options) return status;
  std::signal(SIGINT, [](int) { interrupted = 1; });
  try {
    return run(*options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
