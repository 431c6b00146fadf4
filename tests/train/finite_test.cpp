// Detection and tracing of values that are not finite in train::fit.
#include "train/checkpoint.hpp"
#include "train/line.hpp"
#include <wengert/io/npz.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("a loss that is not finite is traced to its op, and the step is not taken") {
  const Tensor<double> x{1, 2, -1, 4};  // the logarithm of the third element is NaN
  const Line network = line(0.5);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0});
  const auto loss = [](auto outputs, auto targets) { return mean(log(outputs) - targets); };
  const std::string message = message_of<ValueError>([&] {
    train::fit(network, optimizer, loss, train::Samples{x, x}, quiet({.batch_size = 1, .batches = {.shuffle = false}}));
  });
  CAPTURE(message);
  CHECK(contains(message, "[fit] epoch 1, step 3, sample 2 of the data (number 0 of its batch): "));
  CHECK(contains(message, "log"));
  CHECK(contains(message, "finite_test.cpp:"));
}

TEST_CASE("a gradient that is not finite is traced to the step that made it") {
  // The square root has slope ∞ at 0, and ∞ · 0 is NaN: step 2 makes the weight NaN, step 3 the loss.
  const Tensor<double> x{1, 0, 1, 1};
  const Line network = line(0.5);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.01});
  const auto loss = [](auto outputs, auto) { return mean(sqrt(outputs)); };
  const std::string message = message_of<ValueError>([&] {
    train::fit(network, optimizer, loss, train::Samples{x, x}, quiet({.batch_size = 1, .batches = {.shuffle = false}}));
  });
  CAPTURE(message);
  CHECK(contains(message, "[fit] epoch 1, step 2, sample 1 of the data (number 0 of its batch): "));
  CHECK(weight_of(network) == doctest::Approx(0.5 - 0.01 * 0.5 / std::sqrt(0.5)));  // the value after step 1
}

TEST_CASE("a gradient that is not finite is found also where no loss follows it") {
  // As above, but with the 0 in the last step of an epoch or of the training. The NaN weight must not be saved.
  const Tensor<double> x{1, 1, 1, 0};
  const auto loss = [](auto outputs, auto) { return mean(sqrt(outputs)); };
  struct Case {
    std::size_t epochs, accumulate;
    bool best_weights, folder, trace;
    const char* says;
  };
  for (const Case c :
       {Case{1, 1, false, false, true, "[fit] epoch 1, step 4, sample 3 of the data (number 0 of its batch): "},
        Case{3, 1, true, false, true, "[fit] epoch 1, step 4, sample 3 of the data (number 0 of its batch): "},
        Case{3, 1, false, true, true, "[fit] epoch 1, step 4, sample 3 of the data (number 0 of its batch): "},
        Case{1, 2, false, true, true, "[fit] epoch 1, step 2, sample 3 of the data (number 0 of its batch): "},
        Case{1, 1, false, true, false, "[fit] step 4: 'weight' is not finite after the step"}}) {
    CAPTURE(c.says);
    CAPTURE(c.epochs);
    const TemporaryFolder folder;
    const Line network = line(0.5);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.01});
    auto options =
        quiet({.epochs = c.epochs, .batch_size = 1, .batches = {.accumulate = c.accumulate, .shuffle = false}});
    options.stopping.best_weights = c.best_weights;
    options.checkpoint.trace_gradients = c.trace;
    if (c.folder) options.folder = folder / "run";
    options.checkpoint.seconds = 0;
    const std::string message = message_of<ValueError>([&] {
      train::fit(network, optimizer, loss, train::Samples{x, x}, options);
    });
    CHECK(contains(message, c.says));
    CHECK(!std::filesystem::exists(folder / "run" / "weights.npz"));
    if (!c.folder || c.accumulate != 1) continue;
    const auto kept = train::Checkpoint::load(folder / "run" / "checkpoint");
    CHECK(kept.count("fit/steps") == 3);
    CHECK(std::isfinite(kept.get<Tensor<double>>("parameter/weight")(0)));
  }
}

TEST_CASE("the way to a loss that is not finite is gone again at the rates it was gone") {
  // The weight takes the values 1, ¾, ½ and, at the rate set by an observer, 0, where the slope of 0 · √ is 0 · ∞.
  const Tensor<double> x = xt::ones<double>({8});
  const Line network = line(1);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.25});
  auto options = quiet({.batch_size = 1, .batches = {.shuffle = false}});
  options.observers = {train::after_step([&](const train::FitStatus& status) {
    if (status.step == 2) optimizer.set_rate(0.5);
  })};
  const auto loss = [](auto outputs, auto) { return mean(outputs + 0 * sqrt(outputs)); };
  const std::string message = message_of<ValueError>([&] {
    train::fit(network, optimizer, loss, train::Samples{x, x}, options);
  });
  CAPTURE(message);
  CHECK(contains(message, "[fit] epoch 1, step 4: "));
}

TEST_CASE("the way to a loss that is not finite is gone again as far as it was gone") {
  // The slope is 1. At the rate set by an observer, the update of step 6, not its gradient, overflows to −∞.
  const Tensor<double> x = xt::ones<double>({8});
  const Line network = line(1);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 1});
  auto options = quiet({.epochs = 1'000'000'000, .batch_size = 1, .batches = {.shuffle = false}});
  options.observers = {train::after_step([&](const train::FitStatus& status) {
    if (status.step == 4) optimizer.set_rate(1.7e308);
  })};
  const auto loss = [](auto outputs, auto) { return mean(outputs); };
  const std::string message = message_of<ValueError>([&] {
    train::fit(network, optimizer, loss, train::Samples{x, x}, options);
  });
  CAPTURE(message);
  CHECK(contains(message, "[fit] epoch 1, step 7: "));
  CHECK(weight_of(network) == -std::numeric_limits<double>::infinity());  // no op was found, so the state is restored
  CHECK(optimizer.rate() == 1.7e308);
}

TEST_CASE("a search among accumulated gradients begins with none") {
  // Step 2 makes the weight of token 1 NaN. The second batch of step 3 reads it, when the accumulated sum already holds
  // the gradient of the first batch; this sum must not enter the first step of the search.
  const Indices tokens{0, 0, 0, 1, 0, 1};
  Tensor<double> factors{1, 1, 1, 0, 4, 1};
  factors.reshape({6, 1});
  Generator generator(1);
  auto network = nn::Embedding<double>::make(2, 1, generator);
  network.weight.assign(0.5 * xt::ones<double>({2, 1}));
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.01});
  const auto loss = [](auto outputs, auto targets) { return mean(sqrt(outputs * targets)); };
  const std::string message = message_of<ValueError>([&] {
    train::fit(network, optimizer, loss, train::Samples{tokens, factors},
               quiet({.batch_size = 1, .batches = {.accumulate = 2, .shuffle = false}}));
  });
  CAPTURE(message);
  CHECK(contains(message, "[fit] epoch 1, step 2, sample 3 of the data (number 0 of its batch): "));
  CHECK(network.weight.value()(0, 0) == doctest::Approx(0.5 - 0.01 * 0.5 / std::sqrt(0.5)));  // the value after step 1
}

TEST_CASE("weights that are not finite do not replace a good file") {
  // The weight takes the values ½, ¼, 0, where the slope of 0 · √ is 0 · ∞: step 4, the last of epoch 2, makes it NaN,
  // while the loss of the epoch is still finite, and the best so far.
  const Tensor<double> x{1, 1};
  const TemporaryFolder folder;
  const auto loss = [](auto outputs, auto) { return mean(outputs + 0 * sqrt(outputs)); };
  const auto message = [&](const train::AnyObserver& observer) {
    const Line network = line(0.75);
    optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.25});
    return message_of<ValueError>([&] {
      train::fit(network, optimizer, loss, train::Samples{x, x},
                 quiet({.epochs = 4, .batch_size = 1, .batches = {.shuffle = false}, .observers = {observer}}));
    });
  };
  CHECK(contains(message(train::BestCheckpoint(folder / "best.npz")), "[fit] epoch 2, step 4"));
  CHECK(io::load_npz<double>(folder / "best.npz").at(0).value(0) == 0.25);
  const std::string refused = message(train::after_step([&](train::FitStatus& status) {
    if (status.step == 4) status.save_weights(folder / "best.npz");
  }));
  CHECK(contains(refused, "[fit] step 4: 'weight' is not finite, so " + (folder / "best.npz").string()));
  CHECK(contains(refused, "is not written"));
  CHECK(contains(refused, "finite_test.cpp:"));
  CHECK(io::load_npz<double>(folder / "best.npz").at(0).value(0) == 0.25);
}

TEST_CASE("the search goes with the parameters frozen as they were in the steps") {
  // The factor 0 has the gradient 0 · ∞ once it is trained, from step 3 on; step 4 has the loss that shows it.
  struct Two {
    Parameter<double> factor{Tensor<double>{0.0}, "factor"}, weight{Tensor<double>{1.0}, "weight"};
    Var<double> operator()(Var<double> x) const {
      return x * x.tape().variable(weight) + 0 * sqrt(x * x.tape().variable(factor));
    }
  } const network;
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.01});
  Parameter<double>(network.factor).set_trainable(false);
  const Tensor<double> x{1, 1};
  const auto unfreeze = train::before_epoch([&](train::FitStatus& status) {
    if (status.epoch == 2) Parameter<double>(network.factor).set_trainable(true);
  });
  const std::string message = message_of<ValueError>([&] {
    train::fit(network, optimizer, squares, train::Samples{x, x},
               quiet({.epochs = 3, .batch_size = 1, .batches = {.shuffle = false}, .observers = {unfreeze}}));
  });
  CAPTURE(message);
  CHECK(contains(message, "[fit] epoch 2, step 3"));
}
