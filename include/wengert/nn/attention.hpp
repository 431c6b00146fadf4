// Attention, and the transformer's encoder layer.
//
// Sequences are (N, L, width): samples, places, numbers a place (PyTorch's `batch_first`). A mask has 0 where attending
// is forbidden and 1 where it is allowed, the opposite of PyTorch's masks of bools. For samples of several lengths, a
// tensor (N, 1, 1, S) with 0 at the places that pad: `layer(x, x, x, {.mask = tape.borrow(mask)})`.
#pragma once

#include <wengert/nn/dropout.hpp>
#include <wengert/nn/linear.hpp>
#include <wengert/nn/normalise.hpp>
#include <wengert/ops/attention.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/parameter.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace wengert::nn {

/// How a MultiheadAttention is made.
struct MultiheadAttentionOptions {
  bool bias = true;     ///< whether the projections have biases
  bool causal = false;  ///< a place attends to itself and those before it only
  double dropout = 0;   ///< the probability that a weight of the attention is dropped, in training
};

/// Attention in several heads side by side: queries, keys and values are each projected, attended to in `heads` parts
/// of their width, and projected back (Vaswani et al. 2017).
template <class T>
struct MultiheadAttention {
  Parameter<T> in_proj_weight;               ///< (3·width, width): of queries, keys and values
  std::optional<Parameter<T>> in_proj_bias;  ///< (3·width,)
  Linear<T> out_proj;                        ///< of what the heads found
  std::size_t heads;                         ///< that the features are shared out among
  bool causal = false;                       ///< whether a position sees only itself and earlier ones
  std::optional<Dropout> dropout{};          ///< of the weights

  /// Begins as PyTorch's: in_proj_weight by `xavier_uniform`, out_proj.weight as Linear's, biases of 0.
  /// Throws ValueError unless the heads divide the width, and for a dropout probability that is not in [0, 1].
  static MultiheadAttention make(std::size_t width, std::size_t heads, Generator generator,
                                 const MultiheadAttentionOptions& options = {}, Location where = Location::current());
  /// Self-attention: x (N, L, width) attends to itself. Throws ShapeError for another shape.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { return (*this)(x, x, x, {}, where); }
  /// Queries (N, L, width) attend to keys and values (N, S, width); the result is (N, L, width). A mask (0
  /// forbids) or bias in `options` broadcasts against (N, heads, L, S); `causal` holds if either says so. Throws
  /// ShapeError for shapes that do not fit, HandleError if the operands are on several tapes.
  Var<T> operator()(Var<T> query, Var<T> key, Var<T> value, const AttentionOptions<T>& options = {},
                    Location where = Location::current()) const;
};

/// What lies between a transformer layer's two linear ones.
enum class FeedforwardActivation : std::uint8_t { relu, gelu };

/// How a TransformerEncoderLayer is made.
struct TransformerEncoderOptions {
  std::size_t feedforward = 2048;  ///< the width between its two linear layers
  double dropout = 0.1;            ///< of the attention's weights, of both branches and between the linear layers
  FeedforwardActivation activation = FeedforwardActivation::relu;  ///< between linear1 and linear2
  bool norm_first = false;  ///< each branch normalises what it reads, instead of the sum
  bool causal = false;      ///< a place attends to itself and those before it only
  double epsilon = 1e-5;    ///< of the normalisations
};

/// Self-attention and two linear layers, each in a branch that is added to what it read and normalised.
template <class T>
struct TransformerEncoderLayer {
  MultiheadAttention<T> self_attn;                                 ///< among the positions of a sequence
  Linear<T> linear1;                                               ///< the first layer of the feedforward part
  Linear<T> linear2;                                               ///< its second layer
  LayerNorm<T> norm1;                                              ///< of the attention
  LayerNorm<T> norm2;                                              ///< of the feedforward part
  Dropout dropout;                                                 ///< of both parts; self_attn has its own
  FeedforwardActivation activation = FeedforwardActivation::relu;  ///< between linear1 and linear2
  bool norm_first = false;                                         ///< before each part, or after it

  /// Parts begin as they do alone. Throws ValueError for sizes of 0, heads that do not divide the width, and a dropout
  /// probability that is not in [0, 1].
  static TransformerEncoderLayer make(std::size_t width, std::size_t heads, Generator generator,
                                      const TransformerEncoderOptions& options = {},
                                      Location where = Location::current());
  /// x (N, L, width) gives the same shape. Throws ShapeError for another one.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { return (*this)(x, {}, where); }
  /// The same with a mask (0 forbids) or bias of the attention, which broadcasts against (N, heads, L, L).
  Var<T> operator()(Var<T> x, const AttentionOptions<T>& attention, Location where = Location::current()) const;
};

#define WENGERT_EXTERN(T)                       \
  extern template struct MultiheadAttention<T>; \
  extern template struct TransformerEncoderLayer<T>;
WENGERT_EXTERN(float)
WENGERT_EXTERN(double)
#undef WENGERT_EXTERN

}  // namespace wengert::nn
