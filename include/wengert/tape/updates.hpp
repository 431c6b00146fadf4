// The queue of parameter updates that a tape holds until they are committed.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/tape/fwd.hpp>
#include <wengert/tape/parameter.hpp>
#include <wengert/tape/var.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wengert {

/// A parameter and its new value.
template <class T>
struct Update {
  Parameter<T> parameter;  ///< the parameter to write
  Var<T> value;            ///< its new value
  bool compiled = false;   ///< whether a Program includes it
};

/// The queued updates of a tape, in order; see `Tape::update`, `Tape::updated` and `Tape::commit`.
template <class T>
class UpdateQueue {
 public:
  /// An empty queue of updates whose values are nodes of `tape`.
  explicit UpdateQueue(Tape<T>& tape) : tape_(tape) {}
  void add(const Parameter<T>& parameter, Var<T> value, const Location& where);  ///< as `Tape::update`
  Var<T> updated(const Parameter<T>& parameter, const Location& where);          ///< as `Tape::updated`
  void write(const Location& where);                                             ///< as `Tape::commit`
  std::span<const Update<T>> all() const { return queue_; }                      ///< the queued updates
  void clear() { queue_.clear(); }                                               ///< drops all updates
  /// Replaces the updates; returns the old ones.
  std::vector<Update<T>> exchange(std::vector<Update<T>> updates);
  /// Marks all updates as included in a Program.
  void note_compiled();
  /// Throws ValueError if updates were neither committed nor compiled; `subject` would lose them.
  void refuse_to_lose(const char* subject, const Location& where) const;
  /// Drops the updates whose values are nodes from index `size` on, which are rewound.
  void rewind(std::size_t size);

 private:
  // A node that `updated` returned for an update's value.
  struct UpdatedNode {
    const void* parameter;
    std::uint32_t value, node;
  };
  const Update<T>* last(const Parameter<T>& parameter) const;
  bool builds_on(Var<T> value, const Update<T>& update) const;

  Tape<T>& tape_;
  std::vector<Update<T>> queue_;
  std::vector<UpdatedNode> updated_;
};

extern template class UpdateQueue<float>;
extern template class UpdateQueue<double>;

}  // namespace wengert
