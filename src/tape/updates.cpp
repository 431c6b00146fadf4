// Queued parameter updates: rejects those that would overwrite one another, and writes them.
#include <wengert/tape/op.hpp>
#include <wengert/tape/tape.hpp>
#include <wengert/tape/updates.hpp>

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

namespace wengert {

template <class T>
void UpdateQueue<T>::add(const Parameter<T>& parameter, Var<T> value, const Location& where) {
  if (value.empty()) detail::throw_empty_handle("update", "the value", where);
  if (&value.tape("update", where) != &tape_) throw HandleError("update", "the value belongs to another tape", where);
  const Shape shape = tape_.node(value, "update", where).layout->shape;
  if (shape != parameter.shape())
    throw ShapeError("update",
                     fmt::format("parameter '{}' has shape {}: cannot be updated to a value of shape {}",
                                 parameter.name(), to_string(parameter.shape()), to_string(shape)),
                     where);
  const Update<T>* previous = last(parameter);
  if (previous != nullptr && !builds_on(value, *previous))
    throw ValueError("update",
                     fmt::format("parameter '{}' already has a queued update, which this value does not depend on and "
                                 "would replace: start from updated(parameter), or drop it with discard_updates()",
                                 parameter.name()),
                     where);
  // A value in a parameter's own memory is copied, because that memory may be written before it is read.
  if (tape_.node(std::size_t{value.index()}).versioned) value = value * 1;
  queue_.push_back({parameter, value});
}

template <class T>
const Update<T>* UpdateQueue<T>::last(const Parameter<T>& parameter) const {
  const auto found = std::find_if(queue_.rbegin(), queue_.rend(),
                                  [&](const Update<T>& queued) { return queued.parameter == parameter; });
  return found != queue_.rend() ? &*found : nullptr;
}

// Whether a value was computed from what `updated` returned for an update. Reading the node of the update's own value
// does not show that: it may have other uses.
template <class T>
bool UpdateQueue<T>::builds_on(Var<T> value, const Update<T>& update) const {
  const std::uint32_t first = update.value.index();
  const auto stands_for_update = [&](std::uint32_t k) {
    return std::any_of(updated_.begin(), updated_.end(), [&](const UpdatedNode& given) {
      return given.node == k && given.value == first && given.parameter == &update.parameter.value();
    });
  };
  if (value.index() < first) return false;
  std::vector<bool> read(value.index() - first + std::size_t{1});
  read.back() = true;
  const auto note = [&](std::uint32_t k) {
    if (k >= first) read[k - first] = true;
  };
  for (std::uint32_t k = value.index(); k > first; --k) {
    if (!read[k - first]) continue;
    if (stands_for_update(k)) return true;
    const Node<T>& n = tape_.node(std::size_t{k});
    if (n.op != nullptr && n.op->stands_for) note(*static_cast<const std::uint32_t*>(n.attributes));
    for (const std::uint32_t input : tape_.inputs(k)) note(input);
  }
  return false;
}

// For a queued update, returns a new node, which has no other uses.
template <class T>
Var<T> UpdateQueue<T>::updated(const Parameter<T>& parameter, const Location& where) {
  const Update<T>* previous = last(parameter);
  if (previous == nullptr) return tape_.variable(parameter, where);
  const Var<T> value = previous->value;
  const Var<T> result = EngineOps<T>::table.reshape(value, parameter.shape(), where);
  updated_.push_back({&parameter.value(), value.index(), result.index()});
  return result;
}

template <class T>
void UpdateQueue<T>::write(const Location& where) {
  if (!tape_.writes_parameters())
    throw HandleError("commit",
                      "the tape is recorded for a Program, which applies the queued updates at each replay: queue them "
                      "with update() and omit commit()",
                      where);
  for (Update<T>& queued : queue_) {
    const Value<const T> value = tape_.value_of(queued.value.index());
    queued.parameter.change([&](Tensor<T>& tensor) { copy_elements<T>(value, tensor.data()); });
  }
  queue_.clear();
}

template <class T>
std::vector<Update<T>> UpdateQueue<T>::exchange(std::vector<Update<T>> updates) {
  return std::exchange(queue_, std::move(updates));
}

template <class T>
void UpdateQueue<T>::note_compiled() {
  for (Update<T>& queued : queue_) queued.compiled = true;
}

template <class T>
void UpdateQueue<T>::refuse_to_lose(const char* subject, const Location& where) const {
  const auto is_compiled = [](const Update<T>& queued) { return queued.compiled; };
  const auto lost = std::find_if_not(queue_.begin(), queue_.end(), is_compiled);
  if (lost == queue_.end()) return;
  throw ValueError(subject,
                   fmt::format("{} queued update(s) would be lost, the first for parameter '{}': apply them with "
                               "commit() first, or drop them with discard_updates()",
                               std::count_if(lost, queue_.end(), std::not_fn(is_compiled)), lost->parameter.name()),
                   where);
}

template <class T>
void UpdateQueue<T>::rewind(std::size_t size) {
  std::erase_if(queue_, [&](const Update<T>& queued) { return queued.value.index() >= size; });
  std::erase_if(updated_, [&](const UpdatedNode& given) { return given.node >= size; });
}

template class UpdateQueue<float>;
template class UpdateQueue<double>;

}  // namespace wengert
