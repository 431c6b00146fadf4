// The reverse sweep.
#pragma once

#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace wengert {

/// Whether the variables of a sweep may depend on one another, or count as independent: the sweep then stops at each.
enum class Variables : std::uint8_t { dependent, independent };

/// One reverse sweep over a tape. It visits the nodes backwards from the roots and calls the vjp of each node's op,
/// which records the cotangents of the node's inputs; the sweep adds them up.
template <class T>
class Sweep {
 public:
  /// Begins a sweep. Until it is destroyed, the tape cannot be rewound to before this point.
  Sweep(Tape<T>& tape, Temporaries temporaries);
  ~Sweep();  ///< if `run` threw, also rewinds the sweep's nodes
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  /// Records the gradients of Σ cotangent·root, with constant cotangents, with respect to each of `wrt`, and writes
  /// their handles to `gradients`. A Var that no root depends on gets zeros of its shape.
  void run(std::span<const Var<T>> roots, std::span<const Var<T>> cotangents, std::span<const Var<T>> wrt,
           std::span<Var<T>> gradients, Variables variables = Variables::dependent);

  Tape<T>& tape() const { return tape_; }  ///< the tape
  /// Whether the cotangent of a node is needed.
  bool needs(std::size_t node) const { return node >= first_ && adjoint(node).depends; }
  /// Adds a cotangent to the adjoint of a node that needs it.
  void accumulate(std::size_t node, const Var<T>& cotangent) {
    if (adjoint(node).node == Adjoint::none && tape_.sweep_.temporaries == Temporaries::keep)
      adjoint(node).node = cotangent.index_;
    else
      accumulate_further(node, cotangent);
  }
  /// The same for the cotangent scatter(inputs), which is recorded later, with others of the same node.
  void accumulate(std::size_t node, const Op<T>& scatter, const void* attributes, std::span<const Var<T>> inputs);

 private:
  using Adjoint = SweepState::Adjoint;
  Adjoint& adjoint(std::size_t node) const { return tape_.sweep_.adjoints[base_ + (node - first_)]; }
  void mark_dependents(std::size_t last, std::span<const Var<T>> wrt);
  void accumulate_further(std::size_t node, Var<T> cotangent);
  void record_scatters(std::size_t node);
  void set(std::size_t node, Var<T> sum);
  Var<T> gradient(Var<T> variable, std::size_t last);

  Tape<T>& tape_;
  typename Tape<T>::Mark begin_;
  std::size_t base_;          // position of the adjoint of node `first_`; those of later nodes follow
  std::size_t scatter_base_;  // number of scatters before this sweep
  std::size_t first_ = 0;     // the first of the variables
  Temporaries temporaries_;   // of the enclosing sweep, like the next two
  const Location* where_;
  std::size_t outer_begin_;
  bool done_ = false;
};

extern template class Sweep<float>;
extern template class Sweep<double>;

}  // namespace wengert
