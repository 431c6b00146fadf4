// What a compiled Program gives against what the tape gives.
#pragma once

#include <wengert/op.hpp>

#include <cstdint>
#include <string>

namespace wengert::detail {

// Records an application with its first gradients, compiles it, and replays it on other inputs. In what the results
// differ from those of the tape there: unfused they must be equal to the last bit, fused within rounding. Empty if in
// nothing.
std::string compare_with_replay(const OpExample& example, bool differentiable, std::uint64_t seed);

}  // namespace wengert::detail
