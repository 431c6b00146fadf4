// Compares every kind of module with PyTorch: outputs, gradients, names and shapes of parameters.
#include "../testing.hpp"
#include <wengert/io/npz.hpp>
#include <wengert/nn.hpp>

#include <map>
#include <set>

using namespace wengert;
using namespace wengert::testing;

namespace {

// The cases of reference.npz; reference.py describes their contents.
class Reference {
 public:
  Reference() {
    for (auto& [name, value] : io::load_npz<double>(PROJECT_SOURCE_DIR "/tests/nn/reference.npz"))
      arrays_.emplace(std::move(name), std::move(value));
  }
  const Tensor<double>& array(const std::string& name) const {
    CAPTURE(name);
    REQUIRE(arrays_.contains(name));
    return arrays_.at(name);
  }

  // Assigns the weights of a case to a module; checks that the module has exactly these parameters.
  template <class Module>
  void load(const std::string& name, const Module& module) {
    std::set<std::string> expected, found;
    for (const auto& [key, value] : arrays_)
      if (key.starts_with(name + ".p.")) expected.insert(key.substr(name.size() + 3));
    for_each_parameter(module, [&](const std::string& path, Parameter<double> parameter) {
      found.insert(path);
      if (expected.contains(path)) parameter.assign(array(name + ".p." + path));
    });
    CHECK(found == expected);
    used_.insert(name);
  }
  // Checks a module. `call(module, tape)` returns x, empty if it has no gradient, and y.
  template <class Module, class Call>
  void check_call(const std::string& name, const Module& module, const Call& call) {
    CAPTURE(name);
    load(name, module);
    Tape<double> tape;
    const auto [x, y] = call(module, tape);
    CHECK(distance(y.value(), array(name + ".y")) < 1e-12);
    const auto loss = sum(tape.constant(array(name + ".c")) * y);
    if (!x.empty()) CHECK(distance(wengert::grad(loss, x)[0].value(), array(name + ".dx")) < 1e-11);
    if constexpr (!std::is_void_v<ModuleScalar<Module>>)
      for (const auto& [path, parameter, gradient] : nn::grad(loss, module)) {
        CAPTURE(path);
        CHECK(distance(gradient.value(), array(name + ".d." + path)) < 1e-11);
      }
    tape.commit();
    for (const auto& [path, parameter] : nn::named_parameters(module))
      if (arrays_.contains(name + ".s." + path)) CHECK(distance(parameter.value(), array(name + ".s." + path)) < 1e-13);
  }
  // Checks a module that maps a Var to a Var, or is called by `apply`, also in float and with gradcheck.
  template <class Module, class Apply>
  void check(const std::string& name, const Module& module, const Apply& apply) {
    check_call(name, module, [&](const Module& m, Tape<double>& tape) {
      const auto x = tape.variable(array(name + ".x"));
      return std::pair(x, apply(m, x));
    });
    const auto narrow = converted<float>(module);
    Tape<float> tape;
    const auto y = apply(narrow, tape.constant(Tensor<float>(xt::cast<float>(array(name + ".x")))));
    if (name != "batch_norm" && name != "batch_norm.plain") CHECK(distance(y.value(), array(name + ".y")) < 1e-5);
    CHECK(gradcheck(apply, module, array(name + ".x"), GradcheckOptions{.mode = GradcheckMode::fast}));
  }
  template <class Module>
  void check(const std::string& name, const Module& module) {
    check(name, module, [](const auto& m, auto x) { return m(x); });
  }
  void check_all_were_used() const {
    for (const auto& [key, value] : arrays_)
      if (key.ends_with(".y")) CHECK(used_.contains(key.substr(0, key.size() - 2)));
  }

 private:
  std::map<std::string, Tensor<double>> arrays_;
  std::set<std::string> used_;
};

}  // namespace

TEST_CASE("modules give PyTorch's outputs and gradients, under PyTorch's names") {
  Reference r;
  Generator g(1);
  r.check("linear", nn::Linear<double>::make(3, 2, g));
  r.check("linear.plain", nn::Linear<double>::make(3, 2, g, {.bias = false}));
  r.check("conv1d", nn::Conv1d<double>::make(2, 4, 3, g, {.stride = 2, .padding = 1, .groups = 2}));
  r.check("conv2d",
          nn::Conv2d<double>::make(2, 3, {3, 2}, g, {.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}}));
  r.check("conv2d.same", nn::Conv2d<double>::make(2, 2, 3, g, {.padding = same_padding, .bias = false}));
  r.check("conv_transpose2d",
          nn::ConvTranspose2d<double>::make(4, 2, 3, g, {.stride = 2, .padding = 1, .output_padding = 1, .groups = 2}));
  r.check("max_pool2d", nn::MaxPool2d{3, {.stride = 2, .padding = 1}});
  r.check("avg_pool1d", nn::AvgPool1d{2});
  r.check("adaptive_avg_pool2d", nn::AdaptiveAvgPool2d{{2, 3}});
  r.check("batch_norm", nn::BatchNorm<double>::make(3, {.momentum = 0.2}));
  const auto evaluated = nn::BatchNorm<double>::make(3);
  nn::eval_mode(evaluated);
  r.check("batch_norm.evaluated", evaluated);
  r.check("layer_norm", nn::LayerNorm<double>::make({2, 3}));
  r.check("group_norm", nn::GroupNorm<double>::make(2, 4));
  r.check("prelu", nn::PReLU<double>::make(2));
  r.check("gelu", nn::GELU{});
  r.check("elu", nn::ELU{0.7});
  r.check("softmax", nn::Softmax{});
  r.check("rnn", nn::RNN<double>::make(3, 4, g));
  r.check("rnn.relu", nn::RNN<double>::make(3, 4, g, {}, nn::RecurrentActivation::relu));
  r.check("gru", nn::GRU<double>::make(3, 4, g));
  r.check("lstm", nn::LSTM<double>::make(3, 4, g));
  r.check("attention", nn::MultiheadAttention<double>::make(6, 2, g));
  r.check("attention.causal", nn::MultiheadAttention<double>::make(6, 3, g, {.bias = false, .causal = true}));
  r.check("attention.cross", nn::MultiheadAttention<double>::make(4, 2, g), [](const auto& m, auto x) {
    return m(slice(x, {xt::all(), xt::range(0, 2)}), x, 2 * x);
  });
  r.check("encoder", nn::TransformerEncoderLayer<double>::make(4, 2, g, {.feedforward = 6, .dropout = 0}));
  r.check("encoder.first",
          nn::TransformerEncoderLayer<double>::make(
              4, 2, g,
              {.feedforward = 6, .dropout = 0, .activation = nn::FeedforwardActivation::gelu, .norm_first = true}));
  r.check_call("embedding", nn::Embedding<double>::make(5, 3, g), [&](const auto& m, Tape<double>& tape) {
    return std::pair(Var<double>(), m(tape.indices(xt::cast<std::int64_t>(r.array("embedding.x")))));
  });
  r.check_call("lstm.run", nn::LSTM<double>::make(3, 4, g, {.bias = false}), [&](const auto& m, Tape<double>& tape) {
    const auto x = tape.variable(r.array("lstm.run.x"));
    const auto state = [&](const char* name) { return expand_dims(tape.constant(r.array(name)), 0); };
    const auto result = m.run(x, {state("lstm.state.h"), state("lstm.state.c")});
    return std::pair(
        x, concatenate({result.output, swapaxes(result.state.hidden, 0, 1), swapaxes(result.state.cell, 0, 1)}, 1));
  });
  CHECK(gradcheck(nn::Embedding<double>::make(5, 3, g), Indices{{1, 4, 1}, {0, 1, 3}}));
  r.check("identity", nn::Identity{});
  r.check("relu", nn::ReLU{});
  r.check("relu6", nn::ReLU6{});
  r.check("sigmoid", nn::Sigmoid{});
  r.check("log_sigmoid", nn::LogSigmoid{});
  r.check("tanh", nn::Tanh{});
  r.check("silu", nn::SiLU{});
  r.check("mish", nn::Mish{});
  r.check("selu", nn::SELU{});
  r.check("softsign", nn::Softsign{});
  r.check("hard_sigmoid", nn::HardSigmoid{});
  r.check("hard_swish", nn::HardSwish{});
  r.check("hard_tanh", nn::HardTanh{});
  r.check("leaky_relu", nn::LeakyReLU{0.2});
  r.check("celu", nn::CELU{1.5});
  r.check("softplus", nn::Softplus{2});
  r.check("log_softmax", nn::LogSoftmax{});
  r.check("gelu.tanh", nn::GELU{true});
  r.check("max_pool1d", nn::MaxPool1d{3, {.stride = 2}});
  r.check("avg_pool2d", nn::AvgPool2d{{2, 3}, {.stride = 2}});
  r.check("adaptive_avg_pool1d", nn::AdaptiveAvgPool1d{3});
  r.check("adaptive_max_pool1d", nn::AdaptiveMaxPool1d{3});
  r.check("adaptive_max_pool2d", nn::AdaptiveMaxPool2d{{2, 3}});
  r.check("batch_norm.plain", nn::BatchNorm<double>::make(3, {.affine = false}));
  r.check("layer_norm.plain", nn::LayerNorm<double>::make({3}, {.affine = false}));
  r.check("group_norm.plain", nn::GroupNorm<double>::make(2, 4, {.affine = false}));
  const auto with_state = [&](const std::string& name, const auto& layer) {
    r.check_call(name, layer, [&](const auto& m, Tape<double>& tape) {
      const auto x = tape.variable(r.array(name + ".x"));
      const auto result = m.run(x, expand_dims(tape.constant(r.array("lstm.state.h")), 0));
      return std::pair(x, concatenate({result.output, swapaxes(result.hidden, 0, 1)}, 1));
    });
  };
  with_state("rnn.run", nn::RNN<double>::make(3, 4, g, {.bias = false}));
  with_state("gru.run", nn::GRU<double>::make(3, 4, g));
  r.check("gru.plain", nn::GRU<double>::make(3, 4, g, {.bias = false}));
  const auto from_its_steps = [](const auto& m, auto x) {
    const std::size_t count = m.layers.size();
    const auto state = [&](std::size_t k) { return swapaxes(slice(x, {xt::all(), xt::range(k, k + count)}), 0, 1); };
    if constexpr (requires { m.run(x).state; }) {
      const auto [y, last] = m.run(x, {state(0), state(1)});
      return concatenate({flatten(y), flatten(last.hidden), flatten(last.cell)});
    } else {
      const auto [y, last] = m.run(x, state(0));
      return concatenate({flatten(y), flatten(last)});
    }
  };
  const nn::RecurrentOptions deep{.layers = 2, .bidirectional = true};
  r.check("rnn.deep", nn::RNN<double>::make(4, 4, g, deep, nn::RecurrentActivation::relu), from_its_steps);
  r.check("gru.deep", nn::GRU<double>::make(4, 4, g, {.bias = false, .layers = 2, .bidirectional = true}),
          from_its_steps);
  const auto evaluated_lstm = nn::LSTM<double>::make(4, 4, g, {.layers = 2, .bidirectional = true, .dropout = 0.5});
  nn::eval_mode(evaluated_lstm);
  r.check("lstm.deep", evaluated_lstm, from_its_steps);
  r.check("lstm.three", nn::LSTM<double>::make(3, 4, g, {.layers = 3}));
  r.check("gru.both", nn::GRU<double>::make(3, 4, g, {.bidirectional = true}));
  r.check("rnn.dropped", nn::RNN<double>::make(3, 4, g, {.layers = 2, .dropout = 1}));
  r.check("attention.masked", nn::MultiheadAttention<double>::make(6, 2, g), []<class T>(const auto& m, Var<T> x) {
    return m(x, x, x, {.mask = x.tape().constant(Tensor<T>{{{{1, 1, 1, 0}}}, {{{1, 1, 0, 0}}}})});
  });
  const auto linear = nn::Linear<double>::make(4, 3, g), plain = nn::Linear<double>::make(4, 3, g, {.bias = false});
  r.check("lora", nn::with_lora(linear, 2, g, {.alpha = 5.0}));
  const auto unfrozen = nn::with_lora(plain, 1, g);
  nn::unfreeze(unfrozen);
  r.check("lora.plain", unfrozen);
  r.check_all_were_used();
}

TEST_CASE("attention drops weights in training, and what it keeps makes up for them") {
  Generator g(8);
  const std::size_t width = 2, places = 4000;
  auto layer = nn::MultiheadAttention<double>::make(width, 1, g, {.dropout = 0.25});
  // Queries and keys of 0 make all attention weights 1/places; values and outputs are passed on unchanged.
  layer.in_proj_weight.assign(Tensor<double>{{0, 0}, {0, 0}, {0, 0}, {0, 0}, {1, 0}, {0, 1}});
  layer.out_proj.weight.assign(Tensor<double>{{1, 0}, {0, 1}});
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>(xt::ones<double>({std::size_t{1}, places, width})));
  const auto query = slice(x, {xt::all(), xt::range(0, 3)});
  const Tensor<double> y = layer(query, x, x).value();
  // Each output is (number kept) / (0.75 · places), with mean 1 and variance 1/3 / places.
  const double deviation = std::sqrt(1.0 / 3 / static_cast<double>(places));
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(std::abs(y(0, i, 0) - 1) < 5 * deviation);
    CHECK(y(0, i, 0) != 1);
  }
  CHECK(y(0, 0, 0) != y(0, 1, 0));
  nn::eval_mode(layer);
  CHECK(distance(layer(query, x, x).value(), query.value()) < 1e-12);
  CHECK_ERROR(ValueError, "[Dropout] a probability of 2",
              nn::MultiheadAttention<double>::make(2, 1, g, {.dropout = 2}));
  CHECK(nn::TransformerEncoderLayer<double>::make(4, 2, g, {.dropout = 0.3}).self_attn.dropout->probability == 0.3);
}

TEST_CASE("the row of padding is 0 and gets no gradient") {
  const auto table = nn::Embedding<double>::make(4, 3, Generator(1), {.padding = 2});
  Tape<double> tape;
  const auto y = table(tape.indices(Indices{{0, 2, 2}, {3, 0, 2}}));
  const Tensor<double> rows = table.weight.value();
  CHECK(xt::view(rows, 2) == xt::zeros<double>({3}));
  CHECK(xt::view(y.value(), 1, 0) == xt::view(rows, 3));
  const auto gradients = nn::grad(sum(y), table);
  CHECK(gradients[0].gradient.value() == Tensor<double>{{2, 2, 2}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}});
  CHECK_ERROR(ValueError, "[Embedding] padding index 4 for 4 entries: expected the index of an entry",
              nn::Embedding<double>::make(4, 3, Generator(1), {.padding = 4}));
}

TEST_CASE("RMSNorm divides by the root mean square of the last axes") {
  auto layer = nn::RMSNorm<double>::make({2}, {.epsilon = 0});
  layer.weight->assign(Tensor<double>{2, 3});
  Tape<double> tape;
  const double root = std::sqrt(12.5);
  CHECK(distance(layer(tape.constant(Tensor<double>{{3, 4}})).value(), Tensor<double>{{6 / root, 12 / root}}) < 1e-15);
  CHECK(gradcheck(layer, random_tensor({3, 2}, 1)));
}

TEST_CASE("what a recurrent layer hands to the one above it is dropped in training") {
  Generator g(3);
  const auto check = [&]<class Layer>(const Layer& both) {
    const Layer lower{{both.layers[0]}}, upper{{both.layers[1]}};
    Tape<double> tape;
    const auto x = tape.constant(random_tensor({2, 5, 3}, 1));
    const auto counter = g.counter();
    const Tensor<double> y = both(x).value();
    CHECK(y != both(x).value());
    g.seek(counter);
    CHECK(y == upper((*both.dropout)(lower(x))).value());
    nn::eval_mode(both);
    CHECK(both(x).value() == upper(lower(x)).value());
  };
  check(nn::RNN<double>::make(3, 4, g, {.layers = 2, .dropout = 0.5}));
  check(nn::GRU<double>::make(3, 4, g, {.layers = 2, .dropout = 0.5}));
  check(nn::LSTM<double>::make(3, 4, g, {.layers = 2, .dropout = 0.5}));
  CHECK_ERROR(ValueError, "[Dropout] a probability of 2", nn::RNN<double>::make(3, 4, g, {.dropout = 2}));
}

TEST_CASE("a sequence that is read in two parts, from state to state, is read as a whole") {
  Generator g(3);
  Tape<double> tape;
  const auto x = tape.constant(random_tensor({2, 5, 3}, 1));
  const auto begin = slice(x, {xt::all(), xt::range(0, 2)}), end = slice(x, {xt::all(), xt::range(2, 5)});
  const auto lstm = nn::LSTM<double>::make(3, 4, g, {.layers = 3});
  const auto first = lstm.run(begin), second = lstm.run(end, first.state), whole = lstm.run(x);
  CHECK(distance(concatenate({first.output, second.output}, 1).value(), whole.output.value()) < 1e-15);
  CHECK(distance(second.state.hidden.value(), whole.state.hidden.value()) < 1e-15);
  CHECK(distance(second.state.cell.value(), whole.state.cell.value()) < 1e-15);
}

TEST_CASE("batch normalisation keeps running statistics, eagerly and in a Program") {
  const auto eager = nn::BatchNorm<float>::make(2);
  const auto replayed = nn::copy(eager);
  auto step = compiled<float>([&](auto&, auto x) { return replayed(x); });
  Tape<float> tape;
  for (unsigned i = 0; i < 3; ++i) {
    const auto x = random_tensor<float>({5, 2}, i, 0, 3);
    tape.clear();
    const auto y = eager(tape.constant(x));
    CHECK(distance(y.value(), step(x).value()) < 1e-6);
    tape.commit();
    CHECK(distance(eager.running_mean.parameter.value(), replayed.running_mean.parameter.value()) < 1e-6);
    CHECK(distance(eager.running_var.parameter.value(), replayed.running_var.parameter.value()) < 1e-6);
  }
  CHECK(eager.running_mean.parameter.value()(0) > 0.2F);
  nn::unfreeze(eager);
  CHECK(!eager.running_mean.parameter.trainable());
}

TEST_CASE("recurrent and attention layers run inside compiled") {
  Generator g(4);
  const auto net =
      nn::sequential(nn::LSTM<float>::make(3, 4, g, {.layers = 2, .dropout = 0.1}), nn::GRU<float>::make(4, 4, g),
                     nn::TransformerEncoderLayer<float>::make(4, 2, g, {.feedforward = 8, .causal = true}));
  nn::eval_mode(net);
  auto run = compiled<float>([&](auto&, auto x) { return net(x); });
  const auto x = random_tensor<float>({2, 6, 3}, 1);
  Tape<float> tape;
  const auto y = net(tape.constant(x)).value();
  CHECK(distance(run(x).value(), y) < 1e-5);
  Tensor<float> changed = x;
  changed(0, 5, 0) += 1;  // later positions do not affect earlier ones
  const auto z = net(tape.constant(changed)).value();
  CHECK(distance(xt::view(y, xt::all(), xt::range(0, 5)), xt::view(z, xt::all(), xt::range(0, 5))) < 1e-6);
  CHECK(distance(y, z) > 1e-4);
}

TEST_CASE("weights begin as PyTorch's") {
  Generator g(6);
  const auto within = [](const Parameter<double>& p, double bound) {
    const double largest = xt::amax(xt::abs(p.value()))();
    return largest <= bound && largest > 0.9 * bound;
  };
  const auto conv = nn::Conv2d<double>::make(6, 8, {3, 2}, g, {.groups = 2});
  CHECK(within(conv.weight, 1 / std::sqrt(18.0)));
  CHECK(conv.weight.shape() == Shape{8, 3, 3, 2});
  const auto transposed = nn::ConvTranspose2d<double>::make(6, 8, 3, g);
  CHECK(within(transposed.weight, 1 / std::sqrt(72.0)));  // PyTorch's fan-in of a transposed convolution
  const auto lstm = nn::LSTM<double>::make(5, 9, g);
  CHECK(within(lstm.layers[0].weight_ih, 1.0 / 3));
  CHECK(within(lstm.layers[0].weight_hh, 1.0 / 3));
  const auto attention = nn::MultiheadAttention<double>::make(8, 2, g);
  CHECK(within(attention.in_proj_weight, std::sqrt(6.0 / 32)));
  CHECK(within(attention.out_proj.weight, std::sqrt(1.0 / 8)));
  CHECK(xt::amax(xt::abs(attention.out_proj.bias->value()))() == 0);
  const auto table = nn::Embedding<double>::make(100, 100, g);
  CHECK(xt::mean(xt::square(table.weight.value()))() == doctest::Approx(1).epsilon(0.05));
}

TEST_CASE("what does not fit a module is refused, with what it expects, and records nothing") {
  Generator g(1);
  Tape<float> tape;
  const auto x = tape.constant(random_tensor<float>({2, 3, 5, 5}, 1));
  const auto flat = tape.constant(random_tensor<float>({2, 3}, 1));
  const auto numbers = tape.indices(Indices{0, 7});
  CHECK_ERROR(ShapeError, "[Conv2d] an input of shape (2, 3, 5, 5): this layer expects 1 channels, (N, 1, H, W) or",
              nn::Conv2d<float>::make(1, 4, 3, g)(x));
  CHECK_ERROR(ShapeError, "[conv2d] x of shape (2, 3, 5, 5)", nn::Conv2d<float>::make(3, 4, 7, g)(x));
  CHECK_ERROR(ValueError, "[Conv1d] 2 groups for 3 input and 4 output channels: expected a divisor of both",
              nn::Conv1d<float>::make(3, 4, 3, g, {.groups = 2}));
  CHECK_ERROR(ValueError, "[Conv2d] a kernel of extent 0", nn::Conv2d<float>::make(3, 4, 0, g));
  CHECK_ERROR(ShapeError, "[ConvTranspose2d]", nn::ConvTranspose2d<float>::make(4, 4, 3, g)(x));
  CHECK_ERROR(ShapeError, "[BatchNorm] an input of shape (2, 3, 5, 5): this layer expects 4 channels, (N, 4) or",
              nn::BatchNorm<float>::make(4)(x));
  CHECK_ERROR(ShapeError, "[LayerNorm] an input of shape (2, 3): this layer expects (5,) as its last extents",
              nn::LayerNorm<float>::make({5})(flat));
  CHECK_ERROR(ShapeError, "[RMSNorm]", nn::RMSNorm<float>::make({1, 2, 3})(flat));
  CHECK_ERROR(ValueError, "[GroupNorm] 2 groups for 3 channels", nn::GroupNorm<float>::make(2, 3));
  CHECK_ERROR(ValueError, "[embedding]", nn::Embedding<float>::make(7, 2, g)(numbers));
  CHECK_ERROR(ShapeError, "[LSTM] an input of shape (2, 3): this layer (3 → 4) expects sequences (N, L, 3)",
              nn::LSTM<float>::make(3, 4, g)(flat));
  const auto sequence = tape.constant(random_tensor<float>({2, 5, 3}, 1));
  const auto few = tape.constant(random_tensor<float>({1, 5, 3}, 1));
  CHECK_ERROR(ShapeError, "[GRU] a state of shape (2, 3): expected (1, 2, 4)",
              nn::GRU<float>::make(3, 4, g).run(sequence, flat));
  CHECK_ERROR(ShapeError, "[RNN] a state of shape (2, 5, 3): expected (4, 2, 6)",
              nn::RNN<float>::make(3, 6, g, {.layers = 2, .bidirectional = true}).run(sequence, sequence));
  CHECK_ERROR(ValueError, "[LSTM] 0 layers: expected at least 1", nn::LSTM<float>::make(3, 4, g, {.layers = 0}));
  CHECK_ERROR(ValueError, "[GRU] no layers: expected a module made by `make`", nn::GRU<float>{}(sequence));
  CHECK_ERROR(ValueError, "[MultiheadAttention] 4 heads for a width of 6",
              nn::MultiheadAttention<float>::make(6, 4, g));
  CHECK_ERROR(ShapeError, "[MultiheadAttention] queries of shape (2, 5, 3): this layer expects (N, L, 4)",
              nn::MultiheadAttention<float>::make(4, 2, g)(sequence));
  CHECK_ERROR(ShapeError, "[TransformerEncoderLayer] an input of shape (2, 5, 3): this layer expects (N, L, 4)",
              nn::TransformerEncoderLayer<float>::make(4, 2, g)(sequence));
  const auto attention = nn::MultiheadAttention<float>::make(3, 1, g);
  Tape<float> other;
  auto elsewhere = other.constant(random_tensor<float>({2, 5, 3}, 1));
  while (elsewhere.index() < sequence.index()) elsewhere = other.constant(random_tensor<float>({2, 5, 3}, 1));
  CHECK_ERROR(HandleError, "[MultiheadAttention] queries, keys and values belong to different tapes",
              attention(sequence, elsewhere, elsewhere));
  CHECK_ERROR(ShapeError, "queries of shape (2, 5, 3), keys of shape (1, 5, 3) and values of shape (1, 5, 3): expected",
              attention(sequence, few, few));
  CHECK_ERROR(ValueError, "[Linear] 0 outputs", nn::TransformerEncoderLayer<float>::make(4, 2, g, {.feedforward = 0}));
  CHECK(tape.size() == 5);
}
