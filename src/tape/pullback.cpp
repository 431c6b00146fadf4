// Pullback: checks the cotangents that a vjp gives, and passes them to the sweep.
#include <wengert/tape/op.hpp>

#include <array>

#include <fmt/format.h>

namespace wengert {

template <class T>
void Pullback<T>::give(std::size_t i, Var<T> cotangent) {
  if (!needs(i)) return;
  const Layout* got = tape().node(cotangent, node().op->name).layout;
  if (got != tape().node(std::size_t{index_of(i)}).layout) require_shape(i, got->shape);
  pass(i, cotangent);
}

template <class T>
void Pullback<T>::give(std::size_t i, const Op<T>& scatter, const void* attributes, std::span<const Var<T>> inputs) {
  if (!needs(i)) return;
  std::array<const Shape*, 2> shapes{};
  for (std::size_t k = 0; k < inputs.size(); ++k) shapes[k] = &tape().node(inputs[k], node().op->name).layout->shape;
  require_shape(i, scatter.shape(attributes, {shapes.data(), inputs.size()}));
  sweep_.accumulate(index_of(i), scatter, attributes, inputs);
}

template <class T>
void Pullback<T>::require_shape(std::size_t i, const Shape& got) const {
  const Shape& expected = tape().node(std::size_t{index_of(i)}).layout->shape;
  if (got == expected) return;
  throw ShapeError(node().op->name,
                   fmt::format("vjp: the cotangent of input {} has shape {}, but the input has shape {}", i + 1,
                               to_string(got), to_string(expected)),
                   node().where);
}

template class Pullback<float>;
template class Pullback<double>;

}  // namespace wengert
