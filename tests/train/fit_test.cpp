// train::fit: hand-written descents as reference, stop conditions, metrics, data sources, rejected arguments.
#include "data/files.hpp"
#include "train/line.hpp"
#include <wengert/data.hpp>
#include <wengert/io/npy.hpp>

#include <cmath>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using train::FitOptions;
using train::StopReason;

namespace {

// A custom rule with a member that is not a number.
struct Slow {
  double rate = 0.5;
  std::string remark = "slow";
  auto operator()(auto w, auto g, const auto& at) const { return w - at.rate * g; }
};

// Gradient descent on mean (x w − y)², batch by batch in order.
double descend(double w, const Tensor<double>& x, const Tensor<double>& y, std::size_t batch, std::size_t epochs,
               double rate) {
  for (std::size_t epoch = 0; epoch < epochs; ++epoch)
    for (std::size_t first = 0; first < x.size(); first += batch) {
      const std::size_t last = std::min(x.size(), first + batch);
      double slope = 0;
      for (std::size_t i = first; i < last; ++i) slope += 2 * x(i) * (x(i) * w - y(i));
      w -= rate * slope / static_cast<double>(last - first);
    }
  return w;
}

}  // namespace

TEST_CASE("the three descents are batch sizes, and accumulated batches are larger ones") {
  const Tensor<double> x = random_tensor({11}, 1, 0.5, 1.5), y = 2 * x + 0.1 * random_tensor({11}, 2);
  const train::Samples data{x, y};
  struct Case {
    std::size_t batch, accumulate, as;
  };
  for (const Case c : {Case{train::all_samples, 1, 11}, Case{1, 1, 1}, Case{4, 1, 4}, Case{2, 2, 4}, Case{3, 2, 6}}) {
    CAPTURE(c.batch);
    const Line network = line(-1);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.05});
    const auto result = train::fit(
        network, optimizer, squares, data,
        quiet({.epochs = 3, .batch_size = c.batch, .batches = {.accumulate = c.accumulate, .shuffle = false}}));
    CHECK(weight_of(network) == doctest::Approx(descend(-1, x, y, c.as, 3, 0.05)).epsilon(1e-13));
    CHECK(result.steps == 3 * ((11 + c.as - 1) / c.as));
    CHECK(result.history.epochs.size() == 3);
  }
}

TEST_CASE("every epoch takes every sample once, in an order that follows from the seed") {
  struct Noted {
    using Inputs = Tensor<double>;
    using Targets = Tensor<double>;
    std::vector<std::size_t>* rows;
    std::size_t size() const { return 10; }
    void gather(std::span<const std::size_t> batch, Inputs& x, Targets& y) const {
      rows->insert(rows->end(), batch.begin(), batch.end());
      x = y = xt::ones<double>({batch.size()});
    }
  };
  const auto order = [](std::uint64_t seed) {
    std::vector<std::size_t> rows;
    const Line network = line(1);
    optim::Optimizer<double> optimizer(network, optim::SGD{});
    train::fit(network, optimizer, squares, Noted{&rows},
               quiet({.epochs = 2, .batch_size = 3, .batches = {.seed = seed}}));
    return std::vector<std::size_t>(rows.end() - 20, rows.end());  // recording gathers a batch before
  };
  const auto rows = order(1);
  for (const std::size_t epoch : {0U, 1U}) {
    std::vector<std::size_t> sorted(rows.begin() + static_cast<long>(10 * epoch),
                                    rows.begin() + static_cast<long>(10 * epoch + 10));
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < 10; ++i) CHECK(sorted[i] == i);
  }
  CHECK(!std::equal(rows.begin(), rows.begin() + 10, rows.begin() + 10));
  CHECK(order(1) == rows);
  CHECK(order(2) != rows);
}

TEST_CASE("loss, metrics, rate and gradient norms are what they are called") {
  const Tensor<double> x{1, 2}, y{3, 4};
  const Line network = line(1);
  optim::Optimizer<double> optimizer(network, optim::SGD{});
  const auto result = train::fit(network, optimizer, squares, train::Samples{x, y}, train::Samples{x, y},
                                 quiet({.epochs = 2,
                                        .batch_size = train::all_samples,
                                        .schedule = {.by_step = [](double step) { return 0.1 / (1 + step); }},
                                        .metrics = {train::r_squared()}}));
  const auto& first = result.history.epochs[0];
  CHECK(first.loss == doctest::Approx(4));                  // ((1 − 3)² + (2 − 4)²) / 2
  CHECK(first.metrics[0] == doctest::Approx(1 - 8 / 0.5));  // Σ(y − ȳ)² = 0.5
  CHECK(first.gradient_norms[0] == doctest::Approx(6));     // |(2·1·(−2) + 2·2·(−2)) / 2|
  CHECK(result.history.column("rate") == std::vector<double>{0.1, 0.05});
  const double w = 1.6;  // 1 + 0.1 · 6
  CHECK(first.validation_loss == doctest::Approx((std::pow(w - 3, 2) + std::pow(2 * w - 4, 2)) / 2));
  CHECK(result.history.parameter_paths == std::vector<std::string>{"weight"});
  CHECK(weight_of(network) == doctest::Approx(w - 0.05 * (2 * 1 * (w - 3) + 2 * 2 * (2 * w - 4)) / 2));
}

TEST_CASE("a training without improvement ends, with the best weights if they are asked for") {
  // w = 1 − 0.8ᵏ after k epochs. The validation loss is lowest at w = ½; the nearest values are w(3) = 0.488 and
  // w(4) = 0.5904.
  const Tensor<double> one{1.0}, half{0.5};
  for (const bool best_weights : {false, true}) {
    const Line network = line(0);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    const auto result = train::fit(network, optimizer, squares, train::Samples{one, one}, train::Samples{one, half},
                                   quiet({.epochs = 100, .stopping = {.patience = 2, .best_weights = best_weights}}));
    CHECK(result.reason == StopReason::no_improvement);
    CHECK(result.best_epoch == 3);
    CHECK(result.history.epochs.size() == 5);
    CHECK(weight_of(network) == doctest::Approx(1 - std::pow(0.8, best_weights ? 3 : 5)));
  }
}

TEST_CASE("on a plateau the rate is lowered") {
  // At rate 1 the weight alternates between 0 and 2, and the loss stays 1. Patience 1 tolerates one such epoch; after
  // the next one, the rate is divided by 10.
  const Tensor<double> one{1.0};
  const Line network = line(0);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 1});
  const auto result =
      train::fit(network, optimizer, squares, train::Samples{one, one},
                 quiet({.epochs = 5, .schedule = {.plateau = optim::Plateau{.factor = 0.1, .patience = 1}}}));
  CHECK(result.history.column("loss")[2] == 1);
  CHECK(optimizer.rate() == doctest::Approx(0.1));
  CHECK(result.history.column("rate")[2] == 1);
  CHECK(result.history.column("rate")[3] == doctest::Approx(0.1));
}

TEST_CASE("networks over indices, and losses that take the network") {
  Generator generator(1);
  const auto network =
      nn::sequential(nn::Embedding<float>::make(6, 3, generator), nn::Linear<float>::make(3, 6, generator));
  auto tokens = Indices::from_shape({6, 4}), next = Indices::from_shape({6, 4});
  for (std::size_t i = 0; i < 24; ++i) {
    tokens.data()[i] = static_cast<std::int64_t>(i % 6);
    next.data()[i] = static_cast<std::int64_t>((i + 1) % 6);
  }
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.1F});
  const auto loss = [](const auto& net, auto x, auto y) { return cross_entropy(transpose(net(x), {0, 2, 1}), y); };
  const train::Samples data{tokens, next};
  const auto result = train::fit(network, optimizer, loss, data, quiet({.epochs = 60, .batch_size = 2}));
  CHECK(result.last("loss") < 0.1);
  CHECK(result.history.metric_names.empty());
  const auto scores =
      train::evaluate(network, [](auto z, auto y) { return mean(z * one_hot(y, 6)); }, data, {.batch_size = 4});
  CHECK(scores.metric("accuracy") == 1);
  CHECK(scores.confusion.total() == 24);
}

TEST_CASE("a network that ends in a sigmoid is measured by the threshold of probabilities") {
  Tensor<double> inputs{0.1, 0.2, 0.8, 0.6};  // the probabilities
  inputs.reshape({4, 1});
  const data::Dataset<double> data{inputs, Indices{0, 0, 1, 0}, 2};
  const auto network = [](Var<double> x) { return 1 * x; };
  const auto loss = [](auto p, auto) { return mean(p); };
  const auto scores = train::evaluate(network, loss, data, {.threshold = 0.5});
  CHECK(scores.metric("accuracy") == 0.75);
  CHECK((scores.confusion(0, 0) == 2 && scores.confusion(0, 1) == 1 && scores.confusion(1, 1) == 1));
  CHECK(train::evaluate(network, loss, data).metric("accuracy") == 0.25);
}

TEST_CASE("a table and a part of a mapped data set are trained on as they are") {
  const TemporaryFolder folder;
  const auto table =
      data::read_table<double>(folder.write("line.csv", "y,x\n2,1\n4,2\n1,0.5\n"), {.target_columns = {"y"}});
  const Line network = line(0);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  train::fit(network, optimizer, squares, table, quiet({.epochs = 100, .batch_size = train::all_samples}));
  CHECK(weight_of(network) == doctest::Approx(2));  // y = 2 x

  const Tensor<double> x = random_tensor({30, 2}, 1);
  Indices labels = Indices::from_shape({30});
  for (std::size_t i = 0; i < 30; ++i) labels(i) = x(i, 0) > x(i, 1) ? 1 : 0;
  io::save_npy(folder / "x.npy", x);
  const auto mapped =
      data::stratified_split(data::MappedDataset<double>{data::map_npy<double>(folder / "x.npy"), labels, 2}, 0.2, 1);
  const auto held = data::stratified_split(data::Dataset<double>{x, labels, 2}, 0.2, 1);
  const auto train_on = [](const auto& parts) {
    Generator generator(1);
    const auto classifier = nn::Linear<double>::make(2, 2, generator);
    optim::Optimizer<double> descent(classifier, optim::SGD{.rate = 1});
    const auto loss = [](auto logits, auto y) { return cross_entropy(logits, y); };
    return train::fit(classifier, descent, loss, parts.train, parts.test, quiet({.epochs = 20, .batch_size = 8}));
  };
  const auto of_mapped = train_on(mapped), of_held = train_on(held);
  CHECK(of_mapped.last("validation_accuracy") > 0.8);
  CHECK(of_mapped.history.column("loss") == of_held.history.column("loss"));
}

TEST_CASE("rows of a CSV file that is not loaded are trained on as those in memory") {
  const TemporaryFolder folder;
  std::string text = "x,colour,label,y\n";
  for (int i = 0; i < 40; ++i)
    text += fmt::format("{},{},{},{}\n", i % 7, i % 3 == 0 ? "red" : "green", i % 7 < 3 ? "low" : "high", 2 * (i % 7));
  const auto mapped = data::map_frame(folder.write("table.csv", text));
  const auto encoder =
      data::TableEncoder::fit(mapped, data::Schema::infer(mapped, {.label = "label", .targets = {"y"}}));
  const auto held = encoder.encode<double>(data::read_frame(folder / "table.csv"));
  const auto train_on = [](const auto& samples, const auto& loss, std::size_t outputs) {
    const auto network = nn::Linear<double>::make(3, outputs, Generator(1));
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    return train::fit(network, optimizer, loss, samples, quiet({.epochs = 30, .batch_size = 8})).history.column("loss");
  };
  const auto cross = [](auto logits, auto y) { return cross_entropy(logits, y); };
  const auto losses = train_on(data::FrameSource<double>(mapped, encoder), cross, 2);
  CHECK(losses == train_on(held.dataset(), cross, 2));
  CHECK(losses.back() < 0.4);
  const auto regression = train_on(data::FrameSource<double, Tensor<double>>(mapped, encoder), squares, 1);
  CHECK(regression == train_on(held.table(), squares, 1));
  CHECK(regression.back() < 0.1);
}

TEST_CASE("notes that are JSON numbers stand in config.json as numbers, all others as strings") {
  const Tensor<double> x{1, 2};
  const Line network = line(0);
  const TemporaryFolder folder;
  optim::Optimizer<double> optimizer(network, optim::SGD{});
  std::vector<std::pair<std::string, std::string>> notes;
  const std::vector<std::string> numbers{"0", "-0", "7", "-2.5e-3", "0.5", "10E+2"};
  const std::vector<std::string> texts{"", "-", "01", "1.", ".5", "1.e5", "1e", "1e+", "+1", "0x1", "1 ", "inf", "nan"};
  for (const std::string& value : numbers) notes.emplace_back(fmt::format("note {}", notes.size()), value);
  for (const std::string& value : texts) notes.emplace_back(fmt::format("note {}", notes.size()), value);
  train::fit(network, optimizer, squares, train::Samples{x, x},
             quiet({.epochs = 1, .report = {.notes = notes}, .folder = folder / "run"}));
  const std::string config = bytes_of(folder / "run/config.json");
  for (std::size_t i = 0; i < notes.size(); ++i) {
    const char* quote = i < numbers.size() ? "" : "\"";
    CHECK(contains(config, fmt::format("\"note {}\": {}{}{}", i, quote, notes[i].second, quote)));
  }
}

TEST_CASE("config.json tells the optimiser's rule, its options and its groups") {
  const Tensor<double> x{1, 2};
  const Line network = line(0);
  const TemporaryFolder folder;
  const auto config = [&](optim::Rule<double> rule, optim::OptimizerOptions<double> rest = {}) {
    optim::Optimizer<double> optimizer(network, rule, rest);
    train::fit(network, optimizer, squares, train::Samples{x, x}, quiet({.epochs = 1, .folder = folder / "run"}));
    return bytes_of(folder / "run/config.json");
  };
  const std::string adam = config(optim::AdamW{.rate = 0.25, .beta1 = 0.75, .amsgrad = true});
  for (const char* line :
       {"\"rate\": 0.25", "\"optimizer\": \"AdamW\"", "\"optimizer.beta1\": 0.75", "\"optimizer.beta2\": 0.999",
        "\"optimizer.epsilon\": 1e-08", "\"optimizer.weight_decay\": 0.01", "\"optimizer.amsgrad\": 1"})
    CHECK_MESSAGE(contains(adam, line), line);
  CHECK(!contains(adam, "clip"));
  const std::string groups =
      config(Slow{}, {.groups = {{"weight", optim::SGD{.rate = 0.125, .momentum = 0.5}}}, .clip_norm = 2});
  CHECK(contains(groups, "\"optimizer\": \"Slow\""));
  CHECK(contains(
      groups,
      "\"optimizer.group.weight\": \"SGD, rate 0.125, momentum 0.5, dampening 0, weight_decay 0, nesterov 0\""));
  CHECK(contains(groups, "\"clip_norm\": 2"));
  CHECK(!contains(groups, "remark"));

  struct Derived : optim::SGD {
    double more = 1;
  };
  CHECK(optim::Rule<double>(Derived{}).options().size() == 1);  // only the rate, as Derived has a base
  CHECK(optim::Rule<float>(optim::RMSprop{}).name() == "RMSprop");
}

TEST_CASE("classes beyond a thousand leave out their confusion matrix") {
  const auto confusion = [](std::size_t classes) {
    const auto network = [=](Var<double> x) { return broadcast_to(x, {2, classes}); };
    const data::Dataset<double> data{xt::ones<double>({2, 1}), xt::zeros<std::int64_t>({2}), classes};
    const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
    return train::evaluate(network, loss, data).confusion;
  };
  CHECK(confusion(1000).total() == 2);
  CHECK(confusion(1001).classes() == 0);
}

TEST_CASE("options that make no sense are refused") {
  const Tensor<double> x = xt::ones<double>({4});
  const train::Samples data{x, x};
  const Line network = line(0);
  optim::Optimizer<double> optimizer(network, optim::SGD{});
  const auto fit = [&](const FitOptions& options, Location where = Location::current()) {
    return train::fit(network, optimizer, squares, data, options, where);
  };
  CHECK_ERROR(ValueError, "[fit] batches.accumulate is 0: expected at least 1", fit({.batches = {.accumulate = 0}}));
  CHECK_ERROR(ValueError, "[fit] monitor 'accuracy': expected one of epoch, steps",
              fit({.stopping = {.monitor = "accuracy"}}));
  CHECK_ERROR(ValueError, "there is no validation data", fit({.stopping = {.monitor = "validation_loss"}}));
  CHECK_ERROR(ValueError,
              "[fit] report.picture of shape (2, 2), inputs of shape (4,): expected as many elements as a sample",
              fit({.report = {.picture = {2, 2}}}));
  CHECK_ERROR(ValueError, "[fit] report.notes: 'seed' is already a setting or a note",
              fit({.report = {.notes = {{"seed", "7"}}}}));
  const TemporaryFolder folder;
  CHECK_ERROR(ValueError, "[fit] monitor", fit({.stopping = {.monitor = "accuracy"}, .folder = folder / "run"}));
  CHECK(folder.files() == 0);  // a rejected call leaves no files
  CHECK_ERROR(ValueError, "checkpoint.resume is set, but there is no folder", fit({.checkpoint = {.resume = true}}));
  CHECK_ERROR(ValueError, "there are no samples",
              train::fit(network, optimizer, squares, train::Samples{Tensor<double>(), Tensor<double>()}));
  CHECK_ERROR(ShapeError,
              "[fit] a loss of shape (4, 1): expected one number, such as mean(…), or one for each of the 4 samples",
              train::fit(
                  network, optimizer, [](auto outputs, auto y) { return expand_dims(outputs - y, 1); }, data));
  CHECK_ERROR(ShapeError, "[fit] 4 samples, targets of shape (1,): expected one for each",
              train::fit(network, optimizer, squares, train::Samples{x, Tensor<double>{1.0}}));
}

TEST_CASE("samples and labels that are not as many are refused before anything is trained") {
  const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
  Generator generator(1);
  const auto network = nn::Linear<double>::make(2, 2, generator);
  optim::Optimizer<double> optimizer(network, optim::SGD{});
  data::Dataset<double> data{random_tensor({4, 2}, 1), xt::zeros<std::int64_t>({5}), 2};
  CHECK_ERROR(ShapeError, "[fit] 4 samples, labels of shape (5,): expected one for each",
              train::fit(network, optimizer, loss, data));
  CHECK_ERROR(ShapeError, "[evaluate] 4 samples, labels of shape (5,): expected one for each",
              train::evaluate(network, loss, data));
  data.labels = Indices();
  CHECK_ERROR(ShapeError, "[fit] 4 samples without labels: expected one for each",
              train::fit(network, optimizer, loss, data));
  const auto rows = [&](std::span<const std::size_t> of, Tensor<double>& to) {
    data::gather_rows(data.inputs, of, to);
  };
  const data::SampleSource<double> unlabelled{4, rows, {}};
  CHECK_ERROR(ShapeError, "[fit] 4 samples without targets: expected one for each",
              train::fit(network, optimizer, loss, unlabelled));
  CHECK_ERROR(ShapeError, "[fit] 2 samples without targets: expected one for each",
              train::fit(network, optimizer, loss, data::Loader(unlabelled, {.batch_size = 2})));
}

TEST_CASE("a name that weights.npz cannot hold is refused before anything is trained") {
  const Tensor<double> x{1, 2};
  const Line network = line(0);
  optim::Optimizer<double> optimizer(std::vector<NamedParameter<double>>{{"enc/w", network.weight}}, optim::SGD{});
  const auto function = [&](Var<double> v) { return network(v); };
  const TemporaryFolder folder;
  CHECK_ERROR(ValueError, "[fit] tensor 'enc/w': the name looks like a path",
              train::fit(function, optimizer, squares, train::Samples{x, x}, quiet({.folder = folder / "run"})));
  train::fit(function, optimizer, squares, train::Samples{x, x}, quiet({}));  // no file, so any name is accepted
}

namespace everything_opened {

using namespace wengert;
using namespace wengert::data;
using namespace wengert::io;
using namespace wengert::nn;
using namespace wengert::optim;
using namespace wengert::report;
using namespace wengert::train;

TEST_CASE("all namespaces can be opened at once") {
  Generator generator(1);
  const auto network = sequential(Linear<double>::make(2, 4, generator), Tanh{}, Dropout::make(0.5, generator),
                                  Linear<double>::make(4, 2, generator));
  const Dataset<double> data{random_tensor({8, 2}, 1), Indices{0, 1, 0, 1, 0, 1, 0, 1}, 2};
  const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
  CHECK(check(
            network, [&](const auto& n, auto x, auto y) { return loss(n(x), y); }, data.inputs, data.labels)
            .ok());
  CHECK(summary(network, {8, 2}).parameters == parameter_count(network));
  Optimizer<double> optimizer(network, Adam{});
  fit(network, optimizer, loss, data, quiet({.epochs = 1, .metrics = {accuracy()}}));
  const double expected = evaluate(network, loss, data).loss;
  train_mode(network);
  CHECK(network.at<2>().mode.training());
  eval_mode(network);
  Tape<double> tape;
  const auto value = loss(network(tape.constant(data.inputs)), tape.indices(data.labels));
  CHECK(value.item() == doctest::Approx(expected));
  CHECK(grad(value, network).size() == named_parameters(copy(network)).size());
}

}  // namespace everything_opened

TEST_CASE("a Loader's transform may change the shape of a batch") {
  const data::Dataset<double> data{random_tensor({12, 1, 8, 8}, 1), Indices{0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}, 2};
  auto validation = data;
  validation.inputs = data::center_crop(data.inputs, 6, 6);
  const auto network = nn::sequential(nn::Flatten{}, nn::Linear<double>::make(36, 2, Generator(1)));
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
  const data::Loader loader(data, {.batch_size = 4, .transform = [](auto& batch, Generator& generator) {
                                     data::augment(batch.inputs, {.crop = {6, 6}}, generator);
                                   }});
  const auto result = train::fit(network, optimizer, loss, loader, validation, quiet({.epochs = 2}));
  CHECK(result.steps == 6);
}
