// Pictures of drawn faces: the drawings of `drawn_faces`, their classes, and pictures of 64×64 made of them at random.
#pragma once

#include "../common/expressions/classes.hpp"
#include "../common/expressions/face.hpp"
#include <wengert/data/dataset.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace expressions {

/// A drawn face and the class that it is counted as.
struct Face {
  std::string name;       ///< in the package of the drawings
  std::size_t label = 0;  ///< the index of its class
  std::string reason;     ///< for the class
};

/// Reads the table of faces, a CSV file with the columns face, class and reason. Throws FileError if it cannot be read,
/// lists a face twice, or names a class that is none of `class_names`.
std::vector<Face> read_faces(const std::filesystem::path& table);

/// A face drawn on a head.
struct Pair {
  std::size_t face = 0;  ///< the index of the face
  std::size_t head = 0;  ///< the index of the head
  std::string beard;     ///< its name, or `none`
  std::string glasses;   ///< likewise
  Grey picture;          ///< 192×192 pixels
};

/// All drawings.
struct Drawings {
  std::vector<Face> faces;         ///< in the order of the table
  std::vector<std::string> heads;  ///< their names
  std::vector<Pair> pairs;         ///< every face on every head, once

  /// The number of faces of each class.
  std::vector<std::size_t> faces_of_classes() const;
};

/// Reads the drawings that samples/fetch_data.sh makes, and the table of faces. Throws FileError if a file cannot be
/// read, if table and drawings differ in their faces, or unless every face occurs once on every head.
Drawings read_drawings(const std::filesystem::path& folder, const std::filesystem::path& table);

/// The indices of pairs for training and for two tests.
struct SplitPairs {
  std::vector<std::size_t> train;      ///< heads and faces that training sees
  std::vector<std::size_t> new_heads;  ///< the same faces on other heads
  std::vector<std::size_t> new_faces;  ///< other faces, on all heads
};

/// Withholds a fifth of the heads, and of every class with three or more faces a third of them, chosen by the seed.
SplitPairs split_pairs(const Drawings& drawings, std::uint64_t seed);

/// Pictures of pairs, `per_pair` of each, one pair after another: inputs N×1×64×64 from −1, black, to 1, white, each a
/// multiple of 1/255 away from them. A picture shows the face with the brows and the mouth, at a random place, turned
/// by up to 10°, mirrored or not, scaled, lit and blurred at random. The result depends on the arguments only. Throws
/// ValueError without pairs or pictures.
wengert::data::Dataset<float> make_pictures(const Drawings& drawings, std::span<const std::size_t> pairs,
                                            std::size_t per_pair, std::uint64_t seed);

}  // namespace expressions
