// nn::Scope, and the layers that `summary` and `check` tell apart by it.
#include "../testing.hpp"
#include "nn/tape_layers.hpp"
#include <wengert/nn.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <type_traits>

using namespace wengert;
using namespace wengert::testing;

namespace {

// The rows of a summary: `path:type shape | `.
template <class Module, class Input>
std::string summary_rows(const Module& module, const Input& input) {
  std::string text;
  for (const auto& row : nn::summary(module, input).rows)
    text += fmt::format("{}{}{} {} | ", row.path, row.path.empty() ? "" : ":", row.type, to_string(row.output));
  return text;
}

// A layer of the user's, without a scope and with one.
struct Unscoped {
  Parameter<float> factor;
  Var<float> operator()(Var<float> x) const { return tanh(x * x.tape().variable(factor)); }
};
struct Scoped {
  Parameter<float> factor;
  Var<float> operator()(Var<float> x) const {
    const nn::Scope scope(*this, x);
    return tanh(x * x.tape().variable(factor));
  }
};
Parameter<float> three_factors() { return Parameter<float>(Tensor<float>{1, 2, 3}); }

// Tries one network and, if that throws, another one.
template <class First>
struct Attempt {
  First first;
  nn::Linear<float> second;
  Var<float> operator()(Var<float> x) const {
    try {
      return first(x);
    } catch (const ShapeError&) {
      return tanh(second(x));
    }
  }
};

// Calls a layer, and checks that a trace shows one call of it, which recorded all nodes. Enters its type in `types`.
template <class Module, class Input>
void check_scope(std::set<std::string>& types, const Module& module, const Input& input) {
  Tape<float> tape;
  const auto x = nn::detail::traced_input<float>(tape, input);
  const std::size_t first = tape.size();
  const auto trace = nn::detail::trace_module(tape, module, [&] { (void)module(x); });
  CAPTURE(nn::type_at(trace.parts, ""));
  CHECK(types.insert(nn::type_at(trace.parts, "")).second);
  const auto is_own = [&](const auto& call) {
    return call.module == &module && call.type == nn::detail::type_of<Module>();
  };
  REQUIRE(std::count_if(trace.calls.begin(), trace.calls.end(), is_own) == 1);
  REQUIRE(is_own(trace.calls.front()));
  CHECK(trace.calls.front().begin == first);
  CHECK(trace.calls.front().end == tape.size());
}

// The names of the structs in the headers of nn/ that have a call operator.
std::set<std::string> layers_in_headers() {
  std::set<std::string> names;
  for (const auto& header : std::filesystem::directory_iterator(PROJECT_SOURCE_DIR "/include/wengert/nn")) {
    if (header.path().stem() == "module_trace") continue;  // its map of inputs is no layer
    std::ifstream file(header.path());
    std::string line, name;
    while (std::getline(file, line)) {
      const auto word_after = [&](std::string_view prefix) {
        return line.substr(prefix.size(), line.find_first_of(" ,", prefix.size()) - prefix.size());
      };
      for (const std::string_view macro : {"WENGERT_LAYER(", "WENGERT_POOLING(", "WENGERT_ADAPTIVE_POOLING("})
        if (line.starts_with(macro)) names.insert(word_after(macro));
      if (line.starts_with("struct ")) name = word_after("struct ");
      if (line.starts_with("};")) name.clear();
      if (!name.empty() && (contains(line, " operator()(") || line.starts_with("  WENGERT_CALL("))) names.insert(name);
    }
  }
  return names;
}

}  // namespace

TEST_CASE("every layer of the library opens a scope") {
  Generator g(1);
  std::set<std::string> types;
  const auto check_all = [&](const auto& input, const auto&... module) { (check_scope(types, module, input), ...); };
  const auto linear = nn::Linear<float>::make(4, 4, g);
  check_all(Shape{2, 4}, nn::Identity{}, nn::ReLU{}, nn::ReLU6{}, nn::Sigmoid{}, nn::LogSigmoid{}, nn::Tanh{},
            nn::SiLU{}, nn::Mish{}, nn::SELU{}, nn::Softsign{}, nn::HardSigmoid{}, nn::HardSwish{}, nn::HardTanh{},
            nn::GELU{}, nn::LeakyReLU{}, nn::ELU{}, nn::CELU{}, nn::Softplus{}, nn::Softmax{}, nn::LogSoftmax{},
            nn::PReLU<float>::make(), nn::Dropout::make(0.5, g), nn::Flatten{}, linear,
            nn::with_lora(nn::copy(linear), 2, g), nn::BatchNorm<float>::make(4), nn::LayerNorm<float>::make({4}),
            nn::RMSNorm<float>::make({4}), nn::GroupNorm<float>::make(2, 4), nn::sequential(linear, nn::ReLU{}),
            nn::residual(linear));
  check_all(Shape{2, 4, 6}, nn::Conv1d<float>::make(4, 4, 3, g), nn::MaxPool1d{2}, nn::AvgPool1d{2},
            nn::AdaptiveAvgPool1d{2}, nn::AdaptiveMaxPool1d{2});
  check_all(Shape{2, 4, 6, 6}, nn::Conv2d<float>::make(4, 4, 3, g), nn::ConvTranspose2d<float>::make(4, 4, 3, g),
            nn::MaxPool2d{2}, nn::AvgPool2d{2}, nn::AdaptiveAvgPool2d{2}, nn::AdaptiveMaxPool2d{2});
  check_all(Shape{2, 3, 4}, nn::RNN<float>::make(4, 4, g), nn::GRU<float>::make(4, 4, g),
            nn::LSTM<float>::make(4, 4, g, {.layers = 2, .dropout = 0.5}),
            nn::MultiheadAttention<float>::make(4, 2, g, {.dropout = 0.5}),
            nn::TransformerEncoderLayer<float>::make(4, 2, g, {.feedforward = 8}));
  check_all(Indices{{1, 2, 3}, {0, 0, 0}}, nn::Embedding<float>::make(5, 4, g));
  CHECK(types == layers_in_headers());
}

TEST_CASE("layers called on one line are told apart") {
  Generator g(1);
  struct Perceptron {
    nn::Linear<float> first;
    nn::Dropout dropout;
    nn::Linear<float> second;
    Var<float> operator()(Var<float> x) const { return relu(second(dropout(first(x)))); }
  };
  const Perceptron perceptron{nn::Linear<float>::make(3, 4, g), nn::Dropout::make(0.5, g),
                              nn::Linear<float>::make(4, 2, g)};
  CHECK(summary_rows(perceptron, Shape{2, 3}) ==
        "first:Linear (2, 4) | dropout:Dropout (2, 4) | second:Linear (2, 2) | relu (2, 2) | ");
  struct Vision {
    nn::Conv2d<float> conv;
    nn::BatchNorm<float> norm;
    nn::ReLU relu;
    nn::MaxPool2d pool;
    nn::Flatten flat;
    nn::PReLU<float> slope;
    nn::LayerNorm<float> plain;
    Var<float> operator()(Var<float> x) const { return softmax(plain(slope(flat(pool(relu(norm(conv(x)))))))); }
  };
  const Vision vision{nn::Conv2d<float>::make(1, 4, 3, g, {.padding = 1}),
                      nn::BatchNorm<float>::make(4),
                      {},
                      {2},
                      {},
                      nn::PReLU<float>::make(),
                      nn::LayerNorm<float>::make({64}, {.affine = false})};
  CHECK(summary_rows(vision, Shape{2, 1, 8, 8}) ==
        "conv:Conv2d (2, 4, 8, 8) | norm:BatchNorm (2, 4, 8, 8) | relu:ReLU (2, 4, 8, 8) | pool:MaxPool2d (2, 4, 4, 4) "
        "| flat:Flatten (2, 64) | slope:PReLU (2, 64) | plain:LayerNorm (2, 64) | softmax (2, 64) | ");
  struct Reader {
    nn::Embedding<float> table;
    nn::LSTM<float> lstm;
    nn::GRU<float> gru;
    nn::MultiheadAttention<float> attention;
    nn::RMSNorm<float> norm;
    Var<float> operator()(IndexVar<float> x) const { return exp(norm(attention(gru(lstm(table(x)))))); }
  };
  const Reader reader{nn::Embedding<float>::make(7, 3, g), nn::LSTM<float>::make(3, 4, g),
                      nn::GRU<float>::make(4, 4, g), nn::MultiheadAttention<float>::make(4, 2, g, {.dropout = 0.5}),
                      nn::RMSNorm<float>::make({4})};
  CHECK(summary_rows(reader, Indices{{1, 2, 3}, {0, 0, 0}}) ==
        "table:Embedding (2, 3, 3) | lstm:LSTM (2, 3, 4) | gru:GRU (2, 3, 4) | attention:MultiheadAttention (2, 3, 4) "
        "| attention.out_proj:Linear (2, 3, 4) | norm:RMSNorm (2, 3, 4) | exp (2, 3, 4) | ");
}

TEST_CASE("what a layer records between its own layers are rows of its own") {
  Generator g(1);
  CHECK(summary_rows(nn::TransformerEncoderLayer<float>::make(4, 2, g, {.feedforward = 8}), Shape{2, 5, 4}) ==
        "self_attn:MultiheadAttention (2, 5, 4) | self_attn.out_proj:Linear (2, 5, 4) | dropout:Dropout (2, 5, 4) | "
        "TransformerEncoderLayer (2, 5, 4) | norm1:LayerNorm (2, 5, 4) | linear1:Linear (2, 5, 8) | "
        "TransformerEncoderLayer (2, 5, 8) | dropout:Dropout (2, 5, 8) | linear2:Linear (2, 5, 4) | "
        "dropout:Dropout (2, 5, 4) | TransformerEncoderLayer (2, 5, 4) | norm2:LayerNorm (2, 5, 4) | ");
  struct Block {
    nn::Linear<float> inner;
    Var<float> operator()(Var<float> x) const { return x + tanh(inner(x)); }
  };
  const Block block{nn::Linear<float>::make(3, 3, g)};
  CHECK(summary_rows(block, Shape{2, 3}) == "inner:Linear (2, 3) | tanh (2, 3) | add (2, 3) | ");
  CHECK(summary_rows(nn::sequential(block, nn::ReLU{}), Shape{2, 3}) ==
        "0.inner:Linear (2, 3) | 0:Block (2, 3) | 1:ReLU (2, 3) | ");
  CHECK(summary_rows(nn::sequential(nn::residual([](auto x) { return 2 * x; }), nn::ReLU{}), Shape{2, 3}) ==
        "0.block:lambda (2, 3) | 0:Residual (2, 3) | 1:ReLU (2, 3) | ");
}

TEST_CASE("a layer of one's own, with a scope and without one") {
  struct Stack {
    Unscoped first;
    Scoped second;
    Unscoped third;
    Var<float> operator()(Var<float> x) const { return relu(third(second(first(x)))); }
  };
  const Stack net{{three_factors()}, {three_factors()}, {three_factors()}};
  CHECK(summary_rows(net, Shape{2, 3}) ==
        "first:Unscoped (2, 3) | tanh (2, 3) | second:Scoped (2, 3) | third:Unscoped (2, 3) | tanh (2, 3) | "
        "relu (2, 3) | ");
  // A Sequential opens a scope for each of its layers; the layer's own adds nothing.
  CHECK(summary_rows(nn::sequential(net.first, net.second), Shape{2, 3}) == "0:Unscoped (2, 3) | 1:Scoped (2, 3) | ");
  CHECK(summary_rows(net.second, Shape{2, 3}) == "Scoped (2, 3) | ");
}

TEST_CASE("lambdas in a Sequential, even of one type name and address") {
  Generator g(1);
  const auto chain = nn::sequential(
      nn::Linear<float>::make(3, 3, g), [](Var<float> x) { return tanh(x); }, [](Var<float> x) { return 2 * exp(x); },
      nn::sequential([](auto x) { return relu(x); }));
  CHECK(summary_rows(chain, Shape{2, 3}) ==
        "0:Linear (2, 3) | 1:lambda (2, 3) | 2:lambda (2, 3) | 3.0:lambda (2, 3) | ");
}

TEST_CASE("each call of a layer is a row; the first one counts its parameters") {
  Generator g(1);
  struct Twice {
    nn::Linear<float> layer;
    Var<float> operator()(Var<float> x) const { return layer(tanh(layer(x))); }
  };
  const Twice net{nn::Linear<float>::make(3, 3, g)};
  CHECK(summary_rows(net, Shape{2, 3}) == "layer:Linear (2, 3) | tanh (2, 3) | layer:Linear (2, 3) | ");
  const auto summary = nn::summary(net, {2, 3});
  CHECK(summary.rows.front().parameters == 12);
  CHECK(summary.rows.back().parameters == 0);
}

TEST_CASE("a copy of a layer has the path of the parameters it reads") {
  Generator g(1);
  struct Copying {
    std::vector<nn::Linear<float>> hidden;
    nn::ReLU activation;
    nn::Residual<nn::Sequential<nn::Linear<float>, nn::Tanh>> block;
    Var<float> operator()(Var<float> x) const {
      const nn::Linear<float> first = hidden[0], second = hidden[1];
      const nn::ReLU function = activation;
      const auto other = block;
      return other(function(second(first(x))));
    }
  };
  const auto layer = [&] { return nn::Linear<float>::make(3, 3, g); };
  const Copying net{{layer(), layer()}, {}, nn::residual(nn::sequential(layer(), nn::Tanh{}))};
  CHECK(summary_rows(net, Shape{2, 3}) ==
        "hidden.0:Linear (2, 3) | hidden.1:Linear (2, 3) | ReLU (2, 3) | block.block.0:Linear (2, 3) | "
        "Tanh (2, 3) | block:Residual (2, 3) | ");
}

TEST_CASE("a trace ignores calls on other tapes and in other threads") {
  Generator g(1);
  struct Elsewhere {
    nn::Linear<float> layer;
    Var<float> operator()(Var<float> x) const {
      const auto apart = [&] {
        Tape<float> other;
        layer(other.constant(Tensor<float>(xt::zeros<float>({5, 3}))));
      };
      apart();
      std::thread(apart).join();
      CHECK(summary_rows(layer, Shape{4, 3}) == "Linear (4, 3) | ");
      return tanh(layer(x));
    }
  };
  const Elsewhere net{nn::Linear<float>::make(3, 3, g)};
  CHECK(summary_rows(net, Shape{2, 3}) == "layer:Linear (2, 3) | tanh (2, 3) | ");
  Tape<float> tape;
  const auto x = tape.constant(Tensor<float>(xt::zeros<float>({2, 3})));
  CHECK(nn::detail::trace_module(tape, net, [&] { net(x); }).calls.size() == 1);
}

TEST_CASE("errors leave nothing in a trace, and no trace behind") {
  Generator g(1);
  const auto fitting = nn::Linear<float>::make(3, 3, g);
  const auto failing = nn::sequential(fitting, nn::ReLU{}, nn::Linear<float>::make(5, 2, g));
  const Attempt<std::remove_const_t<decltype(failing)>> net{failing, fitting};
  CHECK(summary_rows(net, Shape{2, 3}) == "second:Linear (2, 3) | tanh (2, 3) | ");
  CHECK(summary_rows(nn::sequential(net, nn::ReLU{}), Shape{2, 3}) ==
        "0.second:Linear (2, 3) | 0:Attempt (2, 3) | 1:ReLU (2, 3) | ");
  CHECK_THROWS_AS(nn::summary(failing, {2, 3}), ShapeError);
  CHECK(nn::detail::CallLog::active == nullptr);
  Tape<float> tape;
  CHECK_THROWS_AS(nn::detail::trace_module(tape, fitting, [&] { fitting(Var<float>()); }), HandleError);
  const auto mark = tape.mark();
  const auto x = tape.constant(Tensor<float>(xt::zeros<float>({2, 3})));
  const auto trace = nn::detail::trace_module(tape, fitting, [&] {  // a rewound call leaves nothing either
    fitting(x);
    tape.rewind(mark);
    CHECK_THROWS_AS(fitting(x), HandleError);
    const auto y = tape.constant(Tensor<float>(xt::zeros<float>({2, 3})));
    exp(exp(exp(exp(exp(y)))));
  });
  for (const auto& layer : nn::layers_of(tape, 0, trace)) CHECK(layer.type == "exp");
}

TEST_CASE("check names the layer of a function on one line with others") {
  Generator g(3);
  struct Classes {
    nn::Linear<double> head;
    nn::Dropout dropout;
    nn::Softmax probabilities;
    Var<double> operator()(Var<double> x) const { return probabilities(dropout(head(x))); }
  };
  const Classes net{nn::Linear<double>::make(5, 2, g), nn::Dropout::make(0.1, g), {}};
  const Tensor<double> y = xt::ones<double>({16, 2}) / 2;
  const auto report = nn::check(
      net, [](const auto& n, auto x, auto t) { return cross_entropy_with_logits(n(x), t); },
      random_tensor<double>({16, 5}, 1), y);
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].layer == "probabilities");
  CHECK(contains(report.to_string(), "in probabilities (Softmax): its result is the input of "));
}

TEST_CASE("summary and check reject results of another tape and rewound ones") {
  Generator g(1);
  Tape<double> other;
  const auto layer = nn::Linear<double>::make(3, 2, g);
  for (int i = 0; i < 100; ++i) other.constant(1.0);  // its next index is beyond the end of the other tape
  const auto far = other.constant(2.0);
  const auto rewound = [](Var<double> x) {
    const auto mark = x.tape().mark();
    const auto y = mean(exp(x));
    x.tape().rewind(mark);
    return y;
  };
  const auto foreign_net = nn::sequential(layer, [far](auto) { return far; });
  const auto rewound_net = nn::sequential(layer, rewound);
  CHECK_ERROR(HandleError, "[summary] the handle belongs to another tape", nn::summary(foreign_net, Shape{2, 3}));
  CHECK_ERROR(HandleError, "[summary] stale handle", nn::summary(rewound_net, Shape{2, 3}));
  const Tensor<double> x = xt::ones<double>({16, 3});
  const auto message = [&](const auto& loss) { return message_of<HandleError>([&] { nn::check(layer, loss, x); }); };
  CHECK(message([far](const auto&, auto) { return far; }) == "[check] the handle belongs to another tape");
  CHECK(contains(message([&](const auto&, auto v) { return rewound(v); }), "[check] stale handle"));
  CHECK(contains(message([](const auto&, auto) { return Var<double>(); }), "[check] the operand is an empty handle"));
}

namespace {

template <class T>
struct Outer {
  struct Block {
    nn::Linear<T> layer;
    Var<T> operator()(Var<T> x) const {
      const nn::Scope scope(*this, x);
      return tanh(layer(x));
    }
  };
};
template <class T>
auto local_block(Generator g) {
  struct Local {
    nn::Linear<T> layer;
    Var<T> operator()(Var<T> x) const {
      const nn::Scope scope(*this, x);
      return tanh(layer(x));
    }
  };
  return Local{nn::Linear<T>::make(3, 3, g)};
}

}  // namespace

TEST_CASE("types within templates, functions and lambdas have their own names") {
  Generator g(1);
  const auto within_lambda = [&] {
    struct Inside {
      nn::Linear<float> layer;
      Var<float> operator()(Var<float> x) const {
        const nn::Scope scope(*this, x);
        return tanh(layer(x));
      }
    };
    return Inside{nn::Linear<float>::make(3, 3, g)};
  }();
  const auto net = nn::sequential(Outer<float>::Block{nn::Linear<float>::make(3, 3, g)}, local_block<float>(g),
                                  within_lambda, [](auto x) { return exp(x); });
  CHECK(summary_rows(net, Shape{2, 3}) ==
        "0.layer:Linear (2, 3) | 0:Block (2, 3) | 1.layer:Linear (2, 3) | 1:Local (2, 3) | 2.layer:Linear (2, 3) | "
        "2:Inside (2, 3) | 3:lambda (2, 3) | ");
}
