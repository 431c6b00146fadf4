// Trainings that would fail silently are rejected, with a remedy and the caller's line.
#include "data/files.hpp"
#include "train/line.hpp"
#include <wengert/io.hpp>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using train::FitOptions;

namespace {

const auto cross = [](auto logits, auto labels) { return cross_entropy(logits, labels); };

// Makes a data set of two classes, determined by the sign of the first of two features.
data::Dataset<double> halves(std::size_t samples = 40) {
  data::Dataset<double> data{random_tensor({samples, 2}, 1), Indices::from_shape({samples}), 2};
  for (std::size_t i = 0; i < samples; ++i) data.labels(i) = data.inputs(i, 0) > 0 ? 1 : 0;
  return data;
}
nn::Linear<double> layer(std::uint64_t seed = 1) { return nn::Linear<double>::make(2, 2, Generator(seed)); }

// Habits from other libraries: a layer with a constructor …
class Block {
 public:
  explicit Block(nn::Linear<double> linear) : linear_(std::move(linear)) {}
  Var<double> operator()(Var<double> x) const { return tanh(linear_(x)); }
  const nn::Linear<double>& linear() const { return linear_; }

 private:
  nn::Linear<double> linear_;
};
struct Hidden {
  Block body;
  nn::Linear<double> head;
  Var<double> operator()(Var<double> x) const { return head(body(x)); }
};
// … or with a method instead of a call operator.
class Forward {
 public:
  explicit Forward(nn::Linear<double> linear) : linear_(std::move(linear)) {}
  template <class T>
  auto forward(T x) const {
    return linear_(x);
  }

 private:
  nn::Linear<double> linear_;
};
struct Named {
  std::map<std::string, nn::Linear<double>> layers;
  nn::Linear<double> head;
  Var<double> operator()(Var<double> x) const { return head(layers.at("body")(x)); }
};

// Members without parameters are accepted: functions, names, a class that declares HoldsNoParameters.
class Declared {
 public:
  using HoldsNoParameters = void;
  explicit Declared(std::string name) : name_(std::move(name)) {}
  Var<double> operator()(Var<double> x) const { return name_.empty() ? x : tanh(x); }

 private:
  std::string name_;
};
struct Open {
  std::map<std::string, int> numbers;
  std::string name;
  Indices order;
  std::function<Var<double>(Var<double>)> activation;
  Declared declared;
  nn::Linear<double> head;
};

static_assert(wengert::io::detail::hides_parameters<Block> && wengert::io::detail::hides_parameters<Forward>);
static_assert(wengert::io::detail::hides_parameters<std::map<std::string, std::vector<Block>>>);
static_assert(wengert::io::detail::hides_parameters<std::map<std::string, nn::Linear<double>>>);
static_assert(!wengert::io::detail::hides_parameters<std::map<std::string, int>>);
static_assert(!wengert::io::detail::hides_parameters<Declared> && !wengert::io::detail::hides_parameters<Indices>);
static_assert(!wengert::io::detail::hides_parameters<Generator> && !wengert::io::detail::hides_parameters<nn::Mode>);

// Trains a network for an epoch; returns the error message, or "no error".
template <class Network>
std::string refusal(const Network& network, const optim::Rule<double>& rule = optim::SGD{.rate = 0.1}) {
  optim::Optimizer<double> optimizer(network, rule);
  return message_of<ValueError>([&] { train::fit(network, optimizer, cross, halves(), quiet({.epochs = 1})); });
}

}  // namespace

TEST_CASE("parameters that no walk over members finds are refused before the first step") {
  const Hidden hidden{Block(layer(1)), layer(2)};
  const std::string found =
      "[fit] the loss depends on trainable parameters that belong to no optimiser (weight (2, 2) at misuse_test.cpp:";
  CHECK(contains(refusal(hidden), found));
  CHECK(contains(refusal(hidden), "bias (2,) at misuse_test.cpp:"));
  CHECK(contains(refusal(hidden), "use aggregates, vectors, tuples, optionals or pointers"));
  const Named named{{{"body", layer(1)}}, layer(2)};
  CHECK(contains(refusal(named), found));
  CHECK(contains(refusal(nn::sequential([inner = layer(1)](auto x) { return inner(x); }, layer(2))), found));
  CHECK(hidden.head.weight.value() == layer(2).weight.value());  // nothing was trained

  // Accepted: parameters that are frozen, belong to another optimiser, or are behind stop_gradient.
  optim::Optimizer<double> other(hidden.body.linear(), optim::SGD{});
  CHECK(refusal(hidden) == "no error");
  const nn::Linear<double> frozen = layer(3);
  nn::freeze(frozen);
  CHECK(refusal(nn::sequential([frozen](auto x) { return frozen(x); }, layer(2))) == "no error");
  CHECK(refusal(nn::sequential([inner = layer(1)](auto x) { return stop_gradient(inner(x)); }, layer(2))) ==
        "no error");
}

TEST_CASE("files are not written or read without the parameters in members that are not walked") {
  const TemporaryFolder folder;
  const Hidden hidden{Block(layer(1)), layer(2)};
  CHECK_ERROR(ValueError, "[save_parameters] 'body' may hold Parameters that are not found",
              io::save_parameters(hidden, folder / "weights.npz"));
  CHECK_ERROR(ValueError, "[load_parameters] 'body' may hold Parameters that are not found",
              io::load_parameters(hidden, folder / "weights.npz"));
  CHECK_ERROR(ValueError, "[save_parameters] the struct itself may hold",
              io::save_parameters(hidden.body, folder / "b.npz"));
  CHECK_ERROR(ValueError, "[save_parameters] '0' may hold",
              io::save_parameters(std::tuple(Forward(layer(1)), layer(2)), folder / "weights.npz"));
  const Named named{{{"body", layer(1)}}, layer(2)};
  CHECK_ERROR(ValueError, "[save_parameters] 'layers' may hold", io::save_parameters(named, folder / "weights.npz"));
  CHECK_ERROR(ValueError, "[save_parameters] '0' may hold",
              io::save_parameters(nn::sequential([inner = layer(1)](auto x) { return inner(x); }, layer(2)),
                                  folder / "weights.npz"));
  CHECK(!std::filesystem::exists(folder / "weights.npz"));

  io::save_parameters(Open{{}, "open", Indices{1}, {}, Declared("x"), layer(2)}, folder / "open.npz");
  CHECK(io::load_npz<double>(folder / "open.npz").size() == 2);
  io::save_parameters(nn::sequential([](auto x) { return 2 * x; }, layer(2), [k = 2.0](auto x) { return k * x; }),
                      folder / "chain.npz");
  CHECK(io::load_npz<double>(folder / "chain.npz").size() == 2);
}

TEST_CASE("an optimiser with nothing to train is refused") {
  const auto network = layer(), twin = nn::copy(network);
  optim::Optimizer<double> of_twin(twin, optim::SGD{.rate = 0.1});
  CHECK_ERROR(ValueError, "[fit] the loss reads none of the optimiser's parameters ('weight', 'bias')",
              train::fit(network, of_twin, cross, halves(), quiet({.epochs = 1})));
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  nn::freeze(network);
  CHECK_ERROR(ValueError, "[fit] all parameters of the optimiser are frozen ('weight', 'bias')",
              train::fit(network, optimizer, cross, halves(), quiet({.epochs = 1})));
}

TEST_CASE("what an observer freezes or unfreezes counts from the next step on") {
  for (const std::size_t accumulate : {1U, 2U}) {
    const auto network = nn::sequential(layer(1), layer(2));
    const auto first = [&] { return nn::parameter(network, "0.weight").value(); };
    optim::Optimizer<double> optimizer(network, optim::Adam{.rate = 0.1});
    nn::freeze(network, "0.bias");
    Tensor<double> before, at_freezing, bias = nn::parameter(network, "0.bias").value();
    auto options = quiet({.epochs = 3, .batch_size = 8, .batches = {.accumulate = accumulate}});
    options.observers = {train::after_epoch([&](const train::FitStatus& status) {
      if (status.epoch != 1) return;
      CHECK(nn::parameter(network, "0.bias").value() == bias);
      before = first();
      nn::freeze(network, "0.weight");
      nn::unfreeze(network, "0.bias");
    })};
    options.observers.push_back(train::after_step([&](const train::FitStatus& status) {
      if (status.epoch == 2) CHECK(first() == before);
    }));
    const auto result = train::fit(network, optimizer, cross, halves(), options);
    CHECK(first() == before);
    CHECK(nn::parameter(network, "0.bias").value() != bias);
    CHECK(result.history.parameter_paths == std::vector<std::string>{"0.weight", "1.weight", "1.bias", "0.bias"});
    const std::vector<double> norms = result.history.column("gradient_norm.0.weight"),
                              late = result.history.column("gradient_norm.0.bias");
    CHECK((norms[0] > 0 && std::isnan(norms[1]) && std::isnan(late[0]) && late[2] > 0));
    CHECK(result.history.column("gradient_norm")[2] > 0);
  }
  const auto network = layer();
  optim::Optimizer<double> optimizer(network, optim::Adam{});
  auto options = quiet({.epochs = 2});
  options.observers = {train::after_epoch([&](const train::FitStatus&) { nn::freeze(network); })};
  CHECK_ERROR(ValueError, "all parameters of the optimiser were frozen during training: to end it, set status.stop",
              train::fit(network, optimizer, cross, halves(), options));
}

TEST_CASE("names that would make one column of two, or two of one, are refused") {
  const auto network = layer();
  optim::Optimizer<double> optimizer(network, optim::SGD{});
  const auto constant = [](const auto&, const auto&) { return 5.0; };
  const auto with = [&](const train::Metrics& metrics) {
    return message_of<ValueError>(
        [&] { train::fit(network, optimizer, cross, halves(), quiet({.epochs = 1, .metrics = metrics})); });
  };
  for (const char* name : {"a,b", "a\"b", "a\nb"})
    CHECK(contains(with({train::metric(name, constant)}), "expected one without commas, quotes and line breaks"));
  for (const char* name : {"loss", "epoch", "rate", "validation_loss", "gradient_norm", "gradient_norm.weight"})
    CHECK(contains(with({train::metric(name, constant)}),
                   fmt::format("[fit] a metric is called '{}', as is another column of the history", name)));
  CHECK(contains(with({train::accuracy(), train::accuracy()}), "a metric is called 'accuracy', as is another"));
  CHECK(contains(with({train::metric("", constant)}), "[fit] a metric has no name"));
  CHECK(with({train::accuracy(), train::metric("far", constant)}) == "no error");
}

TEST_CASE("options that make no sense are named with their values") {
  const auto network = layer();
  optim::Optimizer<double> optimizer(network, optim::SGD{});
  const auto with = [&](const train::FitOptions& options) {
    return message_of<ValueError>([&] { train::fit(network, optimizer, cross, halves(), quiet(options)); });
  };
  CHECK(contains(with({.batches = {.max_programs = 0}}), "[fit] batches.max_programs is 0: expected at least 1"));
  CHECK(contains(with({.stopping = {.seconds = std::nan("")}}), "[fit] stopping.seconds is nan: expected 0 or more"));
  CHECK(contains(with({.stopping = {.seconds = -1}}), "[fit] stopping.seconds is -1: expected 0 or more"));
  CHECK(contains(with({.stopping = {.min_improvement = -0.5}}),
                 "[fit] stopping.min_improvement is -0.5: expected 0 or more"));
  CHECK(contains(with({.checkpoint = {.seconds = -1}}), "[fit] checkpoint.seconds is -1: expected 0 or more"));
  CHECK(contains(with({.report = {.class_names = {"a", "b", "c"}}}),
                 "[fit] report.class_names has 3 names for outputs of 2 classes: expected one for each"));
}

TEST_CASE("functions of metrics and observers that are null are refused where they are passed") {
  CHECK_ERROR(ValueError, "[metric] 'far': a null function", train::metric("far", nullptr));
  for (const auto make : {train::before_epoch, train::after_step, train::after_epoch})
    CHECK_ERROR(ValueError, "[observer] a null function", make(nullptr, Location::current()));
}

TEST_CASE("a training that goes on keeps its rule, and takes the rate it is given") {
  const TemporaryFolder folder;
  const auto run = [&](const optim::Rule<double>& rule, std::size_t epochs, bool freeze = false,
                       const optim::OptimizerOptions<double>& rest = {}) {
    const auto network = nn::sequential(layer(1), layer(2));
    if (freeze) nn::freeze(network, "0");
    optim::Optimizer<double> optimizer(network, rule, rest);
    return train::fit(network, optimizer, cross, halves(),
                      quiet({.epochs = epochs,
                             .schedule = {.plateau = optim::Plateau{.factor = 0.5, .patience = 0, .threshold = 1e9}},
                             .checkpoint = {.resume = true},
                             .folder = folder / "run"}));
  };
  const auto first = run(optim::Adam{.rate = 0.1}, 2);
  CHECK(first.last("rate") == doctest::Approx(0.1));  // halved afterwards
  const auto refused = [&](const optim::Rule<double>& rule, bool freeze = false,
                           const optim::OptimizerOptions<double>& rest = {}) {
    const std::string message = message_of<FileError>([&] { run(rule, 4, freeze, rest); });
    CHECK(contains(message, "misuse_test.cpp:"));
    return message;
  };
  const std::string adam =
      "checkpoint: was trained by another optimiser (only the rate may change): Adam, beta1 0.9, beta2 0.999, ";
  for (const std::string& message :
       {refused(optim::SGD{.rate = 0.1}), refused(optim::Adam{.rate = 0.1, .beta1 = 0.8}),
        refused(optim::Adam{.rate = 0.1}, false, {.clip_norm = 1}),
        refused(optim::Adam{.rate = 0.1}, false, {.groups = {{"0", optim::Adam{.rate = 0.1}}}})})
    CHECK(contains(message, adam));
  CHECK(contains(refused(optim::SGD{.rate = 0.1}), "; this training run has SGD, momentum 0, "));
  CHECK(contains(refused(optim::Adam{.rate = 0.1}, true),
                 "other parameters were frozen at the start: none; this training run has 0.weight 0.bias"));
  const auto same = run(optim::Adam{.rate = 0.1}, 3);
  CHECK(same.resumed);
  CHECK(same.last("rate") == doctest::Approx(0.05));  // lowered by the plateau
  const auto lower = run(optim::Adam{.rate = 0.001}, 4);
  CHECK(lower.resumed);
  CHECK(lower.last("rate") == doctest::Approx(0.001));
  CHECK(run(optim::Adam{.rate = 0.001}, 5).last("rate") == doctest::Approx(0.0005));  // lowered by the plateau too
}

TEST_CASE("a training that goes on has frozen what its observers had frozen") {
  const TemporaryFolder folder;
  const auto run = [&](const std::filesystem::path& path, std::size_t stop_at) {
    const auto network = nn::sequential(layer(1), layer(2));
    optim::Optimizer<double> optimizer(network, optim::Adam{.rate = 0.1});
    auto options = quiet({.epochs = 3, .batch_size = 8, .checkpoint = {.resume = true}, .folder = path});
    options.observers = {train::after_step([&](train::FitStatus& status) {
      if (status.step == 5) nn::freeze(network, "0");
      status.stop = status.step == stop_at;
    })};
    train::fit(network, optimizer, cross, halves(), options);
    return std::pair(nn::parameter(network, "0.weight").value(), nn::parameter(network, "1.weight").value());
  };
  const auto whole = run(folder / "whole", 0);
  run(folder / "parts", 7);
  CHECK(run(folder / "parts", 0) == whole);
}

TEST_CASE("one training at a time writes to a run folder") {
  const TemporaryFolder folder;
  const auto run = [&](const std::function<void(train::FitStatus&)>& after_step) {
    const auto network = layer();
    optim::Optimizer<double> optimizer(network, optim::SGD{});
    auto options = quiet({.epochs = 1, .folder = folder / "run"});
    options.observers = {train::after_step(after_step)};
    train::fit(network, optimizer, cross, halves(), options);
  };
  std::string message, files;
  run([&](train::FitStatus&) {
    message = message_of<FileError>([&] { run([](train::FitStatus&) {}); });
    files = bytes_of(folder / "run" / "lock");
  });
  CHECK(contains(message, (folder / "run").string() + ": another training run is writing to this folder: process " +
                              std::to_string(getpid()) + " on "));
  CHECK(contains(message, "; wait for it to end, or choose another folder"));
  CHECK(contains(message, "misuse_test.cpp:"));
  CHECK(contains(files, " UTC"));
  CHECK(!std::filesystem::exists(folder / "run" / "lock"));
  // A crash releases the lock; the contents of a leftover file do not matter.
  folder.write("run/lock", "process 1 on elsewhere since yesterday\n");
  run([](train::FitStatus&) {});
  CHECK_THROWS_AS(run([](train::FitStatus&) { throw std::runtime_error("crash"); }), std::runtime_error);
  run([](train::FitStatus&) {});
}

TEST_CASE("outputs (N, 1) and targets (N,) are not compared each with every other") {
  const Tensor<double> x = random_tensor({40, 2}, 1), y = random_tensor({40}, 2);
  const auto network = nn::Linear<double>::make(2, 1, Generator(1));
  optim::Optimizer<double> optimizer(network, optim::SGD{});
  const train::Samples data{x, y};
  const auto refused = [&](const auto& loss) {
    return message_of<ShapeError>([&] { train::fit(network, optimizer, loss, data, quiet({.epochs = 1})); });
  };
  CHECK_ERROR(ShapeError,
              "[fit] outputs of shape (32, 1) and targets of shape (32,) broadcast to (32, 32) in subtract, so each "
              "output is compared with every target: reshape one to the shape of the other",
              train::fit(
                  network, optimizer, [](auto a, auto b) { return mean(square(a - b)); }, data, quiet({})));
  CHECK(contains(refused([](auto a, auto b) { return mean(abs(2 * b - tanh(a))); }), "broadcast to (32, 32)"));
  CHECK(contains(refused([](const auto& net, auto a, auto b) { return mean(square(net(a) - b)); }),
                 "broadcast to (32, 32)"));
  CHECK(contains(message_of<ShapeError>([&] { train::evaluate(network, squares, data); }),
                 "[evaluate] outputs of shape (40, 1) and targets of shape (40,)"));
  CHECK(refused([](auto a, auto b) { return mean(square(squeeze(a, 1) - b)); }) == "no error");
  // Accepted: axes added on purpose.
  CHECK(refused([](auto a, auto b) { return mean(square(a - expand_dims(b, 0))); }) == "no error");
  // Accepted: batches of one sample.
  CHECK(message_of<ShapeError>([&] {
          train::fit(network, optimizer, squares, data, quiet({.epochs = 1, .batch_size = 1}));
        }) == "no error");
}

TEST_CASE("errors name the line of the network or of fit, not one of the library") {
  const auto data = halves();
  const auto network = nn::sequential(nn::Linear<double>::make(2, 8, Generator(1)), nn::ReLU{},
                                      nn::Linear<double>::make(7, 2, Generator(1)));
  optim::Optimizer<double> optimizer(network, optim::SGD{});
  CHECK_ERROR(ShapeError, "[Linear] an input of shape (32, 8): this layer (7 → 2) expects 7 features",
              train::fit(network, optimizer, cross, data, quiet({})));
  CHECK_ERROR(ShapeError, "[Linear] an input of shape (40, 8)", train::evaluate(network, cross, data));
  CHECK_ERROR(HandleError, "[Sequential] the operand is an empty handle", network(Var<double>()));
  const auto single = layer();
  optim::Optimizer<double> descent(single, optim::SGD{});
  CHECK_ERROR(ShapeError, "[fit] a loss of shape (32, 2): expected one number, such as mean(…)",
              train::fit(
                  single, descent, [](auto z, auto) { return z; }, data, quiet({})));
  const TemporaryFolder folder;
  folder.write("file", "");
  CHECK_ERROR(FileError, "the run folder cannot be created",
              train::fit(single, descent, cross, data, quiet({.folder = folder / "file" / "run"})));
}
