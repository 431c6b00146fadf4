// The ops of the registry with the examples on which their export is tested, and those that are not exported.
#pragma once

#include <wengert/tape/registry.hpp>

#include <map>
#include <string_view>
#include <vector>

namespace wengert::testing {

/// The op's own examples. Ops without a derivative that have none, such as argmax, get theirs here; those that draw
/// random numbers stay without any.
std::vector<OpExample> export_examples(const OpRow& row);

/// The ops of the registry that are not exported, with the reason.
const std::map<std::string_view, std::string_view>& not_exported();

}  // namespace wengert::testing
