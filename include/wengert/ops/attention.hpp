// Attention.
#pragma once

#include <wengert/op.hpp>

#include <functional>
#include <optional>

namespace wengert {

/// What `scaled_dot_product_attention` may attend to, and how it weighs.
template <class T>
struct AttentionOptions {
  Var<T> mask{};        ///< broadcasts against (…, L, S): 0 forbids, anything else allows; empty: all allowed
  Var<T> bias{};        ///< broadcasts against (…, L, S) and is added to the scores; empty: 0
  bool causal = false;  ///< query i attends to the keys 0 to i only
  std::optional<double> scale{};               ///< of the scores; 1/√E if none is given
  std::function<Var<T>(Var<T>)> on_weights{};  ///< what becomes of the weights (…, L, S), dropout for example
};

/// softmax(scale · q·kᵀ + bias)·v, the attention of queries q (…, L, E) to keys k (…, S, E) with the values v (…, S,
/// F); the result is (…, L, F) (Vaswani et al. 2017).
///
/// The leading axes are those of `matmul`. What is forbidden has the weight 0; a query that may attend to nothing gives
/// zeros, and keys and values that no query may see reach no result and no gradient, even if they are NaN. Throws
/// ShapeError if the shapes do not fit each other.
template <class T>
Var<T> scaled_dot_product_attention(Var<T> q, Var<T> k, Var<T> v,
                                    const std::type_identity_t<AttentionOptions<T>>& options = {},
                                    Location where = Location::current());

}  // namespace wengert
