// The passes that turn a graph into a schedule with a memory plan. Each depends on its arguments alone and has its own
// file.
#pragma once

#include "program/graph.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wengert::program {

// ---- graph to graph ------------------------------------------------------------------------------------------------

/// Dead code elimination: drops entries that no input, output, update or guard needs. (dead_code_elimination.cpp)
template <class T>
Graph<T> eliminate_dead_code(const Graph<T>& graph);

/// Turns parameters that no update changes into constants. (frozen_constants.cpp)
template <class T>
Graph<T> freeze_parameters(Graph<T> graph);

/// Evaluates ops on constants, unless the result takes more memory than any of its inputs. (fold_constants.cpp)
template <class T>
Graph<T> fold_constants(Graph<T> graph);

/// Folds a constant scale and shift of each channel of a matrix product or a convolution, as of a batch normalisation
/// in evaluation mode, into its constant weights and bias. (fold_scales.cpp)
template <class T>
Graph<T> fold_scales(Graph<T> graph);

/// Common subexpression elimination: merges entries of equal op, attributes and inputs. Never merges random draws, nor
/// entries that repeat a computation on purpose. (common_subexpressions.cpp)
template <class T>
Graph<T> eliminate_common_subexpressions(Graph<T> graph);

/// Detaches derivatives from operands that their kernels do not read, such as the input of a sigmoid, so that these are
/// not computed or kept for them. (drop_unused_operands.cpp)
template <class T>
Graph<T> drop_unused_operands(Graph<T> graph);

/// Lets a max pooling compute its maxima without their positions, which then are not computed, where nothing else reads
/// them. (drop_positions.cpp)
template <class T>
Graph<T> drop_positions(Graph<T> graph);

/// Lays out constant weights of matrix products and convolutions for their kernels, and keeps activations in blocks of
/// channels from one convolution to the next, with the elementwise ops between them. (prepare_weights.cpp)
template <class T>
Graph<T> prepare_weights(const Graph<T>& graph);

/// Turns W ← β·W + α·f(…) into an f that accumulates into W, if f can (a matrix product): one pass over W instead of
/// three. (accumulate_updates.cpp)
template <class T>
Graph<T> accumulate_updates(Graph<T> graph);

/// Lets elementwise updates write their values directly to the parameters' memory. (update_in_place.cpp)
template <class T>
Graph<T> update_in_place(Graph<T> graph);

// ---- graph to schedule ---------------------------------------------------------------------------------------------

/// A fusion group: entries that are computed together, tile by tile if there are several.
struct FusionGroup {
  std::vector<std::uint32_t> entries;  // in topological order
};

/// The fusion groups in execution order, and the updates that are copied at the end.
struct Schedule {
  std::vector<FusionGroup> groups;
  std::vector<Update> copies;
};

/// Joins neighbouring elementwise entries of one shape into fusion groups, if `fuse` is set, and orders the groups.
/// In-place updates that would be too early for another reader become copies. (schedule.cpp)
template <class T>
Schedule schedule(Graph<T>& graph, bool fuse);

// ---- schedule to memory --------------------------------------------------------------------------------------------

/// Where each computed entry's result goes: an offset in the arena, in bytes, or nowhere if it stays in a tile or goes
/// to a parameter.
struct MemoryPlan {
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
  std::vector<std::size_t> offsets;  // by entry
  std::size_t bytes = 0;             // of the arena
  std::size_t peak_group = 0;        // the fusion group during which most of it is in use
};

/// Allocates the results that outlive their fusion group. Results with disjoint lifetimes share memory, and an
/// elementwise result takes over the memory of an operand that is read for the last time. (plan_memory.cpp)
template <class T>
MemoryPlan plan_memory(const Graph<T>& graph, const Schedule& schedule);

// ---- as text -------------------------------------------------------------------------------------------------------

/// One line per entry. (print.cpp)
template <class T>
std::string to_string(const Graph<T>& graph);
/// One block per fusion group, with the memory of its results.
template <class T>
std::string to_string(const Graph<T>& graph, const Schedule& schedule, const MemoryPlan& plan);

}  // namespace wengert::program
