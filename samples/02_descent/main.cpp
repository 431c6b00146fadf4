// Full-batch, stochastic and mini-batch descent on the same network, data and number of epochs: their costs over epochs
// and seconds, as a table for samples/02_descent/descent.gnuplot.
#include "../common/descent.hpp"
#include "../common/load.hpp"
#include "../common/terminal.hpp"
#include "../common/text_file.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <xtensor/xview.hpp>

namespace {

using namespace sample;

struct Options {
  std::string data = "mnist";
  std::string data_folder = "build/data";
  std::size_t hidden = 32;
  std::size_t epochs = 10;
  std::size_t batch_size = 32;
  std::vector<float> rates{1, 0.1F, 0.5F};
  std::uint64_t seed = 1;
  std::string curves = "descent.csv";
};

struct Method {
  std::string name;
  std::size_t batch_size;
  float rate;
};

// The first samples of a set: enough to tell the cost, quickly.
wg::Dataset<float> head(const wg::Dataset<float>& data, std::size_t count) {
  std::vector<std::size_t> rows(std::min(count, data.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  wg::Dataset<float> result;
  wg::gather_rows(data.inputs, rows, result.inputs);
  result.labels = xt::view(data.labels, xt::range(0, static_cast<std::ptrdiff_t>(rows.size())));
  result.classes = data.classes;
  return result;
}

// Trains with one method; appends `method,epochs,seconds,cost` lines, their epochs spaced evenly on a logarithmic
// scale.
void descend(const Method& method, const wg::Dataset<float>& train, const Options& o, std::string& curves) {
  constexpr double spacing = 1.08;
  const wg::Dataset<float> judged = head(train, 2000);
  std::mt19937_64 generator(o.seed);  // the same initial weights for every method
  Mlp network({train.features(), o.hidden, train.classes}, Activation::sigmoid, Cost::cross_entropy, generator);
  Trainer trainer(network, train, method.batch_size, method.rate, generator);

  const double samples = static_cast<double>(train.size());
  double seconds = 0, next = 1;
  const auto note = [&](double seen) {
    curves +=
        fmt::format("{},{:.6g},{:.6g},{:.6g}\n", method.name, seen / samples, seconds, evaluate(network, judged).cost);
    while (next <= seen) next = std::max(next * spacing, next + 1);
  };
  for (std::size_t epoch = 0; epoch < o.epochs; ++epoch) {
    ProgressBar bar(fmt::format("{} epoch {}/{}", method.name, epoch + 1, o.epochs), train.size(), true);
    auto start = std::chrono::steady_clock::now();
    trainer.epoch([&](std::size_t seen, double cost) {
      const double total = static_cast<double>(epoch) * samples + static_cast<double>(seen);
      if (total >= next) {  // the clock stands still while the cost is judged
        seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        note(total);
        bar.update(seen, cost);
        start = std::chrono::steady_clock::now();
      }
      return true;
    });
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  fmt::print("{:<12} {:>6} samples a step  rate {:<5}  cost {:.4f} after {} epochs, {:.2f} s\n", method.name,
             method.batch_size, method.rate, evaluate(network, train).cost, o.epochs, seconds);
}

int run(const Options& o) {
  check_writable(o.curves);
  wg::set_num_threads(1);
  const auto data = load_named(o.data, o.data_folder, o.seed);
  std::string curves = "method,epochs,seconds,cost\n";
  const std::vector<Method> methods{{"full", data.train.size(), o.rates[0]},
                                    {"stochastic", 1, o.rates[1]},
                                    {"mini-batch", std::min(o.batch_size, data.train.size()), o.rates[2]}};
  for (const Method& method : methods) descend(method, data.train, o, curves);
  write_text(o.curves, curves);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  CLI::App app{"Compares full-batch, stochastic and mini-batch gradient descent; writes their cost curves as CSV."};
  app.option_defaults()->always_capture_default();
  app.add_option("--data", o.data, "mnist, fashion or digits")->check(CLI::IsMember({"mnist", "fashion", "digits"}));
  app.add_option("--data-folder", o.data_folder, "where the fetched data sets are");
  app.add_option("--hidden", o.hidden, "size of the hidden layer")->check(CLI::Range(1, 1'000'000));
  app.add_option("--epochs", o.epochs, "how often every sample is seen")->check(CLI::PositiveNumber);
  app.add_option("--batch", o.batch_size, "samples a step of mini-batch descent")->check(CLI::PositiveNumber);
  app.add_option("--rates", o.rates, "learning rates of full, stochastic and mini-batch descent")
      ->delimiter(',')
      ->expected(3)
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", o.seed, "of the initial weights and the order of samples");
  app.add_option("--curves", o.curves, "the file to write");
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
