// .npz files within the library: the check of names, and reading with the types of the elements.
#pragma once

#include "io/elements.hpp"
#include <wengert/base/error.hpp>
#include <wengert/io/named_tensor.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::io {

/// Throws ValueError as `subject` for a name that `save_npz` rejects.
void check_npz_name(std::string_view subject, const std::string& name, const Location& where);

/// `load_npz`, which also appends to `types` the types of the arrays' elements in the file.
template <class T>
std::vector<NamedTensor<T>> load_npz(const std::filesystem::path& path, std::vector<ElementType>& types,
                                     const Location& where);

}  // namespace wengert::io
