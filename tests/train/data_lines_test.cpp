// Errors of public functions are wengert::Errors and name the caller's line: files, data, training.
#include "train/checkpoint.hpp"
#include "train/lines.hpp"
#include <wengert/data.hpp>
#include <wengert/io.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// A data source that fails, like a file that has changed.
struct Failing {
  using Inputs = Tensor<double>;
  using Targets = Tensor<double>;
  std::size_t size() const { return 4; }
  void gather(std::span<const std::size_t> rows, Inputs& x, Targets& y) const {
    data::gather_rows(column<double>({1, 2}), rows, x);
    data::gather_rows(column<double>({1, 2}), rows, y);
  }
};

}  // namespace

TEST_CASE("errors of files and data name the caller's line") {
  const TemporaryFolder folder;
  const auto network = nn::Linear<double>::make(2, 2, Generator(1));
  const auto missing = folder / "missing", nowhere = folder / "no folder" / "file";
  const auto text = folder.write("text.npz", "no such format");
  const auto csv = folder.write("bad.csv", "a,b\n1,x\n");
  const auto at = [&](const char* ending) { return nowhere.string() + ending; };
  const std::vector<io::NamedTensor<double>> tensors{{"a", Tensor<double>{1}}};
  const data::Dataset<double> data{random_tensor({4, 2}, 1), Indices{0, 1, 0, 1}, 2}, none{};
  const auto frame = data::read_frame(csv);
  const auto encoder = data::TableEncoder::fit(frame, {{{.name = "a", .kind = data::ColumnKind::numeric}}});
  Tensor<double> out;
  check_lines(
      {
          {"load_npy", [&] { io::load_npy<double>(missing); }},
          {"load_npy of text", [&] { io::load_npy<double>(text); }},
          {"save_npy", [&] { io::save_npy<double>(nowhere, Tensor<double>{1}); }},
          {"load_npz", [&] { io::load_npz<double>(missing); }},
          {"load_npz of text", [&] { io::load_npz<double>(text); }},
          {"save_npz", [&] { io::save_npz(nowhere, tensors); }},
          {"save_npz of nothing", [&] { io::save_npz(folder / "a.npz", std::vector<io::NamedTensor<double>>{}); }},
          {"load_safetensors", [&] { io::load_safetensors<double>(missing); }},
          {"load_safetensors of text", [&] { io::load_safetensors<double>(text); }},
          {"load_safetensors_metadata", [&] { io::load_safetensors_metadata(text); }},
          {"save_safetensors", [&] { io::save_safetensors(nowhere, tensors); }},
          {"save_parameters", [&] { io::save_parameters(network, at(".npz")); }},
          {"save_parameters as safetensors", [&] { io::save_parameters(network, at(".safetensors")); }},
          {"save_parameters of no format", [&] { io::save_parameters(network, folder / "weights.txt"); }},
          {"load_parameters", [&] { io::load_parameters(network, missing.string() + ".npz"); }},
          {"load_parameters of text", [&] { io::load_parameters(network, text); }},
          {"load_parameters of a folder", [&] { io::load_parameters(network, (folder / "x").parent_path() / ".npz"); }},
          {"compare_parameters", [&] { io::compare_parameters(network, missing.string() + ".safetensors"); }},
          {"a full disk", [&] { io::save_npy<double>("/dev/full", Tensor<double>{1}); }},
          {"read_idx", [&] { data::read_idx<double>(missing, missing); }},
          {"read_idx of text", [&] { data::read_idx<double>(text, text); }},
          {"read_idx_bytes", [&] { data::read_idx_bytes(text); }},
          {"map_idx", [&] { data::map_idx<double>(text); }},
          {"map_idx of two", [&] { data::map_idx<double>(missing, missing); }},
          {"map_npy", [&] { data::map_npy<double>(text); }},
          {"read_csv", [&] { data::read_csv<double>(missing); }},
          {"read_csv of words", [&] { data::read_csv<double>(csv, {.label_column = "a"}); }},
          {"read_csv of no column", [&] { data::read_csv<double>(csv, {.label_column = "c"}); }},
          {"read_csv of a column", [&] { data::read_csv<double>(csv, {.label_column = 9}); }},
          {"read_table", [&] { data::read_table<double>(csv); }},
          {"read_table of no column", [&] { data::read_table<double>(csv, {.target_columns = {"c"}}); }},
          {"read_frame", [&] { data::read_frame(missing); }},
          {"read_frame of names", [&] { data::read_frame(csv, {.names = {"a"}}); }},
          {"FrameReader", [&] { data::FrameReader{missing}; }},
          {"map_frame", [&] { data::map_frame(missing); }},
          {"subset of a frame", [&] { data::subset(frame, std::vector<std::size_t>{7}); }},
          {"split of a frame", [&] { data::split(frame, 2, 1); }},
          {"Frame::column", [&] { frame.column("c"); }},
          {"MappedFrame::gather", [&] { data::map_frame(csv).gather(std::vector<std::size_t>{7}); }},
          {"Schema::infer", [&] { data::Schema::infer(frame, {.label = "c"}); }},
          {"TableEncoder::fit", [&] { data::TableEncoder::fit(frame, {}); }},
          {"TableEncoder::fit of words",
           [&] { data::TableEncoder::fit(frame, {{{.name = "b", .kind = data::ColumnKind::numeric}}}); }},
          {"TableEncoder::encode", [&] { encoder.encode<double>(data::Frame({"b"})); }},
          {"TableEncoder::save", [&] { encoder.save(nowhere); }},
          {"TableEncoder::load", [&] { data::TableEncoder::load(text); }},
          {"FrameSource", [&] { data::FrameSource<double>(data::map_frame(csv), encoder); }},
          {"split", [&] { data::split(none, 0.5, 1); }},
          {"split in NaN", [&] { data::split(data, not_a_number, 1); }},
          {"stratified_split", [&] { data::stratified_split(none, 0.5, 1); }},
          {"subset", [&] { data::subset(data, std::vector<std::size_t>{7}); }},
          {"one_hot", [&] { data::one_hot<double>(Indices{3}, 2); }},
          {"one_hot of a negative label", [&] { data::one_hot<double>(Indices{-1}, 2); }},
          {"one_hot of memory",
           [&] {
             data::one_hot<double>(Indices{1, 0}, std::size_t{1} << 60);
           }},
          {"gather_rows", [&] { data::gather_rows(data.inputs, std::vector<std::size_t>{9}, out); }},
          {"gather_rows of a scalar",
           [&] { data::gather_rows(Tensor<double>(1.0), std::vector<std::size_t>{0}, out); }},
          {"Batches", [&] { data::Batches(0, 1); }},
          {"Batches of 0", [&] { data::Batches(4, 0); }},
          {"Loader", [&] { data::Loader(data, {.batch_size = 0}); }},
          {"Loader of nothing", [&] { data::Loader{none}; }},
          {"learn_normalisation", [&] { data::learn_normalisation(none.inputs); }},
          {"normalise",
           [&] {
             data::normalise(out, {Tensor<double>{1}, Tensor<double>{1, 2, 3}});
           }},
          {"augment", [&] { data::augment(out, {.rotate = not_a_number}, Generator(1)); }},
          {"augment of no image",
           [&] {
             Tensor<double> images = data.inputs;
             data::augment(images, {.shift = 1}, Generator(1));
           }},
          {"Checkpoint::load", [&] { train::Checkpoint::load(text); }},
          {"Checkpoint::load of nothing", [&] { train::Checkpoint::load(missing); }},
          {"Checkpoint::save", [&] { train::Checkpoint().save(nowhere); }},
          {"Checkpoint::get", [&] { (void)train::Checkpoint().get<std::string>("a"); }},
          {"Checkpoint::count", [&] { (void)train::Checkpoint().count("a"); }},
      },
      "data_lines_test.cpp");
}

TEST_CASE("errors of a training name the caller's line") {
  const TemporaryFolder folder;
  const auto network = nn::Linear<double>::make(1, 1, Generator(1));
  optim::Optimizer<double> optimizer(network, optim::SGD{});
  const train::Samples data{random_tensor({4, 1}, 1), random_tensor({4, 1}, 2)};
  const train::Samples<Tensor<double>, Tensor<double>> none{Tensor<double>::from_shape({0, 1}),
                                                            Tensor<double>::from_shape({0, 1})};
  const train::Samples uneven{random_tensor({4, 1}, 1), random_tensor({3, 1}, 2)};
  const data::Dataset<double> wide{random_tensor({4, 3}, 1), Indices{0, 1, 0, 1}, 2};
  const auto fit = [&](train::FitOptions options) {
    return [&, options = quiet(std::move(options))] { train::fit(network, optimizer, squares, data, options); };
  };
  const auto run = folder / "run";
  train::FitResult result = train::fit(network, optimizer, squares, data, quiet({.epochs = 1, .folder = run}));
  const auto cross = [](auto z, auto k) { return cross_entropy(z, k); };
  check_lines(
      {
          {"no samples", [&] { train::fit(network, optimizer, squares, none, quiet({})); }},
          {"no validation samples", [&] { train::fit(network, optimizer, squares, data, none, quiet({})); }},
          {"too few targets", [&] { train::fit(network, optimizer, squares, uneven, quiet({})); }},
          {"inputs of another width", [&] { train::fit(network, optimizer, cross, wide, quiet({})); }},
          {"a loss that is a vector",
           [&] {
             train::fit(
                 network, optimizer, [](auto a, auto) { return a; }, data, quiet({}));
           }},
          {"a loss that is empty",
           [&] {
             train::fit(
                 network, optimizer, [](auto, auto) { return Var<double>(); }, data, quiet({}));
           }},
          {"a loss that reads",
           [&] {
             train::fit(
                 network, optimizer, [](auto a, auto) { return a.item() * mean(a); }, data, quiet({}));
           }},
          {"samples that fail", [&] { train::fit(network, optimizer, squares, Failing{}, quiet({})); }},
          {"epochs", fit({.epochs = 0})},
          {"checkpoint_seconds", fit({.checkpoint = {.seconds = not_a_number}})},
          {"threshold", fit({.report = {.threshold = not_a_number}})},
          {"accumulate", fit({.batches = {.accumulate = 0}})},
          {"max_programs", fit({.batches = {.max_programs = 0}})},
          {"seconds", fit({.stopping = {.seconds = not_a_number}})},
          {"two schedules", fit({.schedule = {.by_step = optim::ConstantRate{}, .by_epoch = optim::ConstantRate{}}})},
          {"a schedule that is NaN", fit({.schedule = {.by_step = [](double) { return not_a_number; }}})},
          {"a schedule out of range", fit({.schedule = {.by_step = optim::StepDecay{.every = 0}}})},
          {"an epoch's schedule", fit({.schedule = {.by_epoch = optim::CosineDecay{.steps = -1}}})},
          {"a plateau", fit({.schedule = {.plateau = optim::Plateau{.factor = 2}}})},
          {"a monitor", fit({.stopping = {.monitor = "nothing"}})},
          {"metrics", fit({.metrics = {train::accuracy(), train::accuracy()}})},
          {"a picture", fit({.report = {.picture = {3, 3}}})},
          {"notes", fit({.report = {.notes = {{"rate", "1"}}}})},
          {"a folder in a file", fit({.folder = folder.write("file", "") / "run"})},
          {"resume without a folder", fit({.checkpoint = {.resume = true}})},
          {"resume of another training", fit({.batch_size = 2, .checkpoint = {.resume = true}, .folder = run})},
          {"resume of other numbers",
           [&] {
             train::Checkpoint other = train::Checkpoint::load(run / "checkpoint");
             other.set("fit/scores", Tensor<double>{1});
             other.save(run / "checkpoint");
             fit({.checkpoint = {.resume = true}, .folder = run})();
           }},
          {"resume of a damaged file",
           [&] {
             folder.write("run/checkpoint", "damaged");
             fit({.checkpoint = {.resume = true}, .folder = run})();
           }},
          {"a column", [&] { (void)result.history.column("nothing"); }},
          {"a last value", [&] { (void)result.last("nothing"); }},
          {"evaluate", [&] { train::evaluate(network, cross, wide); }},
          {"evaluate on nothing", [&] { train::evaluate(network, squares, none); }},
          {"evaluate in batches of 0", [&] { train::evaluate(network, squares, data, {.batch_size = 0}); }},
          {"evaluate's samples", [&] { train::evaluate(network, squares, Failing{}); }},
          {"a metric", [&] { (void)train::evaluate(network, squares, data).metric("nothing"); }},
      },
      "data_lines_test.cpp");
}

TEST_CASE("what was moved from works as before, or is refused") {
  const auto network = nn::Linear<double>::make(1, 1, Generator(1));
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.1});
  const auto moved = std::move(optimizer);
  CHECK(optimizer.rule().name() == "SGD");
  CHECK(optimizer.trainable().size() == moved.trainable().size());
  optim::Rule<double> rule = optim::Adam{};
  const auto other = std::move(rule);
  CHECK(rule.name() == "Adam");
  const data::Dataset<double> data{random_tensor({4, 1}, 1), Indices{0, 1, 0, 1}, 2};
  data::Loader loader(data, {.batch_size = 2});
  const auto moved_loader = std::move(loader);
  CHECK(loader.count() == 2);
  auto epoch = loader.epoch(0);
  auto going = std::move(epoch);
  CHECK(going.next() != nullptr);
  CHECK(contains(message_of<HandleError>([&] { epoch.next(); }), "[loader] the epoch was moved from"));
  const TemporaryFolder folder;
  io::save_npy(folder / "a.npy", column<double>({1, 2}));
  auto mapped = data::map_npy<double>(folder / "a.npy");
  const auto same = std::move(mapped);
  CHECK(mapped.rows() == 2);
}

TEST_CASE("functions and metrics that are none are refused") {
  const auto network = nn::Linear<double>::make(1, 2, Generator(1));
  optim::Optimizer<double> optimizer(network, optim::SGD{});
  data::SampleSource<double> source;
  source.samples = 4;
  source.labels = Indices{0, 1, 0, 1};
  const data::Dataset<double> data{random_tensor({4, 1}, 1), source.labels, 2};
  const auto cross = [](auto z, auto k) { return cross_entropy(z, k); };
  check_lines(
      {
          {"a loader", [&] { data::Loader{source}; }},
          {"a source", [&] { train::fit(network, optimizer, cross, source, quiet({})); }},
          {"a metric", [&] { train::fit(network, optimizer, cross, data, quiet({.metrics = {nullptr}})); }},
          {"a metric to evaluate", [&] { train::evaluate(network, cross, data, {.metrics = {nullptr}}); }},
      },
      "data_lines_test.cpp");
}
