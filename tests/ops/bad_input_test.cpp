// Invalid arguments of every function: axes, shapes, numbers, and operands of another tape.
// Each causes an error of its kind that names the function, the caller's line, the invalid argument and the
// requirement, and leaves the tape unchanged.
#include "testing.hpp"

#include <limits>

using namespace wengert;
using namespace wengert::testing;

namespace {

using V = Var<double>;
struct Bench {
  Tape<double> tape;

  V of(const Shape& shape) { return tape.variable(random_tensor(shape, 1, 0.1, 0.9)); }

  template <class Kind>
  void refuses(const std::string& name, int line, const Call& call) {
    const std::size_t before = tape.size();
    check(name, line, message_of<Kind>(call), before);
  }
  void check(const std::string& name, int line, const std::string& message, std::size_t before) {
    CAPTURE(name);
    CAPTURE(line);
    INFO(message);
    CHECK(message.starts_with(fmt::format("[{}] ", name)));
    CHECK(message.ends_with(fmt::format("({}:{})", __FILE__, line)));
    CHECK(contains(message, ": "));  // the invalid argument, then the requirement
    CHECK(tape.size() == before);
  }
};

}  // namespace

#define REFUSES(Kind, function, ...) bench.refuses<Kind>(#function, __LINE__, [&] { (void)function(__VA_ARGS__); })

TEST_CASE("an axis that is out of range") {
  Bench bench;
  const V x = bench.of({2, 3}), scalar = bench.of({});
  const auto k = bench.tape.indices({{0, 1, 0}, {1, 0, 1}}), row = bench.tape.indices({0, 1});
  for (const std::ptrdiff_t axis : {5, -5}) {
    REFUSES(AxisError, sum, x, axis);
    REFUSES(AxisError, mean, x, axis);
    REFUSES(AxisError, prod, x, axis);
    REFUSES(AxisError, amax, x, axis);
    REFUSES(AxisError, amin, x, axis);
    REFUSES(AxisError, var, x, axis);
    REFUSES(AxisError, stddev, x, axis);
    REFUSES(AxisError, norm, x, 2, axis);
    REFUSES(AxisError, norm, x, 1, axis);
    REFUSES(AxisError, norm, x, infinity, axis);
    REFUSES(AxisError, logsumexp, x, axis);
    REFUSES(AxisError, count_nonzero, x, axis);
    REFUSES(AxisError, cumsum, x, axis);
    REFUSES(AxisError, cumprod, x, axis);
    REFUSES(AxisError, logcumsumexp, x, axis);
    REFUSES(AxisError, argmax, x, axis);
    REFUSES(AxisError, argmin, x, axis);
    REFUSES(AxisError, sort, x, axis);
    REFUSES(AxisError, argsort, x, axis);
    REFUSES(AxisError, topk, x, 1, axis);
    REFUSES(AxisError, take, x, row, axis);
    REFUSES(AxisError, take_along_axis, x, k, axis);
    REFUSES(AxisError, gather, x, axis, k);
    REFUSES(AxisError, scatter, x, axis, k, 1);
    REFUSES(AxisError, scatter_add, x, axis, k, 1);
    REFUSES(AxisError, index_add, x, axis, row, 1);
    REFUSES(AxisError, softmax, x, axis);
    REFUSES(AxisError, log_softmax, x, axis);
    REFUSES(AxisError, flip, x, axis);
    REFUSES(AxisError, flatten, x, axis);
    REFUSES(AxisError, flatten, x, 0, axis);
    REFUSES(AxisError, expand_dims, x, axis);
    REFUSES(AxisError, squeeze, x, axis);
    REFUSES(AxisError, transpose, x, {0, axis});
    REFUSES(AxisError, swapaxes, x, 0, axis);
    REFUSES(AxisError, moveaxis, x, axis, 0);
    REFUSES(AxisError, moveaxis, x, 0, axis);
    REFUSES(AxisError, concatenate, {x, x}, axis);
    REFUSES(AxisError, stack, {x, x}, axis);
    REFUSES(AxisError, split, x, 1, axis);
    REFUSES(AxisError, split, x, {1}, axis);
    REFUSES(AxisError, chunk, x, 1, axis);
    REFUSES(AxisError, repeat, x, 2, axis);
    REFUSES(AxisError, roll, x, 1, axis);
    REFUSES(AxisError, slice, x, axis, 0);
    REFUSES(AxisError, diagonal, x, 0, 0, axis);
    REFUSES(AxisError, trace, x, 0, axis, 0);
    REFUSES(AxisError, tensordot, x, x, {0}, {axis});
    REFUSES(AxisError, cosine_similarity, x, x, axis);
  }
  REFUSES(AxisError, sum, scalar, 1);
  REFUSES(AxisError, softmax, scalar, -2);
  REFUSES(AxisError, cumsum, scalar, 1);
  REFUSES(AxisError, argmax, scalar, 1);
  REFUSES(AxisError, sort, scalar, 1);
  REFUSES(AxisError, concatenate, {scalar, scalar});
}

TEST_CASE("an axis that is named twice") {
  Bench bench;
  const V x = bench.of({2, 3}), ones = bench.of({1, 1});
  REFUSES(AxisError, sum, x, {0, -2});
  REFUSES(AxisError, mean, x, {1, 1});
  REFUSES(AxisError, prod, x, {0, 0});
  REFUSES(AxisError, amax, x, {0, 0});
  REFUSES(AxisError, amin, x, {0, 0});
  REFUSES(AxisError, var, x, {0, 0});
  REFUSES(AxisError, stddev, x, {0, 0});
  REFUSES(AxisError, norm, x, 2, {0, 0});
  REFUSES(AxisError, logsumexp, x, {0, 0});
  REFUSES(AxisError, count_nonzero, x, {0, 0});
  REFUSES(AxisError, flip, x, {0, 0});
  REFUSES(AxisError, expand_dims, x, {0, 0});
  REFUSES(AxisError, squeeze, ones, {0, 0});
  REFUSES(AxisError, transpose, x, {0, 0});
  REFUSES(AxisError, transpose, x, {0});
  REFUSES(AxisError, diagonal, x, 0, 1, 1);
  REFUSES(AxisError, trace, x, 0, -1, 1);
  REFUSES(AxisError, tensordot, x, x, {0, 0}, {0, 1});
}

TEST_CASE("shapes that do not broadcast, and operands of another tape") {
  Bench bench;
  Tape<double> other;
  const V x = bench.of({2, 3}), y = bench.of({2, 2}), far = other.variable(random_tensor({2, 3}, 1));
  const V mask = x > 0, far_row = slice(far, {0});
  const V far_bias = slice(far_row, {xt::range(0, 2)}), image = bench.of({1, 2, 4}), kernel = bench.of({2, 2, 3});
  const auto labels = bench.tape.indices({0}), far_labels = other.indices({0});
  const std::size_t others = other.size();
#define PAIR(function)                 \
  REFUSES(ShapeError, function, x, y); \
  REFUSES(HandleError, function, x, far);
  PAIR(add)
  PAIR(subtract)
  PAIR(multiply)
  PAIR(divide)
  PAIR(atan2)
  PAIR(equal)
  PAIR(not_equal)
  PAIR(fmod)
  PAIR(hypot)
  PAIR(less)
  PAIR(less_equal)
  PAIR(logaddexp)
  PAIR(logical_and)
  PAIR(logical_or)
  PAIR(maximum)
  PAIR(minimum)
  PAIR(pow)
  PAIR(xlogy)
  PAIR(matmul)
  PAIR(dot)
  PAIR(tensordot)
  PAIR(solve)
  PAIR(triangular_solve)
  PAIR(masked_select)
  PAIR(squared_error)
  PAIR(mse_loss)
  PAIR(l1_loss)
  PAIR(huber_loss)
  PAIR(smooth_l1_loss)
  PAIR(poisson_nll_loss)
  PAIR(binary_cross_entropy)
  PAIR(binary_cross_entropy_with_logits)
  PAIR(cross_entropy_with_logits)
  PAIR(hinge_loss)
  PAIR(kl_div)
  PAIR(cosine_similarity)
#undef PAIR
  REFUSES(HandleError, outer, x, far);
  REFUSES(ShapeError, prelu, x, y);
  REFUSES(HandleError, prelu, x, far_row);
  REFUSES(HandleError, concatenate, {x, far});
  REFUSES(HandleError, stack, {x, far});
  REFUSES(HandleError, take, x, far_labels, 0);
  REFUSES(HandleError, scaled_dot_product_attention, x, far, x);
  REFUSES(HandleError, layer_norm, x, {3}, far_row);
  Generator generator;
  REFUSES(HandleError, uniform, x, far, generator);
  REFUSES(HandleError, normal, x, far, generator);
  REFUSES(HandleError, conv1d, image, kernel, far_bias);
  CHECK(generator.counter() == 0);
  CHECK(other.size() == others);
  REFUSES(ShapeError, uniform, x, y, generator);
  REFUSES(ShapeError, where, x, y, 0);
  REFUSES(ShapeError, lerp, x, y, 0.5);
  REFUSES(ShapeError, where, mask, x, y);
  REFUSES(ShapeError, cross_entropy, x, Operand<double>(y));
  REFUSES(ShapeError, cross_entropy, x, labels);
  REFUSES(ShapeError, nll_loss, x, {0, 1, 1});
  REFUSES(ShapeError, gaussian_nll_loss, x, y, x);
  REFUSES(ShapeError, gaussian_nll_loss, x, x, y);
  REFUSES(ShapeError, cosine_embedding_loss, x, y, 1);
  REFUSES(ShapeError, cosine_embedding_loss, x, x, y);
  REFUSES(ShapeError, triplet_margin_loss, x, y, x);
  REFUSES(ShapeError, contrastive_loss, x, y, 1);
  REFUSES(ShapeError, contrastive_loss, x, x, y);
  REFUSES(ShapeError, scaled_dot_product_attention, x, y, x);
}

TEST_CASE("shapes that an array function cannot take") {
  Bench bench;
  const V scalar = bench.of({}), v = bench.of({3}), x = bench.of({2, 3}), none = bench.of({2, 0});
  const V deep = bench.of({1, 1, 1, 1, 1, 1, 1, 1});
  Generator generator;
  REFUSES(ShapeError, reshape, x, {4});
  REFUSES(ShapeError, reshape, x, {-1, 4});
  REFUSES(ShapeError, reshape, x, {-1, -1});
  REFUSES(ShapeError, broadcast_to, x, {3, 2});
  REFUSES(ShapeError, sum_to, x, {2});
  REFUSES(ShapeError, squeeze, x, 0);
  REFUSES(ShapeError, expand_dims, deep, 0);
  REFUSES(ShapeError, concatenate, {x, v}, 0);
  REFUSES(ShapeError, stack, {x, v});
  REFUSES(ShapeError, split, x, 2, 1);
  REFUSES(ShapeError, stack, {deep, deep});
  REFUSES(ShapeError, tile, x, {1, 1, 1, 1, 1, 1, 1, 1, 1});
  REFUSES(ShapeError, pad, v, {{1, 1}, {1, 1}});
  REFUSES(ShapeError, pad, v, {{3, 0}}, PadMode::reflect);
  REFUSES(ShapeError, pad, none, {{1, 0}}, PadMode::edge);
  REFUSES(ShapeError, slice, v, {0, 0});
  REFUSES(ShapeError, diag, scalar);
  REFUSES(ShapeError, tril, v);
  REFUSES(ShapeError, triu, v);
  REFUSES(ShapeError, matmul, scalar, v);
  REFUSES(ShapeError, det, x);
  REFUSES(ShapeError, slogdet, x);
  REFUSES(ShapeError, inv, x);
  REFUSES(ShapeError, cholesky, x);
  REFUSES(ShapeError, eigh, x);
  REFUSES(ShapeError, qr, v);
  REFUSES(ShapeError, svd, v);
  REFUSES(ShapeError, solve, x, x);
  REFUSES(ShapeError, triangular_solve, x, x);
  REFUSES(ShapeError, einsum, "ij,jk->ik", x, x);
  REFUSES(ValueError, einsum, "ij->ij->i", x);
  REFUSES(ShapeError, layer_norm, x, {2});
  REFUSES(ShapeError, rms_norm, x, {2});
  REFUSES(ShapeError, batch_norm, x, BatchNormState<double>(2), Training::yes);
  REFUSES(ShapeError, batch_norm, v, BatchNormState<double>(3), Training::no);
  REFUSES(ShapeError, group_norm, x, 2);
  REFUSES(ShapeError, group_norm, v, 1);
  REFUSES(ShapeError, instance_norm, x);
  REFUSES(ShapeError, embedding, v, {0});
  // Reductions without an identity over no elements.
  REFUSES(ShapeError, amax, none, 1);
  REFUSES(ShapeError, amin, none, 1);
  REFUSES(ShapeError, amax, none);
  REFUSES(ShapeError, argmax, none, 1);
  REFUSES(ShapeError, argmin, none, 1);
  REFUSES(ShapeError, norm, none, infinity);
  REFUSES(ValueError, mse_loss, none, none);
  REFUSES(ShapeError, categorical, none, generator);
}

TEST_CASE("numbers that an array function cannot take") {
  Bench bench;
  const V x = bench.of({2, 3}), singular = bench.tape.constant(Tensor<double>{{1, 2}, {2, 4}});
  const V two = bench.tape.constant(2.0), negative = negate(singular);
  Generator generator;
  REFUSES(ValueError, slice, x, {2});
  REFUSES(ValueError, slice, x, 1, xt::range(0, 3, 0));
  REFUSES(ValueError, split, x, {2, 1}, 1);
  REFUSES(ValueError, chunk, x, 0);
  REFUSES(ValueError, norm, x, 0.5);
  REFUSES(ValueError, clip, x, 1, 0);
  REFUSES(ValueError, clip_gradient, x, 1, 0);
  REFUSES(ValueError, polygamma, -1, x);
  REFUSES(ValueError, take, x, {2}, 0);
  REFUSES(ValueError, embedding, x, {-1});
  REFUSES(ValueError, inv, singular);
  REFUSES(ValueError, solve, singular, singular);
  REFUSES(ValueError, cholesky, negative);
  REFUSES(ValueError, dropout, x, 1.5, generator);
  REFUSES(ValueError, bernoulli, two, generator);
  REFUSES(ValueError, layer_norm, x, {3}, {}, {}, -1);
  REFUSES(ValueError, cross_entropy, x, {0, 3});
  REFUSES(ValueError, nll_loss, x, {0, -1});
  REFUSES(ValueError, huber_loss, x, x, 0);
  REFUSES(ValueError, smooth_l1_loss, x, x, -1);
  REFUSES(ValueError, hinge_loss, x, x, 0);
  REFUSES(ValueError, cosine_similarity, x, x, 1, 0);
  REFUSES(ValueError, binary_cross_entropy, two, 1);
  CHECK(generator.counter() == 0);
}

TEST_CASE("what convolutions and pooling cannot take") {
  Bench bench;
  const V line = bench.of({1, 2, 4}), plane = bench.of({1, 2, 4, 4}), space = bench.of({1, 2, 4, 4, 4});
  const V w1 = bench.of({2, 2, 3}), w2 = bench.of({2, 2, 3, 3}), w3 = bench.of({2, 2, 3, 3, 3}), bias = bench.of({5}),
          matrix = bench.of({2, 2});
#define ALL_DIMENSIONS(action, prefix) \
  action(prefix##1d, line, w1) action(prefix##2d, plane, w2) action(prefix##3d, space, w3)
#define CONVOLUTION(function, x, w)                     \
  REFUSES(ShapeError, function, x, bias);               \
  REFUSES(ShapeError, function, x, matrix);             \
  REFUSES(ShapeError, function, x, w, bias);            \
  REFUSES(ShapeError, function, x, w, {.groups = 3});   \
  REFUSES(ValueError, function, x, w, {.groups = 0});   \
  REFUSES(ValueError, function, x, w, {.stride = 0});   \
  REFUSES(ValueError, function, x, w, {.padding = -1}); \
  REFUSES(ValueError, function, x, w, {.dilation = 0});
  ALL_DIMENSIONS(CONVOLUTION, conv)
  ALL_DIMENSIONS(CONVOLUTION, conv_transpose)
#define POOL(function, x, w)                            \
  REFUSES(ShapeError, function, bias, 2);               \
  REFUSES(ShapeError, function, x, 5);                  \
  REFUSES(ValueError, function, x, 0);                  \
  REFUSES(ValueError, function, x, 2, {.stride = 0});   \
  REFUSES(ValueError, function, x, 2, {.padding = -1}); \
  REFUSES(ValueError, function, x, 2, {.padding = 2});
  ALL_DIMENSIONS(POOL, max_pool)
  ALL_DIMENSIONS(POOL, avg_pool)
#define RESIZE(function, x, w)            \
  REFUSES(ShapeError, function, bias, 2); \
  REFUSES(ValueError, function, x, 0);
  ALL_DIMENSIONS(RESIZE, adaptive_max_pool)
  ALL_DIMENSIONS(RESIZE, adaptive_avg_pool)
  ALL_DIMENSIONS(RESIZE, upsample_nearest)
  RESIZE(upsample_linear, line, w1)
  RESIZE(upsample_bilinear, plane, w2)
  RESIZE(upsample_trilinear, space, w3)
  REFUSES(ValueError, conv_transpose2d, plane, w2, {.output_padding = 1});
  REFUSES(ShapeError, pixel_shuffle, plane, 2);
  REFUSES(ValueError, pixel_shuffle, plane, 0);
  REFUSES(ShapeError, pixel_unshuffle, plane, 3);
  REFUSES(ValueError, pixel_unshuffle, plane, 0);
  REFUSES(ShapeError, unfold, matrix, 2);
  REFUSES(ShapeError, unfold, plane, 5);
  REFUSES(ValueError, unfold, plane, 0);
  REFUSES(ValueError, unfold, plane, 2, {.stride = 0});
  REFUSES(ValueError, unfold, plane, 2, {.padding = -1});
  REFUSES(ShapeError, fold, line, 4, 2);
  REFUSES(ValueError, fold, line, 0, 2);
  REFUSES(ValueError, fold, line, 4, 2, {.stride = 0});
}
