// Comparison of compiled Programs with the tape.
#pragma once

#include <wengert/tape/registry.hpp>

#include <cstdint>
#include <string>

namespace wengert::detail {

// Records an application with its first gradients, compiles it, and replays it on other inputs. Describes how the
// results differ from the tape's: unfused they must be equal to the last bit, fused within rounding. Empty if they do
// not differ.
std::string compare_with_replay(const OpExample& example, bool differentiable, std::uint64_t seed);

}  // namespace wengert::detail
