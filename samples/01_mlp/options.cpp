// Defines and validates the command-line options of 01_mlp.
#include "options.hpp"

#include <cmath>
#include <cstddef>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace sample {

std::optional<Options> parse_options(int argc, char** argv, int& status) {
  Options o;
  CLI::App app{
      "Trains a multi-layer perceptron as a classifier, for example of handwritten digits.\n"
      "The network is a graph of generic ops; its gradients come from the tape.\n"
      "Example: 01_mlp --data mnist --hidden 128 --method mini-batch --batch 32 --rate 0.5 --epochs 10"};
  app.option_defaults()->always_capture_default()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.get_formatter()->column_width(38);

  app.add_option("--data", o.data, "data set: mnist, fashion, digits (fetched by samples/fetch_data.sh), csv or idx")
      ->check(CLI::IsMember({"mnist", "fashion", "digits", "csv", "idx"}))
      ->group("Data");
  app.add_option("--data-folder", o.data_folder, "the folder of the fetched data sets")->group("Data");
  app.add_option("--csv", o.csv,
                 "with --data csv: a table of numbers, with labels 0, 1, … in the last column; may be .gz")
      ->group("Data");
  app.add_option("--test-csv", o.test_csv, "a table to test on; by default, part of the first")->group("Data");
  app.add_option("--images", o.images, "with --data idx: the images or samples; may be .gz")->group("Data");
  app.add_option("--labels", o.labels, "with --data idx: their labels")->group("Data");
  app.add_option("--test-images", o.test_images, "images to test on; by default, part of the first")->group("Data");
  app.add_option("--test-labels", o.test_labels, "their labels")->group("Data");
  app.add_option("--scale", o.scale, "a factor for the numbers of a CSV file")->check(CLI::Number)->group("Data");
  app.add_option("--test-fraction", o.test_fraction, "the fraction of a single table to test on")
      ->check(CLI::Range(0.01, 0.99))
      ->group("Data");

  app.add_option("--hidden", o.hidden, "the sizes of the hidden layers; 0 for none")->delimiter(',')->group("Network");
  const std::map<std::string, Activation> activations{
      {"sigmoid", Activation::sigmoid}, {"tanh", Activation::tanh}, {"relu", Activation::relu}};
  app.add_option("--activation", o.activation, "activation g of the hidden layers: sigmoid, tanh or relu")
      ->transform(CLI::CheckedTransformer(activations).description(""))
      ->default_str("sigmoid")
      ->group("Network");
  const std::map<std::string, LossKind> losses{{"cross-entropy", LossKind::cross_entropy},
                                               {"binary", LossKind::binary},
                                               {"least-squares", LossKind::least_squares}};
  app.add_option("--cost", o.loss, "cross-entropy (softmax output), binary or least-squares (sigmoid outputs)")
      ->transform(CLI::CheckedTransformer(losses).description(""))
      ->default_str("cross-entropy")
      ->group("Network");

  app.add_option("--method", o.method, "full (all samples per step), stochastic (one) or mini-batch")
      ->check(CLI::IsMember({"full", "stochastic", "mini-batch"}))
      ->group("Training");
  app.add_option("--batch", o.batch_size, "samples per step of mini-batch descent")
      ->check(CLI::PositiveNumber)
      ->group("Training");
  app.add_option("--rate", o.rate, "the learning rate α in W ← W − α ∂J/∂W")
      ->check(CLI::PositiveNumber)
      ->group("Training");
  app.add_option("--epochs", o.epochs, "the number of passes over the samples")
      ->check(CLI::PositiveNumber)
      ->group("Training");
  app.add_option("--seconds", o.seconds, "stop after this time, even within an epoch")
      ->check(CLI::PositiveNumber)
      ->group("Training");
  app.add_option("--seed", o.seed, "seed of the initial weights and the order of samples; equal seeds give equal runs")
      ->group("Training");
  app.add_option("--threads", o.threads, "the number of threads for large matrix products")
      ->check(CLI::Range(1, 1024))
      ->group("Training");

  app.add_option("--weights", o.weights, "write the trained weights here (.npz, for NumPy)")->group("Output");
  app.add_option("--curve", o.curve, "write losses, accuracies and more per epoch here (.csv)")->group("Output");
  app.add_flag("--quiet", o.quiet, "print only the last line")->group("Output");

  try {
    app.parse(argc, argv);
    if (o.data == "csv" && o.csv.empty()) throw CLI::ValidationError("--data csv", "needs --csv FILE");
    if (o.data == "idx" && (o.images.empty() || o.labels.empty()))
      throw CLI::ValidationError("--data idx", "needs --images FILE and --labels FILE");
    if (o.test_images.empty() != o.test_labels.empty())
      throw CLI::ValidationError("--test-images", "needs --test-labels");
    if (!o.weights.empty() && o.weights == o.curve)
      throw CLI::ValidationError("--weights and --curve", "must be different files");
    if (!std::isfinite(o.rate) || !std::isfinite(o.scale))
      throw CLI::ValidationError("--rate and --scale", "must be finite numbers");
    if (o.hidden == std::vector<std::size_t>{0}) o.hidden.clear();
    for (const std::size_t size : o.hidden)
      if (size == 0 || size > 1'000'000) throw CLI::ValidationError("--hidden", "a layer has 1 to 1000000 units");
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      status = app.exit(error);
    } else {
      std::cerr << "error: " << error.what() << " (--help lists the arguments)\n";
      status = 2;
    }
    return std::nullopt;
  }
  return o;
}

}  // namespace sample
