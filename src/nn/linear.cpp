// Linear: initialisation, input checks, and the affine map x·Wᵀ + b.
#include "nn/affine.hpp"
#include "nn/construction.hpp"
#include <wengert/nn/linear.hpp>
#include <wengert/nn/scope.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/op.hpp>

namespace wengert::nn {

template <class T>
Linear<T> Linear<T>::make(std::size_t in, std::size_t out, Generator generator, const LinearOptions& options,
                          Location where) {
  const Construction construction{"Linear", where};
  require_positive(construction, "inputs", in);
  require_positive(construction, "outputs", out);
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  Linear layer{drawn<T>(construction, {out, in}, bound, generator, "weight"), {}};
  if (options.bias) layer.bias = drawn<T>(construction, {out}, bound, generator, "bias");
  return layer;
}

template <class T>
Var<T> affine(std::string_view subject, Var<T> x, const Parameter<T>& weight, const std::optional<Parameter<T>>& bias,
              const Location& where) {
  Tape<T>& tape = tape_of(x, subject, where);
  const Shape shape = x.shape(), weights = weight.shape();
  if (shape.empty() || shape.back() != weights[1])
    throw ShapeError(
        subject,
        fmt::format("an input of shape {}: this layer ({} → {}) expects {} features along the last axis{}",
                    to_string(shape), weights[1], weights[0], weights[1],
                    shape.rank() > 2 && shape.elements() == shape[0] * weights[1] ? "; put a Flatten before it" : ""),
        where);
  const Var<T> y = matmul(x, transpose(tape.variable(weight, where), {}, where), where);
  return bias ? add(Operand<T>(y, where), Operand<T>(tape.variable(*bias, where), where)) : y;
}

template <class T>
Var<T> Linear<T>::operator()(Var<T> x, Location where) const {
  const Scope scope(*this, x);
  return affine("Linear", x, weight, bias, where);
}

template Var<float> affine(std::string_view, Var<float>, const Parameter<float>&,
                           const std::optional<Parameter<float>>&, const Location&);
template Var<double> affine(std::string_view, Var<double>, const Parameter<double>&,
                            const std::optional<Parameter<double>>&, const Location&);
template struct Linear<float>;
template struct Linear<double>;

}  // namespace wengert::nn
