// Image folders: one subfolder per class, named after the class.
//
//     flowers/daisy/001.jpg  flowers/daisy/002.jpg  flowers/rose/a.png
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/data/dataset.hpp>
#include <wengert/data/loader.hpp>
#include <wengert/images/image.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace wengert::images {

/// The images of a folder and their classes.
struct Folder {
  std::vector<std::filesystem::path> files;  ///< the paths of the images
  Indices labels;                            ///< one per file
  std::vector<std::string> classes;          ///< the name of each class, by label

  /// The number of images.
  std::size_t size() const { return files.size(); }
};

/// Lists the images in the subfolders of a folder without reading them. Classes and files are sorted by the bytes of
/// their names. Images are files whose names end in .png, .jpg or .jpeg, in lower or upper case. Other files, hidden
/// files and folders, and deeper levels are ignored. Throws FileError if the folder cannot be read or has no
/// subfolders, or if a subfolder has no images.
Folder list_folder(const std::filesystem::path& folder, const Location& where = Location::current());

/// Reads all images into memory: inputs N×C×H×W. Throws like `read`; FileError also if the options give no size
/// and an image differs in size from the first.
template <class T>
data::Dataset<T> read_folder(const Folder& folder, const ReadOptions& options = {},
                             const Location& where = Location::current());

/// A source for a `data::Loader` that reads each image from its file when it is needed, for data sets larger than
/// memory. The Loader throws like `read_folder`, but without a size in the options, only images of one batch must have
/// the same size.
template <class T>
data::SampleSource<T> folder_source(const Folder& folder, const ReadOptions& options = {},
                                    const Location& where = Location::current());

}  // namespace wengert::images
