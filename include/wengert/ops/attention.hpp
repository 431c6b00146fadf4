// Scaled dot-product attention.
#pragma once

#include <wengert/tape/index_var.hpp>
#include <wengert/tape/tape.hpp>

#include <functional>
#include <optional>

namespace wengert {

/// Options of `scaled_dot_product_attention`.
template <class T>
struct AttentionOptions {
  Var<T> mask{};  ///< broadcasts to (…, L, S): where it is 0, the query may not attend to the key; empty: no mask
  Var<T> bias{};  ///< broadcasts to (…, L, S) and is added to the scores; empty: 0
  IndexVar<T> lengths{};  ///< the number of keys of each sample, (N,), for padded keys (N, …, S, E); empty: all S
  bool causal = false;    ///< query i attends only to the keys 0 … i
  std::optional<double> scale{};               ///< multiplies the scores; by default 1/√E
  std::function<Var<T>(Var<T>)> on_weights{};  ///< applied to the weights (…, L, S); for example dropout
};

/// softmax(scale · q·kᵀ + bias)·v, the attention of queries q (…, L, E) to keys k (…, S, E) with the values v (…, S,
/// F); the result is (…, L, F) (Vaswani et al. 2017).
///
/// The leading axes broadcast as in `matmul`. Masked keys have weight 0; the result of a query whose keys are all
/// masked is zeros. Keys and values that are masked for all queries, or lie beyond the length of a sample, affect no
/// result and no gradient, even if they are NaN. Throws ShapeError for mismatched shapes, ValueError for a length that
/// is not in 0 … S, also at a replay.
template <class T>
Var<T> scaled_dot_product_attention(Var<T> q, Var<T> k, Var<T> v,
                                    const std::type_identity_t<AttentionOptions<T>>& options = {},
                                    Location where = Location::current());

/// The result of attention, with its weights.
template <class T>
struct AttentionResult {
  Var<T> output;   ///< (…, L, F)
  Var<T> weights;  ///< (…, L, S): how much each query attends to each key, after `on_weights`
};
/// The same with the attention weights, as they multiply the values: 0 for masked keys, and otherwise 1 in sum over
/// the keys unless `on_weights` changes them.
template <class T>
AttentionResult<T> scaled_dot_product_attention_with_weights(
    Var<T> q, Var<T> k, Var<T> v, const std::type_identity_t<AttentionOptions<T>>& options = {},
    Location where = Location::current());

}  // namespace wengert
