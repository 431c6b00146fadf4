// The Wengert list: its nodes, marks and handles.
#include <wengert/tape/op.hpp>
#include <wengert/tape/tape.hpp>

#include <atomic>
#include <utility>

#include <fmt/format.h>

namespace wengert {

// ---- nodes ---------------------------------------------------------------------------------------------------------

template <class T>
const Node<T>& Tape<T>::node(Var<T> var, std::string_view subject, const Location& where) const {
  if (var.empty()) detail::throw_empty_handle(subject, "the operand", where);
  if (var.tape_ != this) throw HandleError(subject, "the handle belongs to another tape", where);
  if (var.index_ >= nodes_.size() || nodes_[var.index_].generation != var.generation_)
    throw HandleError(subject, fmt::format("stale handle: node {} was released by rewind()", var.index_), where);
  return nodes_[var.index_];
}

template <class T>
void Tape<T>::throw_not_computed(std::string_view subject, std::string_view advice, const Location& where) {
  throw HandleError(subject, fmt::format("the tape is recorded for a Program and computes no values: {}", advice),
                    where);
}

template <class T>
void Tape<T>::throw_without_value(std::size_t index) const {
  const Node<T>& n = nodes_[index];
  throw HandleError("value",
                    fmt::format("node {} ({}) has no value: {}", index, n.op != nullptr ? n.op->subject() : "a leaf",
                                n.computed ? "it was released" : "it was recorded while the tape computed no values"),
                    n.where);
}

template <class T>
std::string_view Tape<T>::name(std::size_t index) const {
  const Node<T>& n = nodes_[index];
  return n.op == nullptr && n.attributes != nullptr ? static_cast<const char*>(n.attributes) : std::string_view{};
}

// ---- marks ---------------------------------------------------------------------------------------------------------

template <class T>
typename Tape<T>::Mark Tape<T>::mark() const {
  return {nodes_.size(), edges_.size(), arena_.mark(), nodes_.empty() ? 0 : nodes_.back().generation, this};
}

template <class T>
void Tape<T>::give_back(Node<T>& node) {
  if (std::exchange(node.released, true)) return;
  pool_.release(node.storage_);
}

template <class T>
void Tape<T>::rewind(const Mark& mark, Location where) {
  if (mark.tape != nullptr && mark.tape != this) throw HandleError("rewind", "the mark belongs to another tape", where);
  if (mark.nodes < sweep_.begin)
    throw HandleError("rewind", "a gradient is being recorded: the tape cannot be rewound to before its start", where);
  if (mark.nodes > nodes_.size() || (mark.nodes > 0 && nodes_[mark.nodes - 1].generation != mark.generation))
    throw HandleError("rewind", "stale mark: the tape was already rewound past it", where);
  for (std::size_t i = nodes_.size(); i-- > mark.nodes;) give_back(nodes_[i]);
  nodes_.resize(mark.nodes);
  // Nodes recorded from here on may depend on a value that was read and rewound.
  if (read_at_ > mark.nodes) read_at_ = mark.nodes > 0 && read_at_ != nothing_read ? mark.nodes : nothing_read;
  edges_.resize(mark.edges);
  arena_.rewind(mark.arena);
  ++generation_;
  updates_.rewind(mark.nodes);
}

template <class T>
void Tape<T>::clear(Location where) {
  updates_.refuse_to_lose("clear", where);
  rewind(Mark{}, where);
}

// Each tape counts generations from a different number, so that a handle never matches a later tape at the same
// address.
template <class T>
Tape<T>::Tape() : updates_(*this) {
  static std::atomic<std::uint32_t> next{0};
  generation_ = next.fetch_add(0x9e3779b9U, std::memory_order_relaxed) | 1U;
  detail::register_tape(this);
}

template <class T>
Tape<T>::~Tape() {
  rewind(Mark{});
  detail::unregister_tape(this);
}

template class Tape<float>;
template class Tape<double>;

}  // namespace wengert
