// Pullback: the interface of the reverse sweep to the vjp of an op.
#pragma once

#include <wengert/tape/sweep.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace wengert {

/// What an op's vjp takes: the node, the cotangent of its value, and the functions that take the inputs' cotangents.
template <class T>
class Pullback {
 public:
  /// For the engine: the pullback of node `index`.
  Pullback(Sweep<T>& sweep, std::size_t index, Var<T> cotangent)
      : sweep_(sweep), index_(index), cotangent_(cotangent), attributes_(node().attributes) {}
  /// For an op made of ops: the pullback of one of them, whose inputs follow each other from input `first` on.
  Pullback part(const void* attributes, std::size_t first) const {
    Pullback result = *this;
    result.attributes_ = attributes;
    result.first_ += first;
    return result;
  }

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
  /// As `give`, for the cotangent scatter(inputs), where the scatter is an op with `add_to`; see `scattered`.
  void give(std::size_t i, const Op<T>& scatter, const void* attributes, std::span<const Var<T>> inputs);
  /// As `give`, but without checks: the input must need a cotangent, and have its shape.
  void pass(std::size_t i, const Var<T>& cotangent) { sweep_.accumulate(index_of(i), cotangent); }
  /// The op's attributes, as recorded.
  template <class Attributes>
  const Attributes& attributes() const {
    return *static_cast<const Attributes*>(attributes_);
  }

 private:
  std::uint32_t index_of(std::size_t i) const { return tape().edges_[node().first_edge + first_ + i]; }
  void require_shape(std::size_t i, const Shape& got) const;

  Sweep<T>& sweep_;
  std::size_t index_;
  Var<T> cotangent_;
  const void* attributes_;
  std::size_t first_ = 0;
};

extern template class Pullback<float>;
extern template class Pullback<double>;

}  // namespace wengert
