// FER2013, the data set of photographs of facial expressions, as Kaggle published it: not part of this project.
//
// Source: I. Goodfellow et al., "Challenges in Representation Learning: A report on three machine learning contests"
// (2013). The file `fer2013.csv` has the columns emotion, pixels and Usage: a label, 48·48 numbers from 0 to 255
// between blanks, and `Training`, `PublicTest` or `PrivateTest`.
#pragma once

#include "../common/expressions/face.hpp"
#include <wengert/base/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace expressions {

/// Photographs of 48×48 pixels and their labels: data for `fit` and `evaluate`, in batches n×1×64×64 as of
/// `network_input`.
struct SmallFaces {
  using Inputs = wengert::Tensor<float>;  ///< the inputs of a batch
  using Targets = wengert::Indices;       ///< the labels of a batch
  static constexpr bool repeats = true;   ///< the same rows always give the same batch
  std::vector<Grey> faces = {};           ///< the photographs
  std::vector<std::int64_t> labels = {};  ///< their labels, as in `class_names`

  /// The number of photographs.
  std::size_t size() const { return faces.size(); }
  /// Writes photographs and labels to x and y.
  void gather(std::span<const std::size_t> rows, Inputs& x, Targets& y) const;
};

/// The parts of FER2013.
struct Fer2013 {
  SmallFaces train;       ///< Training
  SmallFaces validation;  ///< PublicTest
  SmallFaces test;        ///< PrivateTest
};

/// Reads `fer2013.csv`. Throws FileError, naming the line, if the file cannot be read or a line is malformed.
Fer2013 read_fer2013(const std::filesystem::path& path);

/// Options of `train_on_fer2013`.
struct Fer2013Options {
  std::filesystem::path file;                        ///< fer2013.csv
  std::filesystem::path data_folder = "build/data";  ///< the folder of the fetched weights
  std::filesystem::path run_folder = {};             ///< the folder of the run, with its report; empty: none
  std::size_t epochs = 30;                           ///< passes over the training part
};

/// Prints the accuracy of the foreign weights on the test part, then trains the network of the drawings on the training
/// part, watching the validation part, and prints its accuracy on the test part. Throws FileError like `read_fer2013`
/// and for missing weights, ValueError if a part is empty.
void train_on_fer2013(const Fer2013Options& options);

}  // namespace expressions
