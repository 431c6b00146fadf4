// ScatterSum: collects the scattered cotangents of a node, and records their sum as one node.
#pragma once

#include <wengert/tape/op.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace wengert {

/// A term of the op `scatter_sum`.
template <class T>
struct ScatterTerm {
  const Op<T>* op = nullptr;         ///< null: its input, as it is; only the first term
  std::size_t attributes = 0;        ///< where the attributes of its op begin in those of the sum, in bytes
  std::size_t first = 0, arity = 0;  ///< its inputs among those of the sum

  friend bool operator==(const ScatterTerm&, const ScatterTerm&) = default;
};
/// The terms of a node of the op, from its attributes.
template <class T>
std::vector<ScatterTerm<T>> scatter_terms(const void* attributes);

/// The cotangents of one adjoint that are scatters. Recorded one by one, each would take the time and memory of the
/// whole value that it belongs to; their sum takes it once, and time for the elements that are added.
template <class T>
class ScatterSum {
 public:
  explicit ScatterSum(Tape<T>& tape) : tape_(tape) {}

  /// Adds a scatter of one or two inputs. Returns the number of elements that all scatters of the adjoint add.
  std::size_t add(SweepState::Adjoint& adjoint, const Op<T>& scatter, const void* attributes,
                  std::span<const Var<T>> inputs);
  /// Records the sum of the adjoint's node, if it has one, and its scatters, which are removed.
  Var<T> record(SweepState::Adjoint& adjoint);
  /// Removes the scatters.
  void clear(SweepState::Adjoint& adjoint);

 private:
  Tape<T>& tape_;
};

extern template std::vector<ScatterTerm<float>> scatter_terms(const void*);
extern template std::vector<ScatterTerm<double>> scatter_terms(const void*);
extern template class ScatterSum<float>;
extern template class ScatterSum<double>;

}  // namespace wengert
