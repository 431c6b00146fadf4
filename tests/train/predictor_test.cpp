// Predictor: the outputs of predict, for networks of every kind, from a copy of the network and bounded memory.
#include "train/line.hpp"
#include <wengert/data.hpp>
#include <wengert/nn.hpp>
#include <wengert/train/predictor.hpp>

#include <limits>
#include <tuple>
#include <utility>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using train::Predictor;

namespace {

using ToTensor = Predictor<Tensor<double>(Tensor<double>)>;

// Statistics and parameters that are not the initial ones.
nn::BatchNorm<double> used_norm(std::size_t channels, unsigned seed) {
  auto norm = nn::BatchNorm<double>::make(channels);
  norm.running_mean.parameter.assign(random_tensor({channels}, seed));
  norm.running_var.parameter.assign(random_tensor({channels}, seed + 1, 0.2, 3));
  norm.weight->assign(random_tensor({channels}, seed + 2, 0.5, 2));
  norm.bias->assign(random_tensor({channels}, seed + 3));
  return norm;
}

auto perceptron() {
  Generator generator(1);
  return nn::sequential(nn::Linear<double>::make(6, 8, generator), used_norm(8, 2), nn::ReLU{},
                        nn::Dropout::make(0.5, generator), nn::Linear<double>::make(8, 3, generator));
}
auto convolutional() {
  Generator generator(1);
  return nn::sequential(nn::Conv2d<double>::make(1, 4, 3, generator, {.padding = 1, .bias = false}), used_norm(4, 2),
                        nn::ReLU{}, nn::MaxPool2d{2}, nn::Dropout::make(0.5, generator), nn::Flatten{},
                        nn::Linear<double>::make(16, 3, generator));
}

// The scores of two classes from words and numbers, and the index of the larger.
template <class V, class I>
struct Verdict {
  V scores;
  I best;
};
struct Reader {
  nn::Embedding<double> embedding;
  nn::LSTM<double> lstm;
  nn::Linear<double> output;

  auto operator()(IndexVar<double> words, Var<double> numbers) const {
    const auto read = mean(lstm(embedding(words)), 1);
    const auto scores = output(concatenate({read, numbers}, 1));
    return Verdict<Var<double>, IndexVar<double>>{scores, argmax(scores, 1)};
  }
};
using VerdictOfReader = Verdict<Tensor<double>, Indices>;
using ReaderPredictor = Predictor<VerdictOfReader(Indices, Tensor<double>)>;

Reader reader() {
  Generator generator(1);
  return {nn::Embedding<double>::make(10, 4, generator), nn::LSTM<double>::make(4, 5, generator),
          nn::Linear<double>::make(7, 2, generator)};
}
Indices sentences(std::size_t count, std::size_t length) {
  Indices words = Indices::from_shape({count, length});
  for (std::size_t i = 0; i < words.size(); ++i) words.data()[i] = static_cast<std::int64_t>(i * 7 % 10);
  return words;
}

// The states after each step: as many as there are steps.
struct Steps {
  std::vector<Var<double>> operator()(Var<double> x) const {
    std::vector<Var<double>> states;
    for (std::size_t step = 0; step < x.shape()[1]; ++step) states.push_back(sum(slice(x, {xt::all(), step}), 0));
    return states;
  }
};

}  // namespace

TEST_CASE("a Predictor gives what predict gives, in evaluation mode, with batch normalisation folded") {
  const auto mlp = perceptron();
  const ToTensor predictor(mlp);
  const ToTensor unfolded(mlp, {.fold = false});
  for (const std::size_t rows : Sizes{1, 5, 1, 17}) {
    const Tensor<double> x = random_tensor({rows, 6}, 3);
    const Tensor<double> expected = train::predict(mlp, x);
    CHECK(distance(predictor(x), expected) < 1e-14);
    CHECK(distance(unfolded(x), expected) < 1e-15);
  }
  CHECK(predictor.compilations() == 3);
  CHECK(std::get<3>(mlp.layers).mode.training());  // the network keeps its mode

  const auto cnn = convolutional();
  const Tensor<double> pictures = random_tensor({7, 1, 4, 4}, 3);
  CHECK(distance(ToTensor(cnn)(pictures), train::predict(cnn, pictures)) < 1e-14);
}

TEST_CASE("a Predictor takes and returns structures, and indices") {
  const Reader network = reader();
  const ReaderPredictor predictor(network);
  for (const std::size_t length : Sizes{3, 6, 3}) {
    const Indices words = sentences(4, length);
    const Tensor<double> numbers = random_tensor({4, 2}, 5);
    const auto expected = train::predict(network, std::tuple{words, numbers});
    const VerdictOfReader got = predictor(words, numbers);
    CHECK(distance(got.scores, expected.scores) < 1e-14);
    CHECK(got.best == expected.best);
  }
  // A tuple as the only input.
  const Predictor<VerdictOfReader(std::tuple<Indices, Tensor<double>>)> of_tuple(network);
  const std::tuple input{sentences(4, 3), random_tensor({4, 2}, 5)};
  CHECK(of_tuple(input).best == train::predict(network, input).best);
  // A number of outputs that depends on the shape.
  const Predictor<std::vector<Tensor<double>>(Tensor<double>)> steps(Steps{});
  const Tensor<double> x = random_tensor({2, 3}, 1), longer = random_tensor({2, 5}, 1);
  for (int round = 0; round < 2; ++round) {
    CHECK(steps(x).size() == 3);
    CHECK(steps(longer).size() == 5);
  }
  std::vector<Tensor<double>> states;
  steps.run(longer, states);
  steps.run(x, states);
  REQUIRE(states.size() == 3);
  CHECK(states[2]() == doctest::Approx(x(0, 2) + x(1, 2)));
}

TEST_CASE("later training does not change a Predictor, and copies of it share its Programs") {
  auto network = nn::sequential(nn::Linear<double>::make(4, 3, Generator(1)), used_norm(3, 2));
  const ToTensor predictor(network);
  const Tensor<double> x = random_tensor({5, 4}, 3), before = predictor(x), trained = random_tensor({3, 4}, 8);
  std::get<0>(network.layers).weight.assign(trained);
  std::get<1>(network.layers).running_mean.parameter.assign(xt::ones<double>({3}));
  CHECK(predictor(x) == before);
  const Tensor<double> another = random_tensor({6, 4}, 3);
  CHECK(distance(predictor(another), train::predict(network, another)) > 0.01);
  const ToTensor copy = predictor;
  CHECK(copy(x) == before);
  CHECK(copy.compilations() == 2);
  ToTensor first = copy;
  const ToTensor second = std::move(first);
  CHECK(first(x) == second(x));  // NOLINT(bugprone-use-after-move): moving is copying
}

TEST_CASE("the memory of a Predictor is bounded, and shared by the Programs where it can be") {
  const auto network = nn::sequential(nn::Linear<double>::make(60, 50, Generator(1)), used_norm(50, 2));
  const ToTensor predictor(network, {.max_threads = 1, .max_programs = 3, .prepare = false});
  CHECK(predictor.memory().programs == 0);
  const std::size_t parameters = (60 * 50 + 5 * 50) * sizeof(double), folded = (60 * 50 + 50) * sizeof(double);
  CHECK(predictor.memory().parameter_bytes == parameters);
  for (std::size_t rows = 1; rows <= 6; ++rows) {
    predictor(random_tensor({rows, 60}, 3));
    CHECK(predictor.memory().programs == std::min<std::size_t>(rows, 3));
    CHECK(predictor.memory().frozen_bytes == folded);
  }
  CHECK(predictor.compilations() == 6);
  predictor(random_tensor({6, 60}, 3));
  predictor(random_tensor({4, 60}, 3));
  CHECK(predictor.compilations() == 6);
  predictor(random_tensor({1, 60}, 3));  // evicted
  CHECK(predictor.compilations() == 7);
  const auto memory = predictor.memory();
  CHECK(memory.program_bytes > 0);
  CHECK(memory.program_bytes < 20000);  // no copy of the weights
  CHECK(memory.total_bytes() == memory.program_bytes + folded + parameters);
}

TEST_CASE("a Predictor's Programs share prepared weights, which do not stay beside folded ones") {
  const auto network = nn::sequential(nn::Linear<double>::make(60, 50, Generator(1)), used_norm(50, 2));
  const std::size_t packed = 64 * 60 * sizeof(double);  // four panels of 16 columns
  const ToTensor predictor(network), unfolded(network, {.fold = false}),
      plain(network, {.fold = false, .prepare = false});
  for (const std::size_t rows : Sizes{1, 7, 32}) {
    const Tensor<double> x = random_tensor({rows, 60}, 3), expected = train::predict(network, x);
    CHECK(distance(plain(x), expected) < 1e-14);
    CHECK(distance(predictor(x), expected) < 1e-12);
    CHECK(distance(unfolded(x), expected) < 1e-12);
    CHECK(predictor.memory().frozen_bytes == packed + 50 * sizeof(double));
    CHECK(unfolded.memory().frozen_bytes == packed + 2 * 50 * sizeof(double));
    CHECK(plain.memory().frozen_bytes == 2 * 50 * sizeof(double));
  }
}

TEST_CASE("the number of Programs is bounded by the calls that have run at once, not by those that may") {
  for (const std::size_t max_threads : {std::size_t{8}, std::numeric_limits<std::size_t>::max() / 2}) {
    const ToTensor predictor(perceptron(), {.max_threads = max_threads, .max_programs = 3});
    for (std::size_t rows = 1; rows <= 10; ++rows) predictor(random_tensor({rows, 6}, 3));
    CHECK(predictor.memory().programs == 3);
  }
}

TEST_CASE("without folding, a Predictor computes once what depends on its parameters alone") {
  const auto network = nn::sequential(nn::Linear<double>::make(60, 50, Generator(1)), used_norm(50, 2));
  const ToTensor predictor(network, {.fold = false, .prepare = false});
  const Tensor<double> x = random_tensor({3, 60}, 3);
  CHECK(distance(predictor(x), train::predict(network, x)) < 1e-14);
  predictor(random_tensor({4, 60}, 3));
  CHECK(predictor.memory().frozen_bytes == 2 * 50 * sizeof(double));  // the scale and shift of each channel
}

TEST_CASE("a Predictor's results may be scalars, have no rows, or go into what was moved from") {
  const ToTensor total([](Var<double> x) { return sum(x); });
  const Tensor<double> x{1, 2, 3};
  Tensor<double> result = total(x);
  CHECK(result() == 6);
  const Tensor<double> taken = std::move(result);
  total.run(x, result);  // NOLINT(bugprone-use-after-move)
  CHECK(result() == 6);
  const ToTensor predictor(perceptron());
  result = random_tensor({2, 3}, 1);
  predictor.run(random_tensor({0, 6}, 3), result);
  CHECK(Shape(result.shape()) == Shape{0, 3});
  predictor.run(random_tensor({2, 6}, 3), result);
  CHECK(Shape(result.shape()) == Shape{2, 3});
}

TEST_CASE("errors of a Predictor name the caller's line, and leave it usable") {
  const ToTensor predictor(perceptron());
  const Tensor<double> x = random_tensor({5, 6}, 3), before = predictor(x);
  CHECK_ERROR(ShapeError, "[Linear] an input of shape (5, 7)", predictor(random_tensor({5, 7}, 3)));
  Tensor<double> out;
  CHECK_ERROR(ShapeError, "[Linear] an input of shape (2, 7)", predictor.run(random_tensor({2, 7}, 3), out));
  CHECK(predictor.memory().programs == 1);
  CHECK(predictor(x) == before);

  const ReaderPredictor words(reader(), {.max_threads = 1});
  Indices read = sentences(2, 3);
  const Tensor<double> numbers = random_tensor({2, 2}, 5);
  const VerdictOfReader expected = words(read, numbers);
  Indices unknown = read;
  unknown(1, 1) = 10;
  for (int call = 0; call < 2; ++call)  // names the line of the network that failed
    CHECK(contains(message_of<ValueError>([&] { words(unknown, numbers); }), "index 10 at (1, 1)"));
  CHECK(words(read, numbers).scores == expected.scores);
  CHECK(words.compilations() == 1);

  CHECK(contains(message_of<ShapeError>([&] {
                   words(read, random_tensor({3, 2}, 5));
                 }),
                 "[Predictor] inputs of 2, 3 rows: expected one for each sample in each of them: ["));
  CHECK(words(read, numbers).scores == expected.scores);

  CHECK_ERROR(ValueError, "[Predictor] max_programs is 0", ToTensor(perceptron(), {.max_programs = 0}));
  struct Noisy {
    Generator generator;
    Var<double> operator()(Var<double> v) const {
      Generator stream = generator;
      return dropout(v, 0.5, stream);
    }
  };
  CHECK(contains(message_of<ValueError>([&] { ToTensor(Noisy{Generator(1)})(x); }),
                 "[Predictor] the network draws random numbers in evaluation mode (op '"));
  const Parameter<double> outside(random_tensor({6}, 1), "outside");
  CHECK(contains(
      message_of<ValueError>([&] { ToTensor([&](Var<double> v) { return v * v.tape().variable(outside); })(x); }),
      "[Predictor] the network reads the Parameter 'outside' of shape (6,), which is not among its members"));
}
