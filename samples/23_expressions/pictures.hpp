// Expressions of the faces in picture files: as text, as JSON, and drawn on the pictures.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace expressions {

/// Options of `judge_pictures`.
struct PicturesOptions {
  std::vector<std::filesystem::path> files;          ///< PNG or JPEG files
  std::filesystem::path data_folder = "build/data";  ///< the folder of the fetched weights
  /// If not empty, the files are drawings: each is one face, which the network with these weights judges.
  std::filesystem::path drawing_weights = {};
  bool json = false;               ///< prints JSON instead of text
  std::filesystem::path out = {};  ///< the folder for annotated pictures; empty: none
  bool explain = false;            ///< also writes there where the network looks
  double smallest = 0.1;           ///< the side of the smallest face, as a fraction of the picture's height
};

/// How many of the pictures had no face, and how many could not be read or written.
struct PicturesResult {
  std::size_t without_face = 0, failed = 0;
};

/// Prints the faces in each file with the probabilities of their seven classes. Pictures without a face, and those that
/// cannot be read or written, are named on the standard error; in JSON, the latter have an entry `error`. Throws
/// FileError if the weights are missing, and ValueError, before anything is judged, if two files would be written under
/// one name or a picture would be overwritten.
PicturesResult judge_pictures(const PicturesOptions& options);

}  // namespace expressions
