// Training on, and predicting from, the rows of a CSV file with columns that are encoded as indices.
#include "data/files.hpp"
#include "train/line.hpp"
#include <wengert/data.hpp>

#include <algorithm>
#include <tuple>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Numbers, and embeddings of the columns of indices, N×C.
struct ColumnNetwork {
  nn::Linear<double> numbers;
  nn::Embedding<double> columns;
  nn::Linear<double> head;

  static ColumnNetwork make(const data::TableEncoder& encoder, std::size_t outputs) {
    Generator g(1);
    const std::size_t count = encoder.index_sizes().size(), largest = std::ranges::max(encoder.index_sizes());
    return {nn::Linear<double>::make(encoder.feature_names().size(), 4, g), nn::Embedding<double>::make(largest, 3, g),
            nn::Linear<double>::make(4 + 3 * count, outputs, g)};
  }
  Var<double> operator()(Var<double> x, IndexVar<double> indices) const {
    return head(tanh(concatenate({numbers(x), flatten(columns(indices), 1)}, 1)));
  }
};

}  // namespace

TEST_CASE("a file with columns of indices is trained on, and predicted from, as the same rows in memory") {
  const TemporaryFolder folder;
  std::string text = "x,colour,size,label,y\n";
  for (int i = 0; i < 60; ++i)  // every seventh row is dropped
    text += fmt::format("{},{},{},{},{}\n", i % 7,
                        i % 3 == 0   ? "red"
                        : i % 3 == 1 ? "green"
                                     : "blue",
                        i % 2 == 0 ? "small" : "large", i % 3 == 0 ? "low" : "high",
                        i % 7 == 6 ? "" : fmt::format("{}", i % 3 + 2 * (i % 2)));
  const auto mapped = data::map_frame(folder.write("table.csv", text));
  data::Schema schema = data::Schema::infer(mapped, {.label = "label", .targets = {"y"}});
  schema["colour"].encoding = schema["size"].encoding = data::Encoding::index;
  schema["y"].missing = data::Missing::drop;
  const auto encoder = data::TableEncoder::fit(mapped, schema);
  CHECK(encoder.index_sizes() == std::vector<std::size_t>{3, 2});
  const auto held = encoder.encode<double>(data::read_frame(folder / "table.csv"));
  CHECK(held.size() == 52);
  const std::tuple inputs{held.inputs, held.indices};

  // The losses of a training run, and the outputs of its network for other data.
  const auto run = [&](const auto& samples, const auto& loss, std::size_t outputs, const auto& to_predict) {
    const ColumnNetwork network = ColumnNetwork::make(encoder, outputs);
    optim::Optimizer<double> optimizer(network, optim::Adam{.rate = 0.05});
    const auto result = train::fit(network, optimizer, loss, samples, quiet({.epochs = 30, .batch_size = 8}));
    return std::pair(result.history.column("loss"), train::predict(network, to_predict, {.batch_size = 7}));
  };
  const auto cross = [](auto logits, auto y) { return cross_entropy(logits, y); };
  const data::IndexedFrameSource<double> labelled(mapped, encoder);
  const auto [losses, logits] = run(labelled, cross, 2, labelled);
  const auto [expected_losses, expected_logits] = run(train::Samples{inputs, held.labels}, cross, 2, inputs);
  CHECK(losses == expected_losses);
  CHECK(losses.back() < 0.05);
  CHECK(logits == expected_logits);
  CHECK(Shape(logits.shape()) == Shape{52, 2});

  const data::IndexedFrameSource<double, Tensor<double>> priced(mapped, encoder);
  const auto [errors, prices] = run(priced, squares, 1, priced);
  const auto [expected_errors, expected_prices] = run(train::Samples{inputs, held.targets}, squares, 1, inputs);
  CHECK(errors == expected_errors);
  CHECK(errors.back() < 0.05);
  CHECK(prices == expected_prices);
}

TEST_CASE("a file without labels is predicted from, row by row, without reading it into memory") {
  const TemporaryFolder folder;
  std::string known = "x,colour,label\n", unknown = "colour,note,x\n";
  for (int i = 0; i < 30; ++i) {
    known += fmt::format("{},{},{}\n", i % 7, i % 3 == 0 ? "red" : "green", i % 3 == 0 ? "low" : "high");
    unknown += fmt::format("{},\"a, {}\",{}\n", i % 4 == 0 ? "red" : "green", i, i % 5);
  }
  const auto trained = data::map_frame(folder.write("known.csv", known));
  const auto mapped = data::map_frame(folder.write("unknown.csv", unknown));
  const auto held = data::read_frame(folder / "unknown.csv");
  for (const bool indexed : {false, true}) {
    data::Schema schema = data::Schema::infer(trained, {.label = "label"});
    if (indexed) schema["colour"].encoding = data::Encoding::index;
    const auto encoder = data::TableEncoder::fit(trained, schema);
    const auto inputs = encoder.encode_inputs<double>(held);
    Tensor<double> expected, got;
    std::vector<std::size_t> firsts;
    const auto note = [&](const Tensor<double>& outputs, std::size_t first) {
      if (first == 0) got = outputs;
      firsts.push_back(first);
      CHECK(outputs.shape()[0] == (first == 24 ? 6 : 8));
    };
    if (indexed) {
      const ColumnNetwork network = ColumnNetwork::make(encoder, 2);
      const data::IndexedFrameSource<double, std::tuple<>> samples(mapped, encoder);
      expected = train::predict(network, std::tuple{inputs.inputs, inputs.indices});
      CHECK(distance(train::predict(network, samples, {.batch_size = 7}), expected) < 1e-14);
      train::predict(network, samples, note, {.batch_size = 8});
    } else {
      const auto network = nn::Linear<double>::make(encoder.feature_names().size(), 2, Generator(1));
      const data::FrameSource<double, std::tuple<>> samples(mapped, encoder);
      expected = train::predict(network, inputs.inputs);
      CHECK(distance(train::predict(network, samples, {.batch_size = 7}), expected) < 1e-14);
      train::predict(network, samples, note, {.batch_size = 8});
    }
    CHECK(expected.shape()[0] == 30);
    CHECK(firsts == std::vector<std::size_t>{0, 8, 16, 24});
    CHECK(got(3, 1) == doctest::Approx(expected(3, 1)));
  }
  const auto encoder = data::TableEncoder::fit(trained, data::Schema::infer(trained, {.label = "label"}));
  CHECK_ERROR(Error, "label", data::FrameSource<double>(mapped, encoder));
}
