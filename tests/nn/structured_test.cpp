// nn::summary and nn::check of networks whose inputs and outputs are structs or tuples.
#include "../testing.hpp"
#include <wengert/nn.hpp>

#include <tuple>

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class V, class I>
struct Facts {
  V numbers;
  I word;
};
template <class V>
struct Pair {
  V first, second;
};

// Reads numbers and a word, and returns a price and a kind.
struct Valuer {
  nn::Linear<float> numbers;
  nn::Embedding<float> words;
  nn::Linear<float> price, kind;

  static Valuer make(Generator& g) {
    return {nn::Linear<float>::make(4, 8, g), nn::Embedding<float>::make(5, 8, g), nn::Linear<float>::make(8, 1, g),
            nn::Linear<float>::make(8, 3, g)};
  }
  Pair<Var<float>> of(const Var<float>& x, const IndexVar<float>& word) const {
    const auto known = numbers(x);
    const auto sum = known + words(word);
    const auto hidden = gelu(sum);  // on a line of its own: where one expression is two rows depends on the compiler
    return {price(hidden), kind(hidden)};
  }
};
struct TakesStruct {
  Valuer inner;
  auto operator()(const Facts<Var<float>, IndexVar<float>>& x) const { return inner.of(x.numbers, x.word); }
};
struct TakesMembers {
  Valuer inner;
  auto operator()(const Var<float>& x, const IndexVar<float>& word) const { return inner.of(x, word); }
};
// Takes a pair as one argument.
struct Difference {
  nn::Linear<double> layer;
  auto operator()(const Pair<Var<double>>& x) const { return layer(x.first - x.second); }
};

std::string rows_of(const nn::Summary& summary) {
  std::string text;
  for (const auto& row : summary.rows)
    text += fmt::format("{}{}{} {} {} | ", row.path, row.path.empty() ? "" : ":", row.type, to_string(row.output),
                        row.parameters);
  return text;
}

constexpr const char* valuer_rows =
    "inner.numbers:Linear (6, 8) 40 | inner.words:Embedding (6, 8) 40 | add (6, 8) 0 | gelu (6, 8) 0 | "
    "inner.price:Linear (6, 1) 9 | inner.kind:Linear (6, 3) 27 | ";

}  // namespace

TEST_CASE("summary of a network with a struct of inputs and a struct of outputs") {
  Generator g(1);
  const TakesStruct network{Valuer::make(g)};
  const Indices words{0, 1, 4, 4, 2, 3};
  const auto summary = nn::summary(network, Facts<Shape, Indices>{{6, 4}, words});
  CHECK(rows_of(summary) == valuer_rows);
  CHECK(summary.parameters == 40 + 40 + 9 + 27);
  CHECK(summary.flops == 2.0 * 6 * (4 * 8 + 8 * 1 + 8 * 3));
  CHECK(summary.unread.empty());
  const auto of_values = nn::summary(network, Facts<Tensor<float>, Indices>{random_tensor<float>({6, 4}, 1), words});
  CHECK(of_values.to_string() == summary.to_string());

  const TakesMembers positional{Valuer::make(g)};
  const auto expected = nn::summary(positional, Shape{6, 4}, words);
  CHECK(rows_of(expected) == valuer_rows);
  CHECK(nn::summary(positional, Facts<Shape, Indices>{{6, 4}, words}).to_string() == expected.to_string());
  CHECK(nn::summary(positional, std::tuple(Shape{6, 4}, words)).to_string() == expected.to_string());
}

TEST_CASE("summary of a network that takes a pair, and errors at the caller's line") {
  Generator g(1);
  const Difference network{nn::Linear<double>::make(3, 2, g)};
  CHECK(rows_of(nn::summary(network, Pair<Shape>{{5, 3}, {5, 3}})) == "subtract (5, 3) 0 | layer:Linear (5, 2) 8 | ");
  try {
    nn::summary(network, Pair<Shape>{{5, 4}, {5, 4}});
    FAIL("no error");
  } catch (const ShapeError& error) {
    CHECK(contains(error.what(), "structured_test.cpp"));
  }
}

TEST_CASE("check of a network with structs of inputs, outputs and targets") {
  Generator g(1);
  const TakesStruct network{Valuer::make(g)};
  Facts<Tensor<float>, Indices> x{random_tensor<float>({20, 4}, 1), Indices::from_shape({20})};
  Facts<Tensor<float>, Indices> truth{random_tensor<float>({20, 1}, 2), Indices::from_shape({20})};
  for (std::size_t i = 0; i < 20; ++i) {
    x.word(i) = static_cast<std::int64_t>(i % 5);
    truth.word(i) = static_cast<std::int64_t>(i % 3);
  }
  const auto both = [](const auto& net, const auto& inputs, const auto& targets) {
    const auto answer = net(inputs);
    return mse_loss(answer.first, targets.numbers) + cross_entropy(answer.second, targets.word);
  };
  const auto report = nn::check(network, both, x, truth);
  CAPTURE(report.to_string());
  CHECK(report);
  const auto forgets_kind = [](const auto& net, const auto& inputs, const auto& targets) {
    return mse_loss(net(inputs).first, targets.numbers);
  };
  const auto forgotten = nn::check(network, forgets_kind, x, truth);
  REQUIRE(forgotten.findings.size() == 1);
  CHECK(forgotten.findings[0].flaw == nn::Flaw::no_gradient);
  CHECK(forgotten.findings[0].layer == "inner.kind");
  // A tuple reaches the loss as a tuple.
  const TakesMembers positional{Valuer::make(g)};
  const auto of_tuple = [](const auto& net, const auto& inputs, const auto& targets) {
    const auto answer = std::apply(net, inputs);
    return mse_loss(answer.first, targets.numbers) + cross_entropy(answer.second, targets.word);
  };
  CHECK(nn::check(positional, of_tuple, std::tuple(x.numbers, x.word), truth));
  const Difference difference{nn::Linear<double>::make(3, 2, g)};
  const auto to_zero = [](const auto& net, const auto& pair) { return mean(square(net(pair))); };
  CHECK(nn::check(difference, to_zero, Pair<Tensor<double>>{random_tensor({20, 3}, 1), random_tensor({20, 3}, 2)}));
}
