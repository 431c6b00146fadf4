// MultiheadAttention and TransformerEncoderLayer: initialisation, input checks and forward pass.
#include "nn/at_caller.hpp"
#include "nn/construction.hpp"
#include <wengert/nn/attention.hpp>
#include <wengert/nn/scope.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/join.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/sequence.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>
#include <wengert/tape/op.hpp>

#include <array>

namespace wengert::nn {
namespace {

template <class T>
void require_sequence(std::string_view layer, std::string_view what, Var<T> x, std::size_t width,
                      const Location& where) {
  tape_of(x, layer, where);
  const Shape shape = x.shape();
  if (shape.rank() == 3 && shape[2] == width) return;
  throw ShapeError(layer, fmt::format("{} of shape {}: this layer expects (N, L, {})", what, to_string(shape), width),
                   where);
}

// (N, L, width) as (N, heads, L, width / heads).
template <class T>
Var<T> in_heads(Var<T> x, std::size_t heads) {
  const Shape shape = x.shape();
  return swapaxes(reshape(x, {shape[0], shape[1], heads, shape[2] / heads}), 1, 2);
}

}  // namespace

template <class T>
MultiheadAttention<T> MultiheadAttention<T>::make(std::size_t width, std::size_t heads, Generator generator,
                                                  const MultiheadAttentionOptions& options, Location where) {
  const Construction construction{"MultiheadAttention", where};
  require_positive(construction, "features", width);
  if (heads == 0 || width % heads != 0)
    throw ValueError("MultiheadAttention",
                     fmt::format("{} heads for a width of {}: expected a divisor of the width", heads, width), where);
  MultiheadAttention layer{filled<T>(construction, {3 * width, width}, 0, "in_proj_weight"),
                           {},
                           Linear<T>::make(width, width, generator, {.bias = options.bias}, where),
                           heads,
                           options.causal,
                           {}};
  if (options.dropout != 0) layer.dropout = Dropout::make(options.dropout, generator, where);
  xavier_uniform(layer.in_proj_weight, generator);
  if (options.bias) {
    layer.in_proj_bias = filled<T>(construction, {3 * width}, 0, "in_proj_bias");
    zeros(*layer.out_proj.bias);
  }
  return layer;
}

template <class T>
AttentionResult<T> MultiheadAttention<T>::with_weights(Var<T> query, Var<T> key, Var<T> value,
                                                       const AttentionOptions<T>& options, Location where) const {
  const Scope scope(*this, query);
  const std::size_t width = in_proj_weight.shape()[1];
  require_sequence("MultiheadAttention", "queries", query, width, where);
  require_sequence("MultiheadAttention", "keys", key, width, where);
  require_sequence("MultiheadAttention", "values", value, width, where);
  Tape<T>& tape = query.tape();
  for (const Var<T>& other : {key, value}) {
    if (&other.tape("MultiheadAttention", where) != &tape)
      throw HandleError("MultiheadAttention", "queries, keys and values belong to different tapes: expected one",
                        where);
    if (other.shape()[0] != query.shape()[0])
      throw ShapeError("MultiheadAttention",
                       fmt::format("queries of shape {}, keys of shape {} and values of shape {}: expected the same "
                                   "number of samples in each",
                                   to_string(query.shape()), to_string(key.shape()), to_string(value.shape())),
                       where);
  }
  return at_caller(tape, where, [&] {
    const Var<T> weight = tape.variable(in_proj_weight);
    const Var<T> bias = in_proj_bias ? tape.variable(*in_proj_bias) : Var<T>();
    std::array<Var<T>, 3> x{query, key, value};
    const bool is_self = query.index() == key.index() && key.index() == value.index();
    if (!options.lengths.empty()) {  // zeros keep NaN in the padding out of the gradients of the weights
      x[1] = mask_steps(key, options.lengths, where);
      x[2] = value.index() == key.index() ? x[1] : mask_steps(value, options.lengths, where);
      if (is_self) x[0] = x[1];
    }
    if (is_self) {  // one product instead of three
      Var<T> all = matmul(x[0], transpose(weight));
      if (!bias.empty()) all = all + bias;
      const auto parts = split(all, 3, -1);
      std::copy(parts.begin(), parts.end(), x.begin());
    } else {
      const auto weights = split(weight, 3);
      const auto biases = bias.empty() ? std::vector<Var<T>>{} : split(bias, 3);
      for (std::size_t i = 0; i < 3; ++i) {
        x[i] = matmul(x[i], transpose(weights[i]));
        if (!biases.empty()) x[i] = x[i] + biases[i];
      }
    }
    AttentionOptions<T> attention = options;
    attention.causal = options.causal || causal;
    if (dropout)
      attention.on_weights = [&](Var<T> weights) {
        return dropout->as_part(options.on_weights ? options.on_weights(weights) : weights, where);
      };
    const AttentionResult<T> attended = scaled_dot_product_attention_with_weights(
        in_heads(x[0], heads), in_heads(x[1], heads), in_heads(x[2], heads), attention);
    return AttentionResult<T>{out_proj(reshape(swapaxes(attended.output, 1, 2), query.shape())), attended.weights};
  });
}

template <class T>
TransformerEncoderLayer<T> TransformerEncoderLayer<T>::make(std::size_t width, std::size_t heads, Generator generator,
                                                            const TransformerEncoderOptions& options, Location where) {
  const NormOptions norm{.epsilon = options.epsilon};
  return {MultiheadAttention<T>::make(width, heads, generator, {.causal = options.causal, .dropout = options.dropout},
                                      where),
          Linear<T>::make(width, options.feedforward, generator, {}, where),
          Linear<T>::make(options.feedforward, width, generator, {}, where),
          LayerNorm<T>::make({width}, norm, where),
          LayerNorm<T>::make({width}, norm, where),
          Dropout::make(options.dropout, generator, where),
          options.activation,
          options.norm_first};
}

template <class T>
Var<T> TransformerEncoderLayer<T>::operator()(Var<T> x, const AttentionOptions<T>& attention, Location where) const {
  const Scope scope(*this, x);
  require_sequence("TransformerEncoderLayer", "an input", x, linear1.weight.shape()[1], where);
  const auto attend = [&](Var<T> a) { return dropout(self_attn(a, a, a, attention)); };
  const auto feed = [&](Var<T> a) {
    const Var<T> between = linear1(a);
    return dropout(linear2(dropout(activation == FeedforwardActivation::relu ? relu(between) : gelu(between))));
  };
  const auto masked = [&](Var<T> a) { return attention.lengths.empty() ? a : mask_steps(a, attention.lengths, where); };
  return at_caller(x.tape(), where, [&] {
    const Var<T> real = masked(x);
    if (norm_first) {
      const Var<T> y = real + attend(norm1(real));
      return masked(y + feed(norm2(y)));
    }
    const Var<T> y = norm1(real + attend(real));
    return masked(norm2(y + feed(y)));
  });
}

#define WENGERT_INSTANTIATE(T)           \
  template struct MultiheadAttention<T>; \
  template struct TransformerEncoderLayer<T>;
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::nn
