// The check of names in .npz files, for functions that write them.
#pragma once

#include <wengert/base/error.hpp>

#include <string>
#include <string_view>

namespace wengert::io {

/// Throws ValueError as `subject` for a name that `save_npz` rejects.
void check_npz_name(std::string_view subject, const std::string& name, const Location& where);

}  // namespace wengert::io
