// The table of file formats for named tensors.
#include "io/tensor_formats.hpp"

#include "io/npz.hpp"
#include "io/safetensors_header.hpp"
#include <wengert/io/npz.hpp>
#include <wengert/io/safetensors.hpp>

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

namespace wengert::io {
namespace {

template <class T>
void save_npz_stored(const std::filesystem::path& path, const std::vector<NamedTensor<T>>& tensors,
                     const Location& where) {
  save_npz(path, tensors, Compression::stored, where);
}

template <class T>
void save_safetensors_alone(const std::filesystem::path& path, const std::vector<NamedTensor<T>>& tensors,
                            const Location& where) {
  save_safetensors(path, tensors, {}, where);
}

constexpr std::array<TensorFormat, 2> formats{{
    {".npz", {{save_npz_stored, load_npz}, {save_npz_stored, load_npz}}},
    {".safetensors", {{save_safetensors_alone, load_safetensors}, {save_safetensors_alone, load_safetensors}}},
}};

std::string extensions() {
  std::string text;
  for (const TensorFormat& format : formats) text += fmt::format("{}{}", text.empty() ? "" : " or ", format.extension);
  return text;
}

}  // namespace

const TensorFormat& tensor_format(const std::filesystem::path& path, std::string_view subject, const Location& where) {
  const auto* found = std::ranges::find(formats, path.extension().string(), &TensorFormat::extension);
  if (found == formats.end())
    throw ValueError(subject, fmt::format("{}: expected a name that ends in {}", path.string(), extensions()), where);
  return *found;
}

}  // namespace wengert::io
