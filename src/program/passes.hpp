// The passes that turn a graph into what a Program replays. Each is a function of its arguments alone, in a file of its
// own.
#pragma once

#include "program/graph.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wengert::program {

// ---- graph to graph ------------------------------------------------------------------------------------------------

/// Drops what no output and no update needs. (slice.cpp)
template <class T>
Graph<T> slice(const Graph<T>& graph);

/// Computes what depends on constants only, unless that would take more memory than it saves. (fold_constants.cpp)
template <class T>
Graph<T> fold_constants(Graph<T> graph);

/// Lets all equal entries be one: same op, attributes and inputs. Never draws of random numbers, nor what repeats
/// something on purpose. (merge_equal.cpp)
template <class T>
Graph<T> merge_equal(Graph<T> graph);

/// Frees derivatives of operands that their kernels do not read, such as the input of a sigmoid: these are not computed
/// or kept for them. (drop_unused_operands.cpp)
template <class T>
Graph<T> drop_unused_operands(Graph<T> graph);

/// Turns W ← β·W + α·f(…) into f accumulating into W, where f can (a matrix product): one pass over W instead of three.
/// (accumulate_updates.cpp)
template <class T>
Graph<T> accumulate_updates(Graph<T> graph);

/// Lets the values of updates be computed into the parameters' own memory wherever no one reads the old value later.
/// (update_in_place.cpp)
template <class T>
Graph<T> update_in_place(Graph<T> graph);

// ---- graph to schedule ---------------------------------------------------------------------------------------------

/// Entries that are computed together, tile by tile if there are several.
struct Unit {
  std::vector<std::uint32_t> entries;  // in topological order
};

/// The units in an order in which they can run, and the updates that are copied at the end.
struct Schedule {
  std::vector<Unit> units;
  std::vector<Update> copies;
};

/// Puts neighbouring elementwise entries of one shape into one unit, if they are to be fused, and orders the units.
/// Updates in place that would be too early for another reader become copies. (schedule.cpp)
template <class T>
Schedule schedule(Graph<T>& graph, bool fuse);

// ---- schedule to memory --------------------------------------------------------------------------------------------

/// Where each computed entry's result goes: an offset in the arena, in bytes, or nowhere, as it stays inside its unit
/// or in a parameter.
struct MemoryPlan {
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
  std::vector<std::size_t> offsets;  // by entry
  std::size_t bytes = 0;             // of the arena
  std::size_t peak_unit = 0;         // the unit during which most of it is in use
};

/// Gives memory to what outlives its unit, so that values that are not needed at the same time share it, and an
/// elementwise result takes over the memory of an operand read for the last time. (plan_memory.cpp)
template <class T>
MemoryPlan plan_memory(const Graph<T>& graph, const Schedule& schedule);

// ---- as text -------------------------------------------------------------------------------------------------------

/// One line an entry. (print.cpp)
template <class T>
std::string to_string(const Graph<T>& graph);
/// One block a unit, with the memory of its results.
template <class T>
std::string to_string(const Graph<T>& graph, const Schedule& schedule, const MemoryPlan& plan);

}  // namespace wengert::program
