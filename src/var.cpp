#include <wengert/index_var.hpp>

#include <fmt/format.h>

namespace wengert {

template <class T>
T Var<T>::item(Location where) const {
  if (empty()) throw HandleError("item", "empty handle: it was never recorded on a tape", where);
  const Node<T>& n = tape().node(*this, "item", where);
  if (n.layout->size != 1)
    throw ShapeError(
        "item", fmt::format("shape {}: only a value of size 1 is one number; use value()", to_string(n.layout->shape)),
        where);
  tape().note_read(where);
  return *n.data;
}

template <class T>
Tensor<T> Var<T>::value(Location where) const {
  if (empty()) throw HandleError("value", "empty handle: it was never recorded on a tape", where);
  const Node<T>& n = tape().node(*this, "value", where);
  tape().note_read(where);
  auto result = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(n.layout->shape));
  copy_elements<T>({n.data, n.layout}, result.data());
  return result;
}

template <class T>
Operand<T>::Operand(const Parameter<T>& parameter, Location where)
    : tensor_(&parameter),
      record_([](const void* p, Tape<T>& tape, const Location& line) {
        return tape.variable(*static_cast<const Parameter<T>*>(p), line);
      }),
      where_(where) {}

template <class T>
Var<T> Operand<T>::on(Tape<T>& tape) const {
  if (tensor_ != nullptr) return record_(tensor_, tape, where_);
  return is_scalar_ ? tape.constant(static_cast<T>(scalar_), where_) : var_;
}

template <class T>
std::int64_t IndexVar<T>::item(Location where) const {
  if (size() != 1)
    throw ShapeError(
        "item", fmt::format("shape {}: only a value of size 1 is one number; use value()", to_string(shape())), where);
  return value(where).data()[0];
}

template <class T>
Indices IndexVar<T>::value(Location where) const {
  const Node<T>& n = tape().node(handle_, "value", where);
  tape().note_read(where);
  auto result = Indices::from_shape(xt::dynamic_shape<std::size_t>(n.layout->shape));
  copy_elements<std::int64_t>({reinterpret_cast<const std::int64_t*>(n.data), n.layout}, result.data());
  return result;
}

template class Var<float>;
template class Var<double>;
template class IndexVar<float>;
template class IndexVar<double>;
template class Operand<float>;
template class Operand<double>;

}  // namespace wengert
