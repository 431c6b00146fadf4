// LoRALinear: the frozen affine map plus the product of two small matrices, and the Linear that both merge into.
#include "nn/affine.hpp"
#include "nn/construction.hpp"
#include <wengert/nn/lora.hpp>
#include <wengert/nn/scope.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/op.hpp>

namespace wengert::nn {

template <class T>
Var<T> LoRALinear<T>::operator()(Var<T> x, Location where) const {
  const Scope scope(*this, x);
  Tape<T>& tape = tape_of(x, "LoRALinear", where);
  return atomically(tape, where, [&] {
    const Var<T> y = affine("LoRALinear", x, weight, bias, where);
    const Var<T> inner = matmul(x, transpose(tape.variable(lora_a, where), {}, where), where);
    const Var<T> update = matmul(inner, transpose(tape.variable(lora_b, where), {}, where), where);
    const Var<T> scaled =
        scale == 1 ? update : multiply(Operand<T>(update, where), Operand<T>(static_cast<T>(scale), where));
    return add(Operand<T>(y, where), Operand<T>(scaled, where));
  });
}

template <class T>
Linear<T> LoRALinear<T>::merged() const {
  Tape<T> tape;
  const Var<T> update = matmul(tape.constant(lora_b.value()), tape.constant(lora_a.value()));
  Linear<T> layer{Parameter<T>(Tensor<T>(weight.value() + static_cast<T>(scale) * update.value()), "weight"), {}};
  if (bias) layer.bias = Parameter<T>(bias->value(), "bias");
  return layer;
}

template <class T>
LoRALinear<T> with_lora(const Linear<T>& layer, std::size_t rank, Generator generator, const LoRAOptions& options,
                        Location where) {
  const Construction construction{"with_lora", where};
  require_positive(construction, "ranks", rank);
  const double alpha = options.alpha.value_or(static_cast<double>(rank));
  if (!std::isfinite(alpha))
    throw ValueError("with_lora", fmt::format("alpha {}: expected a finite number", alpha), where);
  const Shape shape = layer.weight.shape();
  const double bound = 1 / std::sqrt(static_cast<double>(shape[1]));
  const LoRALinear<T> adapted{
      layer.weight, layer.bias, drawn<T>(construction, {rank, shape[1]}, bound, generator, "lora_a"),
      filled<T>(construction, {shape[0], rank}, 0, "lora_b"), alpha / static_cast<double>(rank)};
  Parameter<T>(layer.weight).set_trainable(false);
  if (layer.bias) Parameter<T>(*layer.bias).set_trainable(false);
  return adapted;
}

template struct LoRALinear<float>;
template struct LoRALinear<double>;
template LoRALinear<float> with_lora(const Linear<float>&, std::size_t, Generator, const LoRAOptions&, Location);
template LoRALinear<double> with_lora(const Linear<double>&, std::size_t, Generator, const LoRAOptions&, Location);

}  // namespace wengert::nn
