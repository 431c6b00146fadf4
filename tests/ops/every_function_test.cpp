// Properties of every function on tensors, checked with a table of all functions.
// The first test fails if the table lacks a function declared in a header of ops/.
// Under the sanitizers, g++ 12 takes parts of <regex> for uninitialised.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "testing.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <set>
#include <sstream>

using namespace wengert;
using namespace wengert::testing;

namespace {

using V = Var<double>;

// Return the result of a function as a Var: an empty one for indices and truth values.
V as_var(V y) { return y; }
V as_var(const std::vector<V>& parts) { return concatenate(parts, -1); }
V as_var(const SlogDet<double>& y) { return y.log_abs; }
V as_var(const Qr<double>& y) { return matmul(y.q, y.r); }
V as_var(const Eigh<double>& y) { return y.values; }
V as_var(const Svd<double>& y) { return y.s; }
V as_var(const TopK<double>& y) { return y.values; }
V as_var(const MaxPooled<double>& y) { return y.values; }
V as_var(const AttentionResult<double>& y) { return y.weights; }
V as_var(const IndexVar<double>&) { return {}; }
V as_var(bool) { return {}; }

struct Function {
  std::string name;
  Shape shape;  // shape of the argument
  std::function<V(V)> call;
};

Generator draws() { return Generator(1); }
// Returns a second operand on the tape of the first, or an empty Var if the first is empty.
std::size_t operands_recorded = 0;
V ones(V like, const Shape& shape) {
  if (like.empty()) return {};
  ++operands_recorded;
  return like.tape().constant(xt::ones<double>(xt::dynamic_shape<std::size_t>(shape)));
}
V identity(V x) { return x; }

// A row of the table: the shape, the function, and its arguments, in which v is the Var.
#define ROW(shape, function, ...)                                             \
  {                                                                           \
#function, Shape shape, [](V v) { return as_var(function(__VA_ARGS__)); } \
  }
#define EACH(function) ROW(({2, 3}), function, v)
#define PAIR(function) ROW(({2, 3}), function, v, 0.5), ROW(({2, 3}), function, 0.5, v), ROW(({2, 3}), function, v, v)

std::vector<Function> elementwise_functions() {
  return {EACH(abs),
          EACH(acos),
          EACH(acosh),
          EACH(asin),
          EACH(asinh),
          EACH(atan),
          EACH(atanh),
          EACH(cbrt),
          EACH(ceil),
          EACH(celu),
          EACH(cos),
          EACH(cosh),
          EACH(digamma),
          EACH(elu),
          EACH(erf),
          EACH(erfc),
          EACH(exp),
          EACH(exp2),
          EACH(expm1),
          EACH(floor),
          EACH(gelu),
          EACH(gelu_tanh),
          EACH(hard_sigmoid),
          EACH(hard_swish),
          EACH(hard_tanh),
          EACH(hardshrink),
          EACH(isfinite),
          EACH(isnan),
          EACH(leaky_relu),
          EACH(lgamma),
          EACH(log),
          EACH(log10),
          EACH(log1p),
          EACH(log2),
          EACH(log_sigmoid),
          EACH(logical_not),
          EACH(logit),
          EACH(mish),
          EACH(nan_to_num),
          EACH(negate),
          EACH(reciprocal),
          EACH(relu),
          EACH(relu6),
          EACH(round),
          EACH(rsqrt),
          EACH(selu),
          EACH(sigmoid),
          EACH(sign),
          EACH(silu),
          EACH(sin),
          EACH(sinh),
          EACH(softplus),
          EACH(softshrink),
          EACH(softsign),
          EACH(sqrt),
          EACH(square),
          EACH(tan),
          EACH(tanh),
          EACH(trunc),
          PAIR(add),
          PAIR(atan2),
          PAIR(divide),
          PAIR(equal),
          PAIR(fmod),
          PAIR(greater),
          PAIR(greater_equal),
          PAIR(hypot),
          PAIR(less),
          PAIR(less_equal),
          PAIR(logaddexp),
          PAIR(logical_and),
          PAIR(logical_or),
          PAIR(maximum),
          PAIR(minimum),
          PAIR(multiply),
          PAIR(not_equal),
          PAIR(pow),
          PAIR(subtract),
          PAIR(xlogy),
          ROW(({2, 3}), clip, v, 0.2, 0.7),
          ROW(({2, 3}), lerp, v, 1, 0.3),
          ROW(({2, 3}), where, 1, v, 0),
          ROW(({2, 3}), where, v, v, 0),
          ROW(({2, 3}), polygamma, 1, v),
          ROW(({2, 3}), prelu, v, ones(v, {3}))};
}

std::vector<Function> array_functions() {
  return {EACH(all),
          EACH(any),
          EACH(argmax),
          EACH(argmin),
          EACH(argsort),
          EACH(amax),
          EACH(amin),
          EACH(count_nonzero),
          EACH(cumprod),
          EACH(cumsum),
          EACH(logcumsumexp),
          EACH(logsumexp),
          EACH(mean),
          EACH(norm),
          EACH(prod),
          EACH(stddev),
          EACH(sum),
          EACH(var),
          EACH(contiguous),
          EACH(diag),
          EACH(diagonal),
          EACH(flatten),
          EACH(flip),
          EACH(sort),
          EACH(squeeze),
          EACH(trace),
          EACH(transpose),
          EACH(tril),
          EACH(triu),
          EACH(softmax),
          EACH(log_softmax),
          EACH(stop_gradient),
          ROW(({2, 3}), amax, v, {0, 1}, KeepDims::yes),
          ROW(({2, 3, 2}), amin, v, {0, -1}),
          ROW(({2, 3, 2}), prod, v, {0, 2}),
          ROW(({2, 3, 2}), norm, v, 3, 1),
          ROW(({2, 3, 2}), sum, v, {0, 2}),
          ROW(({2, 3}), reshape, v, {3, -1}),
          ROW(({2, 3}), broadcast_to, v, {4, 2, 3}),
          ROW(({2, 3}), sum_to, v, {3}),
          ROW(({2, 3}), expand_dims, v, 1),
          ROW(({2, 3}), moveaxis, v, 0, 1),
          ROW(({2, 3}), swapaxes, v, 0, 1),
          ROW(({2, 3}), concatenate, {v, v}, 1),
          ROW(({2, 3}), stack, {v, v}, 2),
          ROW(({2, 3}), split, v, 3, 1),
          ROW(({2, 3}), split_with_sizes, v, {1, 2}, 1),
          ROW(({2, 3}), chunk, v, 2, 1),
          ROW(({2, 3}), tile, v, {2, 2}),
          ROW(({2, 3}), repeat, v, 2, 1),
          ROW(({2, 3}), roll, v, 1, 1),
          ROW(({2, 3}), pad, v, {{1, 2}}),
          ROW(({2, 3}), slice, v, {xt::all(), xt::range(0, 3, 2)}),
          ROW(({2, 3}), take, v, {2, 0, 2}, 1),
          ROW(({2, 3}), index, v, {{1, 0}, {-1, 1}}),
          ROW(({2, 3}), embedding, v, {1, 0}),
          ROW(({2, 3}), index_add, v, 1, {2, 2}, 1),
          ROW(({2, 3}), masked_select, v, Tensor<double>{0, 1, 1}),
          ROW(({2, 3}), mask_steps, v, {2, 0}),
          ROW(({2, 3}), last_step, v, {2, 0}),
          ROW(({2, 3}), mean_steps, v, {2, 0}),
          ROW(({2, 3}), masked_mean, v, Tensor<double>{{0, 1, 1}, {0, 0, 1}}),
          ROW(({2, 3}), take_along_axis, v, Indices{{1, 0, 0}}, 0),
          ROW(({2, 3}), gather, v, 1, Indices{{1, 0}}),
          ROW(({2, 3}), scatter, v, 1, Indices{{1, 0}}, 2),
          ROW(({2, 3}), scatter_add, v, 1, Indices{{1, 0}}, 2),
          ROW(({2, 3}), topk, v, 2),
          ROW(({2, 3}), scale_gradient, v, 2),
          ROW(({2, 3}), clip_gradient, v, -1, 1),
          ROW(({2, 3}), map_gradient, v, identity),
          ROW(({2, 3}), checkpoint(identity), v),
          ROW(({3, 3}), matmul, v, v),
          ROW(({3, 3}), dot, v, v),
          ROW(({2, 3}), outer, v, v),
          ROW(({2, 3}), tensordot, v, v, 0),
          ROW(({2, 3}), einsum, "ij,kj->ik", v, v),
          EACH(qr),
          EACH(svd),
          ROW(({2, 2}), det, v),
          ROW(({2, 2}), inv, v),
          ROW(({2, 2}), slogdet, v),
          ROW(({2, 2}), solve, v, v),
          ROW(({2, 2}), eigh, v),
          ROW(({2, 2}), triangular_solve, v, v),
          ROW(({2, 2}), cholesky, v)};
}

std::vector<Function> network_functions() {
  return {ROW(({1, 2, 4}), conv1d, v, ones(v, {3, 2, 2})),
          ROW(({1, 2, 4, 4}), conv2d, v, ones(v, {3, 2, 2, 2})),
          ROW(({1, 2, 4, 4, 2}), conv3d, v, ones(v, {3, 2, 2, 2, 1})),
          ROW(({1, 2, 4}), conv_transpose1d, v, ones(v, {2, 3, 2})),
          ROW(({1, 2, 4, 4}), conv_transpose2d, v, ones(v, {2, 3, 2, 2})),
          ROW(({1, 2, 2, 3, 2}), conv_transpose3d, v, ones(v, {2, 3, 2, 2, 1})),
          ROW(({1, 2, 4, 4}), unfold, v, 2),
          ROW(({1, 4, 9}), fold, v, 4, 2),
          ROW(({1, 2, 4}), max_pool1d, v, 2),
          ROW(({1, 2, 4, 4}), max_pool2d, v, 2),
          ROW(({1, 2, 4, 4, 4}), max_pool3d, v, 2),
          ROW(({1, 2, 4}), max_pool1d_with_indices, v, 2),
          ROW(({1, 2, 4, 4}), max_pool2d_with_indices, v, 2),
          ROW(({1, 2, 4, 4, 4}), max_pool3d_with_indices, v, 2),
          ROW(({1, 1, 2}), max_unpool1d, v, Indices{{{3, 0}}}, 4),
          ROW(({1, 1, 1, 2}), max_unpool2d, v, Indices{{{{3, 0}}}}, 2),
          ROW(({1, 1, 1, 1, 2}), max_unpool3d, v, Indices{{{{{3, 0}}}}}, 2),
          ROW(({1, 2, 4}), avg_pool1d, v, 2),
          ROW(({1, 2, 4, 4}), avg_pool2d, v, 2),
          ROW(({1, 2, 4, 4, 4}), avg_pool3d, v, 2),
          ROW(({1, 2, 4}), adaptive_max_pool1d, v, 3),
          ROW(({1, 2, 4, 4}), adaptive_max_pool2d, v, 3),
          ROW(({1, 2, 4, 4, 4}), adaptive_max_pool3d, v, 3),
          ROW(({1, 2, 4}), adaptive_avg_pool1d, v, 3),
          ROW(({1, 2, 4, 4}), adaptive_avg_pool2d, v, 3),
          ROW(({1, 2, 4, 4, 4}), adaptive_avg_pool3d, v, 3),
          ROW(({1, 2, 4}), upsample_nearest1d, v, 6),
          ROW(({1, 2, 4, 4}), upsample_nearest2d, v, 6),
          ROW(({1, 2, 2, 2, 2}), upsample_nearest3d, v, 3),
          ROW(({1, 2, 4}), upsample_linear, v, 6),
          ROW(({1, 2, 4, 4}), upsample_bilinear, v, 6),
          ROW(({1, 2, 2, 2, 2}), upsample_trilinear, v, 3),
          ROW(({1, 4, 2, 2}), pixel_shuffle, v, 2),
          ROW(({1, 1, 4, 4}), pixel_unshuffle, v, 2),
          ROW(({2, 3}), layer_norm, v, {3}),
          ROW(({2, 3}), rms_norm, v, {3}),
          ROW(({2, 3}), batch_norm, v, BatchNormState<double>(3), Training::yes),
          ROW(({2, 4}), group_norm, v, 2),
          ROW(({2, 2, 3}), instance_norm, v),
          ROW(({2, 3}), scaled_dot_product_attention, v, v, v),
          ROW(({2, 3}), scaled_dot_product_attention_with_weights, v, v, v),
          {"dropout", {2, 3}, [g = draws()](V v) mutable { return dropout(v, 0.5, g); }},
          {"bernoulli", {2, 3}, [g = draws()](V v) mutable { return bernoulli(v, g); }},
          {"categorical", {2, 3}, [g = draws()](V v) mutable { return as_var(categorical(v, g)); }},
          {"uniform", {2, 3}, [g = draws()](V v) mutable { return uniform(v, 2, g); }},
          {"normal", {2, 3}, [g = draws()](V v) mutable { return normal(v, 2, g); }},
          ROW(({2, 3}), squared_error, v, ones(v, {2, 3})),
          ROW(({2, 3}), mse_loss, v, ones(v, {2, 3})),
          ROW(({2, 3}), l1_loss, v, ones(v, {2, 3})),
          ROW(({2, 3}), huber_loss, v, ones(v, {2, 3})),
          ROW(({2, 3}), smooth_l1_loss, v, ones(v, {2, 3})),
          ROW(({2, 3}), poisson_nll_loss, v, ones(v, {2, 3})),
          ROW(({2, 3}), gaussian_nll_loss, v, ones(v, {2, 3}), ones(v, {2, 3})),
          ROW(({2, 3}), binary_cross_entropy, v, ones(v, {2, 3})),
          ROW(({2, 3}), binary_cross_entropy_with_logits, v, ones(v, {2, 3})),
          ROW(({2, 3}), cross_entropy_with_logits, v, ones(v, {2, 3})),
          ROW(({2, 3}), cross_entropy, v, Indices{2, 0}),
          ROW(({2, 3}), nll_loss, v, Indices{2, 0}),
          ROW(({2, 3}), hinge_loss, v, ones(v, {2, 3})),
          ROW(({2, 3}), kl_div, v, ones(v, {2, 3})),
          ROW(({3, 1, 2}), ctc_loss, v, Indices{1}, Indices{3}, Indices{1}),
          ROW(({2, 3}), cosine_similarity, v, ones(v, {2, 3})),
          ROW(({2, 3}), cosine_embedding_loss, v, ones(v, {2, 3}), ones(v, {2})),
          ROW(({2, 3}), triplet_margin_loss, v, ones(v, {2, 3}), ones(v, {2, 3})),
          ROW(({2, 3}), contrastive_loss, v, ones(v, {2, 3}), ones(v, {2}))};
}
#undef ROW
#undef EACH
#undef PAIR

std::vector<Function> all_functions() {
  std::vector<Function> result = elementwise_functions();
  for (const auto& family : {array_functions(), network_functions()})
    result.insert(result.end(), family.begin(), family.end());
  for (Function& f : result)
    if (f.name == "checkpoint(identity)") f.name = "checkpoint";
  return result;
}

// Returns the names of the functions declared in the headers of ops/.
std::set<std::string> declared() {
  const std::regex function(R"(^\s*(?:(?:Var<(?:T|float|double)>|[A-Z]\w*<T>|bool|auto|std::vector<Var<T>>) (\w+)\()"
                            R"(|WENGERT_(?:UNARY|BINARY|PARAMETRIC|FUNCTION_\d)\((\w+)))");
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(PROJECT_SOURCE_DIR "/include/wengert/ops")) {
    if (!entry.is_regular_file() || entry.path().filename() == "declare.hpp") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);)
      if (std::smatch match; std::regex_search(line, match, function)) names.insert(match[1].str() + match[2].str());
  }
  return names;
}

}  // namespace

TEST_CASE("every function on tensors stands in the table") {
  std::set<std::string> names;
  for (const Function& f : all_functions()) names.insert(f.name);
  const std::set<std::string> elsewhere{"checkpointed", "with_rule",     "name",       // details
                                        "custom_vjp",                                  // returns a function
                                        "one_hot",      "sequence_mask", "to_values",  // take indices
                                        "to_indices"};                                 // takes integers
  const std::set<std::string> all = declared();
  CHECK(all.size() > 150);
  for (const std::string& name : all) {
    CAPTURE(name);
    CHECK((names.contains(name) || elsewhere.contains(name)));
  }
}

TEST_CASE("every function refuses a handle to nothing, names itself and the line, and records nothing") {
  Tape<double> tape;
  const auto kept = tape.variable(random_tensor({2, 3}, 1, 0.1, 0.9));
  const auto mark = tape.mark();
  const auto stale = exp(kept);
  tape.rewind(mark);
  for (const Function& f : all_functions())
    for (const V& wrong : {V(), stale}) {
      CAPTURE(f.name);
      const std::size_t before = tape.size() - operands_recorded;
      const std::string message = message_of<HandleError>([&] { f.call(wrong); });
      INFO(message);
      CHECK(message.starts_with("[" + f.name + "] "));
      CHECK((contains(message, fmt::format("({}:", __FILE__)) || f.name == "checkpoint"));  // a function object
      CHECK(tape.size() == before + operands_recorded);
    }
}

TEST_CASE("every function reads operands of any strides, and passes gradients back to them") {
  for (const Function& f : all_functions()) {
    CAPTURE(f.name);
    Tape<double> tape;
    const double low = f.name == "acosh" ? 1.1 : 0.1;
    const auto value = random_tensor(f.shape, 2, low, low + 0.8);
    const auto plain = tape.variable(value);
    const auto turned = tape.variable(Tensor<double>(xt::transpose(value)));
    const V expected = f.call(plain), y = f.call(transpose(turned));
    CHECK(expected.empty() == y.empty());
    if (y.empty() || f.name == "bernoulli" || f.name == "dropout" || f.name == "uniform" || f.name == "normal")
      continue;
    CHECK(distance(y.value(), expected.value()) < 1e-12);
    const auto [dx] = grad(sum(square(expected)), plain);
    const auto [dt] = grad(sum(square(y)), turned);
    CHECK(distance(transpose(dt).value(), dx.value()) < 1e-12 * std::max(1.0, xt::amax(xt::abs(dx.value()))()));
  }
}

TEST_CASE("every elementwise function takes scalars and tensors of no elements") {
  for (const Function& f : elementwise_functions())
    if (f.name != "prelu")
      for (const Shape& shape : {Shape{}, Shape{0}, Shape{3, 0, 2}, Shape{1, 1}}) {
        CAPTURE(f.name);
        Tape<double> tape;
        const auto x = tape.variable(random_tensor(shape, 3, 0.2, 0.8));
        const V y = f.call(x);
        CHECK(y.shape() == shape);
        CHECK(std::get<0>(grad(sum(y), x)).shape() == shape);
      }
}
