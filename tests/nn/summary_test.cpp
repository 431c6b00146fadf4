// nn::summary, the table of layers, and nn::check, the linter.
#include "../testing.hpp"
#include <wengert/nn.hpp>

#include <algorithm>

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class T>
struct ConvNet {
  nn::Conv2d<T> conv;
  nn::MaxPool2d pool;
  nn::Linear<T> head;

  Var<T> operator()(Var<T> x) const { return head(flatten(pool(relu(conv(x))), 1)); }
};
ConvNet<float> conv_net(Generator& g) {
  return {nn::Conv2d<float>::make(1, 4, 3, g, {.padding = 1}), {2}, nn::Linear<float>::make(64, 10, g)};
}

// A recurrent layer made of plain parameters, as users might write it.
struct Counter {
  Parameter<double> input, state;

  Var<double> operator()(Var<double> x) const {
    auto h = x.tape().constant(Tensor<double>(xt::zeros<double>({2, 3})));
    for (int t = 0; t < 4; ++t)
      h = tanh(sigmoid(matmul(x, x.tape().variable(input))) + matmul(h, x.tape().variable(state)));
    return h;
  }
};

std::string layers_of_summary(const nn::Summary& summary) {
  std::string text;
  for (const auto& row : summary.rows)
    text += fmt::format("{}{}{} {} | ", row.path, row.path.empty() ? "" : ":", row.type, to_string(row.output));
  return text;
}
const nn::SummaryRow& row_of(const nn::Summary& summary, const std::string& name) {
  const auto found = std::find_if(summary.rows.begin(), summary.rows.end(),
                                  [&](const auto& row) { return row.path == name || row.type == name; });
  REQUIRE(found != summary.rows.end());
  return *found;
}

}  // namespace

TEST_CASE("summary of a network of one's own: shapes, parameters, FLOPs and bytes as computed by hand") {
  Generator g(1);
  const auto net = conv_net(g);
  nn::freeze(net, "conv.bias");
  const auto summary = nn::summary(net, {2, 1, 8, 8});
  CHECK(layers_of_summary(summary) ==
        "conv:Conv2d (2, 4, 8, 8) | relu (2, 4, 8, 8) | pool:MaxPool2d (2, 4, 4, 4) | reshape (2, 64) | "
        "head:Linear (2, 10) | ");
  const auto& conv = row_of(summary, "conv");
  CHECK(conv.parameters == 4 * 9 + 4);
  CHECK(conv.flops == 2.0 * (2 * 4 * 8 * 8) * 9);
  CHECK(conv.bytes == 2 * 512 * 4);  // before and after the bias
  CHECK(row_of(summary, "relu").bytes == 512 * 4);
  CHECK(row_of(summary, "reshape").bytes == 0);  // a view
  const auto& head = row_of(summary, "head");
  CHECK(head.parameters == 650);
  CHECK(head.flops == 2.0 * 2 * 64 * 10);
  CHECK(head.bytes == 2 * 20 * 4);
  CHECK(summary.parameters == 690);
  CHECK(summary.trainable == 686);
  CHECK(summary.parameter_bytes == 690 * 4);
  CHECK(summary.flops == conv.flops + head.flops);
  CHECK(contains(summary.to_string(), "conv (Conv2d)     (2, 4, 8, 8)          40  9.22 k  4.00 KiB\n"));
  CHECK(contains(summary.to_string(), "686 of the parameters are trainable; all parameters take 2.70 KiB\n"));
}

TEST_CASE("summary of a chain has a row for each layer, by its number") {
  Generator g(1);
  const auto chain = nn::sequential(
      nn::Conv1d<float>::make(2, 4, 3, g), nn::BatchNorm<float>::make(4), nn::ReLU{}, nn::Flatten{},
      nn::Dropout::make(0.5, g), [](auto x) { return 2 * x + 1; },
      nn::residual(nn::sequential(nn::Linear<float>::make(24, 24, g), nn::Tanh{})));
  const auto position = g.counter();
  const auto summary = nn::summary(chain, {5, 2, 8});
  CHECK(layers_of_summary(summary) ==
        "0:Conv1d (5, 4, 6) | 1:BatchNorm (5, 4, 6) | 2:ReLU (5, 4, 6) | 3:Flatten (5, 24) | 4:Dropout (5, 24) | "
        "5:lambda (5, 24) | 6.block.0:Linear (5, 24) | 6.block.1:Tanh (5, 24) | 6:Residual (5, 24) | ");
  CHECK(row_of(summary, "1").parameters == 16);
  CHECK(row_of(summary, "2").bytes == 5 * 24 * 4);
  CHECK(summary.trainable + 8 == summary.parameters);
  CHECK(g.counter() == position);  // nothing was drawn
  CHECK(chain.at<1>().running_mean.parameter.value() == xt::zeros<float>({4}));
  const auto transposed = nn::ConvTranspose2d<double>::make(4, 2, 3, g, {.stride = 2, .groups = 2, .bias = false});
  const auto larger = nn::summary(transposed, {5, 4, 3, 3});
  CHECK(larger.rows.front().output == Shape{5, 2, 7, 7});
  CHECK(larger.flops == 2.0 * (5 * 4 * 3 * 3) * (1 * 3 * 3));
}

TEST_CASE("summary of recurrent and attention layers: all steps are one row") {
  Generator g(1);
  struct Reader {
    nn::Embedding<float> table;
    nn::LSTM<float> lstm;
    nn::TransformerEncoderLayer<float> encoder;
    nn::Linear<float> unused;
    Var<float> operator()(IndexVar<float> x) const { return encoder(lstm(table(x))); }
  };
  const Reader reader{nn::Embedding<float>::make(7, 3, g), nn::LSTM<float>::make(3, 4, g),
                      nn::TransformerEncoderLayer<float>::make(4, 2, g, {.feedforward = 8}),
                      nn::Linear<float>::make(2, 2, g)};
  const auto summary = nn::summary(reader, Indices{{1, 2, 3, 4, 5}, {0, 0, 0, 0, 0}});
  CHECK(layers_of_summary(summary).starts_with("table:Embedding (2, 5, 3) | lstm:LSTM (2, 5, 4) | encoder.self_attn:"));
  const auto& lstm = row_of(summary, "lstm");
  CHECK(lstm.parameters == 16 * 3 + 16 * 4 + 32);
  CHECK(lstm.flops == 2.0 * 2 * 5 * 16 * (3 + 4));
  const auto deep =
      nn::summary(nn::LSTM<float>::make(3, 4, g, {.layers = 2, .bidirectional = true, .dropout = 0.5}), {2, 5, 3});
  REQUIRE(deep.rows.size() == 1);
  CHECK(deep.rows[0].type == "LSTM");
  CHECK(deep.rows[0].output == Shape{2, 5, 8});
  CHECK(deep.rows[0].parameters == 2 * (16 * (3 + 4) + 32) + 2 * (16 * (8 + 4) + 32));
  CHECK(deep.flops == 2 * (2.0 * 2 * 5 * 16 * (3 + 4)) + 2 * (2.0 * 2 * 5 * 16 * (8 + 4)));
  CHECK(row_of(summary, "encoder.linear1").flops == 2.0 * 2 * 5 * 4 * 8);
  CHECK(summary.rows.back().path == "encoder.norm2");
  CHECK(summary.unread == std::vector<std::string>{"unused.weight", "unused.bias"});
  const Counter counter{Parameter<double>(random_tensor({3, 3}, 1)), Parameter<double>(random_tensor({3, 3}, 2))};
  const auto bare = nn::summary(counter, {2, 3});
  REQUIRE(bare.rows.size() == 1);
  CHECK(bare.rows[0].type == "Counter");
  CHECK(bare.rows[0].parameters == 18);
  CHECK(bare.flops == 8 * 2.0 * 2 * 9);
}

TEST_CASE("summary keeps a function apart from the layer it is called on") {
  Generator g(1);
  struct Block {
    nn::Linear<float> first;
    nn::BatchNorm<float> norm;
    nn::LayerNorm<float> plain;
    Var<float> operator()(Var<float> x) const { return tanh(plain(relu(norm(first(x))))); }
  };
  const Block block{nn::Linear<float>::make(3, 4, g), nn::BatchNorm<float>::make(4),
                    nn::LayerNorm<float>::make({4}, {.affine = false})};
  const std::string rows =
      "first:Linear (2, 4) | norm:BatchNorm (2, 4) | relu (2, 4) | plain:LayerNorm (2, 4) | tanh (2, 4) | ";
  CHECK(layers_of_summary(nn::summary(block, {2, 3})) == rows);
  nn::eval_mode(block);
  CHECK(layers_of_summary(nn::summary(block, {2, 3})) == rows);
}

TEST_CASE("summary of networks with several results") {
  Generator g(1);
  struct Heads {
    nn::Linear<float> mean, deviation;
    auto operator()(Var<float> x) const {
      const auto centre = mean(x);
      return std::tuple(centre, exp(deviation(x)));
    }
  };
  const Heads heads{nn::Linear<float>::make(3, 2, g), nn::Linear<float>::make(3, 4, g)};
  CHECK(layers_of_summary(nn::summary(heads, {5, 3})) ==
        "mean:Linear (5, 2) | deviation:Linear (5, 4) | exp (5, 4) | ");
  struct Reader {
    nn::LSTM<float> lstm;
    auto operator()(Var<float> x) const { return lstm.run(x); }
  };
  CHECK(nn::summary(Reader{nn::LSTM<float>::make(3, 4, g)}, {2, 5, 3}).rows.front().path == "lstm");
}

TEST_CASE("summary counts what is shared once") {
  Generator g(1);
  const auto layer = nn::Linear<double>::make(3, 3, g);
  const auto summary = nn::summary(nn::sequential(layer, nn::ReLU{}, layer), {2, 3});
  CHECK(summary.parameters == 12);
  CHECK(summary.rows.front().parameters == 12);
  CHECK(summary.rows.back().parameters == 0);
  CHECK(summary.flops == 2 * 2.0 * 2 * 9);
}

namespace {

// Returns flaws and layers of the findings, in order.
std::string flaws(const nn::CheckReport& report) {
  const char* const names[] = {"no_gradient", "softmax", "log", "broadcast", "dead", "saturated", "nll"};
  std::string text;
  for (const auto& finding : report.findings)
    text += fmt::format("{} {} | ", names[static_cast<std::size_t>(finding.flaw)], finding.layer);
  return text;
}
Indices labels(std::size_t n) {
  Indices result = Indices::from_shape({n});
  for (std::size_t i = 0; i < n; ++i) result(i) = static_cast<std::int64_t>(i % 2);
  return result;
}
const auto by_label = [](const auto& net, auto x, auto y) { return cross_entropy(net(x), y); };

}  // namespace

TEST_CASE("check finds nothing wrong with a right network") {
  Generator g(3);
  const auto x = random_tensor<float>({16, 5}, 1);
  const auto mlp = nn::sequential(nn::Linear<float>::make(5, 32, g), nn::ReLU{}, nn::LayerNorm<float>::make({32}),
                                  nn::Linear<float>::make(32, 32, g), nn::Sigmoid{}, nn::Dropout::make(0.2, g),
                                  nn::Linear<float>::make(32, 2, g));
  const auto report = nn::check(mlp, by_label, x, labels(16));
  CAPTURE(report.to_string());
  CHECK(report);
  CHECK(nn::check(conv_net(g), by_label, random_tensor<float>({4, 1, 8, 8}, 1), labels(4)));
  const auto encoder = nn::sequential(nn::GRU<float>::make(5, 8, g), nn::TransformerEncoderLayer<float>::make(8, 2, g),
                                      nn::Linear<float>::make(8, 1, g));
  CHECK(nn::check(
      encoder, [](const auto& net, auto v, auto y) { return mse_loss(net(v), y); }, random_tensor<float>({16, 4, 5}, 1),
      random_tensor<float>({16, 4, 1}, 2)));
}

TEST_CASE("check finds parameters without a gradient") {
  Generator g(3);
  struct Forgetful {
    nn::Linear<float> first, forgotten, dropped, last;
    Var<float> operator()(Var<float> x) const {
      const auto h = tanh(first(x));
      dropped(h);
      return last(h);
    }
  };
  const Forgetful net{nn::Linear<float>::make(5, 4, g), nn::Linear<float>::make(4, 4, g),
                      nn::Linear<float>::make(4, 4, g), nn::Linear<float>::make(4, 2, g)};
  const auto x = random_tensor<float>({16, 5}, 1);
  const auto report = nn::check(net, by_label, x, labels(16));
  CHECK(flaws(report) == "no_gradient dropped | no_gradient forgotten | ");
  CHECK(contains(report.to_string(),
                 "weight and bias of forgotten (Linear) receive no gradient: the network does not read them; call "
                 "their layer, freeze them"));
  CHECK(contains(report.to_string(),
                 "weight and bias of dropped (Linear) receive no gradient: the network reads them, but"));
  nn::freeze(net, "forgotten");
  nn::freeze(net, "dropped");
  CHECK(nn::check(net, by_label, x, labels(16)));
  const auto stopped = [](const auto& n, auto v, auto y) {
    return cross_entropy(n.last(stop_gradient(n.first(v))), y);
  };
  CHECK(flaws(nn::check(net, stopped, x, labels(16))) == "no_gradient first | ");
  const auto infinite = [](const auto& n, auto v) { return mean(sqrt(0 * n.last(n.first(v)))); };
  CHECK(contains(nn::check(net, infinite, x).to_string(), "their gradient is not finite"));
}

TEST_CASE("check finds parameters that no member leads to") {
  Generator g(3);
  class Hidden {
   public:
    explicit Hidden(Generator& generator) : layer_(nn::Linear<float>::make(5, 4, generator)) {}
    Var<float> operator()(Var<float> x) const { return layer_(x); }

   private:
    nn::Linear<float> layer_;
  };
  struct Network {
    Hidden first;
    nn::Linear<float> last;
    Var<float> operator()(Var<float> x) const { return last(tanh(first(x))); }
  };
  const Network net{Hidden(g), nn::Linear<float>::make(4, 2, g)};
  const auto report = nn::check(net, by_label, random_tensor<float>({16, 5}, 1), labels(16));
  CHECK(flaws(report) == "no_gradient  | ");
  CHECK(contains(report.to_string(),
                 "the network reads trainable parameters that are not among its members (weight (4, 5) at "));
  CHECK(contains(report.to_string(), "bias (4,) at "));
}

TEST_CASE("check names the caller's line for a loss that is no scalar") {
  Generator g(3);
  const auto loss_of = [](const auto& n, auto v) { return square(n(v)); };
  bool thrown = false;
  try {
    nn::check(nn::Linear<float>::make(5, 2, g), loss_of, random_tensor<float>({16, 5}, 1));
  } catch (const GradientError& error) {
    thrown = true;
    CAPTURE(error.what());
    CHECK(contains(error.what(), "summary_test.cpp"));
  }
  CHECK(thrown);
}

TEST_CASE("check finds an nll_loss of what are no logarithms, and a sigmoid before a loss over classes") {
  Generator g(3);
  const auto x = random_tensor<double>({16, 5}, 1);
  const auto net = nn::Linear<double>::make(5, 2, g);
  const auto raw = [](const auto& n, auto v, auto y) { return nll_loss(n(v), y); };
  const auto report = nn::check(net, raw, x, labels(16));
  CHECK(flaws(report) == "nll  | ");
  CHECK(contains(report.to_string(), "use cross_entropy, which takes logits"));
  const auto of_softmax = [](const auto& n, auto v, auto y) { return nll_loss(softmax(n(v)), y); };
  const auto second = nn::check(net, of_softmax, x, labels(16));
  CHECK(flaws(second) == "nll  | ");
  CHECK(contains(second.to_string(), "use cross_entropy on the input of the softmax"));
  const auto weighted = [](const auto& n, auto v, auto y) {
    return nll_loss(log_softmax(n(v)), y, {.weights = v.tape().constant(Tensor<double>{1, 3})});
  };
  CHECK(nn::check(net, weighted, x, labels(16)));
  const auto squashed = [](const auto& n, auto v, auto y) { return cross_entropy(sigmoid(n(v)), y); };
  const auto third = nn::check(net, squashed, x, labels(16));
  CHECK(flaws(third) == "softmax  | ");
  CHECK(
      contains(third.to_string(), "so no probability comes close to 1; remove the sigmoid from the input of the loss"));
}

TEST_CASE("check finds a softmax before a loss that takes logits") {
  Generator g(3);
  const auto x = random_tensor<double>({16, 5}, 1);
  const auto net = nn::sequential(nn::Linear<double>::make(5, 2, g), nn::Softmax{});
  const auto report = nn::check(net, by_label, x, labels(16));
  CHECK(flaws(report) == "softmax 1 | ");
  CHECK(contains(report.to_string(), "in 1 (Softmax): its result is the input of "));
  CHECK(contains(report.to_string(),
                 "which expects logits and applies the softmax itself; remove the softmax from the input of the loss"));
  const Tensor<double> y = xt::ones<double>({16, 2}) / 2;
  const auto one_hot = [](const auto& n, auto v, auto t) { return cross_entropy_with_logits(n(v), t); };
  CHECK(flaws(nn::check(net, one_hot, x, y)) == "softmax 1 | ");
  const auto smooth = [](const auto& n, auto v, auto t) { return cross_entropy(n(v), t, {.label_smoothing = 0.1}); };
  CHECK(flaws(nn::check(net, smooth, x, labels(16))) == "softmax 1 | ");
  const auto squashed = nn::sequential(nn::Linear<double>::make(5, 2, g), nn::Sigmoid{});
  const auto binary = [](const auto& n, auto v, auto t) { return binary_cross_entropy_with_logits(n(v), t); };
  CHECK(flaws(nn::check(squashed, binary, x, y)) == "softmax 1 | ");
  const auto of_probabilities = [](const auto& n, auto v, auto t) { return binary_cross_entropy(n(v), t); };
  CHECK(nn::check(squashed, of_probabilities, x, y));
}

TEST_CASE("check finds logarithms of a softmax") {
  Generator g(3);
  const auto x = random_tensor<double>({16, 5}, 1);
  const auto net = nn::Linear<double>::make(5, 2, g);
  const auto plain = [](const auto& n, auto v, auto y) { return nll_loss(log(softmax(n(v))), y); };
  const auto report = nn::check(net, plain, x, labels(16));
  CHECK(flaws(report) == "log  | ");
  CHECK(contains(report.to_string(), "softmax at summary_test.cpp:"));
  CHECK(contains(report.to_string(), "after Linear: its logarithm is taken"));
  const auto guarded = [](const auto& n, auto v, auto y) { return nll_loss(log(softmax(n(v)) + 1e-9), y); };
  CHECK(flaws(nn::check(net, guarded, x, labels(16))) == "log  | ");
  const auto squashed = [](const auto& n, auto v) { return -mean(log(sigmoid(n(v)))); };
  CHECK(flaws(nn::check(net, squashed, x)) == "log  | ");
  const auto right = [](const auto& n, auto v, auto y) { return nll_loss(log_softmax(n(v)), y); };
  CHECK(nn::check(net, right, x, labels(16)));
}

TEST_CASE("check finds losses whose operands broadcast") {
  Generator g(3);
  const auto x = random_tensor<double>({16, 5}, 1), y = random_tensor<double>({16}, 2);
  const auto net = nn::Linear<double>::make(5, 1, g);
  const auto squares = [](const auto& n, auto v, auto t) { return mean(square(n(v) - t)); };
  const auto report = nn::check(net, squares, x, y);
  CHECK(flaws(report) == "broadcast  | ");
  CHECK(contains(report.to_string(), "predictions (16, 1) and targets (16,) broadcast to (16, 16)"));
  CHECK(nn::check(net, squares, x, random_tensor<double>({16, 1}, 2)));
  const auto flat = [](const auto& n, auto v, auto t) { return mean(square(squeeze(n(v), {1}) - t)); };
  CHECK(nn::check(net, flat, x, y));
}

TEST_CASE("check finds dead relus and saturated sigmoids") {
  Generator g(3);
  const auto x = random_tensor<float>({16, 5}, 1);
  const auto net = nn::sequential(nn::Linear<float>::make(5, 32, g), nn::ReLU{}, nn::Linear<float>::make(32, 8, g),
                                  nn::Tanh{}, nn::Linear<float>::make(8, 2, g));
  nn::constant(nn::parameter(net, "0.bias"), -20);
  const auto report = nn::check(net, by_label, x, labels(16));
  CHECK(flaws(report).starts_with("dead 1 | "));
  CHECK(contains(report.to_string(), "in 1 (ReLU): 100 % of its units output 0 for every sample"));
  nn::zeros(nn::parameter(net, "0.bias"));
  CHECK(nn::check(net, by_label, x, labels(16)));
  nn::normal(nn::parameter(net, "2.weight"), g, 0, 100);
  CHECK(flaws(nn::check(net, by_label, x, labels(16))) == "saturated 3 | ");
  const auto gates = [](const auto& n, auto v, auto y) { return cross_entropy(sigmoid(1000 * n(v)), y); };
  CHECK(contains(flaws(nn::check(net, gates, x, labels(16))), "saturated 4 | "));
}
