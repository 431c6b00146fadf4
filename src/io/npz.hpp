// What others need to know of .npz files before they write one.
#pragma once

#include <wengert/error.hpp>

#include <string>
#include <string_view>

namespace wengert {

/// Throws ValueError as `subject` for a name that `save_npz` refuses.
void check_npz_name(std::string_view subject, const std::string& name, const Location& where);

}  // namespace wengert
