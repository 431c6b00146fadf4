// What fails at the end of an epoch is refused before the first step: short batches, validation data, files.
#include "train/line.hpp"
#include <wengert/data.hpp>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// A data set of two features and two classes.
data::Dataset<double> of_two_features(std::size_t samples) {
  data::Dataset<double> data{random_tensor({samples, 2}, 1), Indices::from_shape({samples}), 2};
  for (std::size_t i = 0; i < samples; ++i) data.labels(i) = data.inputs(i, 0) > 0 ? 1 : 0;
  return data;
}
const auto of_scores = [](auto scores, auto labels) { return cross_entropy(scores, labels); };

// Samples that divide themselves into a batch of all but the last, and one of the last.
struct AllButOne {
  using Inputs = Tensor<double>;
  using Targets = Indices;
  data::Dataset<double> samples;
  std::size_t size() const { return samples.size(); }
  void gather(std::span<const std::size_t> rows, Inputs& x, Targets& y) const { samples.gather(rows, x, y); }
  std::vector<std::vector<std::size_t>> batches(std::uint64_t, std::size_t) const {
    std::vector<std::vector<std::size_t>> result(2);
    for (std::size_t i = 0; i < size(); ++i) result[i + 1 < size() ? 0 : 1].push_back(i);
    return result;
  }
};

// The error of a run that must take no step; or "no error".
template <class Kind, class Network, class Loss, class... Data>
std::string refused_at_once(const Network& network, const Loss& loss, train::FitOptions options, const Data&... data) {
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  options.epochs = 1;
  const std::string message =
      message_of<Kind>([&] { train::fit(network, optimizer, loss, data..., quiet(std::move(options))); });
  if (message != "no error") {
    CHECK(optimizer.steps() == 0);
    CHECK(contains(message, "first_checks_test.cpp:"));
  }
  return message;
}

}  // namespace

TEST_CASE("a last batch of one sample under BatchNorm is refused before the first step") {
  const auto network = nn::sequential(nn::Linear<double>::make(2, 2, Generator(1)), nn::BatchNorm<double>::make(2));
  const auto nine = of_two_features(9);
  const std::string expected = "[fit] a batch of 1 sample of the data: [";
  const train::FitOptions fours{.batch_size = 4};
  CHECK(contains(refused_at_once<ShapeError>(network, of_scores, fours, nine), expected));
  CHECK(contains(refused_at_once<ShapeError>(network, of_scores, fours, nine), "(drop_last)"));
  CHECK(contains(refused_at_once<ShapeError>(network, of_scores, {}, data::Loader(nine, {.batch_size = 4})), expected));
  CHECK(contains(refused_at_once<ShapeError>(network, of_scores, {.batch_size = 8}, AllButOne{nine}), expected));

  CHECK(refused_at_once<Error>(network, of_scores, {.batch_size = 4, .batches = {.drop_last = true}}, nine) ==
        "no error");
  CHECK(refused_at_once<Error>(network, of_scores, {}, data::Loader(nine, {.batch_size = 4, .drop_last = true})) ==
        "no error");
  CHECK(refused_at_once<Error>(network, of_scores, fours, of_two_features(8)) == "no error");
  // Validation evaluates, which needs no second sample.
  CHECK(refused_at_once<Error>(network, of_scores, fours, of_two_features(8), of_two_features(129)) == "no error");
}

TEST_CASE("validation data of another shape are refused before the first step") {
  const auto network = nn::Linear<double>::make(2, 2, Generator(1));
  data::Dataset<double> wider{random_tensor({5, 3}, 1), Indices{0, 1, 0, 1, 0}, 2};
  CHECK(contains(refused_at_once<ShapeError>(network, of_scores, {}, of_two_features(8), wider),
                 "[fit] a batch of 5 samples of the validation data: [Linear] an input of shape (5, 3)"));
  // The last batch of the validation data alone: 128 samples form the first.
  const auto for_two = [](auto scores, auto labels) {
    if (scores.shape()[0] == 1) throw ValueError("loss", "one sample");
    return cross_entropy(scores, labels);
  };
  CHECK(contains(refused_at_once<ValueError>(network, for_two, {}, of_two_features(8), of_two_features(129)),
                 "[fit] a batch of 1 sample of the validation data: [loss] one sample"));
  CHECK(refused_at_once<Error>(network, for_two, {}, of_two_features(8), of_two_features(128)) == "no error");
  // Afterwards, the training steps are in training mode and draw the numbers that they draw without validation.
  const auto trained = [](bool validated) {
    const auto with_dropout =
        nn::sequential(nn::Linear<double>::make(2, 2, Generator(1)), nn::Dropout::make(0.5, Generator(2)));
    optim::Optimizer<double> optimizer(with_dropout, optim::SGD{.rate = 0.1});
    const auto data = of_two_features(9);
    const train::FitOptions options = quiet({.epochs = 1, .batch_size = 4});
    if (validated)
      train::fit(with_dropout, optimizer, of_scores, data, data, options);
    else
      train::fit(with_dropout, optimizer, of_scores, data, options);
    return nn::parameter(with_dropout, "0.weight").value();
  };
  CHECK(trained(true) == trained(false));
}

TEST_CASE("metrics of other shapes are refused before the first step, in training and in validation data") {
  const auto network = nn::Linear<double>::make(2, 1, Generator(1));
  const auto of_outputs = [](auto outputs, auto) { return mean(square(outputs)); };
  const train::Samples column{random_tensor({8, 2}, 1), random_tensor({8, 1}, 2)},
      flat{random_tensor({8, 2}, 1), random_tensor({8}, 2)};
  const auto with = [](std::shared_ptr<train::Metric> metric) {
    return train::FitOptions{.metrics = {std::move(metric)}};
  };
  const std::string shapes = "outputs of shape (8, 1), targets of shape (8,): expected ";
  CHECK(contains(refused_at_once<ShapeError>(network, of_outputs, with(train::mse()), flat), "[mse] " + shapes));
  CHECK(contains(
      refused_at_once<ShapeError>(network, of_outputs, with(train::accuracy()), flat),
      "[accuracy] " + shapes + "(…, classes) and (…): pass labels as Indices, or reshape the targets to (8, 1)"));
  for (const auto& metric : {train::precision(), train::roc_auc(), train::roc_auc({.multilabel = true}),
                             train::log_loss(), train::r_squared()}) {
    CAPTURE(metric->name());
    CHECK(contains(refused_at_once<ShapeError>(network, of_outputs, with(metric), flat), shapes));
  }
  CHECK(contains(refused_at_once<ShapeError>(network, of_outputs, with(train::mse()), column, flat),
                 "[fit] a batch of 8 samples of the validation data: [mse] " + shapes));
  CHECK(
      contains(refused_at_once<ShapeError>(network, of_outputs, with(train::of_output("", train::mse())), column, flat),
               shapes));
  CHECK(refused_at_once<Error>(network, of_outputs, with(train::mse()), column, column) == "no error");
}

TEST_CASE("a file of BestCheckpoint that cannot be written is refused before the first step") {
  const auto network = nn::Linear<double>::make(2, 2, Generator(1));
  const TemporaryFolder folder;
  const auto with = [](const std::filesystem::path& file) {
    return train::FitOptions{.observers = {train::BestCheckpoint(file)}};
  };
  const auto data = of_two_features(8);
  CHECK(contains(refused_at_once<FileError>(network, of_scores, with(folder / "absent" / "best.npz"), data),
                 "[BestCheckpoint] " + (folder / "absent" / "best.npz").string() + ": cannot be written"));
  CHECK(contains(refused_at_once<FileError>(network, of_scores, with(folder / "."), data),
                 "is a directory: expected a file"));
  CHECK(refused_at_once<Error>(network, of_scores, with(folder / "best.npz"), data) == "no error");
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "."))
    files.push_back(entry.path().filename().string());
  CHECK(files == std::vector<std::string>{"best.npz"});  // the check leaves no file
}

TEST_CASE(
    "weights that add up to 0 are refused: those of samples and classes at once, those of the labels after a pass") {
  const auto network = nn::Linear<double>::make(2, 2, Generator(1));
  const auto each = [](auto scores, auto labels) {
    return cross_entropy(scores, labels, {.reduction = Reduction::none});
  };
  const auto weighing = [](double weight) {
    const auto data = of_two_features(8);
    return train::Samples{data.inputs, data.labels, Tensor<double>(weight * xt::ones<double>({8}))};
  };
  const std::string cure = " add up to 0: expected at least one above 0";
  const auto none = weighing(0), some = weighing(1);
  CHECK(contains(refused_at_once<ValueError>(network, each, {}, none), "[fit] the sample weights of the data" + cure));
  CHECK(contains(refused_at_once<ValueError>(network, each, {}, data::Loader(none)),
                 "[fit] the sample weights of the data" + cure));
  CHECK(contains(refused_at_once<ValueError>(network, each, {}, some, none),
                 "[fit] the sample weights of the validation data" + cure));
  CHECK(contains(refused_at_once<ValueError>(network, each, {.class_weights = {0, 0}}, some),
                 "[fit] the class weights" + cure));
  CHECK_ERROR(ValueError, "[evaluate] the sample weights of the data" + cure, train::evaluate(network, each, none));
  CHECK_ERROR(ValueError, "[evaluate] the class weights" + cure,
              train::evaluate(network, each, some, {.class_weights = {0, 0}}));
  auto of_one_class = some;
  of_one_class.targets.fill(0);
  CHECK_ERROR(ValueError,
              "[evaluate] the weights of the data, of samples or of the classes of their labels, add up to 0",
              train::evaluate(network, each, of_one_class, {.class_weights = {0, 1}}));
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  CHECK_ERROR(ValueError, "[fit] the weights of the data, of samples or of the classes of their labels, add up to 0",
              train::fit(network, optimizer, each, of_one_class, quiet({.class_weights = {0, 1}})));
  CHECK(refused_at_once<Error>(network, each, {.class_weights = {0, 1}}, some, some) == "no error");
}

TEST_CASE("options of batches that drop all samples, or that the data would ignore, are refused") {
  const auto network = nn::Linear<double>::make(2, 2, Generator(1));
  const auto nine = of_two_features(9);
  CHECK(contains(
      refused_at_once<ValueError>(network, of_scores, {.batch_size = 10, .batches = {.drop_last = true}}, nine),
      "[fit] batch size 10 for 9 samples: the only batch is incomplete, and would be dropped"));
  CHECK(refused_at_once<Error>(network, of_scores, {.batch_size = 9, .batches = {.drop_last = true}}, nine) ==
        "no error");
  CHECK(refused_at_once<Error>(network, of_scores, {.batch_size = train::all_samples, .batches = {.drop_last = true}},
                               nine) == "no error");
  const train::FitOptions dropped{.batches = {.drop_last = true}}, ordered{.batches = {.shuffle = false}};
  const std::string ours = ", but the data divide themselves into batches: leave it out",
                    loaders =
                        ", but the data are a Loader, which makes the batches: set it in the options of the Loader";
  CHECK(contains(refused_at_once<ValueError>(network, of_scores, dropped, AllButOne{nine}),
                 "[fit] batches.drop_last is true" + ours));
  CHECK(contains(refused_at_once<ValueError>(network, of_scores, ordered, AllButOne{nine}),
                 "[fit] batches.shuffle is false" + ours));
  CHECK(contains(refused_at_once<ValueError>(network, of_scores, dropped, data::Loader(nine)),
                 "[fit] batches.drop_last is true" + loaders));
  CHECK(contains(refused_at_once<ValueError>(network, of_scores, ordered, data::Loader(nine)),
                 "[fit] batches.shuffle is false" + loaders));
  const data::Loader same(nine, {.batch_size = 4, .shuffle = false, .drop_last = true});
  CHECK(refused_at_once<Error>(network, of_scores, {.batches = {.shuffle = false, .drop_last = true}}, same) ==
        "no error");
}
