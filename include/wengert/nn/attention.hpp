// Attention, and the transformer's encoder layer.
//
// Sequences are (N, L, width): samples, positions, features (PyTorch's `batch_first`). A mask has 0 where attending is
// forbidden and 1 where it is allowed, the opposite of PyTorch's boolean masks. Sequences of different lengths are
// padded at the end; pass the number of real positions of each, (N,): `layer(x, x, x, {.lengths = lengths})`. Then
// padding affects no real position and no gradient, even if it is NaN.
#pragma once

#include <wengert/nn/dropout.hpp>
#include <wengert/nn/linear.hpp>
#include <wengert/nn/normalise.hpp>
#include <wengert/ops/attention.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/tape/parameter.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace wengert::nn {

/// Options of MultiheadAttention.
struct MultiheadAttentionOptions {
  bool bias = true;     ///< whether the projections have biases
  bool causal = false;  ///< each position attends only to itself and earlier ones
  double dropout = 0;   ///< the probability that an attention weight is dropped, in training
};

/// Multi-head attention (Vaswani et al. 2017): projects queries, keys and values, splits their width into `heads`
/// parallel heads, and projects the concatenated results.
template <class T>
struct MultiheadAttention {
  Parameter<T> in_proj_weight;               ///< (3·width, width): for queries, keys and values
  std::optional<Parameter<T>> in_proj_bias;  ///< (3·width,)
  Linear<T> out_proj;                        ///< the output projection
  std::size_t heads;                         ///< the number of heads
  bool causal = false;                       ///< whether a position attends only to itself and earlier ones
  std::optional<Dropout> dropout{};          ///< for the attention weights

  /// Initialises as in PyTorch: in_proj_weight by `xavier_uniform`, out_proj.weight like a Linear's, biases to 0.
  /// Throws ValueError for a width of 0, for heads that do not divide the width, and for a dropout probability that is
  /// not in [0, 1]; MemoryError for sizes that are too large.
  static MultiheadAttention make(std::size_t width, std::size_t heads, Generator generator,
                                 const MultiheadAttentionOptions& options = {}, Location where = Location::current());
  /// Self-attention: x (N, L, width) attends to itself. Throws ShapeError for any other shape.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { return (*this)(x, x, x, {}, where); }
  /// Queries (N, L, width) attend to keys and values (N, S, width); the result is (N, L, width). The mask (0 forbids)
  /// and bias of `options` broadcast against (N, heads, L, S); attention is causal if the layer or `options` says so.
  /// The `lengths` of `options` are those of keys and values; in self-attention, also of the queries, whose padding is
  /// read as zeros. Throws ShapeError for mismatched shapes, HandleError if the operands are on different tapes,
  /// ValueError for a length that is not in 0 … S.
  Var<T> operator()(Var<T> query, Var<T> key, Var<T> value, const AttentionOptions<T>& options = {},
                    Location where = Location::current()) const {
    return with_weights(query, key, value, options, where).output;
  }
  /// The same with the attention weights (N, heads, L, S), after dropout, for each head (PyTorch's need_weights with
  /// average_attn_weights=False).
  AttentionResult<T> with_weights(Var<T> query, Var<T> key, Var<T> value, const AttentionOptions<T>& options = {},
                                  Location where = Location::current()) const;
};

/// The activation between the two linear layers of a TransformerEncoderLayer.
enum class FeedforwardActivation : std::uint8_t { relu, gelu };

/// Options of TransformerEncoderLayer.
struct TransformerEncoderOptions {
  std::size_t feedforward = 2048;  ///< the width between the two linear layers
  double dropout = 0.1;            ///< for the attention weights, both branches, and between the linear layers
  FeedforwardActivation activation = FeedforwardActivation::relu;  ///< between linear1 and linear2
  bool norm_first = false;  ///< normalises the input of each branch instead of the sum
  bool causal = false;      ///< each position attends only to itself and earlier ones
  double epsilon = 1e-5;    ///< ε of the normalisations
};

/// The encoder layer of a transformer: self-attention, then two linear layers, each in a residual branch with layer
/// normalisation.
template <class T>
struct TransformerEncoderLayer {
  MultiheadAttention<T> self_attn;                                 ///< among the positions of a sequence
  Linear<T> linear1;                                               ///< the first layer of the feedforward branch
  Linear<T> linear2;                                               ///< the second layer of the feedforward branch
  LayerNorm<T> norm1;                                              ///< for the attention branch
  LayerNorm<T> norm2;                                              ///< for the feedforward branch
  Dropout dropout;                                                 ///< outside self_attn, which has its own
  FeedforwardActivation activation = FeedforwardActivation::relu;  ///< between linear1 and linear2
  bool norm_first = false;                                         ///< normalises before each branch, not after it

  /// Initialises each part like its own `make`. Throws ValueError for sizes of 0, heads that do not divide the width,
  /// and a dropout probability that is not in [0, 1]; MemoryError for sizes that are too large.
  static TransformerEncoderLayer make(std::size_t width, std::size_t heads, Generator generator,
                                      const TransformerEncoderOptions& options = {},
                                      Location where = Location::current());
  /// Maps x (N, L, width) to the same shape. Throws ShapeError for any other shape.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { return (*this)(x, {}, where); }
  /// The same with an attention mask (0 forbids) or bias that broadcasts against (N, heads, L, L), or with lengths
  /// (N,); then positions beyond the lengths are zeros in the result.
  Var<T> operator()(Var<T> x, const AttentionOptions<T>& attention, Location where = Location::current()) const;
};

#define WENGERT_EXTERN(T)                       \
  extern template struct MultiheadAttention<T>; \
  extern template struct TransformerEncoderLayer<T>;
WENGERT_EXTERN(float)
WENGERT_EXTERN(double)
#undef WENGERT_EXTERN

}  // namespace wengert::nn
