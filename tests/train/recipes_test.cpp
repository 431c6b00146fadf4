// Compiles and runs the code of the pages in docs/recipes/ that are about fit and predict, and compares it with them.
// The whole programs on these pages are those in tests/recipes/.
#include "snippets.hpp"
#include "testing.hpp"
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>

#include <iostream>
#include <span>
#include <sstream>
#include <thread>
#include <tuple>
#include <vector>

#include <fmt/format.h>

namespace wg = wengert;
namespace data = wg::data;
namespace nn = wg::nn;
namespace optim = wg::optim;
namespace train = wg::train;
using namespace wengert::testing;

namespace {

// The output of std::cout, for the lifetime of the object.
struct Captured {
  std::ostringstream out;
  std::streambuf* before = std::cout.rdbuf(out.rdbuf());
  ~Captured() { std::cout.rdbuf(before); }
};

// clang-format off
template <class V>
struct Answer {                                   // Vars on the tape, tensors in the data
  V price, kind;
};

struct House {
  nn::Linear<float> look, facts, price;
  nn::Linear<float> kind;

  auto operator()(wg::Var<float> picture, wg::Var<float> table) const {
    auto hidden = relu(wg::concatenate({look(flatten(picture, 1)), facts(table)}, 1));
    return Answer<wg::Var<float>>{reshape(price(hidden), {-1}), kind(hidden)};
  }
};

template <class V, class I>
struct Truth {
  V price;
  I kind;
};
// clang-format on

// Labels of three classes, of which the last is rare; in each class, another feature is large.
data::Dataset<float> imbalanced(std::size_t n) {
  data::Dataset<float> data{random_tensor<float>({n, 4}, 1), wg::Indices::from_shape({n}), 3};
  for (std::size_t i = 0; i < n; ++i) {
    data.labels(i) = i % 20 == 0 ? 2 : static_cast<std::int64_t>(i % 2);
    data.inputs(i, static_cast<std::size_t>(data.labels(i))) += 1.5F;
  }
  return data;
}

}  // namespace

TEST_CASE("the recipe for several inputs and outputs works as it is written") {
  wg::Generator generator(1);
  const House network{nn::Linear<float>::make(16, 8, generator), nn::Linear<float>::make(3, 8, generator),
                      nn::Linear<float>::make(16, 1, generator), nn::Linear<float>::make(16, 2, generator)};
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01F});
  const auto pictures = random_tensor<float>({200, 4, 4}, 1), tables = random_tensor<float>({200, 3}, 2);
  wg::Tensor<float> prices = wg::Tensor<float>::from_shape({200});
  wg::Indices kinds = wg::Indices::from_shape({200});
  for (std::size_t i = 0; i < 200; ++i) {
    prices(i) = 2 * tables(i, 0) - pictures(i, 1, 1);
    kinds(i) = pictures(i, 2, 2) + tables(i, 1) > 0 ? 1 : 0;
  }
  const auto new_pictures = pictures, new_tables = tables;
  const Captured captured;
  // clang-format off
  train::Samples samples{std::tuple{pictures, tables}, Truth<wg::Tensor<float>, wg::Indices>{prices, kinds}};
  auto [learning, held_out] = data::split(samples, 0.2, /*seed=*/1);

  auto loss = [](const auto& answer, const auto& truth) {
    return train::LossTerms<float>{{"price", mse_loss(answer.price, truth.price)},
                                   {"kind", cross_entropy(answer.kind, truth.kind), 0.5}};
  };
  auto result = train::fit(network, optimizer, loss, learning, held_out,
                           {.epochs = 40,
                            .metrics = {train::of_output("kind", train::accuracy()),
                                        train::of_output("price", train::r_squared())}});
  std::cout << result.last("validation_kind") << ' ' << result.last("validation_kind_accuracy") << '\n';
  // [predict]
  auto answers = train::predict(network, std::tuple{new_pictures, new_tables});
  std::cout << answers.price(0) << ' ' << answers.kind(0, 1) << '\n';
  // clang-format on
  CHECK(result.last("validation_kind_accuracy") > 0.75);
  CHECK(result.last("validation_price_r_squared") > 0.75);
  CHECK(train::r_squared(answers.price, prices) > 0.75);
}

TEST_CASE("the recipe for imbalanced classes works as it is written, and finds the rare class") {
  const data::Dataset<float> samples = imbalanced(800);
  const Captured captured;
  const auto unweighted = [&] {
    const auto network = nn::Linear<float>::make(4, 3, wg::Generator(1));
    optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01F});
    const auto parts = data::stratified_split(samples, 0.25, 1);
    const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
    train::fit(network, optimizer, loss, parts.train, {.epochs = 30});
    return train::evaluate(network, loss, parts.test, {.metrics = {train::recall()}}).metric("recall");
  };
  const auto weighted_recall = [&] {
    const auto network = nn::Linear<float>::make(4, 3, wg::Generator(1));
    optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01F});
    // clang-format off
    auto parts = data::stratified_split(samples, 0.25, /*seed=*/1);

    auto loss = [](auto logits, auto labels) {
      return cross_entropy(logits, labels, {.reduction = wg::Reduction::none});      // one value per sample
    };
    auto result = train::fit(network, optimizer, loss, parts.train, parts.test,
                             {.epochs = 30,
                              .metrics = {train::accuracy(), train::recall(), train::f1()},
                              .class_weights = train::balanced,
                              .stopping = {.monitor = "validation_f1", .best_weights = true}});
    const wg::Tensor<double> trust = xt::ones<double>({parts.train.size()});
    train::Samples weighted{parts.train.inputs, parts.train.labels, trust};          // a Tensor<double>, one weight per sample
    std::cout << train::evaluate(network, loss, weighted).loss << '\n';
    // clang-format on
    return result.last("validation_recall");
  };
  CHECK(weighted_recall() > unweighted() + 0.05);
}

TEST_CASE("the recipe for inference works as it is written") {
  const auto network = nn::Linear<float>::make(4, 5, wg::Generator(1));
  const data::Dataset<float> test{random_tensor<float>({50, 4}, 3), {}, 5};
  const wg::Tensor<float>& x = test.inputs;
  // clang-format off
  wg::Tensor<float> logits = train::predict(network, x);               // one row per sample
  wg::Tensor<float> probabilities = train::predict_probabilities(network, x);
  wg::Indices classes = train::predict_classes(network, test, {.batch_size = 1024});
  // [batches]
  std::size_t threes = 0;
  train::predict(network, test, [&](const wg::Tensor<float>& outputs, std::size_t) {
    for (const auto k : train::predicted_classes(outputs)) threes += k == 3 ? 1 : 0;
  });
  // clang-format on
  std::size_t expected = 0;
  for (std::size_t i = 0; i < 50; ++i) {
    std::size_t best = 0;
    for (std::size_t k = 0; k < 5; ++k) best = logits(i, k) > logits(i, best) ? k : best;
    CHECK(classes(i) == static_cast<std::int64_t>(best));
    CHECK(probabilities(i, best) > 0.2F);
    expected += best == 3 ? 1 : 0;
  }
  CHECK(threes == expected);
}

TEST_CASE("the recipe for a predictor works as it is written") {
  const auto network = nn::Linear<float>::make(4, 5, wg::Generator(1));
  const wg::Tensor<float> x = random_tensor<float>({50, 4}, 3);
  const Captured captured;
  // clang-format off
  const train::Predictor<wg::Tensor<float>(wg::Tensor<float>)> predictor(network);

  wg::Tensor<float> one = predictor(x);                                // on any thread
  predictor.run(x, one);                                               // into an existing tensor: allocates nothing
  // [classes]
  const train::Predictor<wg::Tensor<float>(wg::Tensor<float>)> classifier(nn::sequential(network, nn::Softmax{}));
  const wg::Indices likeliest = train::predicted_classes(classifier(x));
  // [bounded]
  const train::Predictor<wg::Tensor<float>(wg::Tensor<float>)> bounded(network, {.max_threads = 2, .max_programs = 4});
  bounded(x);
  std::cout << bounded.compilations() << " compiled, " << bounded.memory().total_bytes() << " bytes\n";
  // clang-format on
  CHECK(distance(one, train::predict(network, x)) < 1e-6);
  CHECK(likeliest == train::predict_classes(network, x));
  CHECK(distance(classifier(x), train::predict_probabilities(network, x)) < 1e-6);
  CHECK(contains(captured.out.str(), "1 compiled"));
}

TEST_CASE("the recipe for threads works as it is written") {
  const auto network = nn::Linear<float>::make(4, 5, wg::Generator(1));
  const std::vector<wg::Tensor<float>> requests{random_tensor<float>({1, 4}, 3), random_tensor<float>({2, 4}, 4),
                                                random_tensor<float>({1, 4}, 5)};
  std::vector<wg::Tensor<float>> answers(requests.size());
  {
    // clang-format off
    const train::Predictor<wg::Tensor<float>(wg::Tensor<float>)> predictor(network);
    std::vector<std::thread> workers;
    for (std::size_t i = 0; i < requests.size(); ++i)
      workers.emplace_back([&, i] { answers[i] = predictor(requests[i]); });
    for (std::thread& worker : workers) worker.join();
    // clang-format on
  }
  for (std::size_t i = 0; i < requests.size(); ++i)
    CHECK(distance(answers[i], train::predict(network, requests[i])) < 1e-6);

  const wg::Tensor<float> x = random_tensor<float>({20, 4}, 1);
  const wg::Parameter<float> w(random_tensor<float>({4, 1}, 2)), b(wg::Tensor<float>(xt::zeros<float>({1})));
  // clang-format off
  wg::DataParallel<float> parallel({w, b});
  std::vector<wg::Tensor<float>> gradients{w.value(), b.value()};     // of the parameters' shapes; overwritten
  float loss = parallel.gradients_into(
      x.shape()[0],
      [&](wg::Tape<float>& tape, std::span<const wg::Var<float>> v, const wg::Shard& shard) {
        auto part = tape.constant(xt::view(x, xt::range(shard.first, shard.last)));
        return mean(square(matmul(part, v[0]) + v[1]));
      },
      gradients);
  // clang-format on
  float expected = 0, slope = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    float y = 0;
    for (std::size_t j = 0; j < 4; ++j) y += x(i, j) * w.value()(j, 0);
    expected += y * y / 20;
    slope += 2 * y / 20;
  }
  CHECK(loss == doctest::Approx(expected).epsilon(1e-5));
  CHECK(gradients[1](0) == doctest::Approx(slope).epsilon(1e-5));
}

TEST_CASE("every block of C++ in these recipes stands in this file or is a program in tests/recipes") {
  const auto check = [](const char* page, const char* program, auto... more) {
    return check_snippets(fmt::format("docs/recipes/{}.md", page), fmt::format("tests/recipes/{}.cpp", program),
                          more...);
  };
  const std::string here = "tests/train/recipes_test.cpp";
  CHECK(check("several-inputs", "picture_and_table", here) == 5);
  CHECK(check("imbalanced-classes", "imbalanced_csv", here) == 3);
  CHECK(check_snippets("docs/recipes/inference.md", here) == 5);
  CHECK(check_snippets("docs/recipes/threads.md", here) == 2);
  CHECK(check("log-variance", "log_variance") == 1);
  CHECK(check("matrix-factorisation", "matrix_factorisation") == 1);
  CHECK(check("gan", "gan") == 1);
  CHECK(check("padded-sequences", "padded_gru") == 1);
  CHECK(check("integer-attribute", "structural_op") == 1);
  CHECK(check("pendulum", "pendulum") == 1);
  CHECK(check("robot-arm", "robot_arm") == 1);
  CHECK(check("lora", "lora") == 1);
  CHECK(check("fixed-point", "fixed_point") == 1);
}
