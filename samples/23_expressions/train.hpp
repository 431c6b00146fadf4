// Training a network from nothing on the drawn faces.
#pragma once

#include <wengert/train/options.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace expressions {

/// Options of `train_on_drawings`.
struct DrawingOptions {
  bool brief = false;                                ///< fewer pictures and epochs: for tests
  std::uint64_t seed = 1;                            ///< of the splits, the pictures, the weights and the order
  std::filesystem::path data_folder = "build/data";  ///< with drawn_faces, which samples/fetch_data.sh makes
  std::filesystem::path faces = "samples/23_expressions/faces.csv";  ///< the table of the faces
  std::filesystem::path out = "build/expressions/drawings";          ///< the run folder: weights.npz, report.html …
};

/// What `train_on_drawings` measured, on drawings: fractions of pictures whose class was recognised.
struct DrawingFigures {
  double new_heads = 0;  ///< faces that training saw, on heads that it did not
  double new_faces = 0;  ///< faces that it did not see
};

/// Trains DrawingNetwork from nothing on pictures of the drawn faces, prints what was measured, and writes the run
/// folder. Throws FileError without the data, and like `fit`.
DrawingFigures train_on_drawings(const DrawingOptions& options);

/// Throws std::runtime_error if a training was interrupted, after which figures would be those of another training.
/// `run_folder`: where it is kept, if anywhere.
void require_complete(const wengert::train::FitResult& result, const std::filesystem::path& run_folder = {});

}  // namespace expressions
