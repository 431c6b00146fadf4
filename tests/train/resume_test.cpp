// Interrupted and resumed trainings, the files they write, and batches prepared by a Loader.
#include "data/files.hpp"
#include "train/checkpoint.hpp"
#include "train/line.hpp"
#include <wengert/data.hpp>
#include <wengert/io/npy.hpp>
#include <wengert/io/npz.hpp>
#include <wengert/io/parameters.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using train::FitOptions;
using train::StopReason;

namespace {

// An observer with a state of one number.
struct Noting : train::Observer {
  std::vector<double> state() const override { return {1}; }
};

// The mean of the embeddings of the real steps.
struct MeanOfTokens {
  nn::Embedding<double> embedding;
  Var<double> operator()(IndexVar<double> tokens, IndexVar<double> lengths) const {
    return mean_steps(embedding(tokens), lengths);
  }
};

}  // namespace

TEST_CASE("a training does not go on from the checkpoint of another network, whose differing parameters are listed") {
  const TemporaryFolder folder;
  const Tensor<double> x = random_tensor({8, 2}, 1), y = random_tensor({8, 2}, 2);
  const auto run = [&](const auto& network) {
    optim::Optimizer<double> optimizer(network, optim::Adam{});
    train::fit(network, optimizer, squares, train::Samples{x, y},
               quiet({.epochs = 1, .checkpoint = {.resume = true}, .folder = folder / "run"}));
  };
  const auto layer = [](std::uint64_t seed, std::size_t inputs = 2, std::size_t outputs = 2) {
    return nn::Linear<double>::make(inputs, outputs, Generator(seed));
  };
  run(nn::sequential(layer(1), layer(2)));
  const std::string belongs = "[fit] " + (folder / "run" / "checkpoint").string() + ": belongs to another network: ",
                    cure = ": start again without .checkpoint.resume, or in another folder";
  const auto refused = [&](const auto& network, const std::string& differences) {
    const auto before = nn::parameter(network, "0.weight").value();
    const std::string message = message_of<FileError>([&] { run(network); });
    CAPTURE(message);
    CHECK(contains(message, belongs + differences + cure));
    CHECK(contains(message, "resume_test.cpp:"));
    CHECK(nn::parameter(network, "0.weight").value() == before);
  };
  refused(nn::sequential(layer(3)), "1.weight: (2, 2) there and none here, 1.bias: (2,) there and none here");
  refused(nn::sequential(layer(3), layer(3), layer(3)),
          "2.weight: none there and (2, 2) here, 2.bias: none there and (2,) here");
  refused(nn::sequential(layer(3, 2, 3), layer(3, 3, 2)),
          "0.weight: (2, 2) there and (3, 2) here, 0.bias: (2,) there and (3,) here, 1.weight: (2, 2) there and (2, 3) "
          "here");
  CHECK(contains(
      message_of<FileError>([&] { run(nn::sequential(layer(1), layer(2), nn::Dropout::make(0.5, Generator(1)))); }),
      "has other random generators (of the network and .checkpoint.generators): 0 there and 1 here" + cure));
  // Of the other scalar type.
  const auto network = nn::sequential(nn::Linear<float>::make(2, 2, Generator(1)));
  optim::Optimizer<float> optimizer(network, optim::Adam{});
  const train::Samples data{Tensor<float>(xt::cast<float>(x)), Tensor<float>(xt::cast<float>(y))};
  CHECK_ERROR(FileError, "belongs to another network: 0.weight: (2, 2) of double there and (2, 2) here",
              train::fit(network, optimizer, squares, data,
                         quiet({.epochs = 1, .checkpoint = {.resume = true}, .folder = folder / "run"})));
}

TEST_CASE("a training that ended for want of improvement stays so when it is run again") {
  const Tensor<double> one{1.0}, half{0.5};
  const TemporaryFolder folder;
  const auto run = [&](std::size_t patience) {
    const Line network = line(0);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    const auto result = train::fit(network, optimizer, squares, train::Samples{one, one}, train::Samples{one, half},
                                   quiet({.epochs = 100,
                                          .stopping = {.patience = patience},
                                          .checkpoint = {.resume = true},
                                          .folder = folder / "run"}));
    CHECK(result.reason == StopReason::no_improvement);
    return std::pair(weight_of(network), result.history.epochs.size());
  };
  const auto first = run(2);
  CHECK(first.second == 5);
  CHECK(run(2) == first);
  CHECK(run(4).second == 7);  // with more patience, the training continues
}

TEST_CASE("samples are gathered by one thread at a time") {
  const data::Dataset<double> data{random_tensor({40, 2}, 1), xt::zeros<std::int64_t>({40}), 2};
  struct Watch {
    std::atomic<bool> inside{false}, overlapped{false};
  } watch;
  data::SampleSource<double> source;
  source.samples = data.size();
  source.labels = data.labels;
  source.read = [&](std::span<const std::size_t> rows, Tensor<double>& out) {
    if (watch.inside.exchange(true)) watch.overlapped = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    data::gather_rows(data.inputs, rows, out);
    watch.inside = false;
  };
  const data::Loader loader(source, {.batch_size = 2, .shuffle = false, .prefetch = 19});
  Generator generator(3);
  const auto network = nn::Linear<double>::make(2, 2, generator);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  const TemporaryFolder folder;
  auto options = quiet({.folder = folder / "run"});
  options.observers = {train::after_step([](train::FitStatus& status) { status.stop = true; })};
  const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
  train::fit(network, optimizer, loss, loader, options);  // the report gathers all samples
  CHECK_FALSE(watch.overlapped.load());

  // The search for a gradient that is not finite starts at the first batch, even while later batches are prepared.
  const auto spoilt = [](auto logits, auto labels) {
    return cross_entropy(logits, labels) + 0 * mean(sqrt(0 * logits));
  };
  options.observers = {};
  const std::string message = message_of<ValueError>([&] { train::fit(network, optimizer, spoilt, loader, options); });
  CAPTURE(message);
  CHECK(contains(message, "[fit] epoch 1, step 1: "));
  CHECK_FALSE(watch.overlapped.load());
}

TEST_CASE("a checkpoint holds parameters that only the optimiser knows") {
  const Tensor<double> x = random_tensor({8}, 1), y = 2 * x + 1;
  const TemporaryFolder folder;
  const auto run = [&](const std::filesystem::path& path, std::size_t stop_at) {
    const Line network = line(0);
    const Parameter<double> offset(Tensor<double>{0}, "offset");
    optim::Optimizer<double> optimizer(
        std::vector<NamedParameter<double>>{{"weight", network.weight}, {"offset", offset}}, optim::SGD{.rate = 0.1});
    const auto loss = [&](auto outputs, auto targets) {
      return mean(square(outputs + outputs.tape().variable(offset) - targets));
    };
    auto options = quiet({.epochs = 3, .batch_size = 2, .checkpoint = {.resume = true}, .folder = path});
    options.observers = {train::after_step([&](train::FitStatus& status) { status.stop = status.step == stop_at; })};
    train::fit(network, optimizer, loss, train::Samples{x, y}, options);
    return std::pair(weight_of(network), offset.value()(0));
  };
  const auto whole = run(folder / "whole", 0);
  run(folder / "parts", 5);
  CHECK(run(folder / "parts", 0) == whole);
  const std::filesystem::path weights = folder / "whole" / "weights.npz";
  CHECK(io::load_npz<double>(weights).size() == 2);
  struct Slope {
    Parameter<double> slope{Tensor<double>{0}};
  } renamed;
  const auto report = io::load_parameters(renamed, weights, {.rename = {{"weight", "slope"}}, .skip = {"offset"}});
  CHECK(report.complete());
  CHECK(renamed.slope.value()(0) == whole.first);
}

TEST_CASE("settings are those that were asked for") {
  const Tensor<double> x{1, 2};
  const Line network = line(0);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.5});
  const TemporaryFolder folder;
  train::fit(network, optimizer, squares, train::Samples{x, x},
             quiet({.epochs = 2, .schedule = {.by_step = [](double) { return 0.125; }}, .folder = folder / "run"}));
  CHECK(contains(bytes_of(folder / "run" / "report.html"), "<tr><th>rate</th><td>0.5</td></tr>"));
  CHECK(contains(bytes_of(folder / "run" / "config.json"), "\"rate\": 0.5,"));
}

TEST_CASE("Ctrl-C ends a training after the step, and it goes on to the same end") {
  const Tensor<double> x = random_tensor({20}, 1), y = 3 * x;
  const train::Samples data{x, y};
  const TemporaryFolder folder;
  const auto run = [&](const std::filesystem::path& path, std::size_t interrupted_at) {
    const Line network = line(0);
    optim::Optimizer<double> optimizer(network, optim::Adam{.rate = 0.1});
    auto options = quiet({.epochs = 4, .batch_size = 3, .checkpoint = {.resume = true}, .folder = path});
    options.observers = {train::after_step([&](const train::FitStatus& status) {
      if (status.step == interrupted_at) std::raise(SIGINT);
    })};
    const auto result = train::fit(network, optimizer, squares, data, options);
    CHECK(result.reason == (interrupted_at == 0 ? StopReason::epochs : StopReason::interrupt));
    return std::pair(weight_of(network), result);
  };
  const auto [whole, whole_result] = run(folder / "whole", 0);
  run(folder / "parts", 10);
  run(folder / "parts", 21);
  const auto [weight, result] = run(folder / "parts", 0);
  CHECK(weight == whole);
  CHECK(result.resumed);
  CHECK(result.history.column("loss") == whole_result.history.column("loss"));
  for (const char* name : {"config.json", "history.csv", "checkpoint", "weights.npz", "report.html"})
    CHECK(std::filesystem::exists(folder / "parts" / name));

  // A training that starts anew sets the old checkpoint aside at once.
  {
    const Line network = line(0);
    optim::Optimizer<double> optimizer(network, optim::Adam{.rate = 0.1});
    auto options = quiet({.batch_size = 3, .folder = folder / "whole"});
    struct Crash : train::Observer {
      void begin(train::FitStatus&) override { throw std::runtime_error("crash"); }
    };
    options.observers = {Crash()};
    CHECK_THROWS_AS(train::fit(network, optimizer, squares, data, options), std::runtime_error);
    CHECK_FALSE(std::filesystem::exists(folder / "whole" / "checkpoint"));
    CHECK(train::Checkpoint::load(folder / "whole" / "checkpoint.previous").count("fit/epoch") == 4);
  }

  const auto refusal = [&](const FitOptions& options) {
    const Line network = line(0);
    optim::Optimizer<double> optimizer(network, optim::Adam{});
    return message_of<FileError>([&] { train::fit(network, optimizer, squares, data, options); });
  };
  CHECK(contains(refusal(quiet({.batch_size = 4, .checkpoint = {.resume = true}, .folder = folder / "parts"})),
                 "checkpoint: belongs to another training run: 20 samples, batches of 3, 1 a step, shuffled by seed 0, "
                 "metrics none; this one has 20 samples, batches of 4"));
  CHECK(contains(refusal(quiet({.batch_size = 4, .checkpoint = {.resume = true}, .folder = folder / "parts"})),
                 ": start again without .checkpoint.resume, or in another folder"));
}

TEST_CASE("a Loader makes and distorts the batches, also of a training that goes on") {
  data::Dataset<double> data{random_tensor({30, 2}, 1), Indices::from_shape({30}), 2};
  for (std::size_t i = 0; i < 30; ++i) data.labels(i) = data.inputs(i, 0) > 0 ? 1 : 0;
  const auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };
  const auto train_on = [&](const auto& samples, FitOptions options) {
    Generator generator(3);
    const auto network = nn::Linear<double>::make(2, 2, generator);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1, .momentum = 0.5});
    options.display = train::Display::quiet;
    options.batches.accumulate = 2;
    train::fit(network, optimizer, loss, samples, samples, options);
    return network.weight.value();
  };
  const auto plain = train_on(data, {.epochs = 3, .batch_size = 4, .batches = {.shuffle = false}});
  CHECK(train_on(data::Loader(data, {.batch_size = 4, .shuffle = false}), {.epochs = 3}) == plain);
  const auto rows = [&](std::span<const std::size_t> of, Tensor<double>& to) {
    data::gather_rows(data.inputs, of, to);
  };
  CHECK(train_on(data::SampleSource<double>{data.size(), rows, data.labels},
                 {.epochs = 3, .batch_size = 4, .batches = {.shuffle = false}}) == plain);
  const TemporaryFolder folder;
  io::save_npy(folder / "x.npy", data.inputs);
  const data::MappedDataset<double> mapped{data::map_npy<double>(folder / "x.npy"), data.labels, 2};
  CHECK(train_on(mapped, {.epochs = 3, .batch_size = 4, .batches = {.shuffle = false}}) == plain);

  const data::Loader noisy(data, {.batch_size = 4, .seed = 9, .transform = [](auto& batch, Generator& generator) {
                                    Tape<double> tape;
                                    batch.inputs += 0.1 * normal(tape, batch.inputs.shape(), generator).value();
                                  }});
  const auto whole = train_on(noisy, {.epochs = 3});
  CHECK(distance(whole, plain) > 1e-6);
  FitOptions options{.epochs = 3, .checkpoint = {.resume = true}, .folder = folder / "run"};
  options.observers = {
      train::after_step([](train::FitStatus& status) { status.stop = status.step == 6; })};  // in the second epoch
  train_on(noisy, options);
  options.observers = {};
  CHECK(train_on(noisy, options) == whole);
}

TEST_CASE("a run is not resumed with another monitored column, nor with best weights that were not kept") {
  const Tensor<double> one{1.0};
  const train::Samples data{one, one};
  const TemporaryFolder folder;
  const auto run = [&](std::size_t epochs, const train::StoppingOptions& stopping, bool validated) {
    const Line network = line(0);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    const auto options =
        quiet({.epochs = epochs, .stopping = stopping, .checkpoint = {.resume = true}, .folder = folder / "run"});
    if (validated)
      train::fit(network, optimizer, squares, data, data, options);
    else
      train::fit(network, optimizer, squares, data, options);
  };
  const auto refused = [&](const train::StoppingOptions& stopping, bool validated) {
    return message_of<FileError>([&] { run(3, stopping, validated); });
  };
  run(2, {}, false);
  CHECK(contains(refused({}, true),
                 "/run/checkpoint: monitored another column: loss; this training run has validation_loss: start again "
                 "without .checkpoint.resume, or in another folder"));
  CHECK(
      contains(refused({.monitor = "gradient_norm"}, false), "monitored another column: loss; this training run has"));
  CHECK(
      contains(refused({.best_weights = true}, false),
               "/run/checkpoint: holds no weights of the best epoch: leave out .stopping.best_weights, or start again "
               "without .checkpoint.resume"));
  run(3, {.monitor = "loss"}, true);  // the same column
  std::filesystem::remove_all(folder / "run");
  run(2, {.best_weights = true}, false);
  run(3, {}, false);  // drops the best weights, which would become outdated
  CHECK(contains(refused({.best_weights = true}, false), "holds no weights of the best epoch"));
}

TEST_CASE("a resumption that fails leaves the network as it was") {
  struct Greedy : train::Observer {
    std::vector<double> state() const override { return {1}; }
    void set_state(const std::vector<double>& saved) override { static_cast<void>(saved.at(1)); }
  };
  // A metric whose state is too short in the file.
  struct Longer : train::Metric {
    std::size_t count;
    explicit Longer(std::size_t of) : count(of) {}
    std::string name() const override { return "longer"; }
    void reset() override {}
    void add(const Tensor<double>&, const train::Targets&) override {}
    double value() const override { return 0; }
    std::vector<double> state() const override { return std::vector<double>(count); }
    void set_state(const std::vector<double>& saved) override { static_cast<void>(saved.at(count - 1)); }
  };
  const Tensor<double> x{1, 2};
  const TemporaryFolder folder;
  const auto run = [&](const Line& network, std::size_t count, train::Observers observers, const char* cure) {
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1, .momentum = 0.5});
    const auto fit = [&] {
      train::fit(network, optimizer, squares, train::Samples{x, x},
                 quiet({.epochs = 1,
                        .metrics = {std::make_shared<Longer>(count)},
                        .checkpoint = {.resume = true},
                        .observers = std::move(observers),
                        .folder = folder / "run"}));
    };
    if (cure == nullptr) return fit();
    const double before = weight_of(network);
    CHECK(contains(message_of<FileError>(fit), cure));
    CHECK(weight_of(network) == before);
    CHECK(optimizer.steps() == 0);
  };
  run(line(0), 1, {std::make_shared<Noting>()}, nullptr);
  run(line(7), 1, {Greedy()}, "observer/observer/0 holds 1 numbers, too few for the observer's set_state");
  run(line(7), 2, {}, "holds fewer numbers than this training run keeps: start again without .checkpoint.resume");
}

TEST_CASE("a run is not resumed with other batches of the data's own, nor with other sample weights") {
  std::vector<Indices> tokens;
  Indices labels = Indices::from_shape({60});
  for (std::size_t i = 0; i < 60; ++i) {
    labels(i) = static_cast<std::int64_t>(i % 2);
    tokens.push_back(Indices::from_shape({1 + i % 10}));
    tokens[i].fill(labels(i));
  }
  const TemporaryFolder folder;
  const auto loss = [](auto outputs, auto targets) { return cross_entropy(outputs, targets); };
  const auto resume = [&](const data::BucketOptions& buckets, std::size_t stop_at) {
    const MeanOfTokens network{nn::Embedding<double>::make(2, 2, Generator(1))};
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    auto options = quiet({.epochs = 2, .checkpoint = {.resume = true}, .folder = folder / "sequences"});
    options.observers = {train::after_step([&](train::FitStatus& status) { status.stop = status.step == stop_at; })};
    const data::Sequences<std::int64_t, std::int64_t> data(tokens, labels, buckets);
    return train::fit(network, optimizer, loss, data, options).steps;
  };
  CHECK(resume({.batch_size = 10, .buckets = 2}, 4) == 4);
  for (const data::BucketOptions& other :
       {data::BucketOptions{.batch_size = 10, .buckets = 3}, data::BucketOptions{.batch_size = 15, .buckets = 2},
        data::BucketOptions{.batch_size = 10, .buckets = 2, .shuffle = false}}) {
    const std::string message = message_of<FileError>([&] { resume(other, 0); });
    CAPTURE(message);
    CHECK(contains(message, "belongs to another training run: 60 samples, 6 batches of the data's own (checksum "));
    CHECK(contains(message, ": start again without .checkpoint.resume, or in another folder"));
  }
  CHECK(resume({.batch_size = 10, .buckets = 2}, 0) == 12);

  const Tensor<double> x = random_tensor({8}, 1);
  const auto each = [](auto outputs, auto targets) { return square(outputs - targets); };
  const auto weighted = [&](double last, bool loaded) {
    train::Samples data{x, x, Tensor<double>(xt::ones<double>({8}))};
    data.weights(7) = last;
    const Line network = line(0);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
    const auto options = quiet(
        {.epochs = 1, .checkpoint = {.resume = true}, .folder = folder / (loaded ? "loaded weights" : "weights")});
    if (loaded)
      train::fit(network, optimizer, each, data::Loader(data), options);
    else
      train::fit(network, optimizer, each, data, options);
  };
  for (const bool loaded : {false, true}) {
    weighted(1, loaded);
    weighted(1, loaded);
    CHECK(contains(message_of<FileError>([&] { weighted(2, loaded); }), ", sample weights (checksum "));
  }
}
