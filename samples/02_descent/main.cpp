// Compares full-batch, stochastic and mini-batch gradient descent on the same network, data and number of epochs.
//
// Writes their losses over epochs and seconds as a table for samples/02_descent/descent.gnuplot.
#include "../common/load.hpp"
#include "../common/mlp.hpp"
#include "../common/output.hpp"
#include <wengert/data.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace {

using namespace sample;
namespace data = wengert::data;
namespace optim = wengert::optim;
namespace train = wengert::train;

struct Options {
  std::string data = "mnist";
  std::string data_folder = "build/data";
  std::size_t hidden = 32;
  std::size_t epochs = 10;
  std::size_t batch_size = 32;
  std::vector<double> rates{1, 0.1, 0.5};
  std::uint64_t seed = 1;
  std::string curves = "descent.csv";
};

struct Method {
  std::string name;
  std::size_t batch_size;
  double rate;
};

// Trains with one method. Appends lines `method,epochs,seconds,loss` at steps that are spaced evenly on a logarithmic
// scale, where the loss is that of the samples in `judged`.
void descend(const Method& method, const data::Dataset<float>& data, const data::Dataset<float>& judged,
             const Options& o, std::string& curves) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::duration time) { return std::chrono::duration<double>(time).count(); };
  wg::Generator generator(o.seed);  // the same initial weights for every method
  const Mlp network = Mlp::make({data.features(), o.hidden, data.classes}, Activation::sigmoid, generator);
  optim::Optimizer<float> optimizer(network, optim::SGD{.rate = method.rate});
  const LossFunction loss{LossKind::cross_entropy};

  const std::size_t steps_an_epoch = (data.size() + method.batch_size - 1) / method.batch_size;
  double next = 0;
  Clock::duration judging{};  // the time spent measuring the loss, which is not training time
  const auto start = Clock::now();
  const auto note = [&](const train::FitStatus& at) {
    const auto step = static_cast<double>(at.step);
    if (step < next) return;
    next = 1.08 * step;
    const auto asked = Clock::now();
    curves += fmt::format("{},{:.6g},{:.6g},{:.6g}\n", method.name, step / static_cast<double>(steps_an_epoch),
                          seconds(asked - start - judging),
                          train::evaluate(network, loss, judged, {.batch_size = judged.size()}).loss);
    judging += Clock::now() - asked;
  };
  train::fit(network, optimizer, loss, data,
             {.epochs = o.epochs,
              .batch_size = method.batch_size,
              .batches = {.seed = o.seed},
              .stopping = {.handle_interrupts = false},  // Ctrl-C ends the whole comparison
              .display = train::Display::quiet,
              .report = {.gradient_norms = false},
              .observers = {train::after_step(note)}});
  const double trained = seconds(Clock::now() - start - judging);
  fmt::print("{:<12} {:>6} samples per step  rate {:<5}  loss {:.4f} after {} epochs, {:.2f} s\n", method.name,
             method.batch_size, method.rate, train::evaluate(network, loss, data).loss, o.epochs, trained);
  std::fflush(stdout);
}

int run(const Options& o) {
  check_writable(o.curves);
  wg::set_num_threads(1);
  const data::Dataset<float> data = load_named(o.data, o.data_folder, o.seed).train;
  std::vector<std::size_t> first(std::min<std::size_t>(2000, data.size()));  // a subset, to measure the loss quickly
  std::iota(first.begin(), first.end(), std::size_t{0});
  const data::Dataset<float> judged = data::subset(data, first);
  std::string curves = "method,epochs,seconds,loss\n";
  for (const Method& method : {Method{"full", data.size(), o.rates[0]}, Method{"stochastic", 1, o.rates[1]},
                               Method{"mini-batch", std::min(o.batch_size, data.size()), o.rates[2]}})
    descend(method, data, judged, o, curves);
  write_file(o.curves, curves);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  CLI::App app{"Compares full-batch, stochastic and mini-batch gradient descent; writes their loss curves as CSV."};
  app.option_defaults()->always_capture_default();
  app.add_option("--data", o.data, "mnist, fashion or digits")->check(CLI::IsMember({"mnist", "fashion", "digits"}));
  app.add_option("--data-folder", o.data_folder, "the folder of the fetched data sets");
  app.add_option("--hidden", o.hidden, "size of the hidden layer")->check(CLI::Range(1, 1'000'000));
  app.add_option("--epochs", o.epochs, "the number of passes over the samples")->check(CLI::PositiveNumber);
  app.add_option("--batch", o.batch_size, "samples per step of mini-batch descent")->check(CLI::PositiveNumber);
  app.add_option("--rates", o.rates, "learning rates of full, stochastic and mini-batch descent")
      ->delimiter(',')
      ->expected(3)
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", o.seed, "seed of the initial weights and the order of samples");
  app.add_option("--curves", o.curves, "the CSV file to write");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "error: " << error.what() << " (--help lists the arguments)\n";
    return 2;
  }
  try {
    return run(o);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
