// Fine-tuning of the network with the weights of others, which know photographs, on drawings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace expressions {

/// Options of `finetune_on_drawings`.
struct FinetuneOptions {
  std::filesystem::path data_folder = "build/data";                  ///< the folder of the fetched data
  std::filesystem::path faces = "samples/23_expressions/faces.csv";  ///< the table of the faces
  bool brief = false;                                                ///< fewer pictures and epochs
  std::uint64_t seed = 1;  ///< of the split, the pictures and the random weights
};

/// Accuracies on pictures of heads that no training has seen, from 0 to 1.
struct FinetuneResult {
  std::size_t pictures = 0;    ///< the number of pictures for training
  double before = 0;           ///< the weights of others as they are
  double after = 0;            ///< after further training on a tenth of the drawings
  double from_nothing = 0;     ///< the same network, trained alike from random weights
  double drawing_network = 0;  ///< DrawingNetwork, trained alike from random weights
};

/// Trains MiniXception on pictures of a tenth of the drawings, beginning with the weights of others and with random
/// ones, and DrawingNetwork likewise, and prints the accuracies. Throws FileError if data are missing.
FinetuneResult finetune_on_drawings(const FinetuneOptions& options);

}  // namespace expressions
