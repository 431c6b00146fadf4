// Scaled dot-product attention, composed of other ops; keys masked for all queries reach no result, even as NaN.
#include "tape/operands.hpp"
#include <wengert/ops/attention.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/sequence.hpp>
#include <wengert/ops/shape.hpp>

#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace wengert {
namespace {

constexpr std::string_view attention_name = "scaled_dot_product_attention";

void check_shapes(std::string_view name, const Shape& q, const Shape& k, const Shape& v) {
  const auto shapes = [&] {
    return fmt::format("queries {}, keys {} and values {}", to_string(q), to_string(k), to_string(v));
  };
  if (q.rank() < 2 || k.rank() < 2 || v.rank() < 2)
    throw ShapeError(name, fmt::format("{}: each must be (…, length, width)", shapes()));
  if (q.back() != k.back())
    throw ShapeError(name, fmt::format("{}: queries and keys must have the same width", shapes()));
  if (k[k.rank() - 2] != v[v.rank() - 2])
    throw ShapeError(name, fmt::format("{}: keys and values must have the same length", shapes()));
}

// 1 on and below the diagonal, elsewhere 0.
template <class T>
Var<T> lower_triangle(Tape<T>& tape, std::size_t rows, std::size_t columns, const Location& where) {
  Tensor<T> ones = xt::zeros<T>({rows, columns});
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j <= i && j < columns; ++j) ones(i, j) = T(1);
  return tape.constant(std::move(ones), where);
}

template <class T>
void check_beside(std::string_view name, std::string_view role, Var<T> x, const Shape& scores, const Tape<T>& tape) {
  check_operand(tape, x, name, {}, "the {}", role);
  if (broadcast_shapes(x.shape(), scores) != scores)
    throw ShapeError(name, fmt::format("{} of shape {} does not broadcast to the scores' shape {}", role,
                                       to_string(x.shape()), to_string(scores)));
}

// The mask of keys that are not padding: (N, 1, …, 1, S) for scores (N, …, L, S).
template <class T>
Var<T> real_keys(IndexVar<T> lengths, const Shape& scores, const Tape<T>& tape, const Location& where) {
  check_operand(tape, lengths.handle(), attention_name, {}, "the lengths");
  if (scores.rank() < 3 || lengths.shape() != Shape{scores[0]})
    throw ShapeError(attention_name, fmt::format("lengths of shape {} for scores of shape {}: expected one for each "
                                                 "sample, the first of at least three axes",
                                                 to_string(lengths.shape()), to_string(scores)));
  Shape shape = scores;
  for (std::size_t axis = 1; axis + 1 < shape.rank(); ++axis) shape[axis] = 1;
  return reshape(sequence_mask(lengths, scores.back(), where), shape, where);
}

// The axes before the last two.
Shape leading_axes(const Shape& x) { return Shape(std::span(x.begin(), x.rank() - 2)); }

// Nonzero for queries that may attend to any key, (…, L, 1), and for keys that any query may attend to, (…, S, 1). The
// others are replaced by zeros before the products, because 0 times a NaN would reach results and gradients.
template <class T>
struct Seen {
  Var<T> queries, keys;

  Seen(Var<T> allowed, const Location& where) {
    if (allowed.rank() < 2) allowed = reshape(allowed, {1, allowed.size()}, where);
    const Var<T> sees = not_equal(Operand<T>(allowed, where), Operand<T>(0, where));
    queries = sum(sees, -1, KeepDims::yes, where);
    keys = expand_dims(sum(sees, -2, {}, where), -1, where);
  }
};

template <class T>
AttentionResult<T> attend(std::string_view name, Var<T> q, Var<T> k, Var<T> v, const AttentionOptions<T>& options,
                          const Location& where) {
  if (q.empty()) detail::throw_empty_handle(name, "an operand", where);
  Tape<T>& tape = q.tape(name, where);
  for (const Var<T>& operand : {q, k, v}) check_operand(tape, operand, name, where, "an operand");
  return atomically(tape, where, [&] {
    const auto at = [&](const Var<T>& x) { return Operand<T>(x, where); };
    const Operand<T> zero(0, where);
    check_shapes(name, q.shape(), k.shape(), v.shape());
    const auto batch = broadcast_shapes(leading_axes(q.shape()), leading_axes(k.shape()));
    if (!batch) matmul(q, swapaxes(k, -1, -2, where), where);  // throws the ShapeError
    Shape shape = *batch;
    shape.push_back(q.shape()[q.rank() - 2]);
    shape.push_back(k.shape()[k.rank() - 2]);
    Var<T> allowed = options.mask;
    if (!allowed.empty()) check_beside(name, "mask", allowed, shape, q.tape());
    if (!options.lengths.empty()) {
      const Var<T> real = real_keys(options.lengths, shape, q.tape(), where);
      allowed = allowed.empty() ? real : wengert::where(at(real), at(allowed), zero);
    }
    const bool masked = !allowed.empty();
    if (options.causal) {
      const Var<T> triangle = lower_triangle(q.tape(), shape[shape.rank() - 2], shape.back(), where);
      allowed = allowed.empty() ? triangle : wengert::where(at(triangle), at(allowed), zero);
    }
    Var<T> queries = q, keys = k, values = v;
    // The causal mask alone masks, for all queries, only the keys after the last query.
    if (masked || (options.causal && shape.back() > shape[shape.rank() - 2])) {
      const Seen<T> seen(allowed, where);
      queries = wengert::where(at(seen.queries), at(q), zero);
      keys = wengert::where(at(seen.keys), at(k), zero);
      values = wengert::where(at(seen.keys), at(v), zero);
    }
    const double width = static_cast<double>(q.shape().back());
    const double scale = options.scale.value_or(width > 0 ? 1 / std::sqrt(width) : 1.0);
    Var<T> scores = matmul(multiply(at(queries), Operand<T>(scale, where)), swapaxes(keys, -1, -2, where), where);
    if (!options.bias.empty()) {
      check_beside(name, "bias", options.bias, shape, q.tape());
      scores = add(at(scores), at(options.bias));
    }
    // The lowest finite number instead of −∞, because the softmax of a row of −∞ is NaN. Beside any other score, its
    // weight is exactly 0.
    const Operand<T> forbidden(std::numeric_limits<T>::lowest(), where);
    const auto times_values = [&](Var<T> weights) {
      if (options.on_weights) weights = options.on_weights(weights);
      return AttentionResult<T>{matmul(weights, values, where), weights};
    };
    if (allowed.empty()) return times_values(softmax(scores, -1, where));
    Var<T> weights = softmax(wengert::where(at(allowed), at(scores), forbidden), -1, where);
    // The causal mask alone never masks all keys of a row.
    if (masked) weights = wengert::where(at(allowed), at(weights), zero);
    return times_values(weights);
  });
}

}  // namespace

template <class T>
Var<T> scaled_dot_product_attention(Var<T> q, Var<T> k, Var<T> v,
                                    const std::type_identity_t<AttentionOptions<T>>& options, Location where) {
  return attend(attention_name, q, k, v, options, where).output;
}

template <class T>
AttentionResult<T> scaled_dot_product_attention_with_weights(Var<T> q, Var<T> k, Var<T> v,
                                                             const std::type_identity_t<AttentionOptions<T>>& options,
                                                             Location where) {
  return attend<T>("scaled_dot_product_attention_with_weights", q, k, v, options, where);
}

#define WENGERT_INSTANTIATE(T)                                                                                \
  template Var<T> scaled_dot_product_attention(Var<T>, Var<T>, Var<T>, const AttentionOptions<T>&, Location); \
  template AttentionResult<T> scaled_dot_product_attention_with_weights(Var<T>, Var<T>, Var<T>,               \
                                                                        const AttentionOptions<T>&, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

// ---- the registry --------------------------------------------------------------------------------------------------

namespace {

[[maybe_unused]] const bool attention_registered = register_op(
    {.name = attention_name,
     .notation = "softmax(s q·kᵀ + b)·v",
     .convention = "a query with all keys masked gives zeros; keys and values masked for all queries affect no result "
                   "or gradient, even if they are NaN",
     .own_examples = [] {
       const auto with = [](bool causal, bool masked) {
         return [=](std::span<const Var<double>> x) {
           AttentionOptions<double> options{.causal = causal};
           if (masked) options.mask = x[0].tape().constant(Tensor<double>{{1, 0, 1, 1}, {0, 0, 0, 0}, {0, 1, 0, 0}});
           if (x.size() > 3) options.bias = x[3];
           return scaled_dot_product_attention(x[0], x[1], x[2], options);
         };
       };
       const std::vector<Shape> shapes{{3, 2}, {4, 2}, {4, 3}};
       std::vector<Shape> biased = shapes;
       biased.push_back({3, 4});
       const std::vector<Domain> domains(4);
       const std::string label(attention_name);
       return std::vector<OpExample>{{label, shapes, {domains.begin(), domains.begin() + 3}, with(false, false)},
                                     {label, shapes, {domains.begin(), domains.begin() + 3}, with(true, false)},
                                     {label, shapes, {domains.begin(), domains.begin() + 3}, with(false, true)},
                                     {label, biased, domains, with(true, false)}};
     }});

}  // namespace
}  // namespace wengert
