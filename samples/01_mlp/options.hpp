// Command-line options of 01_mlp.
#pragma once

#include "../common/mlp.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sample {

struct Options {
  std::string data = "mnist";
  std::string data_folder = "build/data";
  std::string csv, test_csv;
  std::string images, labels, test_images, test_labels;
  double scale = 1;
  double test_fraction = 0.2;

  std::vector<std::size_t> hidden{128};
  Activation activation = Activation::sigmoid;
  LossKind loss = LossKind::cross_entropy;

  std::string method = "mini-batch";
  std::size_t batch_size = 32;
  double rate = 0.5;
  std::size_t epochs = 10;
  std::uint64_t seed = 1;
  int threads = 1;
  std::optional<double> seconds;

  std::string weights, curve;
  bool quiet = false;
};

/// Parses the command line. Returns nothing if the program must exit with `status`, after --help or an invalid
/// argument.
std::optional<Options> parse_options(int argc, char** argv, int& status);

}  // namespace sample
