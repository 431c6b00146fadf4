// The reverse sweep: from the roots back to the variables, one vjp after another.
#include "tape/scatter_sum.hpp"
#include <wengert/tape/op.hpp>

#include <algorithm>
#include <utility>

namespace wengert {

template <class T>
Sweep<T>::Sweep(Tape<T>& tape, Temporaries temporaries)
    : tape_(tape),
      begin_(tape.mark()),
      base_(tape.sweep_.adjoints.size()),
      scatter_base_(tape.sweep_.scatters.size()),
      temporaries_(std::exchange(tape.sweep_.temporaries, temporaries)),
      where_(tape.sweep_.where),
      outer_begin_(std::exchange(tape.sweep_.begin, tape.nodes_.size())) {}

template <class T>
Sweep<T>::~Sweep() {
  auto& adjoints = tape_.sweep_.adjoints;
  if (tape_.sweep_.temporaries == Temporaries::recycle)  // references that adjoints still hold
    for (std::size_t i = base_; i < adjoints.size(); ++i) {
      if (adjoints[i].node != Adjoint::none) tape_.pool_.release(tape_.nodes_[adjoints[i].node].storage_);
      ScatterSum<T>(tape_).clear(adjoints[i]);
    }
  adjoints.resize(base_);
  tape_.sweep_.scatters.resize(scatter_base_);
  tape_.sweep_.temporaries = temporaries_;
  tape_.sweep_.where = where_;
  tape_.sweep_.begin = outer_begin_;
  if (!done_) tape_.rewind(begin_);
}

// Adds one adjoint for every node from the first variable to the last root, and marks those that depend on a variable.
template <class T>
void Sweep<T>::mark_dependents(std::size_t last, std::span<const Var<T>> wrt) {
  first_ = last;
  for (const Var<T>& w : wrt) first_ = std::min<std::size_t>(first_, w.index_);
  tape_.sweep_.adjoints.resize(base_ + (last + 1 - first_));
  for (const Var<T>& w : wrt)
    if (w.index_ <= last) adjoint(w.index_).depends = adjoint(w.index_).asked = true;
  for (std::size_t k = first_; k <= last; ++k)
    for (const std::uint32_t input : tape_.inputs(k))
      if (needs(input)) {
        adjoint(k).depends = true;
        break;
      }
}

template <class T>
void Sweep<T>::run(std::span<const Var<T>> roots, std::span<const Var<T>> cotangents, std::span<const Var<T>> wrt,
                   std::span<Var<T>> gradients, Variables variables) {
  const bool recycle = tape_.sweep_.temporaries == Temporaries::recycle;
  auto& nodes = tape_.nodes_;
  const std::size_t last = std::ranges::max(roots, {}, &Var<T>::index_).index_;
  mark_dependents(last, wrt);
  Location where = nodes[last].where;  // a copy: recording may move the nodes
  tape_.sweep_.where = &where;
  for (std::size_t i = 0; i < roots.size(); ++i)
    if (needs(roots[i].index_)) accumulate(roots[i].index_, cotangents[i]);
  for (std::size_t k = last + 1; k-- > first_;) {
    if (!adjoint(k).depends) continue;
    const std::size_t temporaries_begin = nodes.size();
    record_scatters(k);
    // Read member by member: reading the whole struct would wait for the member just written.
    const std::uint32_t sum = adjoint(k).node;
    const bool asked = adjoint(k).asked;
    if (sum == Adjoint::none) continue;
    where = nodes[k].where;
    if (nodes[k].op != nullptr && !(asked && variables == Variables::independent)) {
      Pullback<T> pullback(*this, k, tape_.at(sum));
      nodes[k].op->vjp(pullback);
    }
    if (!recycle) continue;  // otherwise, whatever is still needed is held by its adjoint
    for (std::size_t t = temporaries_begin; t < nodes.size(); ++t) tape_.give_back(nodes[t]);
    if (asked) continue;
    tape_.pool_.release(nodes[sum].storage_);
    adjoint(k).node = Adjoint::none;
  }
  for (std::size_t i = 0; i < wrt.size(); ++i) gradients[i] = gradient(wrt[i], last);
  done_ = true;
}

// The gradient of a variable after the sweep: its adjoint, or zeros.
template <class T>
Var<T> Sweep<T>::gradient(Var<T> variable, std::size_t last) {
  const std::uint32_t node = variable.index_ <= last ? adjoint(variable.index_).node : Adjoint::none;
  if (node == Adjoint::none) {
    const Shape& shape = tape_.nodes_[variable.index_].layout->shape;
    return EngineOps<T>::table.broadcast_to(tape_.constant(T(0)), shape, Location::current());
  }
  if (std::exchange(tape_.nodes_[node].released, false))  // the node holds its storage again
    tape_.pool_.retain(tape_.nodes_[node].storage_);
  return tape_.at(node);
}

template <class T>
void Sweep<T>::accumulate_further(std::size_t node, Var<T> cotangent) {
  const std::uint32_t old = adjoint(node).node;
  set(node, old == Adjoint::none ? cotangent : EngineOps<T>::table.sum(tape_.at(old), cotangent));
}

template <class T>
void Sweep<T>::accumulate(std::size_t node, const Op<T>& scatter, const void* attributes,
                          std::span<const Var<T>> inputs) {
  const std::size_t elements = ScatterSum<T>(tape_).add(adjoint(node), scatter, attributes, inputs);
  if (elements >= tape_.nodes_[node].layout->size) record_scatters(node);  // limits memory, and the time stays linear
}

template <class T>
void Sweep<T>::record_scatters(std::size_t node) {
  if (adjoint(node).scatter != Adjoint::none) set(node, ScatterSum<T>(tape_).record(adjoint(node)));
}

template <class T>
void Sweep<T>::set(std::size_t node, Var<T> sum) {
  if (tape_.sweep_.temporaries == Temporaries::recycle) {
    tape_.pool_.retain(tape_.nodes_[sum.index_].storage_);
    if (const std::uint32_t old = adjoint(node).node; old != Adjoint::none)
      tape_.pool_.release(tape_.nodes_[old].storage_);
  }
  adjoint(node).node = sum.index_;
}

template class Sweep<float>;
template class Sweep<double>;

}  // namespace wengert
