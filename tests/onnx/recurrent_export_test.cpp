// Recurrent layers saved as nodes of ONNX, with open numbers of samples and steps.
#include "builder.hpp"
#include "onnx/graph.hpp"
#include "recurrent_layers.hpp"
#include "registry_exports.hpp"
#include "runtime_files.hpp"
#include "saved.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <utility>

#include <fmt/ranges.h>

using namespace wengert;
using namespace wengert::testing;

namespace {

using nlohmann::json;

constexpr std::array<RecurrentInputs, 4> all_inputs{{{false, false}, {true, false}, {false, true}, {true, true}}};

// The number of nodes of a file that are RNNs, GRUs and LSTMs.
std::size_t recurrent_nodes(const std::filesystem::path& path) {
  std::size_t count = 0;
  for (const auto& node : wengert::onnx::detail::read_model(path, Location::current()).graph.nodes)
    count += node.op == "RNN" || node.op == "GRU" || node.op == "LSTM";
  return count;
}

// The files of the networks, in the format of runtime/run_models.mjs: beside the inputs, the expected outputs.
class RecurrentManifest {
 public:
  explicit RecurrentManifest(std::filesystem::path folder) : folder_(std::move(folder)) {}

  template <class T>
  void add(const std::string& model, RecurrentInputs given, const RecurrentValues<T>& values,
           const std::vector<Var<T>>& outputs, const std::vector<std::string>& names) {
    const std::string name = fmt::format("{}.{}.{}", model, models_.size(), name_of(wengert::onnx::element_type<T>));
    const auto describe = [&](const std::string& port, std::string_view type, const auto& x) {
      const std::string file = fmt::format("{}.{}.bin", name, port);
      write_elements(folder_ / file, x);
      return json{{"name", port}, {"dtype", type}, {"shape", x.shape()}, {"file", file}};
    };
    json entry{{"name", name}, {"model", model + ".onnx"}, {"inputs", json::array()}, {"expected", json::array()}};
    const std::string_view type = name_of(wengert::onnx::element_type<T>);
    for (std::size_t i = 0; i < values.numbers.size(); ++i)
      entry["inputs"].push_back(describe(names[i], type, values.numbers[i]));
    if (given.lengths) entry["inputs"].push_back(describe(names.back(), "int64", values.lengths));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      entry["expected"].push_back(
          describe(fmt::format("y{}", i), "double", Tensor<double>(xt::cast<double>(outputs[i].value()))));
    entry["output_type"] = type;
    models_.push_back(std::move(entry));
  }
  void write() const { std::ofstream(folder_ / "manifest.json") << json{{"models", models_}}.dump(1) << '\n'; }

 private:
  std::filesystem::path folder_;
  json models_ = json::array();
};

// The name of a network with these inputs.
template <class T>
std::string variant_of(const std::string& name, RecurrentInputs given) {
  return fmt::format("{}{}{}_{}", name, given.state ? "_state" : "", given.lengths ? "_lengths" : "",
                     name_of(wengert::onnx::element_type<T>));
}

// A loaded layer and its final state.
struct OutputAndCell {
  wengert::onnx::Model<float> model;

  struct Result {
    Var<float> y, c;
  };
  Result operator()(Var<float> x, IndexVar<float> lengths) const {
    const auto outputs = model.run({x, lengths});
    return {outputs[0].var(x.tape()), outputs[1].var(x.tape())};
  }
};

// A network that computes the gradient of a layer.
template <class Layer>
struct InputGradient {
  Layer layer;
  Var<double> operator()(Var<double> x) const { return grad(sum(square(layer(x))), x)[0]; }
};

}  // namespace

// With WENGERT_ONNX_EXPORTS, the files stay in a folder of it, for export_runtime_test.sh.
TEST_CASE("recurrent layers are saved as one node each, for any number of samples and steps") {
  std::optional<TemporaryFolder> temporary;
  const char* const exports = std::getenv("WENGERT_ONNX_EXPORTS");
  if (exports == nullptr) temporary.emplace();
  const std::filesystem::path folder =
      exports != nullptr ? std::filesystem::path(exports) / "recurrent" : *temporary / ".";
  std::filesystem::create_directories(folder);
  RecurrentManifest manifest(folder);
  const auto check = [&]<class T>(T) {
    for_each_recurrent_network<T>([&](const std::string& name, const auto& network) {
      for (const RecurrentInputs given : all_inputs) {
        const std::string variant = variant_of<T>(name, given);
        CAPTURE(variant);
        const std::filesystem::path path = folder / (variant + ".onnx");
        save_recurrent(network, given, path);
        CHECK(recurrent_nodes(path) == 1 + network.layer.layers.back().layer);
        const auto model = wengert::onnx::load<T>(path);
        std::vector<std::string> names;
        for (const auto& input : model.inputs()) names.push_back(input.name);
        const nn::EvaluationMode evaluation(network);
        for (const auto& [samples, steps] : {std::pair<std::size_t, std::size_t>{1, 1}, {5, 4}, {3, 17}}) {
          CAPTURE(samples);
          Tape<T> tape;
          const RecurrentValues<T> values(network, given, samples, steps);
          const std::vector<Var<T>> expected = outputs_of(network, given, values, tape);
          const std::vector<Var<T>> got = outputs_of(model, given, values, tape);
          REQUIRE(got.size() == expected.size());
          for (std::size_t i = 0; i < got.size(); ++i)
            CHECK(distance(got[i].value(), expected[i].value()) < saved_tolerance<T>);
          if (std::is_same_v<T, float>)
            manifest.add(variant, given, values, expected, names);  // all that the runtime has
        }
      }
    });
  };
  check(float{});
  check(double{});
  manifest.write();
}

// Run by export_runtime_test.sh after ONNX Runtime.
TEST_CASE("ONNX Runtime computes what saved recurrent layers compute" * doctest::skip()) {
  const char* const folder = std::getenv("WENGERT_ONNX_EXPORTS");
  REQUIRE_MESSAGE(folder != nullptr, "WENGERT_ONNX_EXPORTS must name the folder of the files");
  const RuntimeComparison comparison = compare_runtime(std::filesystem::path(folder) / "recurrent");
  const std::string text =
      fmt::format("ONNX Runtime {}: {} results of recurrent networks agree in float; the largest error is {:.1e}",
                  comparison.runtime, comparison.compared, comparison.error_in_float);
  MESSAGE(text);
  CHECK_MESSAGE(comparison.failures.empty(), fmt::format("{}", fmt::join(comparison.failures, "\n")));
  CHECK(comparison.compared >= 132);
}

TEST_CASE("gradients of a recurrent layer that was saved and loaded are its own") {
  const TemporaryFolder folder;
  for_each_recurrent_network<double>([&](const std::string& name, const auto& network) {
    CAPTURE(name);
    const RecurrentInputs given{.state = true, .lengths = true};
    save_recurrent(network, given, folder / "network.onnx");
    const auto model = wengert::onnx::load<double>(folder / "network.onnx");
    const nn::EvaluationMode evaluation(network);
    const RecurrentValues<double> values(network, given, 3, 5);
    const auto gradients_of = [&](const auto& any) {
      Tape<double> tape;
      std::vector<Var<double>> terms;
      for (const Var<double>& y : outputs_of(any, given, values, tape))
        terms.push_back(sum(y * tape.constant(random_tensor(y.shape(), static_cast<unsigned>(terms.size())))));
      Var<double> loss = terms[0];
      for (std::size_t i = 1; i < terms.size(); ++i) loss = loss + terms[i];
      std::map<std::string, Tensor<double>> result;
      for (const auto& [path, parameter] : named_parameters(any))
        result.emplace(path, gradients(loss, tape.variable(parameter))[0]);
      return result;
    };
    const auto expected = gradients_of(network), got = gradients_of(model);
    REQUIRE(got.size() == expected.size());
    for (const auto& [path, gradient] : expected) {
      CAPTURE(path);
      REQUIRE(got.contains(path));
      CHECK(distance(got.at(path), gradient) < 1e-12);
    }
  });
}

TEST_CASE("a recurrent layer that was loaded is saved again as it was") {
  const TemporaryFolder folder;
  Generator generator(3);
  const wengert::onnx::SaveOptions options = open_batch_and_length(1, false);
  const auto network = nn::sequential(nn::LSTM<double>::make(3, 4, generator, {.bidirectional = true}),
                                      nn::Linear<double>::make(8, 2, generator));
  check_saved<double>(network, {1, 5, 3}, {{1, 1, 3}, {4, 9, 3}}, options);
  wengert::onnx::save(network, Shape{1, 5, 3}, folder / "first.onnx", options);
  wengert::onnx::save(wengert::onnx::load<double>(folder / "first.onnx"), Shape{1, 5, 3}, folder / "second.onnx",
                      options);
  CHECK(recurrent_nodes(folder / "second.onnx") == 1);
}

TEST_CASE("attributes of recurrent nodes that modules do not have are saved again") {
  const TemporaryFolder folder;
  OnnxBuilder builder;
  builder.input("x", {"batch", "length", "3"})
      .input("lengths", {"batch"}, wengert::onnx::ElementType::int32)
      .initialiser("w", random_tensor<float>({2, 16, 3}, 1))
      .initialiser("r", random_tensor<float>({2, 16, 4}, 2))
      .initialiser("p", random_tensor<float>({2, 12}, 3))
      .node("LSTM", {"x", "w", "r", "", "lengths", "", "", "p"}, {"y", "", "c"},
            {{"hidden_size", std::int64_t{4}},
             {"layout", std::int64_t{1}},
             {"input_forget", std::int64_t{1}},
             {"clip", 0.7f},
             {"direction", std::string("bidirectional")}})
      .output("y", {"batch", "length", "2", "4"})
      .output("c", {"batch", "2", "4"});
  const auto model = wengert::onnx::load<float>(builder.save(folder / "first.onnx"));
  wengert::onnx::save(OutputAndCell{model}, std::tuple(Shape{2, 3, 3}, Indices{3, 2}), folder / "second.onnx",
                      {.axes = {{"batch", {{0, 0}, {1, 0}}}, {"length", {{0, 1}}}}});
  CHECK(recurrent_nodes(folder / "second.onnx") == 1);
  const auto again = wengert::onnx::load<float>(folder / "second.onnx");
  Tape<float> tape;
  const std::vector<wengert::onnx::Value<float>> inputs{tape.constant(random_tensor<float>({3, 5, 3}, 4)),
                                                        tape.indices({5, 1, 3})};
  const auto expected = model.run(inputs), got = again.run(inputs);
  REQUIRE(got.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) CHECK(distance(got[i].numbers(), expected[i].numbers()) == 0);
}

TEST_CASE("a network that computes the gradient of a recurrent layer is saved step by step") {
  const TemporaryFolder folder;
  const InputGradient<nn::GRU<double>> network{nn::GRU<double>::make(3, 4, Generator(1))};
  check_saved<double>(network, {1, 5, 3}, {{1, 5, 3}, {4, 5, 3}});
  wengert::onnx::save(network, Shape{1, 5, 3}, folder / "network.onnx");
  CHECK(recurrent_nodes(folder / "network.onnx") == 0);
  const std::string message = message_of<ValueError>([&] {
    wengert::onnx::save(network, Shape{1, 5, 3}, folder / "open.onnx", open_batch_and_length(1, false));
  });
  CHECK(contains(message, "where the dynamic axis 'length' (axis 1 of 'input') is longer by 1"));
}

TEST_CASE("recurrent layers are saved step by step on request, and if ONNX has no such layer") {
  const TemporaryFolder folder;
  const auto lstm = nn::LSTM<float>::make(3, 4, Generator(1));
  check_saved<float>(lstm, {1, 5, 3}, {{1, 5, 3}, {4, 5, 3}}, {.step_by_step = true});
  wengert::onnx::save(lstm, Shape{1, 5, 3}, folder / "steps.onnx", {.step_by_step = true});
  CHECK(recurrent_nodes(folder / "steps.onnx") == 0);

  auto backwards = nn::RNN<float>::make(3, 4, Generator(1));  // no such layer is made by `make`
  backwards.layers[0].backwards = true;
  check_saved<float>(backwards, {1, 5, 3}, {{1, 5, 3}, {4, 5, 3}});
  auto half = nn::RNN<float>::make(3, 4, Generator(1));
  half.layers[0].bias_hh.reset();
  check_saved<float>(half, {1, 5, 3}, {{1, 5, 3}, {4, 5, 3}});
}
