// The state of the reverse sweeps in progress on a tape: adjoints, and scattered cotangents not yet recorded.
#pragma once

#include <wengert/base/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace wengert {

/// Whether a sweep keeps its temporaries as nodes, to differentiate again, or recycles them after their last use.
enum class Temporaries : std::uint8_t { keep, recycle };

/// The state of the sweeps in progress on a tape. They nest if a vjp itself takes gradients.
struct SweepState {
  /// The adjoint of a node: the sum of its cotangents so far.
  struct Adjoint {
    static constexpr std::uint32_t none = 0xffffffff;  ///< no node, no scatter
    std::uint32_t node = none;                         ///< the node of the sum
    std::uint32_t scatter = none;                      ///< the last of `scatters` that the sum does not contain
    bool depends = false;                              ///< whether it depends on a requested variable
    bool asked = false;                                ///< whether it is a requested variable
  };
  /// A cotangent that is zero except where a scatter op adds its inputs; see `Op::add_to`.
  struct Scatter {
    const void* op = nullptr;                ///< the op's table, an Op<T>
    const void* attributes = nullptr;        ///< the op's attributes
    Location where;                          ///< the line of the node whose vjp gave it
    std::size_t elements = 0;                ///< number of elements that it and the previous ones add
    std::array<std::uint32_t, 2> inputs{};   ///< nodes: the values to add and, if the op has two inputs, the indices
    std::uint32_t arity = 0;                 ///< the number of inputs
    std::uint32_t previous = Adjoint::none;  ///< the previous one of the same adjoint
  };
  std::vector<Adjoint> adjoints;                ///< of all sweeps in progress, the innermost last
  std::vector<Scatter> scatters;                ///< likewise
  const Location* where = nullptr;              ///< the line of the node being differentiated; null outside sweeps
  std::size_t begin = 0;                        ///< the number of nodes before the innermost sweep
  Temporaries temporaries = Temporaries::keep;  ///< of the innermost sweep
};

}  // namespace wengert
