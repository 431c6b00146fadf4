// Saved network parameters: round trips, partial loads, mismatch reports, and files that NumPy reads.
#include "data/files.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/io.hpp>

#include <cstdlib>
#include <sstream>
#include <vector>

using namespace wengert;
using namespace wengert::io;
using namespace wengert::testing;

namespace {

// Makes a tensor whose element i is (i − 1) / 4.
template <class T>
Tensor<T> quarters(const Shape& shape) {
  auto tensor = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  for (std::size_t i = 0; i < tensor.size(); ++i) tensor.data()[i] = (static_cast<T>(i) - 1) / 4;
  return tensor;
}

template <class T>
struct Layer {
  Parameter<T> weight, bias;
};
template <class T>
struct Network {
  std::vector<Layer<T>> layers;
  Parameter<T> scale;
};

template <class T>
Network<T> network(std::size_t inputs = 2) {
  const auto layer = [](std::size_t from, std::size_t to) {
    return Layer<T>{Parameter<T>(quarters<T>({to, from})), Parameter<T>(quarters<T>({to}))};
  };
  return {{layer(inputs, 3), layer(3, 1)}, Parameter<T>(quarters<T>({}), "scale", false)};
}

// Returns the elements of all parameters in one vector.
template <class Module>
std::vector<double> values_of(const Module& module) {
  std::vector<double> values;
  for_each_parameter(module, [&](const std::string&, const auto& p) {
    values.insert(values.end(), p.value().begin(), p.value().end());
  });
  return values;
}

template <class T>
Network<T> zeroed(Network<T> module) {
  for_each_parameter(module, [](const std::string&, const Parameter<T>& p) { Parameter<T>(p) -= p.value(); });
  return module;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the parameters of a network come back, in either format and scalar type") {
  const TemporaryFolder folder;
  const Network<float> saved = network<float>();
  for (const char* name : {"weights.npz", "weights.safetensors"}) {
    const auto path = folder / name;
    save_parameters(saved, path);
    const Network<float> same = zeroed(network<float>());
    const LoadReport report = load_parameters(same, path);
    CHECK(report.complete());
    CHECK(report.loaded == Names{"layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "scale"});
    CHECK(values_of(same) == values_of(saved));
    const Network<double> wider = zeroed(network<double>());
    load_parameters(wider, path);
    CHECK(values_of(wider) == values_of(saved));
  }
}

TEST_CASE("a file that does not fit changes nothing, and is described") {
  const TemporaryFolder folder;
  const auto path = folder / "weights.safetensors";
  save_safetensors<float>(path, {{"layers.0.weight", quarters<float>({2, 3})},
                                 {"layers.1.bias", quarters<float>({1})},
                                 {"head.bias", quarters<float>({1})},
                                 {"scale", quarters<float>({})}});
  const Network<float> module = zeroed(network<float>());
  const auto before = values_of(module);
  CHECK_ERROR(FileError,
              "[load_parameters] " + path.string() +
                  ": 2 matching; missing: layers.0.bias, layers.1.weight; unexpected: head.bias; mismatched: "
                  "layers.0.weight has shape (2, 3), expected (3, 2); nothing was loaded; see LoadOptions::partial",
              load_parameters(module, path));
  const LoadReport compared = compare_parameters(module, path);
  CHECK(values_of(module) == before);
  CHECK(!compared.complete());

  const LoadReport report = load_parameters(module, path, {.partial = true});
  CHECK(report.loaded == Names{"layers.1.bias", "scale"});
  CHECK(report.missing == Names{"layers.0.bias", "layers.1.weight"});
  CHECK(report.unexpected == Names{"head.bias"});
  REQUIRE(report.mismatched.size() == 1);
  CHECK(report.mismatched[0].name == "layers.0.weight");
  CHECK(report.mismatched[0].in_file == Shape{2, 3});
  CHECK(report.mismatched[0].expected == Shape{3, 2});
  CHECK(module.scale.value()() == -0.25F);
  CHECK(module.layers[0].weight.value() == xt::zeros<float>({3, 2}));
  std::ostringstream out;
  out << compared;
  CHECK(out.str() == to_string(report));
}

TEST_CASE("a report is a table, cut after twenty lines a list") {
  LoadReport report{.loaded = {"a", "b", "c"},
                    .renamed = {{"a", "x.a"}},
                    .converted = {{"b", "float16"}},
                    .skipped = {"d"},
                    .missing = {"e"},
                    .unexpected = {"f", "g"},
                    .mismatched = {{"h", Shape{2}, Shape{3, 1}}}};
  CHECK(to_string(report) ==
        "3 loaded, 1 renamed, 1 converted, 1 skipped, 1 missing, 2 unexpected, 1 mismatched\n"
        "renamed     x.a → a\n"
        "converted   b from float16\n"
        "skipped     d\n"
        "missing     e\n"
        "unexpected  f\n"
        "unexpected  g\n"
        "mismatched  h has shape (2,), expected (3, 1)");
  report = {};
  report.loaded = {"a"};
  CHECK(to_string(report) == "1 loaded");
  for (int i = 0; i < 23; ++i) report.missing.push_back(std::to_string(i));
  CHECK(to_string(report).ends_with("\nmissing     19\n            … and 3 more"));
}

TEST_CASE("a part of a network is loaded by its prefix") {
  const TemporaryFolder folder;
  const auto path = folder / "weights.npz";
  save_parameters(network<float>(), path);
  const Network<float> module = zeroed(network<float>());
  const LoadReport report = load_parameters(module.layers[0], path, {.prefix = "layers.0."});
  CHECK(report.loaded == Names{"weight", "bias"});
  CHECK(report.renamed.empty());
  CHECK(module.layers[0].weight.value() == quarters<float>({3, 2}));
  CHECK(module.layers[1].weight.value() == xt::zeros<float>({1, 3}));
  CHECK_ERROR(ValueError,
              "weights.npz: the prefix 'layers.2.' matches no name: the nearest are 'layers.0.weight', "
              "'layers.0.bias', 'layers.1.weight'",
              load_parameters(module.layers[0], path, {.prefix = "layers.2.", .partial = true}));
}

TEST_CASE("the count of batches that PyTorch saves is passed over") {
  const TemporaryFolder folder;
  const auto path = folder / "weights.safetensors";
  const Layer<float> layer{Parameter<float>(Tensor<float>{0}), Parameter<float>(Tensor<float>{0})};
  const Tensor<float> one{1}, count(7.0F);
  save_safetensors<float>(
      path, {{"weight", one}, {"bias", one}, {"num_batches_tracked", count}, {"1.num_batches_tracked", count}});
  CHECK(load_parameters(layer, path).complete());
  CHECK(layer.weight.value() == one);
  save_safetensors<float>(path, {{"weight", one}, {"bias", one}, {"my_num_batches_tracked", count}});
  CHECK_ERROR(FileError, "unexpected: my_num_batches_tracked", load_parameters(layer, path));
}

TEST_CASE("a shared parameter is saved once, and found under any of its paths") {
  const TemporaryFolder folder;
  const auto path = folder / "tied.safetensors";
  const Parameter<double> shared(Tensor<double>{1, 2});
  const Layer<double> tied{shared, shared};
  save_parameters(tied, path);
  REQUIRE(load_safetensors<double>(path).size() == 1);
  CHECK(load_safetensors<double>(path)[0].name == "weight");
  save_safetensors<double>(path, {{"bias", Tensor<double>{3, 4}}});
  CHECK(load_parameters(tied, path).loaded == Names{"bias"});
  CHECK(shared.value() == Tensor<double>{3, 4});
  save_safetensors<double>(path, {{"bias", Tensor<double>{3, 4}}, {"weight", Tensor<double>{5, 6}}});
  CHECK(load_parameters(tied, path).complete());
  CHECK(shared.value() == Tensor<double>{5, 6});
}

TEST_CASE("what cannot be saved or loaded is refused") {
  struct Mixed {
    Parameter<float> a{Tensor<float>{1}};
    Parameter<double> b{Tensor<double>{1}};
  };
  struct Nothing {
    int size = 0;
  };
  const TemporaryFolder folder;
  CHECK_ERROR(ValueError, "x.pt: expected a name that ends in .npz or .safetensors",
              save_parameters(network<float>(), folder / "x.pt"));
  CHECK_ERROR(ValueError, "[load_parameters] x: expected a name that ends in", load_parameters(network<float>(), "x"));
  CHECK_ERROR(ValueError, "[save_parameters] the struct has no Parameters",
              save_parameters(Nothing{}, folder / "x.npz"));
  CHECK_ERROR(ValueError, "'a' is a Parameter of float, 'b' one of double: expected one scalar type",
              save_parameters(Mixed{}, folder / "x.npz"));
  CHECK(folder.files() == 0);
  CHECK(contains(file_complaint([&] { load_parameters(network<float>(), folder / "x.npz"); }), "no such file"));
}

TEST_CASE("NumPy reads what was saved") {
  REQUIRE_MESSAGE(std::system("/usr/bin/python3 -c 'import numpy'") == 0, "Debian's python3-numpy is missing");
  const TemporaryFolder folder;
  save_npy(folder / "single.npy", quarters<float>({2, 3}));
  save_npy(folder / "double.npy", quarters<double>({4}));
  save_npy(folder / "labels.npy", Indices{3, -1, std::int64_t{1} << 62});
  save_parameters(network<float>(), folder / "weights.npz");
  save_parameters(network<float>(), folder / "weights.safetensors");
  save_safetensors<double>(folder / "texts.safetensors", {{"größe\n", quarters<double>({2, 2})}},
                           {{"format", "pt"}, {"größe", "a \"quoted\" \\ \t ☃"}});
  const std::string script = PROJECT_SOURCE_DIR "/tests/io/read_with_numpy.py";
  CHECK(std::system(("/usr/bin/python3 '" + script + "' '" + (folder / ".").string() + "'").c_str()) == 0);
}
