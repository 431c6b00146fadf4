// Finds faces in pictures by OpenCV's cascade of Haar features.
//
// Source: P. Viola, M. Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features" (2001).
#pragma once

#include "face.hpp"

#include <filesystem>
#include <memory>
#include <vector>

namespace expressions {

/// Options of a Detector. The defaults find the faces of a video call; smaller faces take longer.
struct DetectorOptions {
  std::filesystem::path cascade{};  ///< an XML file of OpenCV; if empty, Debian's frontal faces (package opencv-data)
  double smallest = 0.15;           ///< side of the smallest face, as a fraction of the picture's height
  int height = 320;                 ///< higher pictures are reduced to this height for the search; 0: never
  double step = 1.2;                ///< ratio of a searched size to the next smaller one
  int neighbours = 4;               ///< overlapping finds that make a face: more give fewer false ones
};

/// A cascade of classifiers. One thread at a time may use it.
class Detector {
 public:
  /// Reads the cascade. Throws FileError if it is missing or not a cascade, ValueError for options out of range.
  explicit Detector(DetectorOptions options = {});
  ~Detector();
  Detector(Detector&&) noexcept;
  Detector& operator=(Detector&&) noexcept;

  /// The faces in a picture, in its pixels, largest first; all lie within it. Throws ValueError if the number of its
  /// pixels is not width·height.
  std::vector<Box> faces(const Grey& picture) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace expressions
