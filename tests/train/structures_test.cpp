// fit and evaluate on networks of several inputs and outputs: positional, as structs, without targets, with weights.
#include "data/files.hpp"
#include "train/line.hpp"
#include <wengert/data.hpp>
#include <wengert/nn.hpp>

#include <cmath>
#include <limits>
#include <tuple>

using namespace wengert;
using namespace wengert::testing;
using train::FitOptions;

namespace {

template <class V, class I>
struct Pair {
  V numbers;
  I words;
};
template <class V>
struct Both {
  V sum, product;
};

// Sums and products of linear functions of two inputs, or of one struct.
struct TwoInputs {
  Parameter<double> a, b;

  auto operator()(Var<double> x, Var<double> z) const {
    const auto u = x * x.tape().variable(a), v = z * z.tape().variable(b);
    return Both<Var<double>>{u + v, u * v};
  }
};
TwoInputs two_inputs(double a, double b) { return {Parameter<double>(a, "a"), Parameter<double>(b, "b")}; }

double value_of(const Parameter<double>& parameter) { return parameter.value()(); }

Tensor<double> numbers(unsigned seed) { return random_tensor({12}, seed, 0.5, 1.5); }

}  // namespace

TEST_CASE("a network of two inputs and two outputs is trained on a tuple and a struct, like by hand") {
  const Tensor<double> x = numbers(1), z = numbers(2);
  const Both<Tensor<double>> y{2 * x + 3 * z, 6 * x * z};
  const train::Samples data{std::tuple{x, z}, y};
  const auto loss = [](const auto& outputs, const auto& targets) {
    return mean(square(outputs.sum - targets.sum)) + 0.5 * mean(square(outputs.product - targets.product));
  };
  const TwoInputs network = two_inputs(1, 1);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.05});
  train::fit(network, optimizer, loss, data, quiet({.epochs = 3, .batch_size = 4, .batches = {.shuffle = false}}));

  double a = 1, b = 1;
  for (int epoch = 0; epoch < 3; ++epoch)
    for (std::size_t first = 0; first < 12; first += 4) {
      double da = 0, db = 0;
      for (std::size_t i = first; i < first + 4; ++i) {
        const double s = a * x(i) + b * z(i) - y.sum(i), p = a * b * x(i) * z(i) - y.product(i);
        da += (2 * s * x(i) + p * b * x(i) * z(i)) / 4;
        db += (2 * s * z(i) + p * a * x(i) * z(i)) / 4;
      }
      a -= 0.05 * da;
      b -= 0.05 * db;
    }
  CHECK(value_of(network.a) == doctest::Approx(a).epsilon(1e-13));
  CHECK(value_of(network.b) == doctest::Approx(b).epsilon(1e-13));

  const auto figures = train::evaluate(
      network, loss, data,
      {.metrics = {train::of_output("sum", train::r_squared()), train::of_output("product", train::r_squared())}});
  CHECK(figures.metrics[0].first == "sum_r_squared");
  CHECK(figures.metric("sum_r_squared") == doctest::Approx(train::r_squared(Tensor<double>(a * x + b * z), y.sum)));
  CHECK(figures.metric("product_r_squared") ==
        doctest::Approx(train::r_squared(Tensor<double>(a * b * x * z), y.product)));
}

TEST_CASE("a struct of tensors and indices reaches the network as a struct of Vars and IndexVars") {
  const Tensor<float> x = xt::cast<float>(random_tensor({8, 3}, 1));
  const Indices words{0, 1, 2, 3, 0, 1, 2, 3}, labels{0, 1, 0, 1, 0, 1, 0, 1};
  struct Network {
    nn::Embedding<float> table;
    nn::Linear<float> last;
    auto operator()(const Pair<Var<float>, IndexVar<float>>& in) const {
      return last(concatenate({in.numbers, table(in.words)}, 1));
    }
  };
  Generator generator(1);
  const Network network{nn::Embedding<float>::make(4, 2, generator), nn::Linear<float>::make(5, 2, generator)};
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.05f});
  const train::Samples data{Pair<Tensor<float>, Indices>{x, words}, labels};
  const auto loss = [](auto logits, auto y) { return cross_entropy(logits, y); };
  const auto result = train::fit(network, optimizer, loss, data, data, quiet({.epochs = 60, .batch_size = 3}));
  CHECK(result.last("validation_accuracy") == 1);
  CHECK(result.history.epochs.front().loss > result.last("loss"));
  const data::Loader loader(data, {.batch_size = 3, .seed = 1});
  train::fit(network, optimizer, loss, loader, quiet({.epochs = 1}));
  for (const auto& batch : loader.epoch(0))
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      CHECK(batch.inputs.words(i) == words(batch.samples[i]));
      CHECK(batch.inputs.numbers(i, 2) == x(batch.samples[i], 2));
      CHECK(batch.targets(i) == labels(batch.samples[i]));
    }
}

TEST_CASE("a loss of the network, and one without targets, keep validation; metrics call the network again") {
  const Tensor<double> x = numbers(1), y = 2 * x;
  const Line network = line(1);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  const auto of_network = [](const Line& net, auto in, auto target) { return mean(square(net(in) - target)); };
  const train::Samples data{x, y};
  const auto result =
      train::fit(network, optimizer, of_network, data, data, quiet({.epochs = 2, .metrics = {train::r_squared()}}));
  const double w = weight_of(network);
  const double expected = train::r_squared(Tensor<double>(w * x), y);
  CHECK(result.last("validation_r_squared") == doctest::Approx(expected));
  CHECK(result.history.column("r_squared")[0] == doctest::Approx(train::r_squared(x, y)));  // before the step
  const auto with_outputs = [](const Line& net, auto in, auto target) {
    const auto outputs = net(in);
    return train::LossAndOutputs{mean(square(outputs - target)), outputs};
  };
  CHECK(train::evaluate(network, with_outputs, data, {.metrics = {train::r_squared()}}).metric("r_squared") ==
        doctest::Approx(expected));

  const auto distance_from_3 = [](auto outputs) { return mean(square(outputs - 3.0)); };
  const train::Samples alone{x};
  const double before = train::evaluate(network, distance_from_3, alone).loss;
  train::fit(network, optimizer, distance_from_3, alone, quiet({.epochs = 5}));
  CHECK(train::evaluate(network, distance_from_3, alone).loss < before);
  CHECK_ERROR(ValueError, "[evaluate] metric 'r_squared': the data have no targets",
              train::evaluate(network, distance_from_3, alone, {.metrics = {train::r_squared()}}));
}

TEST_CASE("each term of a loss has a column, and its weight in the total") {
  const Tensor<double> x = numbers(1), y = 2 * x;
  const train::Samples data{x, y};
  const auto terms = [](auto outputs, auto targets) {
    return train::LossTerms<double>{{"squares", mean(square(outputs - targets))},
                                    {"distance", mean(abs(outputs - targets)), 0.25}};
  };
  const Line network = line(1);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  const auto result = train::fit(network, optimizer, terms, data, data,
                                 quiet({.epochs = 2, .stopping = {.monitor = "validation_distance"}}));
  CHECK(result.history.metric_names == std::vector<std::string>{"squares", "distance"});
  const double w = weight_of(network), of_squares = xt::mean(xt::square(w * x - y))(),
               distance = xt::mean(xt::abs(w * x - y))();
  CHECK(result.last("validation_squares") == doctest::Approx(of_squares));
  CHECK(result.last("validation_distance") == doctest::Approx(distance));
  CHECK(result.last("validation_loss") == doctest::Approx(of_squares + 0.25 * distance));
  CHECK(result.history.column("loss")[0] ==
        doctest::Approx(xt::mean(xt::square(x - y))() + 0.25 * xt::mean(xt::abs(x - y))()));
  CHECK(train::evaluate(network, terms, data).metric("distance") == doctest::Approx(distance));
  const TemporaryFolder folder;
  train::fit(network, optimizer, terms, data, data, quiet({.epochs = 2, .folder = folder / "run"}));
  const std::string page = bytes_of(folder / "run/report.html");
  for (const char* term : {"Squares", "Distance"}) CHECK(contains(page, fmt::format("<figcaption>{}<small>", term)));
  CHECK_ERROR(ValueError, "[evaluate] a term of the loss is called 'a': expected distinct names",
              train::evaluate(
                  network,
                  [](auto z, auto) {
                    return train::LossTerms<double>{{"a", mean(z)}, {"a", mean(z)}};
                  },
                  data));
  CHECK_ERROR(ValueError, "[evaluate] a loss without terms",
              train::evaluate(
                  network, [](auto, auto) { return train::LossTerms<double>{}; }, data));
}

TEST_CASE("weights of samples give the weighted mean, in a step, over accumulated batches and in evaluation") {
  const Tensor<double> x = numbers(1), y = 2 * x, weights = random_tensor({12}, 3, 0, 2);
  const train::Samples data{x, y, weights};
  const auto each = [](auto outputs, auto targets) { return square(outputs - targets); };
  for (const std::size_t accumulate : {1U, 3U}) {
    const Line network = line(1);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    const auto result = train::fit(
        network, optimizer, each, data,
        quiet({.epochs = 1, .batch_size = 12 / accumulate, .batches = {.accumulate = accumulate, .shuffle = false}}));
    const double slope = xt::sum(weights * 2 * x * (x - y))() / xt::sum(weights)();
    CHECK(weight_of(network) == doctest::Approx(1 - 0.1 * slope).epsilon(1e-13));
    CHECK(result.last("loss") == doctest::Approx(xt::sum(weights * xt::square(x - y))() / xt::sum(weights)()));
  }
  CHECK(train::evaluate(line(1), each, data, {.batch_size = 5}).loss ==
        doctest::Approx(xt::sum(weights * xt::square(x - y))() / xt::sum(weights)()));
  const auto figures = train::evaluate(line(1), each, data, {.batch_size = 5, .metrics = {train::mae()}});
  CHECK(figures.metric("mae") == doctest::Approx(xt::sum(weights * xt::abs(x - y))() / xt::sum(weights)()));
  train::Samples first_four{x, y, Tensor<double>(xt::zeros<double>({12}))};
  double slope_of_four = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    first_four.weights(i) = 1;
    slope_of_four += 2 * x(i) * (x(i) - y(i)) / 4;
  }
  for (const std::size_t accumulate : {1U, 3U}) {  // batches without weight change nothing
    const Line network = line(1);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    train::fit(network, optimizer, each, first_four,
               quiet({.epochs = 1, .batch_size = 4, .batches = {.accumulate = accumulate, .shuffle = false}}));
    CHECK(weight_of(network) == doctest::Approx(1 - 0.1 * slope_of_four).epsilon(1e-13));
  }
  for (const double wrong : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    train::Samples bad{x, y, weights};
    bad.weights(3) = wrong;
    CHECK_ERROR(ValueError, fmt::format("[evaluate] sample weights: {} for sample 3: expected a finite number", wrong),
                train::evaluate(line(1), each, bad));
    // A Loader's data may change, so its weights are checked batch by batch.
    CHECK_ERROR(ValueError, fmt::format("[samples] sample weights: {} for sample 3: expected a finite number", wrong),
                train::evaluate(line(1), each, data::Loader(bad)));
  }
  CHECK_ERROR(
      ValueError,
      "[evaluate] samples or classes have weights, but a loss is one number: expected one value per weight, (12,)",
      train::evaluate(line(1), squares, data));
  CHECK_ERROR(ShapeError, "[evaluate] 12 samples, sample weights of shape (3,): expected one for each",
              train::evaluate(line(1), each, train::Samples{x, y, Tensor<double>{1.0, 2.0, 3.0}}));
}

TEST_CASE("a Loader over weighted samples is evaluated, and validates, with their weights") {
  const Tensor<double> x = numbers(1), y = numbers(2), weights = random_tensor({12}, 3, 0, 2);
  const train::Samples data{x, y, weights};
  const auto each = [](auto outputs, auto targets) { return square(outputs - targets); };
  const data::Loader loader(data, {.batch_size = 5});
  const auto evaluated = [&](const auto& of) {
    const auto result = train::evaluate(line(1), each, of, {.batch_size = 7, .metrics = {train::mae()}});
    return std::pair(result.loss, result.metric("mae"));
  };
  const double all = xt::sum(weights)();
  CHECK(evaluated(loader) == evaluated(data));
  CHECK(evaluated(loader).first == doctest::Approx(xt::sum(weights * xt::square(x - y))() / all));
  CHECK(evaluated(loader).second == doctest::Approx(xt::sum(weights * xt::abs(x - y))() / all));
  const auto validated = [&](const auto& of) {
    const Line network = line(1);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    return train::fit(network, optimizer, each, of, of, quiet({.epochs = 1, .batches = {.shuffle = false}}))
        .last("validation_loss");
  };
  CHECK(validated(data::Loader(data, {.batch_size = 12, .shuffle = false})) == validated(data));
  // Its own weights, of samples without any, are none.
  Tensor<double> inputs, targets, none;
  const std::vector<std::size_t> rows{3, 1};
  data::Loader(train::Samples{x, y}).gather(rows, inputs, targets, none);
  CHECK(none.dimension() == 0);
  loader.gather(rows, inputs, targets, none);
  CHECK(none == Tensor<double>{weights(3), weights(1)});
  CHECK(inputs == Tensor<double>{x(3), x(1)});
}

TEST_CASE("a loss of one value per sample is the mean") {
  const Tensor<double> x = numbers(1), y = 2 * x;
  CHECK(train::evaluate(
            line(1), [](auto outputs, auto targets) { return square(outputs - targets); }, train::Samples{x, y})
            .loss == doctest::Approx(xt::mean(xt::square(x - y))()));
}

TEST_CASE("metrics of several outputs name theirs; rows that do not match are refused") {
  const Tensor<double> x = numbers(1), z = numbers(2);
  const TwoInputs network = two_inputs(1, 1);
  const auto loss = [](const auto& outputs, const auto& targets) { return mean(square(outputs.sum - targets)); };
  const train::Samples data{std::tuple{x, z}, x};
  CHECK_ERROR(ValueError,
              "[evaluate] metric 'r_squared': the outputs are sum, product, the targets one without a name: expected "
              "one of each, or of_output",
              train::evaluate(network, loss, data, {.metrics = {train::r_squared()}}));
  CHECK_ERROR(ValueError, "[evaluate] metric 'total_r_squared' of output 'total': the outputs are sum, product",
              train::evaluate(network, loss, data, {.metrics = {train::of_output("total", train::r_squared())}}));
  CHECK(train::evaluate(network, loss, data, {.metrics = {train::of_output("sum", train::r_squared())}})
            .metric("sum_r_squared") == doctest::Approx(train::r_squared(Tensor<double>(x + z), x)));
  CHECK_ERROR(ShapeError, "[evaluate] 12 samples, inputs 1 of shape (3,): expected one for each",
              train::evaluate(network, loss, train::Samples{std::tuple{x, Tensor<double>{1.0, 2.0, 3.0}}, x}));
  const auto parts = data::split(data, 0.25, 7);
  CHECK(parts.train.size() == 9);
  CHECK(parts.test.size() == 3);
  const auto same = data::split_rows(12, 0.25, 7);
  CHECK(std::get<1>(parts.test.inputs)(2) == z(same.test[2]));
}

TEST_CASE("class weights weigh the loss of each label, balanced ones by the number of labels") {
  const Indices labels{0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0};  // 9, 2, 1
  const Tensor<double> x = random_tensor({12, 4}, 1);
  const data::Dataset<double> data{x, labels, 3};
  const auto network = nn::Linear<double>::make(4, 3, Generator(1));
  const auto each = [](auto z, auto y) { return cross_entropy(z, y, {.reduction = Reduction::none}); };
  const auto loss_with = [&](const std::vector<double>& w) {
    double sum = 0, weights = 0;
    for (std::size_t i = 0; i < 12; ++i) {
      const std::size_t row = i;
      const double loss = train::evaluate(network, each, data::subset(data, std::span(&row, 1))).loss;
      sum += w[static_cast<std::size_t>(labels(i))] * loss;
      weights += w[static_cast<std::size_t>(labels(i))];
    }
    return sum / weights;
  };
  CHECK(train::evaluate(network, each, data, {.batch_size = 5, .class_weights = {1, 2, 0.5}}).loss ==
        doctest::Approx(loss_with({1, 2, 0.5})));
  CHECK(train::evaluate(network, each, data, {.class_weights = train::balanced}).loss ==
        doctest::Approx(loss_with({12.0 / (3 * 9), 12.0 / (3 * 2), 12.0 / 3})));
  // The same step as with the class weights of the library's own loss.
  const auto other = nn::copy(network);
  optim::Optimizer<double> first(network, optim::SGD{.rate = 0.5}), second(other, optim::SGD{.rate = 0.5});
  train::fit(network, first, each, data, data, quiet({.epochs = 1, .batch_size = 12, .class_weights = {1, 2, 0.5}}));
  const auto own = [](auto z, auto y) {
    return cross_entropy(z, y, {.weights = z.tape().constant(Tensor<double>{1.0, 2.0, 0.5})});
  };
  train::fit(other, second, own, data, data, quiet({.epochs = 1, .batch_size = 12}));
  CHECK(distance(network.weight.value(), other.weight.value()) < 1e-15);
  const data::Loader loader(data, {.batch_size = 4});
  train::fit(network, first, each, loader, quiet({.epochs = 1, .class_weights = train::balanced}));

  CHECK_ERROR(ValueError, "[evaluate] label 2, but 2 class weights: expected one for each class, at least 3",
              train::evaluate(network, each, data, {.class_weights = {1, 2}}));
  const auto untouched = network.weight.value();
  const data::Dataset<double> of_two{x, Indices{0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0}, 3};
  for (const std::vector<double>& wrong : {std::vector<double>{1, 2}, {1, 2, 3, 4}}) {
    const std::string expected =
        fmt::format("{} class weights for outputs of 3 classes: expected 3, one for each class", wrong.size());
    CHECK_ERROR(ValueError, "[evaluate] " + expected, train::evaluate(network, each, of_two, {.class_weights = wrong}));
    CHECK_ERROR(ValueError, "[fit] " + expected,
                train::fit(network, first, each, of_two, quiet({.epochs = 1, .class_weights = wrong})));
  }
  CHECK(network.weight.value() == untouched);
  CHECK_ERROR(ValueError, "[evaluate] the weight of class 1 is -1: expected 0 or more",
              train::evaluate(network, each, data, {.class_weights = {1, -1, 1}}));
  CHECK_ERROR(ValueError, "[evaluate] class weights are set, but the targets are not labels",
              train::evaluate(line(1), squares, train::Samples{Tensor<double>{1.0}, Tensor<double>{1.0}},
                              {.class_weights = train::balanced}));
  const auto of_both = [](auto z, const auto&) { return mean(z, 1); };
  CHECK_ERROR(ValueError,
              "[evaluate] class weights are set, but the targets are not labels: expected Indices alone. To weigh the "
              "classes of 'words' in all terms of the loss, set the weights of the samples (Samples::weights); in its "
              "own term alone, the option `weights` of cross_entropy",
              train::evaluate(network, of_both, train::Samples{x, Pair<Tensor<double>, Indices>{x, labels}},
                              {.class_weights = {1, 2, 3}}));
  CHECK_ERROR(
      ValueError, "[evaluate] samples or classes have weights, but a loss is one number",
      train::evaluate(network, [](auto z, auto y) { return cross_entropy(z, y); }, data, {.class_weights = {1, 1, 1}}));
}

TEST_CASE("drop_last drops the short batch of an epoch") {
  const Tensor<double> x = random_tensor({11}, 1), y = 2 * x;
  for (const bool drop_last : {false, true}) {
    const Line network = line(1);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.05});
    const auto result =
        train::fit(network, optimizer, squares, train::Samples{x, y},
                   quiet({.epochs = 3, .batch_size = 4, .batches = {.shuffle = false, .drop_last = drop_last}}));
    CHECK(result.steps == (drop_last ? 6 : 9));
    CHECK(result.compilations > 0);
    double w = 1;
    for (int epoch = 0; epoch < 3; ++epoch)
      for (std::size_t first = 0; first < (drop_last ? 8U : 11U); first += 4) {
        const std::size_t last = std::min<std::size_t>(first + 4, 11);
        double slope = 0;
        for (std::size_t i = first; i < last; ++i)
          slope += 2 * x(i) * (x(i) * w - y(i)) / static_cast<double>(last - first);
        w -= 0.05 * slope;
      }
    CHECK(weight_of(network) == doctest::Approx(w).epsilon(1e-13));
  }
}
