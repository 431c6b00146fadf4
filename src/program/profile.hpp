// What instructions cost.
#pragma once

#include "program/executable.hpp"
#include <wengert/program.hpp>

#include <span>

namespace wengert::program {

/// The seconds measured for each instruction, with what it computes, reads and writes.
template <class T>
Profile profile_of(const Graph<T>& graph, std::span<const Instruction> instructions, std::span<const double> seconds,
                   std::size_t replays);

}  // namespace wengert::program
