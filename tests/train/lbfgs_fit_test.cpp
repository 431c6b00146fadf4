// train::fit with L-BFGS: the steps of LBFGS::step, random numbers, statistics, resumption, and what is refused.
#include "train/line.hpp"
#include <wengert/data.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using train::FitStatus;
using train::StopReason;

namespace {

const Tensor<double> inputs = random_tensor({20, 3}, 1);
const train::Samples twenty_samples{inputs, Tensor<double>(0.5 * random_tensor({20, 2}, 2))};

auto network_of(std::uint64_t seed) {
  return nn::sequential(nn::Linear<double>::make(3, 4, Generator(seed)), nn::Tanh{},
                        nn::Linear<double>::make(4, 2, Generator(seed + 1)));
}
// The samples, divided into batches.
struct Divided {
  using Inputs = Tensor<double>;
  using Targets = Tensor<double>;
  std::size_t number;
  std::size_t size() const { return twenty_samples.size(); }
  void gather(std::span<const std::size_t> rows, Inputs& x, Targets& y) const { twenty_samples.gather(rows, x, y); }
  std::vector<std::vector<std::size_t>> batches(std::uint64_t, std::size_t) const {
    std::vector<std::vector<std::size_t>> result(number);
    for (std::size_t i = 0; i < size(); ++i) result[i % number].push_back(i);
    return result;
  }
};
const optim::LBFGSOptions few{.max_iterations = 3};

train::FitOptions full(train::FitOptions options) {
  options.batch_size = train::all_samples;
  return quiet(std::move(options));
}

}  // namespace

TEST_CASE("fit with L-BFGS takes the steps of LBFGS::step") {
  const auto network = network_of(1), by_hand = network_of(1);
  optim::LBFGS<double> optimizer(network, few), other(by_hand, few);
  const auto result = train::fit(network, optimizer, squares, twenty_samples, twenty_samples,
                                 full({.epochs = 4, .metrics = {train::r_squared()}}));
  std::vector<double> losses;
  for (int i = 0; i < 4; ++i)
    losses.push_back(other
                         .step([&](Tape<double>& tape) {
                           return squares(by_hand(tape.borrow(twenty_samples.inputs)),
                                          tape.borrow(twenty_samples.targets));
                         })
                         .loss_before);
  for (const char* path : {"0.weight", "0.bias", "2.weight", "2.bias"})
    CHECK(distance(nn::parameter(network, path).value(), nn::parameter(by_hand, path).value()) < 1e-12);
  CHECK(result.steps == 4);
  CHECK(optimizer.steps() == 4);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(result.history.column("loss")[i] == doctest::Approx(losses[i]).epsilon(1e-12));
  CHECK(result.history.column("validation_loss")[2] == doctest::Approx(losses[3]).epsilon(1e-12));
  CHECK(result.last("loss") < 0.7 * losses[0]);
  CHECK(result.last("validation_r_squared") > result.history.column("r_squared")[0]);
  const auto start = network_of(1);
  Tape<double> tape;
  const auto loss = squares(start(tape.borrow(twenty_samples.inputs)), tape.borrow(twenty_samples.targets));
  const Tensor<double> slope = optim::LBFGS<double>(start).gradients(loss)[0].value();
  CHECK(result.history.column("gradient_norm.0.weight")[0] == doctest::Approx(std::sqrt(xt::sum(xt::square(slope))())));
}

TEST_CASE("the random numbers of an L-BFGS step repeat at each evaluation and differ between steps") {
  const auto train_with = [](std::uint64_t seed) {
    return nn::sequential(nn::Linear<double>::make(3, 8, Generator(1)), nn::Dropout::make(0.5, Generator(seed)),
                          nn::Linear<double>::make(8, 2, Generator(2)));
  };
  const auto network = train_with(7), by_hand = train_with(7);
  optim::LBFGS<double> optimizer(network, few), other(by_hand, few);
  const auto result = train::fit(network, optimizer, squares, twenty_samples, full({.epochs = 3}));
  nn::train_mode(by_hand);
  Generator draws = by_hand.at<1>().generator;
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t position = draws.counter();
    other.step([&](Tape<double>& tape) {
      draws.seek(position);
      return squares(by_hand(tape.borrow(twenty_samples.inputs)), tape.borrow(twenty_samples.targets));
    });
  }
  CHECK(distance(network.at<0>().weight.value(), by_hand.at<0>().weight.value()) < 1e-9);
  CHECK(draws.counter() == network.at<1>().generator.counter());
  CHECK(result.history.column("loss")[1] < result.history.column("loss")[0]);
}

TEST_CASE("an L-BFGS step updates the statistics of BatchNorm once") {
  const auto network = nn::sequential(nn::BatchNorm<double>::make(3), nn::Linear<double>::make(3, 2, Generator(1)));
  optim::LBFGS<double> optimizer(network, few);
  train::fit(network, optimizer, squares, twenty_samples, full({.epochs = 2}));
  const Tensor<double> mean = xt::mean(inputs, {0});
  const auto& normalised = network.at<0>();
  CHECK(distance(normalised.running_mean.parameter.value(), Tensor<double>((1 - 0.9 * 0.9) * mean)) < 1e-12);
}

TEST_CASE("a run with L-BFGS is resumed to the last bit, with the same options alone") {
  const TemporaryFolder folder;
  const auto run = [&](const std::string& name, std::size_t epochs, const optim::LBFGSOptions& options = few) {
    const auto network = network_of(1);
    optim::LBFGS<double> optimizer(network, options);
    const auto result = train::fit(network, optimizer, squares, twenty_samples,
                                   full({.epochs = epochs, .checkpoint = {.resume = true}, .folder = folder / name}));
    return std::pair(network.at<0>().weight.value(), result.history.column("loss"));
  };
  const auto whole = run("whole", 5);
  run("parts", 2);
  CHECK(run("parts", 5) == whole);
  CHECK(contains(message_of<FileError>([&] { run("parts", 6, {.max_iterations = 4}); }),
                 "was trained by another optimiser (only the rate may change): LBFGS, max_iterations 3"));
}

TEST_CASE("with L-BFGS, fit stops, freezes and schedules as with other optimisers") {
  const auto network = network_of(1);
  optim::LBFGS<double> optimizer(network, few);
  const Tensor<double> before = network.at<0>().weight.value();
  nn::freeze(network, "0");
  std::vector<bool> moved;
  const auto result = train::fit(network, optimizer, squares, twenty_samples,
                                 full({.epochs = 9,
                                       .schedule = {.by_epoch = [](double epoch) { return 1 / (1 + epoch); }},
                                       .observers = {train::before_epoch([&](FitStatus& status) {
                                                       if (status.epoch == 3) nn::unfreeze(network, "0");
                                                     }),
                                                     train::after_epoch([&](FitStatus& status) {
                                                       moved.push_back(network.at<0>().weight.value() != before);
                                                       status.stop = status.epoch == 3;
                                                     })}}));
  CHECK(moved == std::vector<bool>{false, false, true});
  CHECK(result.reason == StopReason::observer);
  CHECK(result.history.column("rate") == std::vector<double>{1, 0.5, 1.0 / 3});
  const std::vector<double> losses = result.history.column("loss");
  CHECK((losses[1] < losses[0] && losses[2] < losses[1]));
}

TEST_CASE("a loss that is not finite at the beginning of an L-BFGS step is traced") {
  const Tensor<double> x{1, -1, 2};
  const Line network = line(1);
  optim::LBFGS<double> optimizer(network);
  const auto loss = [](auto outputs, auto targets) { return mean(log(outputs) - targets); };
  const std::string message = message_of<ValueError>([&] {
    train::fit(network, optimizer, loss, train::Samples{x, x}, full({}));
  });
  CAPTURE(message);
  CHECK(contains(message, "[fit] epoch 1, step 1, sample 1 of the data (number 1 of its batch): [log] "));
  CHECK(weight_of(network) == 1);
}

TEST_CASE("an infinite loss within a line search is no error") {
  // The first step leads from −1 to 10⁴, where exp overflows.
  const Tensor<double> one{1.0};
  const auto loss = [](auto outputs, auto) { return mean(exp(outputs) - 2 * outputs); };
  const Line network = line(-1);
  optim::LBFGS<double> optimizer(network, {.rate = 1e4});
  const auto result = train::fit(network, optimizer, loss, train::Samples{one, one}, full({.epochs = 2}));
  CHECK(result.history.column("loss")[0] == doctest::Approx(std::exp(-1) + 2));
  CHECK(std::isfinite(weight_of(network)));
  CHECK(result.history.column("loss")[1] <= result.history.column("loss")[0]);
}

TEST_CASE("L-BFGS in batches is refused, with the cure") {
  const auto network = network_of(1);
  optim::LBFGS<double> optimizer(network);
  const auto refused = [&](const auto& data, const train::FitOptions& options) {
    return message_of<ValueError>([&] { train::fit(network, optimizer, squares, data, quiet(options)); });
  };
  CHECK(contains(refused(twenty_samples, {}),
                 "[fit] LBFGS with batches of 32 for 20 samples: its line search needs the same loss at each "
                 "evaluation: set .batch_size = train::all_samples, or use an Optimizer"));
  CHECK(contains(refused(twenty_samples, {.batch_size = train::all_samples, .batches = {.accumulate = 2}}),
                 "[fit] LBFGS with batches.accumulate 2: expected 1"));
  CHECK(contains(refused(data::Loader(twenty_samples, {.batch_size = 5}), {.batch_size = train::all_samples}),
                 "[fit] LBFGS with a Loader of 4 batches of 5 for 20 samples: its line search needs the same loss at "
                 "each evaluation: pass the samples as train::Samples, or use an Optimizer"));
  CHECK(contains(refused(data::Loader(twenty_samples, {.batch_size = 15, .drop_last = true}), {}),
                 "[fit] LBFGS with a Loader of 1 batches of 15 for 20 samples"));
  CHECK(contains(refused(Divided{2}, {.batch_size = train::all_samples}),
                 "[fit] LBFGS with data that divide themselves into 2 batches for 20 samples"));
  CHECK(refused(Divided{1}, {.epochs = 1}) == "no error");
  CHECK(refused(data::Loader(twenty_samples, {.batch_size = 20}), {.epochs = 1}) == "no error");
}

TEST_CASE("an L-BFGS step that fails changes neither statistics nor generators, and names the sample") {
  Tensor<double> spoilt = inputs;
  spoilt(7, 1) = std::numeric_limits<double>::quiet_NaN();
  const auto message = [&](const Tensor<double>& x, const auto& loss) {
    const auto network = nn::sequential(nn::BatchNorm<double>::make(3), nn::Dropout::make(0.5, Generator(3)),
                                        nn::Linear<double>::make(3, 2, Generator(1)));
    optim::LBFGS<double> optimizer(network, few);
    const std::string result = message_of<ValueError>([&] {
      train::fit(network, optimizer, loss, train::Samples{x, twenty_samples.targets}, full({}));
    });
    CHECK(network.at<0>().running_mean.parameter.value() == xt::zeros<double>({3}));
    CHECK(network.at<0>().running_var.parameter.value() == xt::ones<double>({3}));
    CHECK(network.at<1>().generator.counter() == 0);
    return result;
  };
  CHECK(contains(message(spoilt, squares), "[fit] epoch 1, step 1, sample 7 of the data"));
  const auto steep = [](auto outputs, auto targets) {  // finite, with the gradient 0 · ∞
    return squares(outputs, targets) + 0 * mean(sqrt(0 * outputs));
  };
  CHECK(contains(message(inputs, steep), "[fit] epoch 1, step 1"));
}

TEST_CASE("with L-BFGS, a generator outside of the network must be one of the checkpoint's") {
  const auto run = [](bool known) {
    Generator noise(5);
    const auto network = network_of(1);
    optim::LBFGS<double> optimizer(network, few);
    const auto loss = [&](auto outputs, auto targets) {
      return squares(outputs + 0.1 * normal(outputs.tape(), outputs.shape(), noise), targets);
    };
    train::FitOptions options{.epochs = 2};
    if (known) options.checkpoint.generators = {noise};
    train::fit(network, optimizer, loss, twenty_samples, full(options));
    return std::pair(network.at<0>().weight.value(), noise.counter());
  };
  const std::string message = message_of<ValueError>([&] { run(false); });
  CHECK(contains(message,
                 "[fit] LBFGS with a loss that draws from a generator of key 5 outside of the network: its line search "
                 "needs the same numbers at each evaluation: add the generator to .checkpoint.generators"));

  const auto by_hand = network_of(1);
  optim::LBFGS<double> other(by_hand, few);
  Generator noise(5);
  for (int i = 0; i < 2; ++i) {
    const std::uint64_t position = noise.counter();
    other.step([&](Tape<double>& tape) {
      noise.seek(position);
      const auto outputs = by_hand(tape.borrow(twenty_samples.inputs));
      return squares(outputs + 0.1 * normal(tape, outputs.shape(), noise), tape.borrow(twenty_samples.targets));
    });
  }
  const auto [weight, counter] = run(true);
  CHECK(distance(weight, by_hand.at<0>().weight.value()) < 1e-9);
  CHECK(counter == noise.counter());
}

TEST_CASE("with L-BFGS, the best weights are restored, and its memory of another point is discarded") {
  const auto network = network_of(1);
  optim::LBFGS<double> optimizer(network, few);
  const train::Samples held_out{inputs, Tensor<double>(twenty_samples.targets + 1)};
  Tensor<double> best;
  double least = infinity;
  const auto result = train::fit(network, optimizer, squares, twenty_samples, held_out,
                                 full({.epochs = 20,
                                       .stopping = {.patience = 3, .best_weights = true},
                                       .observers = {train::after_epoch([&](FitStatus& status) {
                                         if (status.last("validation_loss") >= least) return;
                                         least = status.last("validation_loss");
                                         best = network.at<0>().weight.value();
                                       })}}));
  CHECK(result.reason == StopReason::no_improvement);
  CHECK(result.history.epochs.size() == result.best_epoch + 3);
  CHECK(network.at<0>().weight.value() == best);
  for (const auto& [name, value] : optimizer.state()) CHECK_FALSE(name.ends_with(".change"));
}

TEST_CASE("with L-BFGS, class and sample weights are part of the loss") {
  data::Dataset<double> data{random_tensor({12, 3}, 4), Indices::from_shape({12}), 2};
  Tensor<double> weights = xt::zeros<double>({12});
  for (std::size_t i = 0; i < 12; ++i) {
    data.labels(i) = static_cast<std::int64_t>(i % 3 == 0);
    weights(i) = i % 3 == 0 ? 4 : 1;
  }
  const auto cross = [](auto logits, auto labels) {
    return cross_entropy(logits, labels, {.reduction = Reduction::none});
  };
  const auto run = [&](const auto& of, train::FitOptions options) {
    const auto network = nn::Linear<double>::make(3, 2, Generator(1));
    optim::LBFGS<double> optimizer(network, few);
    const auto result = train::fit(network, optimizer, cross, of, full(std::move(options)));
    return std::pair(network.weight.value(), result.history.column("loss")[0]);
  };
  const auto plain = run(data, {.epochs = 2});
  const auto by_class = run(data, {.epochs = 2, .class_weights = {1, 4}});
  CHECK(run(train::Samples{data.inputs, data.labels, weights}, {.epochs = 2}) == by_class);
  CHECK(distance(by_class.first, plain.first) > 1e-3);
}

TEST_CASE("a run with L-BFGS, dropout and BatchNorm is resumed to the last bit") {
  const TemporaryFolder folder;
  const auto run = [&](const std::string& name, std::size_t epochs) {
    const auto network =
        nn::sequential(nn::Linear<double>::make(3, 6, Generator(1)), nn::BatchNorm<double>::make(6),
                       nn::Dropout::make(0.3, Generator(2)), nn::Linear<double>::make(6, 2, Generator(3)));
    optim::LBFGS<double> optimizer(network, few);
    train::fit(network, optimizer, squares, twenty_samples,
               full({.epochs = epochs, .checkpoint = {.resume = true}, .folder = folder / name}));
    return std::pair(network.at<0>().weight.value(), network.at<1>().running_var.parameter.value());
  };
  const auto whole = run("whole", 5);
  run("parts", 2);
  CHECK(run("parts", 5) == whole);
}
