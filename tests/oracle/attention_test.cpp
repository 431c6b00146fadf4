// Scaled dot-product attention against PyTorch: scales, masks, causal attention, biases and batches.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("attention agrees with its definition in PyTorch") {
  Oracle oracle("attention", {{"", "scaled_dot_product_attention"}});
  oracle.check("plain", [](auto q, auto k, auto v) { return scaled_dot_product_attention(q, k, v); });
  oracle.check("scale", [](auto q, auto k, auto v) { return scaled_dot_product_attention(q, k, v, {.scale = 2.0}); });
  for (const std::string name : {"causal", "causal.long"})
    oracle.check(name, [](auto q, auto k, auto v) { return scaled_dot_product_attention(q, k, v, {.causal = true}); });
  oracle.check("mask", []<class T>(Var<T> q, Var<T> k, Var<T> v) {
    const Tensor<T> mask{{1, 0, 1, 1}, {0, 0, 0, 0}, {0, 1, 0, 0}};
    return scaled_dot_product_attention(q, k, v, {.mask = q.tape().constant(mask)});
  });
  oracle.check("mask.row", []<class T>(Var<T> q, Var<T> k, Var<T> v) {
    return scaled_dot_product_attention(q, k, v, {.mask = q.tape().constant(Tensor<T>{{1, 0, 1, 1}})});
  });
  oracle.check("mask.causal", []<class T>(Var<T> q, Var<T> k, Var<T> v) {
    const Tensor<T> mask{{0, 1, 1, 1}, {1, 0, 0, 0}, {1, 1, 1, 1}};
    return scaled_dot_product_attention(q, k, v, {.mask = q.tape().constant(mask), .causal = true});
  });
  oracle.check("bias", [](auto q, auto k, auto v, auto b) {
    return scaled_dot_product_attention(q, k, v, {.bias = b, .causal = true});
  });
  oracle.check(
      "far",
      [](auto q, auto k, auto v) { return scaled_dot_product_attention(q, k, v, {.causal = true, .scale = 1000.0}); },
      {.in_float = 1e-3});
  oracle.check("batched.plain", [](auto q, auto k, auto v) { return scaled_dot_product_attention(q, k, v); });
  oracle.check("batched.heads",
               [](auto q, auto k, auto v) { return scaled_dot_product_attention(q, k, v, {.causal = true}); });
  oracle.check("batched.mask", []<class T>(Var<T> q, Var<T> k, Var<T> v) {
    const Tensor<T> mask{{1, 1, 0, 1, 0}, {0, 0, 0, 0, 0}, {1, 1, 0, 1, 0}, {1, 1, 0, 1, 0}};
    return scaled_dot_product_attention(q, k, v, {.mask = q.tape().constant(mask)});
  });
  oracle.check("weights", []<class T>(Var<T> q, Var<T> k) {
    const Tensor<T> mask{{1, 0, 1, 1}, {0, 0, 0, 0}, {0, 1, 0, 0}};
    return scaled_dot_product_attention_with_weights(q, k, k, {.mask = q.tape().constant(mask)}).weights;
  });
  oracle.check("weights.causal", [](auto q, auto k) {
    return scaled_dot_product_attention_with_weights(q, k, k, {.causal = true, .scale = 2.0}).weights;
  });
  oracle.check_all_were_checked();
}
