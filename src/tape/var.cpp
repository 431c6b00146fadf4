// Reads and prints the value of a handle; converts operands to Vars.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wstringop-overflow"  // g++ 12's false alarms in xtensor's printing
#pragma GCC diagnostic ignored "-Wrestrict"
#endif
#include <wengert/tape/index_var.hpp>

#include <ostream>

#include <fmt/format.h>
#include <xtensor/xio.hpp>

namespace wengert {

void detail::throw_empty_handle(std::string_view op, std::string_view what, const Location& where) {
  throw HandleError(op, fmt::format("{} is an empty handle: it was never recorded on a tape", what), where);
}
void detail::throw_foreign_handle(std::string_view op, std::string_view what, const Location& where) {
  throw HandleError(op, fmt::format("{} belongs to another tape: record all operands on one tape", what), where);
}

template <class T>
void Var<T>::refuse(std::string_view subject, const Location& where) const {
  if (empty()) detail::throw_empty_handle(subject, "the operand", where);
  throw HandleError(
      subject,
      "the handle's tape was destroyed: keep the tape alive as long as its Vars are used, or copy the values first",
      where);
}

template <class T>
T Var<T>::item(Location where) const {
  const Node<T>& n = tape("item", where).node(*this, "item", where);
  if (n.layout->size != 1)
    throw ShapeError(
        "item", fmt::format("shape {}: expected a value of size 1; use value()", to_string(n.layout->shape)), where);
  tape().note_read(where);
  return *tape().value_of(index_).data;
}

template <class T>
Tensor<T> Var<T>::value(Location where) const {
  const Node<T>& n = tape("value", where).node(*this, "value", where);
  tape().note_read(where);
  auto result = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(n.layout->shape));
  copy_elements<T>(tape().value_of(index_), result.data());
  return result;
}

// Printing does not count as reading a value: what is recorded afterwards does not depend on it.
template <class T>
std::ostream& operator<<(std::ostream& out, const Var<T>& var) {
  if (var.empty()) return out << "an empty handle";
  const Node<T>& n = var.tape("<<", {}).node(var, "<<");
  out << "shape " << to_string(n.layout->shape);
  if (!n.computed) return out << ", not computed";
  const T* const elements = var.tape().value_of(var.index()).data;
  const auto print_as = [&]<class E>(const E* data) {
    auto copy = xt::xarray<E, xt::layout_type::row_major>::from_shape(xt::dynamic_shape<std::size_t>(n.layout->shape));
    copy_elements<E>({data, n.layout}, copy.data());
    if (copy.dimension() == 0)
      out << ": " << copy();
    else
      out << ":\n" << copy;
  };
  if (n.holds_indices)
    print_as(reinterpret_cast<const std::int64_t*>(elements));
  else
    print_as(elements);
  return out;
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
  if (size(where) != 1)
    throw ShapeError("item", fmt::format("shape {}: expected a value of size 1; use value()", to_string(shape(where))),
                     where);
  return value(where).data()[0];
}

template <class T>
Indices IndexVar<T>::value(Location where) const {
  const Node<T>& n = handle_.tape("value", where).node(handle_, "value", where);
  tape().note_read(where);
  auto result = Indices::from_shape(xt::dynamic_shape<std::size_t>(n.layout->shape));
  const Value<const T> elements = tape().value_of(index());
  copy_elements<std::int64_t>({reinterpret_cast<const std::int64_t*>(elements.data), elements.layout}, result.data());
  return result;
}

template std::ostream& operator<<(std::ostream&, const Var<float>&);
template std::ostream& operator<<(std::ostream&, const Var<double>&);
template class Var<float>;
template class Var<double>;
template class IndexVar<float>;
template class IndexVar<double>;
template class Operand<float>;
template class Operand<double>;

}  // namespace wengert
