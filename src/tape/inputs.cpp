// Inputs of the tape: leaf nodes for variables, parameters, constants and integer indices.
#include "tape/recorder.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

namespace wengert {

namespace detail {

LastRecorded::Slot& LastRecorded::find(const void* state) {
  std::size_t i = std::hash<const void*>{}(state) / 16 * 0x9e3779b97f4a7c15U >> 20;
  while (slots_[i &= slots_.size() - 1].state != nullptr && slots_[i].state != state) ++i;
  return slots_[i];
}

std::uint32_t& LastRecorded::operator[](const void* state) {
  if (2 * (used_ + 1) > slots_.size()) {
    const std::vector<Slot> old =
        std::exchange(slots_, std::vector<Slot>(std::max<std::size_t>(16, 2 * slots_.size())));
    for (const Slot& slot : old)
      if (slot.state != nullptr) find(slot.state) = slot;
  }
  Slot& slot = find(state);
  if (slot.state == nullptr) {
    slot = {state, 0xffffffff};
    ++used_;
  }
  return slot.node;
}

}  // namespace detail

template <class T>
const Layout* Tape<T>::keep(const Layout& layout) {
  return new (arena_.allocate(sizeof(Layout))) Layout(layout);
}

template <class T>
const void* Tape<T>::keep_name(std::string_view name) {
  if (name.empty()) return nullptr;
  auto* text = static_cast<char*>(arena_.allocate(name.size() + 1));
  *std::copy(name.begin(), name.end(), text) = '\0';
  return text;
}

template <class T>
Var<T> Tape<T>::leaf(Storage* storage, const Layout* layout, const void* attributes, const Location& where) {
  return Recorder<T>(*this).append(nullptr, reinterpret_cast<T*>(storage->data), layout, storage, attributes,
                                   static_cast<std::uint32_t>(edges_.size()), where);
}

template <class T>
Var<T> Tape<T>::uninitialised(const Shape& shape, const Location& where) {
  const Layout* layout = keep(contiguous_layout(shape));
  return leaf(pool_.allocate(layout->size * sizeof(T)), layout, nullptr, where);
}

template <class T>
Var<T> Tape<T>::variable(const Tensor<T>& value, std::string_view name, Location where) {
  const Var<T> result = constant(value, where);
  nodes_.back().attributes = keep_name(name);
  return result;
}

template <class T>
Var<T> Tape<T>::variable(Tensor<T>&& value, std::string_view name, Location where) {
  const Var<T> result = constant(std::move(value), where);
  nodes_.back().attributes = keep_name(name);
  return result;
}

template <class T>
Var<T> Tape<T>::recorded(const Parameter<T>& parameter, Location where) {
  const std::uint32_t last = last_recorded_[parameter.state_.get()];
  if (last < nodes_.size()) {  // it may have been rewound, and another node may be in its place
    const Node<T>& n = nodes_[last];
    if (n.op == nullptr && !n.released && n.storage_->version == &parameter.state_->version) return at(last);
  }
  return record_parameter(parameter, where);
}

template <class T>
Var<T> Tape<T>::variable(const Parameter<T>& parameter, Location where) {
  const Var<T> last = recorded(parameter, where);
  const bool changed = nodes_[last.index_].storage_->recorded_version != parameter.state_->version;
  return changed ? record_parameter(parameter, where) : last;
}

template <class T>
Var<T> Tape<T>::record_parameter(const Parameter<T>& parameter, const Location& where) {
  const auto& state = parameter.state_;
  const Layout* layout = keep(contiguous_layout(Shape(state->value.shape())));
  const void* name = keep_name(state->name);
  Storage* storage = pool_.adopt(reinterpret_cast<std::byte*>(state->value.data()), layout->size * sizeof(T), state);
  storage->version = &state->version;
  storage->recorded_version = state->version;
  const Var<T> result = leaf(storage, layout, name, where);
  last_recorded_[state.get()] = result.index_;
  return result;
}

template <class T>
Var<T> Tape<T>::constant(const Tensor<T>& value, Location where) {
  const Var<T> result = uninitialised(Shape(value.shape()), where);
  std::copy_n(value.data(), value.size(), nodes_.back().data_);
  return result;
}

template <class T>
Var<T> Tape<T>::constant(Tensor<T>&& value, Location where) {
  const auto owner = std::make_shared<Tensor<T>>(std::move(value));
  const Layout* layout = keep(contiguous_layout(Shape(owner->shape())));
  return leaf(pool_.adopt(reinterpret_cast<std::byte*>(owner->data()), layout->size * sizeof(T), owner), layout,
              nullptr, where);
}

template <class T>
Var<T> Tape<T>::constant(T value, Location where) {
  const Var<T> result = uninitialised(Shape{}, where);
  *nodes_.back().data_ = value;
  return result;
}

template <class T>
IndexVar<T> Tape<T>::indices(const Indices& numbers, Location where) {
  const Layout* layout = keep(contiguous_layout(Shape(numbers.shape())));
  Storage* storage = pool_.allocate(layout->size * sizeof(std::int64_t));
  std::copy_n(numbers.data(), numbers.size(), reinterpret_cast<std::int64_t*>(storage->data));
  const Var<T> result = leaf(storage, layout, nullptr, where);
  nodes_.back().holds_indices = true;
  return IndexVar<T>(result);
}

template <class T>
Var<T> Tape<T>::keep_alive(std::shared_ptr<const void> owner, const Location& where) {
  const void* data = owner.get();
  Storage* storage = pool_.adopt(static_cast<std::byte*>(const_cast<void*>(data)), 0, std::move(owner));
  const Var<T> result = leaf(storage, keep(contiguous_layout({0})), nullptr, where);
  nodes_.back().holds_indices = true;
  return result;
}

template <class T>
std::optional<Parameter<T>> Tape<T>::parameter(std::size_t index) const {
  const Storage& storage = *nodes_[index].storage_;
  if (nodes_[index].op != nullptr || storage.version == nullptr) return {};
  using State = typename Parameter<T>::State;
  return Parameter<T>(std::const_pointer_cast<State>(std::static_pointer_cast<const State>(storage.owner)));
}

template <class T>
Var<T> Tape<T>::borrow(const Tensor<T>& value, Location where) {
  const Var<T> result = borrow(std::span<const T>(value.data(), value.size()), Shape(value.shape()), where);
  nodes_.back().storage_->owner = std::shared_ptr<const void>(std::shared_ptr<const void>(), &value);
  return result;
}

template <class T>
Var<T> Tape<T>::borrow(std::span<const T> elements, const Shape& shape, Location where) {
  const Layout layout = contiguous_layout(shape);
  if (elements.size() != layout.size)
    throw ShapeError("borrow", fmt::format("{} elements for shape {}", elements.size(), to_string(shape)), where);
  auto* data = const_cast<T*>(elements.data());  // never written
  Storage* storage = pool_.adopt(reinterpret_cast<std::byte*>(data), layout.size * sizeof(T), nullptr);
  storage->borrowed = true;
  return leaf(storage, keep(layout), nullptr, where);
}

#define WENGERT_INSTANTIATE(T)                                                          \
  template const Layout* Tape<T>::keep(const Layout&);                                  \
  template const void* Tape<T>::keep_name(std::string_view);                            \
  template Var<T> Tape<T>::leaf(Storage*, const Layout*, const void*, const Location&); \
  template Var<T> Tape<T>::uninitialised(const Shape&, const Location&);                \
  template Var<T> Tape<T>::variable(const Tensor<T>&, std::string_view, Location);      \
  template Var<T> Tape<T>::variable(Tensor<T>&&, std::string_view, Location);           \
  template Var<T> Tape<T>::variable(const Parameter<T>&, Location);                     \
  template Var<T> Tape<T>::recorded(const Parameter<T>&, Location);                     \
  template Var<T> Tape<T>::record_parameter(const Parameter<T>&, const Location&);      \
  template Var<T> Tape<T>::constant(const Tensor<T>&, Location);                        \
  template Var<T> Tape<T>::constant(Tensor<T>&&, Location);                             \
  template Var<T> Tape<T>::constant(T, Location);                                       \
  template IndexVar<T> Tape<T>::indices(const Indices&, Location);                      \
  template Var<T> Tape<T>::keep_alive(std::shared_ptr<const void>, const Location&);    \
  template std::optional<Parameter<T>> Tape<T>::parameter(std::size_t) const;           \
  template Var<T> Tape<T>::borrow(const Tensor<T>&, Location);                          \
  template Var<T> Tape<T>::borrow(std::span<const T>, const Shape&, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
