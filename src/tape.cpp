// The Wengert list and the reverse sweep over it.
#include <wengert/op.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <utility>

#include <fmt/format.h>

namespace wengert {

namespace detail {
template <class T>
Var<T> sum_of_two(Var<T> a, Var<T> b);  // a + b without the test for scalars; in src/ops/arithmetic.cpp
}

// ---- nodes ---------------------------------------------------------------------------------------------------------

template <class T>
const Node<T>& Tape<T>::node(Var<T> var, std::string_view subject, const Location& where) const {
  if (var.tape_ != this) throw HandleError(subject, var.empty() ? "empty handle" : "handle of another tape", where);
  if (var.index_ >= nodes_.size() || nodes_[var.index_].generation != var.generation_)
    throw HandleError(subject, fmt::format("stale handle: node {} was given back by rewind()", var.index_), where);
  return nodes_[var.index_];
}

template <class T>
void Tape<T>::throw_not_computed(std::string_view subject, std::string_view way_out, const Location& where) {
  throw HandleError(subject, fmt::format("the tape is recorded for a Program and computes no values: {}", way_out),
                    where);
}

template <class T>
void Tape<T>::throw_without_value(std::size_t index) const {
  const Node<T>& n = nodes_[index];
  throw HandleError("value",
                    fmt::format("node {} ({}) has none: {}", index, n.op != nullptr ? n.op->subject() : "a leaf",
                                n.computed ? "it was given back" : "it was recorded while the tape computed no values"),
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
  if (mark.tape != nullptr && mark.tape != this) throw HandleError("rewind", "the mark is of another tape", where);
  if (mark.nodes < sweep_begin_)
    throw HandleError("rewind", "a gradient is being recorded: the tape cannot be rewound behind its beginning", where);
  if (mark.nodes > nodes_.size() || (mark.nodes > 0 && nodes_[mark.nodes - 1].generation != mark.generation))
    throw HandleError("rewind", "stale mark: the tape was rewound behind it already", where);
  for (std::size_t i = nodes_.size(); i-- > mark.nodes;) give_back(nodes_[i]);
  nodes_.resize(mark.nodes);
  // Nodes recorded from here on may depend on a value that was read and rewound.
  if (read_at_ > mark.nodes) read_at_ = mark.nodes > 0 && read_at_ != nothing_read ? mark.nodes : nothing_read;
  edges_.resize(mark.edges);
  arena_.rewind(mark.arena);
  ++generation_;
  std::erase_if(updates_, [&](const Update& queued) { return queued.value.index_ >= mark.nodes; });
  std::erase_if(updated_, [&](const UpdatedNode& given) { return given.node >= mark.nodes; });
}

template <class T>
void Tape<T>::clear(Location where) {
  const auto is_compiled = [](const Update& queued) { return queued.compiled; };
  const auto lost = std::find_if_not(updates_.begin(), updates_.end(), is_compiled);
  if (lost != updates_.end())
    throw ValueError(
        "clear",
        fmt::format("{} queued update(s) would be lost, the first of parameter '{}': write them by commit() before, or "
                    "drop them by discard_updates()",
                    std::count_if(lost, updates_.end(), std::not_fn(is_compiled)), lost->parameter.name()),
        where);
  rewind(Mark{}, where);
}

// Each tape counts generations from a different number, so that a handle never matches a later tape at the same
// address.
template <class T>
Tape<T>::Tape() {
  static std::atomic<std::uint32_t> next{0};
  generation_ = next.fetch_add(0x9e3779b9U, std::memory_order_relaxed) | 1U;
  detail::begin_life(this);
}

template <class T>
Tape<T>::~Tape() {
  rewind(Mark{});
  detail::end_life(this);
}

// ---- updates -------------------------------------------------------------------------------------------------------

template <class T>
void Tape<T>::update(const Parameter<T>& parameter, Var<T> value, Location where) {
  if (value.empty())
    throw HandleError("update", "the value is an empty handle: it was never recorded on a tape", where);
  if (value.tape_ != this) throw HandleError("update", "the value belongs to another tape", where);
  const Shape shape = node(value, "update", where).layout->shape;
  if (shape != parameter.shape())
    throw ShapeError("update",
                     fmt::format("parameter '{}' has shape {}: cannot be changed to a value of shape {}",
                                 parameter.name(), to_string(parameter.shape()), to_string(shape)),
                     where);
  const Update* last = last_update(parameter);
  if (last != nullptr && !builds_on(value, *last))
    throw ValueError(
        "update",
        fmt::format("parameter '{}' has an update queued already, which this value was not computed from "
                    "and would replace: build on it by updated(parameter), or drop it by discard_updates()",
                    parameter.name()),
        where);
  // A value in a parameter's own memory is copied, because that memory may be written before it is read.
  if (nodes_[value.index_].storage_->version != nullptr) value = value * 1;
  updates_.push_back({parameter, value});
}

template <class T>
const typename Tape<T>::Update* Tape<T>::last_update(const Parameter<T>& parameter) const {
  const auto last = std::find_if(updates_.rbegin(), updates_.rend(),
                                 [&](const Update& queued) { return queued.parameter == parameter; });
  return last != updates_.rend() ? &*last : nullptr;
}

// Whether a value was computed from what `updated` returned for an update. The node of the update's own value is no
// evidence: it may have other uses.
template <class T>
bool Tape<T>::builds_on(Var<T> value, const Update& update) const {
  const std::uint32_t first = update.value.index_;
  const auto stands_for_update = [&](std::uint32_t k) {
    return std::any_of(updated_.begin(), updated_.end(), [&](const UpdatedNode& given) {
      return given.node == k && given.value == first && given.parameter == &update.parameter.value();
    });
  };
  if (value.index_ < first) return false;
  std::vector<bool> read(value.index_ - first + std::size_t{1});
  read.back() = true;
  const auto note = [&](std::uint32_t k) {
    if (k >= first) read[k - first] = true;
  };
  for (std::uint32_t k = value.index_; k > first; --k) {
    if (!read[k - first]) continue;
    if (stands_for_update(k)) return true;
    if (const Op<T>* op = nodes_[k].op; op != nullptr && op->stands_for)
      note(*static_cast<const std::uint32_t*>(nodes_[k].attributes));
    for (const std::uint32_t input : inputs(k)) note(input);
  }
  return false;
}

// For a queued update, returns a node that has no other uses.
template <class T>
Var<T> Tape<T>::updated(const Parameter<T>& parameter, Location where) {
  const Update* last = last_update(parameter);
  if (last == nullptr) return variable(parameter, where);
  const Var<T> value = last->value, result = reshape(value, parameter.shape(), where);
  updated_.push_back({&parameter.value(), value.index_, result.index_});
  return result;
}

template <class T>
std::vector<typename Tape<T>::Update> Tape<T>::exchange_updates(std::vector<Update> updates) {
  return std::exchange(updates_, std::move(updates));
}

template <class T>
void Tape<T>::commit(Location where) {
  if (for_program_ || !computing_)
    throw HandleError(
        "commit",
        "the tape is recorded for a Program, which writes the queued updates at each replay: queue them by "
        "update() and leave out commit()",
        where);
  for (Update& queued : updates_) {
    const Value<const T> value = value_of(queued.value.index_);
    queued.parameter.change([&](Tensor<T>& tensor) { copy_elements<T>(value, tensor.data()); });
  }
  updates_.clear();
}

// Rewinds what was recorded since its construction, unless told to keep it.
template <class T>
class Tape<T>::Rollback {
 public:
  explicit Rollback(Tape& tape) : tape_(tape), mark_(tape.mark()) {}
  ~Rollback() {
    if (armed_) tape_.rewind(mark_);
  }
  Rollback(const Rollback&) = delete;
  Rollback& operator=(const Rollback&) = delete;
  void keep() { armed_ = false; }

 private:
  Tape& tape_;
  Mark mark_;
  bool armed_ = true;
};

// ---- the reverse sweep ---------------------------------------------------------------------------------------------

// Restores the tape's sweep state at the end of a sweep; after an error, also rewinds the sweep's nodes.
template <class T>
class Tape<T>::SweepScope {
 public:
  SweepScope(Tape& tape, Temporaries temporaries)
      : tape_(tape),
        rollback_(tape),
        base_(tape.adjoints_.size()),
        temporaries_(std::exchange(tape.temporaries_, temporaries)),
        location_(tape.sweep_location_),
        begin_(std::exchange(tape.sweep_begin_, tape.nodes_.size())) {}
  ~SweepScope() {
    if (tape_.temporaries_ == Temporaries::recycle)  // references that adjoints still hold
      for (std::size_t i = base_; i < tape_.adjoints_.size(); ++i)
        if (tape_.adjoints_[i].node != Adjoint::none)
          tape_.pool_.release(tape_.nodes_[tape_.adjoints_[i].node].storage_);
    tape_.adjoints_.resize(base_);
    tape_.temporaries_ = temporaries_;
    tape_.sweep_location_ = location_;
    tape_.sweep_begin_ = begin_;
  }
  SweepScope(const SweepScope&) = delete;
  SweepScope& operator=(const SweepScope&) = delete;
  void keep() { rollback_.keep(); }
  std::size_t base() const { return base_; }

 private:
  Tape& tape_;
  Rollback rollback_;
  std::size_t base_;
  Temporaries temporaries_;
  const Location* location_;
  std::size_t begin_;
};

// Adds one slot for every node from the first requested variable to the root, and marks those that depend on a
// requested variable. Returns the index of the first.
template <class T>
std::size_t Tape<T>::mark_dependents(std::size_t base, Var<T> root, std::span<const Var<T>> wrt) {
  std::size_t first = root.index_;
  for (const Var<T>& w : wrt) first = std::min<std::size_t>(first, w.index_);
  adjoints_.resize(base + (root.index_ + 1 - first));
  for (const Var<T>& w : wrt)
    if (w.index_ <= root.index_) {
      Adjoint& adjoint = adjoints_[base + w.index_ - first];
      adjoint.depends = adjoint.asked = true;
    }
  for (std::size_t i = first; i <= root.index_; ++i)
    for (const std::uint32_t input : inputs(i))
      if (input >= first && adjoints_[base + input - first].depends) {
        adjoints_[base + i - first].depends = true;
        break;
      }
  return first;
}

template <class T>
void Tape<T>::sweep(Var<T> root, Var<T> cotangent, std::span<const Var<T>> wrt, std::span<Var<T>> gradients,
                    Temporaries temporaries, Variables variables) {
  SweepScope scope(*this, temporaries);
  const std::size_t base = scope.base();
  const std::size_t first = mark_dependents(base, root, wrt);
  const auto slot = [&](std::size_t k) { return base + (k - first); };  // slot of the adjoint of node k
  Location where = nodes_[root.index_].where;
  sweep_location_ = &where;
  accumulate(slot(root.index_), cotangent);

  for (std::size_t k = root.index_ + std::size_t{1}; k-- > first;) {
    // Read member by member: reading the whole would wait for the one just written.
    const std::uint32_t adjoint = adjoints_[slot(k)].node;
    const bool asked = adjoints_[slot(k)].asked;
    if (adjoint == Adjoint::none || !adjoints_[slot(k)].depends) continue;
    where = nodes_[k].where;
    if (nodes_[k].op != nullptr && !(asked && variables == Variables::independent)) {
      const std::size_t temporaries_begin = nodes_.size();
      Pullback<T> pullback(*this, k, at(adjoint), base, first);
      nodes_[k].op->vjp(pullback);
      if (temporaries == Temporaries::recycle)
        for (std::size_t t = temporaries_begin; t < nodes_.size(); ++t)
          give_back(nodes_[t]);  // whatever is still needed is held by its adjoint slot
    }
    if (temporaries == Temporaries::recycle && !asked) {
      pool_.release(nodes_[adjoint].storage_);
      adjoints_[slot(k)].node = Adjoint::none;
    }
  }

  for (std::size_t i = 0; i < wrt.size(); ++i) {
    const std::uint32_t node =
        wrt[i].index_ <= root.index_ ? adjoints_[slot(wrt[i].index_)].node : std::uint32_t{Adjoint::none};
    if (node == Adjoint::none) {
      gradients[i] = broadcast_to(constant(T(0)), nodes_[wrt[i].index_].layout->shape);
      continue;
    }
    gradients[i] = at(node);
    if (nodes_[node].released) {  // from now on the node holds the storage again
      nodes_[node].released = false;
      pool_.retain(nodes_[node].storage_);
    }
  }
  scope.keep();
}

template <class T>
void Tape<T>::accumulate_further(std::size_t slot, Var<T> cotangent) {
  const std::uint32_t old = adjoints_[slot].node;
  const std::uint32_t sum = old == Adjoint::none ? cotangent.index_ : detail::sum_of_two(at(old), cotangent).index_;
  if (temporaries_ == Temporaries::recycle) {
    pool_.retain(nodes_[sum].storage_);
    if (old != Adjoint::none) pool_.release(nodes_[old].storage_);
  }
  adjoints_[slot].node = sum;
}

template <class T>
void Pullback<T>::give(std::size_t i, Var<T> cotangent) {
  if (!needs(i)) return;
  const std::size_t input = tape_.edges_[node().first_edge + i];
  const Node<T>& got = tape_.node(cotangent, node().op->name);
  const Layout* layout = tape_.node(input).layout;
  const Shape& expected = layout->shape;
  if (got.layout != layout && got.layout->shape != expected)
    throw ShapeError(node().op->name,
                     fmt::format("vjp: the cotangent of input {} has shape {}, the input {}", i + 1,
                                 to_string(got.layout->shape), to_string(expected)),
                     node().where);
  tape_.accumulate(base_ + (input - first_), cotangent);
}

template class Tape<float>;
template class Tape<double>;
template class Pullback<float>;
template class Pullback<double>;

}  // namespace wengert
