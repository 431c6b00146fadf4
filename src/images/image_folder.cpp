// Image folders: lists the images in one subfolder per class, and reads them all at once or batch by batch.
#include "base/located.hpp"
#include <wengert/images/image_folder.hpp>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace wengert::images {
namespace {

bool is_hidden(const std::filesystem::path& path) { return path.filename().string().starts_with('.'); }

bool is_image(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

// The entries of a folder that `fit` accepts, sorted by name.
template <class Fit>
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder, const Fit& fit) {
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  if (error)
    throw FileError("images::list_folder", fmt::format("{}: cannot be read: {}", folder.string(), error.message()));
  std::vector<std::filesystem::path> result;
  for (const auto& entry : entries)
    if (!is_hidden(entry.path()) && fit(entry)) result.push_back(entry.path());
  std::ranges::sort(result, {}, [](const std::filesystem::path& path) { return path.string(); });
  return result;
}

[[noreturn]] void refuse(const std::filesystem::path& folder, std::string_view what) {
  throw FileError("images::list_folder", fmt::format("{}: {}", folder.string(), what));
}

// Reads images into the rows of a tensor N×C×H×W. All must have the size of the first.
template <class T>
void read_rows(const std::vector<std::filesystem::path>& files, std::span<const std::size_t> samples,
               const ReadOptions& options, const Location& where, Tensor<T>& out) {
  Shape first;
  T* next = nullptr;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Tensor<T> image = read<T>(files[samples[i]], options, where);
    const Shape shape(image.shape());
    if (i == 0) {
      first = shape;
      const Shape all{samples.size(), shape[0], shape[1], shape[2]};
      if (Shape(out.shape()) != all) out = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(all));
      next = out.data();
    } else if (shape != first) {
      throw FileError(
          "images::read_folder",
          fmt::format("{}: {} by {} pixels, where {} has {} by {}: set a height and a width for all",
                      files[samples[i]].string(), shape[1], shape[2], files[samples[0]].string(), first[1], first[2]));
    }
    next = std::copy_n(image.data(), image.size(), next);
  }
}

}  // namespace

Folder list_folder(const std::filesystem::path& folder, const Location& where) {
  return located("images::list_folder", where, [&]() -> Folder {
    std::error_code ignored;
    if (!std::filesystem::exists(folder, ignored)) refuse(folder, "no such folder");
    if (!std::filesystem::is_directory(folder, ignored)) refuse(folder, "is a file: expected a folder");
    Folder result;
    std::vector<std::int64_t> labels;
    for (const auto& path : entries_of(folder, [](const auto& entry) { return entry.is_directory(); })) {
      auto files =
          entries_of(path, [](const auto& entry) { return entry.is_regular_file() && is_image(entry.path()); });
      if (files.empty()) refuse(path, "contains no .png, .jpg or .jpeg files");
      labels.insert(labels.end(), files.size(), static_cast<std::int64_t>(result.classes.size()));
      result.classes.push_back(path.filename().string());
      result.files.insert(result.files.end(), std::make_move_iterator(files.begin()),
                          std::make_move_iterator(files.end()));
    }
    if (result.classes.empty()) refuse(folder, "has no folders: expected one for each class");
    result.labels = Indices::from_shape({labels.size()});
    std::ranges::copy(labels, result.labels.data());
    return result;
  });
}

template <class T>
data::Dataset<T> read_folder(const Folder& folder, const ReadOptions& options, const Location& where) {
  return located("images::read_folder", where, [&]() -> data::Dataset<T> {
    std::vector<std::size_t> all(folder.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    data::Dataset<T> dataset;
    read_rows(folder.files, all, options, where, dataset.inputs);
    dataset.labels = folder.labels;
    dataset.classes = folder.classes.size();
    return dataset;
  });
}

template <class T>
data::SampleSource<T> folder_source(const Folder& folder, const ReadOptions& options, const Location& where) {
  data::SampleSource<T> source;
  source.samples = folder.size();
  source.labels = folder.labels;
  source.read = [files = folder.files, options, where](std::span<const std::size_t> samples, Tensor<T>& out) {
    read_rows(files, samples, options, where, out);
  };
  return source;
}

template data::Dataset<float> read_folder(const Folder&, const ReadOptions&, const Location&);
template data::Dataset<double> read_folder(const Folder&, const ReadOptions&, const Location&);
template data::SampleSource<float> folder_source(const Folder&, const ReadOptions&, const Location&);
template data::SampleSource<double> folder_source(const Folder&, const ReadOptions&, const Location&);

}  // namespace wengert::images
