// Profiles of instructions.
#pragma once

#include "program/executable.hpp"
#include <wengert/program/program.hpp>

#include <span>

namespace wengert::program {

/// The measured seconds, the memory traffic and the FLOPs of each instruction.
template <class T>
Profile profile_of(const Graph<T>& graph, std::span<const Instruction> instructions, std::span<const double> seconds,
                   std::size_t replays);

}  // namespace wengert::program
