// Compiles and runs the code of docs/recipes/production.md and compares it with the page.
#include "snippets.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/base/version.hpp>
#include <wengert/data.hpp>
#include <wengert/io.hpp>
#include <wengert/nn.hpp>
#include <wengert/train.hpp>

#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <xtensor/xmath.hpp>

namespace wg = wengert;
namespace data = wg::data;
namespace io = wg::io;
namespace nn = wg::nn;
namespace train = wg::train;
using namespace wengert::testing;

// A namespace of its own, because other tests have a Network.
namespace recipe_production {

// clang-format off
constexpr const char* model_version = "orders 3";

struct Network {
  nn::Linear<float> hidden, output;

  static Network make(const data::TableEncoder& encoder, std::size_t width) {
    wg::Generator generator(1);
    return {nn::Linear<float>::make(encoder.feature_names().size(), width, generator),
            nn::Linear<float>::make(width, encoder.class_names().size(), generator)};
  }
  wg::Var<float> operator()(wg::Var<float> x) const { return output(relu(hidden(x))); }
};

void save_model(const std::filesystem::path& file, const Network& network, const data::TableEncoder& encoder,
                const wg::Tensor<float>& examples, double accuracy) {
  std::vector<io::NamedTensor<float>> tensors;
  for (const auto& [path, parameter] : nn::named_parameters(network))
    tensors.push_back({"network." + path, parameter.value()});
  tensors.push_back({"examples.inputs", examples});
  tensors.push_back({"examples.outputs", train::predict(network, examples)});
  io::save_safetensors(file, tensors,
                       {{"model", model_version},
                        {"encoder", encoder.to_json()},
                        {"width", std::to_string(network.hidden.weight.shape()[0])},
                        {"accuracy", std::to_string(accuracy)},
                        {"wengert", WENGERT_VERSION}});
}

struct Model {
  data::TableEncoder encoder;
  Network network;

  static Model load(const std::filesystem::path& file) {
    const io::Metadata about = io::load_safetensors_metadata(file);
    const auto version = about.find("model");
    if (version == about.end() || version->second != model_version)
      throw std::runtime_error(file.string() + " holds " + (version == about.end() ? "no model" : version->second) +
                               ": expected " + model_version);
    const auto encoder = data::TableEncoder::from_json(about.at("encoder"), file.string());
    Model model{encoder, Network::make(encoder, std::stoul(about.at("width")))};
    io::load_parameters(model.network, file, {.prefix = "network."});

    std::map<std::string, wg::Tensor<float>> stored;
    for (const auto& [name, value] : io::load_safetensors<float>(file)) stored[name] = value;
    const wg::Tensor<float> now = train::predict(model.network, stored.at("examples.inputs"));
    if (!xt::allclose(now, stored.at("examples.outputs"), 1e-3, 1e-4))
      throw std::runtime_error(file.string() + ": the network computes other outputs than when it was saved");
    return model;
  }
};
// clang-format on

// The current folder, for the lifetime of the object.
struct Surroundings {
  TemporaryFolder folder;
  std::filesystem::path before = std::filesystem::current_path();
  Surroundings() { std::filesystem::current_path(folder / "."); }
  ~Surroundings() { std::filesystem::current_path(before); }
};

// What Model::load says about a file.
std::string refusal(const char* file) {
  try {
    Model::load(file);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "loaded";
}

TEST_CASE("the recipe for production works as it is written, and its checks catch what it says") {
  const Surroundings surroundings;
  surroundings.folder.write("orders.csv", "product,price,outcome\nshoes,10,kept\nbook,20,returned\nshoes,30,kept\n");
  surroundings.folder.write("new.csv", "price,product\n12,shoes\n19,book\n");
  const data::Frame frame = data::read_frame("orders.csv");
  const auto made = data::TableEncoder::fit(frame, data::Schema::infer(frame, {.label = "outcome"}));
  const Network network = Network::make(made, 5);
  const wg::Tensor<float> inputs = made.encode<float>(frame).inputs;
  save_model("orders.safetensors", network, made, inputs, 0.9);
  const auto expected = train::predict_classes(network, made.encode_inputs<float>(data::read_frame("new.csv")).inputs);
  std::ostringstream out, err;
  std::streambuf* const cout = std::cout.rdbuf(out.rdbuf());
  // clang-format off
  const Model model = Model::load("orders.safetensors");
  const auto samples = model.encoder.encode_inputs<float>(data::read_frame("new.csv"));
  const auto classes = train::predict_classes(model.network, samples.inputs);
  for (const auto k : classes) std::cout << model.encoder.decode(k) << '\n';
  // clang-format on
  std::cout.rdbuf(cout);
  CHECK(classes == expected);
  CHECK(out.str() == made.decode(expected(0)) + "\n" + made.decode(expected(1)) + "\n");
  CHECK(model.network.hidden.weight.shape() == wg::Shape{5, 3});

  io::Metadata about = io::load_safetensors_metadata("orders.safetensors");
  auto tensors = io::load_safetensors<float>("orders.safetensors");
  CHECK(about.at("wengert") == WENGERT_VERSION);
  about["model"] = "orders 2";
  io::save_safetensors("next.safetensors", tensors, about);
  std::streambuf* const cerr = std::cerr.rdbuf(err.rdbuf());
  // clang-format off
  std::shared_ptr<const Model> current = std::make_shared<const Model>(model);
  try {
    current = std::make_shared<const Model>(Model::load("next.safetensors"));
  } catch (const std::exception& error) {
    std::cerr << "the model stays: " << error.what() << '\n';
  }
  // clang-format on
  std::cerr.rdbuf(cerr);
  CHECK(err.str() == "the model stays: next.safetensors holds orders 2: expected orders 3\n");
  CHECK(current->network.hidden.weight == model.network.hidden.weight);

  about["model"] = model_version;
  io::save_safetensors("wide.safetensors", tensors, [&] {
    auto wide = about;
    wide["width"] = "6";
    return wide;
  }());
  CHECK(contains(refusal("wide.safetensors"), "hidden.weight"));
  about["encoder"] = about["encoder"].substr(0, 20);
  io::save_safetensors("cut.safetensors", tensors, about);
  CHECK(contains(refusal("cut.safetensors"), "cut.safetensors"));
  io::save_parameters(network, "weights.safetensors");
  CHECK(contains(refusal("weights.safetensors"), "holds no model"));
  CHECK(contains(refusal("absent.safetensors"), "absent.safetensors"));

  about = io::load_safetensors_metadata("orders.safetensors");
  for (auto& [name, value] : tensors)
    if (name == "network.output.bias") value += 1.0F;
  io::save_safetensors("changed.safetensors", tensors, about);
  CHECK(contains(refusal("changed.safetensors"), "computes other outputs"));
}

TEST_CASE("every block of C++ in the recipe for production stands in this file") {
  CHECK(check_snippets("docs/recipes/production.md", "tests/train/recipes_production_test.cpp") == 5);
}

}  // namespace recipe_production
