// The reverse sweep, and Pullback, its interface to the vjp of an op.
#pragma once

#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace wengert {

/// Whether the variables of a sweep may depend on one another, or count as independent: the sweep then stops at each.
enum class Variables : std::uint8_t { dependent, independent };

/// One reverse sweep over a tape. It visits the nodes backwards from the root and calls the vjp of each node's op,
/// which records the cotangents of the node's inputs; the sweep adds them up.
template <class T>
class Sweep {
 public:
  /// Begins a sweep. Until it is destroyed, the tape cannot be rewound to before this point.
  Sweep(Tape<T>& tape, Temporaries temporaries);
  ~Sweep();  ///< if `run` threw, also rewinds the sweep's nodes
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  /// Records the gradients of Σ cotangent·root with respect to each of `wrt`, and writes their handles to `gradients`.
  /// A Var that `root` does not depend on gets zeros of its shape.
  void run(Var<T> root, Var<T> cotangent, std::span<const Var<T>> wrt, std::span<Var<T>> gradients,
           Variables variables = Variables::dependent);

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

 private:
  using Adjoint = SweepState::Adjoint;
  Adjoint& adjoint(std::size_t node) const { return tape_.sweep_.adjoints[base_ + (node - first_)]; }
  void mark_dependents(Var<T> root, std::span<const Var<T>> wrt);
  void accumulate_further(std::size_t node, Var<T> cotangent);
  Var<T> gradient(Var<T> variable, Var<T> root);

  Tape<T>& tape_;
  typename Tape<T>::Mark begin_;
  std::size_t base_;         // position of the adjoint of node `first_`; those of later nodes follow
  std::size_t first_ = 0;    // the first of the variables
  Temporaries temporaries_;  // of the enclosing sweep, like the next two
  const Location* where_;
  std::size_t outer_begin_;
  bool done_ = false;
};

/// What an op's vjp takes: the node, the cotangent of its value, and the functions that take the inputs' cotangents.
template <class T>
class Pullback {
 public:
  /// For the engine: the pullback of node `index`.
  Pullback(Sweep<T>& sweep, std::size_t index, Var<T> cotangent)
      : sweep_(sweep), index_(index), cotangent_(cotangent) {}

  Tape<T>& tape() const { return sweep_.tape(); }                       ///< the tape to record on
  const Node<T>& node() const { return tape().node(index_); }           ///< the node being differentiated
  const Var<T>& cotangent() const { return cotangent_; }                ///< the cotangent of the node's value
  Var<T> output() const { return tape().at(index_); }                   ///< the node's value
  Var<T> input(std::size_t i) const { return tape().at(index_of(i)); }  ///< input `i` of the node
  std::size_t arity() const { return tape().inputs(index_).size(); }    ///< the number of inputs
  /// Whether the cotangent of input `i` is needed.
  bool needs(std::size_t i) const { return sweep_.needs(index_of(i)); }
  /// Adds `cotangent` to that of input `i`, if it is needed. Throws ShapeError if the input has another shape.
  void give(std::size_t i, Var<T> cotangent);
  /// As `give`, but without checks: the input must need a cotangent, and have its shape.
  void pass(std::size_t i, const Var<T>& cotangent) { sweep_.accumulate(index_of(i), cotangent); }
  /// The op's attributes, as recorded.
  template <class Attributes>
  const Attributes& attributes() const {
    return *static_cast<const Attributes*>(node().attributes);
  }

 private:
  std::uint32_t index_of(std::size_t i) const { return tape().edges_[node().first_edge + i]; }

  Sweep<T>& sweep_;
  std::size_t index_;
  Var<T> cotangent_;
};

extern template class Sweep<float>;
extern template class Sweep<double>;
extern template class Pullback<float>;
extern template class Pullback<double>;

}  // namespace wengert
