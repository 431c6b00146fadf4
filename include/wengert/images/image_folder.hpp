// A folder of images by class: one folder a class, named like it.
//
//     flowers/daisy/001.jpg  flowers/daisy/002.jpg  flowers/rose/a.png
#pragma once

#include <wengert/data/dataset.hpp>
#include <wengert/data/loader.hpp>
#include <wengert/error.hpp>
#include <wengert/images/image.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace wengert {

/// Which images there are, and of which class each is.
struct ImageFolder {
  std::vector<std::filesystem::path> files;  ///< as the folder holds them
  Indices labels;                            ///< one for each file
  std::vector<std::string> classes;          ///< their names, by label

  /// The number of images.
  std::size_t size() const { return files.size(); }
};

/// Lists the images of a folder's folders, classes and files in the order of their names' bytes; no image is read.
///
/// Images are files whose names end in .png, .jpg or .jpeg, in small or capital letters. Others, hidden ones, and
/// what lies deeper are passed over. Throws FileError if the folder cannot be read, has no folders, or one of these has
/// no images.
ImageFolder list_images(const std::filesystem::path& folder, const Location& where = Location::current());

/// Reads all images into memory: inputs N×C×H×W. Throws as `read_image` does; FileError if an image is not as large as
/// the first, and no size is asked for.
template <class T>
Dataset<T> read_images(const ImageFolder& folder, const ImageOptions& options = {},
                       const Location& where = Location::current());

/// Images as a Loader's source, each read from its file whenever it is dealt: for what memory does not hold. Errors as
/// of `read_images`, from the Loader.
template <class T>
SampleSource<T> image_source(const ImageFolder& folder, const ImageOptions& options = {},
                             const Location& where = Location::current());

}  // namespace wengert
