// LoRA: the adapted layer computes and trains an update of low rank, and merges into a plain layer.
#include "../testing.hpp"
#include "temporary_folder.hpp"
#include <wengert/io.hpp>
#include <wengert/nn.hpp>

#include <set>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Networks with one type of layer before and one after fine-tuning.
template <class Layer>
struct Tuned {
  Layer body;
  nn::Linear<float> head;
  Var<float> operator()(Var<float> x) const { return head(relu(body(x))); }
};

}  // namespace

TEST_CASE("an adapter begins as the layer, whose parameters it shares and freezes") {
  Generator g(1);
  const auto layer = nn::Linear<double>::make(400, 3, g);
  const auto adapted = nn::with_lora(layer, 20, g, {.alpha = 5.0});
  CHECK(adapted.weight == layer.weight);
  CHECK(*adapted.bias == *layer.bias);
  CHECK_FALSE(layer.weight.trainable());
  CHECK_FALSE(layer.bias->trainable());
  CHECK(adapted.scale == 0.25);
  CHECK(nn::with_lora(layer, 20, g).scale == 1);
  CHECK(adapted.lora_a.shape() == Shape{20, 400});
  CHECK(adapted.lora_b.value() == xt::zeros<double>({3, 20}));
  const double largest = xt::amax(xt::abs(adapted.lora_a.value()))();
  CHECK((largest <= 0.05 && largest > 0.98 * 0.05));
  CHECK(adapted.lora_a.value() != nn::with_lora(layer, 20, g).lora_a.value());
  Tape<double> tape;
  const auto x = tape.constant(random_tensor({2, 7, 400}, 1));
  CHECK(adapted(x).value() == layer(x).value());
  CHECK(nn::parameter_count(adapted, nn::Counted::trainable) == 20 * 403);
}

TEST_CASE("the merged layer has the weight W + alpha/rank B A, and its own parameters") {
  Generator g(2);
  for (const bool with_bias : {true, false}) {
    const auto adapted = nn::with_lora(nn::Linear<double>::make(5, 4, g, {.bias = with_bias}), 2, g, {.alpha = 3.0});
    nn::normal(adapted.lora_b, g);
    const nn::Linear<double> merged = adapted.merged();
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t j = 0; j < 5; ++j) {
        double product = 0;
        for (std::size_t k = 0; k < 2; ++k) product += adapted.lora_b.value()(i, k) * adapted.lora_a.value()(k, j);
        CHECK(merged.weight.value()(i, j) == doctest::Approx(adapted.weight.value()(i, j) + 1.5 * product));
      }
    Tape<double> tape;
    const auto x = tape.constant(random_tensor({6, 5}, 1));
    CHECK(distance(merged(x).value(), adapted(x).value()) < 1e-14);
    CHECK((merged.weight.trainable() && merged.weight != adapted.weight));
    REQUIRE(merged.bias.has_value() == with_bias);
    if (with_bias) CHECK((merged.bias->trainable() && *merged.bias != *adapted.bias));
    if (with_bias) CHECK(merged.bias->value() == adapted.bias->value());
  }
}

TEST_CASE("only A and B are trained, on the tape as in a Program") {
  Generator g(3);
  const nn::Linear<float> before = nn::Linear<float>::make(6, 4, g);
  const auto adapted = nn::with_lora(nn::copy(before), 2, g, {.alpha = 4.0});
  const auto replayed = nn::copy(adapted);
  const auto x = random_tensor<float>({8, 6}, 1), y = random_tensor<float>({8, 4}, 2);
  const auto step_of = [](const auto& network, auto& tape, auto inputs, auto targets) {
    const auto loss = mean(square(network(inputs) - targets));
    for (auto& [path, parameter, gradient] : nn::grad(loss, network)) {
      CHECK((path == "lora_a" || path == "lora_b"));
      tape.update(parameter, tape.variable(parameter) - 0.1F * gradient);
    }
    return loss;
  };
  auto step =
      compiled<float>([&](auto& tape, auto inputs, auto targets) { return step_of(replayed, tape, inputs, targets); });
  float first = 0, last = 0;
  for (int i = 0; i < 50; ++i) {
    Tape<float> tape;
    last = step_of(adapted, tape, tape.constant(x), tape.constant(y)).item();
    tape.commit();
    if (i == 0) first = last;
    CHECK(step(x, y).item() == doctest::Approx(last).epsilon(1e-4));
  }
  CHECK(last < 0.7F * first);
  CHECK(adapted.weight.value() == before.weight.value());
  CHECK(adapted.bias->value() == before.bias->value());
  CHECK(distance(adapted.lora_a.value(), replayed.lora_a.value()) < 1e-4);
  CHECK(distance(adapted.lora_b.value(), replayed.lora_b.value()) < 1e-4);
  CHECK(xt::amax(xt::abs(adapted.lora_b.value()))() > 0.01F);
}

TEST_CASE("an adapted network loads the weights of a plain one, has a row of its own and passes the check") {
  Generator g(4);
  const Tuned<nn::Linear<float>> plain{nn::Linear<float>::make(6, 5, g), nn::Linear<float>::make(5, 3, g)};
  const Tuned<nn::LoRALinear<float>> tuned{nn::with_lora(nn::Linear<float>::make(6, 5, g), 1, g),
                                           nn::Linear<float>::make(5, 3, g)};
  const TemporaryFolder folder;
  io::save_parameters(plain, folder / "plain.npz");
  const auto report = io::load_parameters(tuned, folder / "plain.npz", {.skip = {"*.lora_*"}});
  CHECK(report.loaded.size() == 4);
  CHECK(report.skipped == std::vector<std::string>{"body.lora_a", "body.lora_b"});
  const auto x = random_tensor<float>({7, 6}, 1);
  Tape<float> tape;
  CHECK(tuned(tape.constant(x)).value() == plain(tape.constant(x)).value());
  const auto summary = nn::summary(tuned, {7, 6});
  REQUIRE(summary.rows.size() == 3);
  CHECK(summary.rows[0].type == "LoRALinear");
  CHECK(summary.rows[0].path == "body");
  CHECK(summary.rows[0].parameters == 5 * 6 + 5 + 6 + 5);
  nn::normal(tuned.body.lora_b, g);
  Indices labels{0, 1, 2, 0, 1, 2, 0};
  CHECK(nn::check(
      tuned, [](const auto& n, auto in, auto out) { return cross_entropy(n(in), out); }, x, labels));
}

TEST_CASE("a rank or alpha that is none, or an input that does not fit, is refused, and nothing is frozen") {
  Generator g(5);
  const auto layer = nn::Linear<float>::make(4, 3, g);
  CHECK_ERROR(ValueError, "[with_lora] 0 ranks: expected at least 1", nn::with_lora(layer, 0, g));
  CHECK_ERROR(ValueError, "[with_lora] alpha inf: expected a finite number",
              nn::with_lora(layer, 2, g, {.alpha = INFINITY}));
  CHECK_ERROR(MemoryError, "needs more memory than is available", nn::with_lora(layer, std::size_t{1} << 45, g));
  CHECK(layer.weight.trainable());
  Tape<float> tape;
  const auto x = tape.constant(random_tensor<float>({2, 5}, 1));
  const std::size_t before = tape.size();
  CHECK_ERROR(ShapeError, "[LoRALinear] an input of shape (2, 5): this layer (4 → 3) expects 4 features",
              nn::with_lora(layer, 2, g)(x));
  CHECK(tape.size() == before);
}
