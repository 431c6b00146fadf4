// Recorder: records ops on a tape.
#pragma once

#include "base/reserve.hpp"
#include <wengert/tape/op.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace wengert {

/// Records ops: checks the operands, computes the value, and only then appends the node to the tape.
template <class T>
class Recorder {
 public:
  explicit Recorder(Tape<T>& tape) : tape_(tape) {}

  /// Appends a node, whose inputs are the edges from `first_edge` on.
  Var<T> append(const Op<T>* op, T* data, const Layout* layout, Storage* storage, const void* attributes,
                std::uint32_t first_edge, const Location& where);

  /// As `Tape::record` and `Tape::collapse`.
  ///@{
  Var<T> record(const Op<T>& op, const void* attributes, std::size_t attribute_bytes, std::span<const Var<T>> inputs,
                const Location& where);
  Var<T> record(const Op<T>& op, std::span<const Operand<T>* const> operands, std::span<const double> parameters);
  Var<T> collapse(const typename Tape<T>::Mark& from, Var<T> y, const Op<T>& op, std::span<const Var<T>> inputs,
                  std::shared_ptr<const void> rule, const Location& where);
  ///@}

 private:
  template <class Handles>
  std::uint32_t append_edges(Handles inputs);
  void require_finite(const Op<T>& op, const T* data, const Layout& layout, std::span<const std::uint32_t> inputs,
                      const Location& where) const;
  void poison(Storage* storage, std::size_t bytes) const noexcept;
  Storage* allocate(std::size_t bytes) {  // for a node's value
    Storage* storage = tape_.pool_.allocate(bytes);
    if (!tape_.computing_) [[unlikely]]
      poison(storage, bytes);
    return storage;
  }
  bool is_current(const Var<T>& var) const;
  bool usable(const Node<T>& node) const;
  const Node<T>& operand(const Op<T>& op, Var<T> var, std::size_t position) const;
  template <class Handles>
  Var<T> record_direct(const Op<T>& op, const void* attributes, Handles inputs, const Location& where);
  Var<T> record_converted(const Op<T>& op, std::span<const Operand<T>* const> operands,
                          std::span<const double> parameters);
  Var<T> record_view(const Op<T>& op, const void* attributes, Var<T> input, const Location& where);
  Var<T> record_elementwise(const Op<T>& op, const void* attributes, std::span<const Var<T>> inputs,
                            const Location& where);
  const Layout* broadcast_operands(const Op<T>& op, std::span<const Var<T>> inputs, Var<T>* operands,
                                   const Location& where);
  Var<T> record_structural(const Op<T>& op, const void* attributes, std::span<const Var<T>> inputs,
                           const Location& where);
  const Location& line(const Location& where) const {  // during a sweep, that of the node being differentiated
    return tape_.sweep_.where != nullptr ? *tape_.sweep_.where : where;
  }

  Tape<T>& tape_;
};

template <class T>
Var<T> Recorder<T>::append(const Op<T>* op, T* data, const Layout* layout, Storage* storage, const void* attributes,
                           std::uint32_t first_edge, const Location& where) {
  if (tape_.trace_nan_ && tape_.computing_ && op != nullptr && op->view == nullptr && !op->index_output) [[unlikely]]
    try {
      require_finite(*op, data, *layout, std::span<const std::uint32_t>(tape_.edges_).subspan(first_edge), where);
    } catch (...) {
      tape_.edges_.resize(first_edge);
      tape_.pool_.release(storage);
      throw;
    }
  if (tape_.nodes_.size() == tape_.nodes_.capacity()) [[unlikely]]
    detail::grow(tape_.nodes_);
  Node<T>& n = tape_.nodes_.emplace_back();
  n.op = op;
  n.layout = layout;
  n.attributes = attributes;
  n.where = line(where);
  n.first_edge = first_edge;
  n.generation = tape_.generation_;
  n.repeated = tape_.repeating_;
  n.versioned = storage->version != nullptr;
  n.computed = tape_.computing_ || op == nullptr;
  n.data_ = data;
  n.storage_ = storage;
  return Var<T>(&tape_, static_cast<std::uint32_t>(tape_.nodes_.size() - 1), tape_.generation_);
}

extern template class Recorder<float>;
extern template class Recorder<double>;

}  // namespace wengert
