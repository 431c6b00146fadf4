// The file formats of named tensors, by extension.
#pragma once

#include "io/elements.hpp"
#include <wengert/base/error.hpp>
#include <wengert/io/named_tensor.hpp>

#include <filesystem>
#include <string_view>
#include <tuple>
#include <vector>

namespace wengert::io {

struct TensorFormat {
  template <class T>
  struct Functions {
    void (*save)(const std::filesystem::path&, const std::vector<NamedTensor<T>>&, const Location&);
    std::vector<NamedTensor<T>> (*load)(const std::filesystem::path&, std::vector<ElementType>&, const Location&);
  };

  std::string_view extension;
  std::tuple<Functions<float>, Functions<double>> functions;

  template <class T>
  void save(const std::filesystem::path& path, const std::vector<NamedTensor<T>>& tensors,
            const Location& where) const {
    std::get<Functions<T>>(functions).save(path, tensors, where);
  }
  /// Sets `types` to the types of the tensors' elements in the file.
  template <class T>
  std::vector<NamedTensor<T>> load(const std::filesystem::path& path, std::vector<ElementType>& types,
                                   const Location& where) const {
    types.clear();
    return std::get<Functions<T>>(functions).load(path, types, where);
  }
};

/// The format that the extension of `path` selects. Throws ValueError as `subject` for any other extension.
const TensorFormat& tensor_format(const std::filesystem::path& path, std::string_view subject, const Location& where);

}  // namespace wengert::io
