// LoRALinear: a frozen Linear with a trainable update of low rank.
#pragma once

#include <wengert/nn/linear.hpp>

namespace wengert::nn {

/// Options of LoRALinear.
struct LoRAOptions {
  std::optional<double> alpha = {};  ///< the update is scaled by alpha / rank; by default, alpha is the rank
};

/// x·Wᵀ + b + (alpha/rank)·x·Aᵀ·Bᵀ over the last axis, with W and b frozen: LoRA (Hu et al. 2021). Fine-tuning trains
/// rank·(in + out) instead of in·out elements. Made by `with_lora`.
template <class T>
struct LoRALinear {
  Parameter<T> weight;               ///< W, (out, in), frozen
  std::optional<Parameter<T>> bias;  ///< b, (out,), frozen
  Parameter<T> lora_a;               ///< A, (rank, in)
  Parameter<T> lora_b;               ///< B, (out, rank)
  double scale = 1;                  ///< alpha / rank

  /// Throws ShapeError unless the last axis of x has extent `in`.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const;

  /// A trainable Linear with its own parameters, W + scale·B·A and a copy of b, that computes the same, but for
  /// rounding.
  Linear<T> merged() const;
};

/// Adapts a layer for fine-tuning. Freezes and shares the parameters of `layer`. A is drawn uniformly from ±1/√in and B
/// is 0, so the result computes what `layer` does until it is trained. Throws ValueError for a rank below 1 and an
/// alpha that is not finite, MemoryError for a rank that is too large; then nothing is frozen.
template <class T>
LoRALinear<T> with_lora(const Linear<T>& layer, std::size_t rank, Generator generator, const LoRAOptions& options = {},
                        Location where = Location::current());

extern template struct LoRALinear<float>;
extern template struct LoRALinear<double>;

}  // namespace wengert::nn
