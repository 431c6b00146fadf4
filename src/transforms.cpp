#include <wengert/op.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/transforms.hpp>

#include <fmt/format.h>

namespace wengert {
namespace {

// Sweeps back from `y`; the cotangent of a scalar is 1 unless another one is given.
template <class T>
void sweep(const Differentiated<T>& y, std::span<const Var<T>> wrt, std::span<Var<T>> results,
           typename Tape<T>::Temporaries temporaries) {
  if (y.value.empty()) throw HandleError("grad", "empty handle: the value was never recorded on a tape", y.where);
  Tape<T>& tape = y.value.tape();
  atomically(tape, y.where, [&] {
    const Shape shape = tape.node(y.value, "grad").layout->shape;
    for (const Var<T>& w : wrt) tape.node(w, "grad");
    Var<T> cotangent = y.cotangent;
    if (cotangent.empty()) {
      if (y.value.size() != 1)
        throw GradientError("grad", fmt::format("a value of shape {} has no gradient of its own: reduce it to a "
                                                "scalar, or give its cotangent, grad(seed(y, cotangent), …)",
                                                to_string(shape)));
      cotangent = broadcast_to(tape.constant(T(1), y.where), shape, y.where);
    } else if (const Shape got = tape.node(cotangent, "grad").layout->shape; got != shape) {
      throw ShapeError("grad", fmt::format("a cotangent of shape {} for a value of shape {}: both must be the same",
                                           to_string(got), to_string(shape)));
    }
    tape.sweep(y.value, cotangent, wrt, results, temporaries);
    return 0;
  });
}

}  // namespace

template <class T>
Differentiated<T>::Differentiated(const Seeded<T>& seeded, Location line)
    : value(seeded.value), cotangent(seeded.cotangent), where(line) {
  if (cotangent.empty()) throw HandleError("seed", "empty handle: the cotangent was never recorded on a tape", line);
}

template <class T>
void detail::grad_into(const Differentiated<T>& y, std::span<const Var<T>> wrt, std::span<Var<T>> results) {
  sweep(y, wrt, results, Tape<T>::Temporaries::keep);
}

template <class T>
void gradients_into(const std::type_identity_t<Differentiated<T>>& y, std::span<const Var<T>> wrt,
                    std::span<Tensor<T>> results) {
  if (results.size() != wrt.size())
    throw ShapeError("gradients", fmt::format("{} results for {} variables", results.size(), wrt.size()), y.where);
  if (y.value.empty()) throw HandleError("grad", "empty handle: the value was never recorded on a tape", y.where);
  Tape<T>& tape = y.value.tape();
  constexpr std::size_t few = 32;
  std::array<Var<T>, few> small;
  std::vector<Var<T>> large(wrt.size() > few ? wrt.size() : 0);
  const std::span<Var<T>> swept =
      wrt.size() > few ? std::span<Var<T>>(large) : std::span<Var<T>>(small.data(), wrt.size());
  const auto mark = tape.mark();
  sweep(y, wrt, swept, Tape<T>::Temporaries::recycle);
  for (std::size_t i = 0; i < wrt.size(); ++i) {
    const Node<T>& n = tape.node(swept[i], "gradients");
    if (Shape(results[i].shape()) != n.layout->shape)
      results[i] = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(n.layout->shape));
    copy_elements<T>({n.data, n.layout}, results[i].data());
  }
  tape.rewind(mark);
}

#define WENGERT_INSTANTIATE(T)                                                                           \
  template struct Differentiated<T>;                                                                     \
  template void detail::grad_into(const Differentiated<T>&, std::span<const Var<T>>, std::span<Var<T>>); \
  template void gradients_into<T>(const Differentiated<T>&, std::span<const Var<T>>, std::span<Tensor<T>>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
