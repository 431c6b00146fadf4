// Errors that name rows of the data, and the number of compilations of a training.
#include "data/files.hpp"
#include "train/line.hpp"
#include "train/redirected_stderr.hpp"

#include <cmath>
#include <fcntl.h>
#include <limits>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using train::FitOptions;

namespace {

const auto entropy = [](auto logits, auto labels) { return cross_entropy(logits, labels); };

// Makes a data set of two classes, determined by the sign of the first of two features.
data::Dataset<double> two_classes() {
  data::Dataset<double> data{random_tensor({40, 2}, 1), Indices::from_shape({40}), 2};
  for (std::size_t i = 0; i < 40; ++i) data.labels(i) = data.inputs(i, 0) > 0 ? 1 : 0;
  return data;
}
nn::Linear<double> two_by_two() { return nn::Linear<double>::make(2, 2, Generator(1)); }

}  // namespace

TEST_CASE("what is wrong with a sample is said of its row in the data") {
  const auto network = two_by_two();
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  const auto refused = [&](const auto& data, FitOptions options = {}) {
    return message_of<ValueError>([&] { train::fit(network, optimizer, entropy, data, quiet(std::move(options))); });
  };
  data::Dataset<double> mislabelled = two_classes();
  mislabelled.labels(37) = 2;
  const std::string label = refused(mislabelled);
  CHECK(contains(label, "[fit] epoch 1, step "));
  CHECK(contains(label, ", sample 37 of the data (number "));
  CHECK(contains(label, "[cross_entropy] label 2 at position "));
  CHECK(contains(label, "rows_test.cpp:"));
  CHECK(contains(refused(mislabelled, {.batch_size = 1}), ", sample 37 of the data (number 0 of its batch)"));
  CHECK(contains(refused(mislabelled, {.batch_size = 10, .batches = {.accumulate = 2}}),
                 ", sample 37 of the data (number "));
  CHECK(contains(refused(data::Loader(mislabelled, {.batch_size = 4})), ", sample 37 of the data (number "));
  data::Dataset<double> spoilt = two_classes();
  spoilt.inputs(11, 1) = std::nan("");
  CHECK(contains(refused(spoilt), ", sample 11 of the data (number "));
  spoilt.inputs(12, 0) = std::numeric_limits<double>::infinity();
  CHECK(contains(refused(spoilt, {.batch_size = train::all_samples}), ", samples 11, 12 of the data: ["));
  CHECK(contains(message_of<ValueError>([&] {
                   train::fit(network, optimizer, entropy, two_classes(), mislabelled, quiet({.epochs = 1}));
                 }),
                 "[fit] sample 37 of the validation data (number 37 of its batch): [cross_entropy] label 2"));
  CHECK(contains(message_of<ValueError>([&] { train::evaluate(network, entropy, mislabelled, {.batch_size = 32}); }),
                 "[evaluate] sample 37 of the data (number 5 of its batch): [cross_entropy] label 2"));
  // Metrics check labels that the loss ignores.
  const auto ignoring = [](auto logits, auto) { return mean(square(logits)); };
  CHECK_ERROR(ValueError, "[evaluate] sample 37 of the data (number 5 of its batch): [accuracy] label 2 in row 5",
              train::evaluate(network, ignoring, mislabelled, {.batch_size = 32}));
}

TEST_CASE("a loss that is not finite is said of its row: of shuffled batches, validation data and evaluations") {
  const auto network = nn::Linear<double>::make(2, 1, Generator(1));
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0});
  const train::Samples good{random_tensor({40, 2}, 1), random_tensor({40, 1}, 2)};
  auto bad = good;
  bad.inputs(37, 1) = std::nan("");
  const auto refused = [&](const Call& call) {
    const std::string message = message_of<ValueError>(call);
    CHECK(contains(message, "rows_test.cpp:"));
    return message;
  };
  for (const std::uint64_t seed : {1U, 2U})
    CHECK(contains(refused([&] {
                     train::fit(network, optimizer, squares, bad, quiet({.batch_size = 4, .batches = {.seed = seed}}));
                   }),
                   ", sample 37 of the data (number "));
  CHECK(contains(refused([&] { train::fit(network, optimizer, squares, good, bad, quiet({.epochs = 1})); }),
                 "[fit] sample 37 of the validation data (number 37 of its batch): "));
  CHECK(contains(refused([&] { train::evaluate(network, squares, bad, {.batch_size = 32}); }),
                 "[evaluate] sample 37 of the data (number 5 of its batch): "));
  bad.inputs(12, 1) = std::numeric_limits<double>::infinity();
  CHECK(contains(refused([&] { train::evaluate(network, squares, bad); }), "[evaluate] samples 12, 37 of the data: "));
  // Gradients that are not finite do not matter in validation.
  const Line root = line(1);
  optim::Optimizer<double> descent(root, optim::SGD{});
  const auto loss = [](auto outputs, auto) { return mean(sqrt(outputs)); };
  const Tensor<double> x{1, 0, 1, -1}, ones = xt::ones<double>({4});
  CHECK(contains(refused([&] {
                   train::fit(root, descent, loss, train::Samples{ones, ones}, train::Samples{x, x}, quiet({}));
                 }),
                 "[fit] sample 3 of the validation data (number 3 of its batch): [sqrt] element (3,) is nan"));
}

TEST_CASE("steps that are compiled again and again are counted, and said once") {
  const TemporaryFolder folder;
  const auto network = two_by_two();
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  const auto run = [&](std::size_t max_programs) {
    const std::string file = (folder / "shown").string();
    const int shown = open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    const auto result = [&] {
      const RedirectedStderr redirected(shown);
      return train::fit(network, optimizer, entropy, two_classes(),
                        {.epochs = 4,
                         .batches = {.max_programs = max_programs},
                         .display = train::Display::lines,
                         .report = {.gradient_norms = false}});
    }();
    close(shown);
    return std::pair(result, bytes_of(file));
  };
  const auto [enough, shown] = run(16);  // batches of 32 and 8 samples
  CHECK(enough.compilations == 2);
  CHECK(enough.recompilations == 0);
  CHECK(!contains(shown, "warning"));
  CHECK(contains(shown, ", 8 steps, 2 compilations; "));
  const auto [too_few, warned] = run(1);
  CHECK(too_few.compilations == 8);
  CHECK(too_few.recompilations == 6);
  const std::string warning = "warning: batches have more shapes than max_programs (1)";
  CHECK(contains(warned, warning));
  CHECK(warned.find(warning) == warned.rfind(warning));
  CHECK(contains(warned, "raise max_programs, or use fewer shapes"));
}

TEST_CASE("a metric of other targets is named, and a figure that was not measured is no number") {
  const auto network = two_by_two();
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  const auto far_off = train::metric("far_off", [](const auto&, const train::Targets& targets) {
    return std::get<Tensor<double>>(targets).size() > 0 ? 1.0 : 0.0;
  });
  FitOptions options = quiet({.epochs = 1});
  options.metrics = {far_off};
  const std::string message =
      message_of<ValueError>([&] { train::fit(network, optimizer, entropy, two_classes(), options); });
  CHECK(contains(message, "'far_off' does not accept these targets, which are labels: Indices"));
  CHECK(contains(message, "rows_test.cpp:"));
  const auto result = train::fit(network, optimizer, entropy, two_classes(), quiet({.epochs = 1}));
  CHECK(std::isfinite(result.last("loss")));
  CHECK_ERROR(ValueError, "[fit] 'validation_loss' was not measured in the last epoch", result.last("validation_loss"));
}
