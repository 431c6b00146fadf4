// Scaled dot-product attention: values by hand, and rejected operands.
#include "../testing.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE_TEMPLATE("attention by hand", T, float, double) {
  Tape<T> tape;
  const auto q = tape.variable(Tensor<T>{{0, 0}, {0, 0}}), k = tape.variable(Tensor<T>{{1, 2}, {3, 4}}),
             v = tape.variable(column<T>({1, 3}));
  CHECK(scaled_dot_product_attention(q, k, v).value() == column<T>({2, 2}));  // equal scores: the mean of the values
  CHECK(scaled_dot_product_attention(q, k, v, {.causal = true}).value() == column<T>({1, 2}));
  const auto mask = tape.constant(Tensor<T>{{0, 5}, {0, 0}});
  const auto masked = scaled_dot_product_attention(q, k, v, {.mask = mask});
  CHECK(masked.value() == column<T>({3, 0}));
  CHECK(grad(sum(masked), v)[0].value() == column<T>({0, 1}));
  // Together, the mask and causality leave the first query no key.
  CHECK(scaled_dot_product_attention(q, k, v, {.mask = mask, .causal = true}).value() == column<T>({0, 0}));
  CHECK(scaled_dot_product_attention(q, k, v, {.bias = tape.constant(Tensor<T>{1000, 0})}).value() ==
        column<T>({1, 1}));
}

TEST_CASE_TEMPLATE("attention returns its weights, on the tape and in a Program", T, float, double) {
  Tape<T> tape;
  const auto q = tape.variable(random_tensor<T>({2, 3, 2}, 1)), k = tape.variable(random_tensor<T>({2, 4, 2}, 2)),
             v = tape.variable(random_tensor<T>({2, 4, 5}, 3));
  const auto [output, weights] = scaled_dot_product_attention_with_weights(q, k, v, {.causal = true});
  CHECK(output.value() == scaled_dot_product_attention(q, k, v, {.causal = true}).value());
  CHECK(weights.shape() == Shape{2, 3, 4});
  CHECK(distance(sum(weights, -1).value(), xt::ones<T>({2, 3})) < 1e-6);
  CHECK(weights.value()(0, 0, 0) == 1);  // the first query sees only the first key
  CHECK(distance(matmul(weights, v).value(), output.value()) == 0);
  auto program = compile(tape, {q}, {weights, output}, {.fuse = false, .allow_value_dependence = true});
  const auto other = random_tensor<T>({2, 3, 2}, 4);
  program(other);
  const auto again = scaled_dot_product_attention_with_weights(tape.constant(other), k, v, {.causal = true});
  CHECK(program.value(0) == again.weights.value());
  CHECK(program.value(1) == again.output.value());
  const auto halved = scaled_dot_product_attention_with_weights(q, k, v, {.on_weights = [](auto w) { return w / 2; }});
  CHECK(distance(sum(halved.weights, -1).value(), xt::ones<T>({2, 3}) / 2) < 1e-6);  // after on_weights
  CHECK_ERROR(ShapeError, "[scaled_dot_product_attention_with_weights] queries (2, 3, 2)",
              scaled_dot_product_attention_with_weights(q, v, v));
}

TEST_CASE("attention refuses what does not fit, and records nothing") {
  Tape<double> tape, other;
  const auto q = tape.variable(random_tensor({3, 2}, 1)), k = tape.variable(random_tensor({4, 2}, 2)),
             v = tape.variable(random_tensor({4, 5}, 3)), vector = tape.variable(random_tensor({2}, 4));
  const auto elsewhere = other.constant(random_tensor({3, 4}, 5));
  const auto size = tape.size();
  CHECK_ERROR(
      ShapeError,
      "[scaled_dot_product_attention] queries (2,), keys (4, 2) and values (4, 5): each must be (…, length, width)",
      scaled_dot_product_attention(vector, k, v));
  CHECK_ERROR(ShapeError, "queries and keys must have the same width", scaled_dot_product_attention(q, v, v));
  CHECK_ERROR(ShapeError, "keys and values must have the same length", scaled_dot_product_attention(q, k, q));
  CHECK_ERROR(ShapeError, "mask of shape (3, 2) does not broadcast to the scores' shape (3, 4)",
              scaled_dot_product_attention(q, k, v, {.mask = q}));
  CHECK_ERROR(ShapeError, "bias of shape (4, 2) does not broadcast to the scores' shape (3, 4)",
              scaled_dot_product_attention(q, k, v, {.bias = k}));
  CHECK_ERROR(HandleError, "the mask belongs to another tape",
              scaled_dot_product_attention(q, k, v, {.mask = elsewhere}));
  CHECK_ERROR(HandleError, "[scaled_dot_product_attention] an operand is an empty handle",
              scaled_dot_product_attention(q, Var<double>(), v));
  CHECK(tape.size() == size);
}
