// Reading ONNX files: nodes, attributes, the encodings of tensors, external data, and rejection of damaged files.
#include "onnx/graph.hpp"
#include "onnx/model_writer.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"

#include <cmath>

// The names of model_writer.hpp are short: the tests stand in its namespace, so that other tests do not see them.
namespace wengert::testing::onnx_file {
namespace {

using onnx::ElementType;
using onnx::detail::Graph;
using onnx::detail::ModelFile;
using onnx::detail::TensorData;

ModelFile parsed(const Message& file, const std::filesystem::path& folder = {}) {
  return onnx::detail::parse_model(file.bytes(), "model", folder, Location::current());
}
std::string refused(const Message& file, const std::filesystem::path& folder = {}) {
  return file_complaint([&] { parsed(file, folder); });
}

// A model that returns its only initialiser, and that initialiser.
Message model_of_tensor(const Message& tensor) { return model(graph({}, {"w"}, {}, {tensor})); }
TensorData tensor_of(const Message& tensor) { return parsed(model_of_tensor(tensor)).graph.initialisers.at(0); }
std::string tensor_refused(const Message& tensor, const std::filesystem::path& folder = {}) {
  return refused(model_of_tensor(tensor), folder);
}

// A model of one node after another.
Message model_of(std::initializer_list<Message> nodes) { return model(graph({"x"}, {"y"}, nodes)); }

}  // namespace

TEST_CASE("names and metadata that are not UTF-8 are refused") {
  const std::string bad = "caf\xE9";  // in Latin-1
  const auto names = [&](const std::string& input, const std::string& output, const std::string& name) {
    return model(graph({"x"}, {"y"}, {node("Relu", {"x"}, {"h"}), node("Relu", {input}, {output}, {}, "", name)}));
  };
  CHECK(refused(names("h", "y", "r\xC3\xA9seau")) == "no error");
  CHECK(contains(refused(names(bad, "y", "")), "the name of a value, 'caf\xE9', is not UTF-8"));
  CHECK(contains(refused(names("h", bad, "")), "the name of a value, 'caf\xE9', is not UTF-8"));
  CHECK(contains(refused(names("h", "y", bad)), "the name of a node, 'caf\xE9', is not UTF-8"));
  const auto with = [&](unsigned field, const auto& content) {
    Message file = names("h", "y", "");
    if constexpr (std::is_same_v<decltype(content), const Message&>)
      file.message(field, content);
    else
      file.text(field, content);
    return refused(file);
  };
  CHECK(contains(with(6, bad), "the metadata under 'doc_string', 'caf\xE9', is not UTF-8"));
  CHECK(contains(with(14, Message().text(1, "key").text(2, bad)), "the metadata under 'key'"));
  CHECK(contains(with(14, Message().text(1, bad).text(2, "text")), "a key of the metadata"));
}

TEST_CASE("a model has its nodes, ports, opsets and metadata") {
  const Message dimension = Message().number(1, 3), batch = Message().text(2, "batch"), unknown;
  const Message shape = Message().message(1, batch).message(1, dimension).message(1, unknown);
  const Message x =
      Message().text(1, "x").message(2, Message().message(1, Message().number(1, double_type).message(2, shape)));
  Message main = graph({"w"}, {"y"},
                       {node("Gemm", {"x", "", "w"}, {"h"}, {number("alpha", 0.5F), integer("transB", 1)}, "", "gemm"),
                        node("Relu", {"h"}, {"y"}, {}, "ai.onnx")},
                       {raw_tensor<float>("w", float_type, {2}, {1, 2})});
  main.message(11, x);
  Message file = model(main);
  file.message(8, opset("ai.onnx.ml", 3)).text(2, "the producer").text(6, "what it is");
  file.message(14, Message().text(1, "key").text(2, "value"));
  const ModelFile read = parsed(file);
  CHECK(read.ir_version == 8);
  CHECK(read.opsets.size() == 2);
  CHECK(read.opsets.at("") == 17);
  CHECK(read.opsets.at("ai.onnx.ml") == 3);
  CHECK(read.metadata == std::map<std::string, std::string>{
                             {"producer_name", "the producer"}, {"doc_string", "what it is"}, {"key", "value"}});
  REQUIRE(read.graph.inputs.size() == 1);  // w has an initialiser
  CHECK(read.graph.inputs[0].name == "x");
  CHECK(read.graph.inputs[0].type == ElementType::float64);
  const auto& axes = read.graph.inputs[0].shape.value();
  REQUIRE(axes.size() == 3);
  CHECK(axes[0].name == "batch");
  CHECK(!axes[0].extent);
  CHECK(axes[1].extent == 3U);
  CHECK((axes[2].name.empty() && !axes[2].extent));
  CHECK(!read.graph.outputs.at(0).shape);
  REQUIRE(read.graph.nodes.size() == 2);
  const auto& gemm = read.graph.nodes[0];
  CHECK(gemm.description() == "node 'gemm' (Gemm, opset 17)");
  CHECK(gemm.inputs == std::vector<std::string>{"x", "", "w"});
  CHECK(std::get<double>(gemm.attributes.at("alpha")) == 0.5);
  CHECK(std::get<std::int64_t>(gemm.attributes.at("transB")) == 1);
  CHECK(read.graph.nodes[1].description() == "node 'y' (Relu, opset 17)");
  CHECK(read.graph.nodes[1].domain.empty());
}

TEST_CASE("attributes are read by their types, and by their fields where the file has no types") {
  const Message tensor = raw_tensor<float>("", float_type, {1}, {4});
  const auto attributes = [&](bool typed) {
    const auto one = [&](std::string_view name, std::int64_t type) {
      Message result;
      result.text(1, name);
      return typed ? result.number(20, type) : result;
    };
    return parsed(model_of({node("Op", {"x"}, {"y"},
                                 {one("f", 1).real(2, 2), one("i", 2).number(3, -1), one("s", 3).text(4, "text"),
                                  one("t", 4).message(5, tensor), one("fs", 6).real(7, 1).real(7, 2),
                                  one("is", 7).number(8, 3).number(8, 4), one("ss", 8).text(9, "a").text(9, "b"),
                                  one("ts", 9).message(10, tensor)})}))
        .graph.nodes.at(0)
        .attributes;
  };
  for (const bool typed : {false, true}) {
    CAPTURE(typed);
    const auto read = attributes(typed);
    CHECK(std::get<double>(read.at("f")) == 2);
    CHECK(std::get<std::int64_t>(read.at("i")) == -1);
    CHECK(std::get<std::string>(read.at("s")) == "text");
    CHECK(std::get<TensorData>(read.at("t")).numbers<double>() == Tensor<double>{4});
    CHECK(std::get<std::vector<double>>(read.at("fs")) == std::vector<double>{1, 2});
    CHECK(std::get<std::vector<std::int64_t>>(read.at("is")) == std::vector<std::int64_t>{3, 4});
    CHECK(std::get<std::vector<std::string>>(read.at("ss")) == std::vector<std::string>{"a", "b"});
    CHECK(std::get<std::vector<TensorData>>(read.at("ts")).size() == 1);
  }
}

TEST_CASE("tensors are read from each encoding") {
  using D = Tensor<double>;
  CHECK(tensor_of(raw_tensor<float>("w", float_type, {2, 2}, {1.5, -2, 0, 1})).numbers<float>() ==
        Tensor<float>{{1.5F, -2}, {0, 1}});
  CHECK(tensor_of(tensor("w", float_type, {2}).real(4, 1.5).real(4, -2)).numbers<double>() == D{1.5, -2});
  CHECK(tensor_of(tensor("w", int32_type, {2}).number(5, -7).number(5, 8)).integers() == Indices{-7, 8});
  CHECK(tensor_of(tensor("w", int8_type, {2}).number(5, -128).number(5, 127)).numbers<double>() == D{-128, 127});
  CHECK(tensor_of(tensor("w", bool_type, {3}).number(5, 0).number(5, 1).number(5, 2)).integers() == Indices{0, 1, 1});
  CHECK(tensor_of(tensor("w", int64_type, {1}).number(7, std::int64_t{-1} << 62)).integers() ==
        Indices{std::int64_t{-1} << 62});
  CHECK(tensor_of(tensor("w", uint32_type, {1}).number(11, 0xFFFFFFFF)).integers() == Indices{0xFFFFFFFF});
  CHECK(tensor_of(tensor("w", uint64_type, {1}).number(11, 5)).integers() == Indices{5});
  CHECK(tensor_of(raw_tensor<double>("w", double_type, {1}, {0.1})).numbers<double>() == D{0.1});
  // binary16: 1 = 0x3C00, −2 = 0xC000, the smallest subnormal = 1; bfloat16: 1 = 0x3F80
  CHECK(tensor_of(tensor("w", half_type, {3}).number(5, 0x3C00).number(5, 0xC000).number(5, 1)).numbers<double>() ==
        D{1, -2, 0x1p-24});
  CHECK(tensor_of(raw_tensor<std::uint16_t>("w", half_type, {1}, {0x3C00})).numbers<float>() == Tensor<float>{1});
  CHECK(tensor_of(tensor("w", bfloat16_type, {1}).number(5, 0x3F80)).numbers<double>() == D{1});
  const TensorData scalar = tensor_of(raw_tensor<float>("w", float_type, {}, {3}));
  CHECK(scalar.shape == Shape{});
  CHECK(scalar.numbers<double>()() == 3);
  CHECK(Shape(tensor_of(tensor("w", float_type, {0, 3})).numbers<float>().shape()) == Shape{0, 3});
  CHECK(tensor_of(tensor("w", complex64_type, {1}).real(4, 1).real(4, 2)).bytes.size() == 8);
  CHECK(tensor_of(tensor("w", string_type, {2}).text(6, "a").text(6, "b")).type == ElementType::string);
}

TEST_CASE("elements that have no value of the type asked for are refused") {
  const TensorData huge = tensor_of(tensor("w", uint64_type, {1}).number(11, -1));
  CHECK(contains(message_of<ValueError>([&] { huge.integers(); }),
                 "tensor 'w' holds 18446744073709551615: expected at most 9223372036854775807"));
  CHECK(huge.numbers<double>() == Tensor<double>{0x1p64});
  const TensorData text = tensor_of(tensor("w", string_type, {1}).text(6, "a"));
  CHECK(contains(message_of<ValueError>([&] { text.numbers<float>(); }), "tensor 'w' has elements of type string"));
  const TensorData number = tensor_of(raw_tensor<float>("w", float_type, {1}, {1}));
  CHECK(contains(message_of<ValueError>([&] { number.integers(); }),
                 "tensor 'w' has elements of type float: expected integers or truth values"));
}

TEST_CASE("tensors that contradict themselves are refused") {
  const auto says = [](const Message& tensor, const std::string& what) {
    CHECK(tensor_refused(tensor) == "[onnx::load] model: initialiser 'w': " + what);
  };
  says(raw_tensor<float>("w", float_type, {2, 3}, {1, 2}),
       "shape (2, 3) of float takes 24 bytes, but raw_data holds 8");
  says(tensor("w", float_type, {3}).real(4, 1),
       "shape (3,) has 3 elements of type float, but float_data holds 1 numbers");
  says(tensor("w", float_type, {1}).number(5, 1),
       "shape (1,) has 1 elements of type float, but float_data holds 0 numbers");
  says(tensor("w", string_type, {2}).text(6, "a"),
       "shape (2,) has 2 elements of type string, but string_data holds 1 numbers");
  says(tensor("w", int8_type, {1}).number(5, 128), "int32_data holds 128, which is no int8");
  says(tensor("w", float_type, {-1}), "an axis has extent -1: expected at least 0");
  says(tensor("w", float_type, {std::int64_t{1} << 40, std::int64_t{1} << 40}),
       "no memory could hold its shape (1099511627776, 1099511627776)");
  says(tensor("w", float_type, {1, 1, 1, 1, 1, 1, 1, 1, 1}), "it has 9 axes: expected at most 8");
  says(tensor("w", 17, {1}), "its elements are of type 17: expected 1 (float) to 16 (bfloat16)");
  says(tensor("w", 0, {1}), "its elements are of type 0: expected 1 (float) to 16 (bfloat16)");
  says(tensor("w", float_type, {1}).message(3, Message().number(1, 0)),
       "it is stored in segments, which are not supported");
  CHECK(
      refused(model_of({node("Constant", {}, {"y"},
                             {Message().text(1, "value").message(5, tensor("", float_type, {2})).number(20, 4)})})) ==
      "[onnx::load] model: node 'y' (Constant, opset 17): attribute 'value': shape (2,) has 2 elements of type float, "
      "but float_data holds 0 numbers");
}

TEST_CASE("external data are read from the folder of the model") {
  const TemporaryFolder folder;
  const std::vector<float> numbers{1, 2, 3, 4};
  const std::string_view bytes(reinterpret_cast<const char*>(numbers.data()), 16);
  folder.write("weights.bin", bytes);
  std::filesystem::create_directory(folder / "sub");
  folder.write("sub/more.bin", bytes.substr(8));
  const Message file = model(
      graph({}, {"a", "b", "c"}, {},
            {external_tensor("a", float_type, {4}, {{"location", "weights.bin"}}),
             external_tensor("b", float_type, {2}, {{"location", "weights.bin"}, {"offset", "4"}, {"length", "8"}}),
             external_tensor("c", float_type, {1}, {{"location", "sub/more.bin"}, {"offset", "4"}})}));
  const auto path = folder.write("model.onnx", file.bytes());
  const ModelFile read = onnx::detail::read_model(path, Location::current());
  CHECK(read.graph.initialisers.at(0).numbers<float>() == Tensor<float>{1, 2, 3, 4});
  CHECK(read.graph.initialisers.at(1).numbers<float>() == Tensor<float>{2, 3});
  CHECK(read.graph.initialisers.at(2).numbers<float>() == Tensor<float>{4});
}

TEST_CASE("external data that are absent, too short or elsewhere are refused") {
  const TemporaryFolder outside, folder;
  folder.write("w.bin", "12345678");
  outside.write("secret", "12345678");
  std::filesystem::create_symlink(outside / "secret", folder / "link");
  std::filesystem::create_directory(folder / "sub");
  const auto says = [&](std::initializer_list<std::pair<std::string_view, std::string_view>> entries,
                        const std::string& what) {
    const std::string message = tensor_refused(external_tensor("w", float_type, {2}, entries), folder / "");
    INFO(message);
    CHECK(contains(message, "[onnx::load] model: initialiser 'w': "));
    CHECK(contains(message, what));
  };
  says({{"location", "absent"}}, "external data in 'absent': No such file");
  says({}, "external data in '': expected the name of a file");
  says({{"location", (outside / "secret").string()}}, "expected a path relative to the folder of the model");
  says({{"location", "../secret"}}, "external data in '../secret': a path with '..'");
  says({{"location", "sub/../w.bin"}}, "a path with '..'");
  says({{"location", "link"}}, "external data in 'link': a link that leads out of the folder of the model");
  says({{"location", "sub"}}, "external data in 'sub': it is not a regular file");
  says({{"location", "w.bin"}, {"offset", "4"}}, "8 bytes at offset 4 are declared, but the file has 8");
  says({{"location", "w.bin"}, {"offset", "18446744073709551615"}},
       "8 bytes at offset 18446744073709551615 are declared, but the file has 8");
  says({{"location", "w.bin"}, {"length", "4"}}, "4 bytes are declared, but its shape and type take 8");
  says({{"location", "w.bin"}, {"offset", "-4"}}, "offset '-4' of its external data: expected a number of bytes");
  const Message w = external_tensor("w", float_type, {2}, {{"location", "w.bin"}});
  CHECK(contains(refused(model(graph({}, {"w"}, {}, {w, w, w})), folder / ""), "tensors overlap"));
}

TEST_CASE("sparse tensors become dense") {
  const Message values = raw_tensor<float>("w", float_type, {2}, {5, 6});
  const auto sparse = [&](const Message& indices, std::initializer_list<std::int64_t> extents) {
    Message result = Message().message(1, values).message(2, indices);
    for (const std::int64_t extent : extents) result.number(3, extent);
    Message main = graph({}, {"w"}, {});
    return model(main.message(15, result));
  };
  const Tensor<float> expected{{0, 5, 0}, {6, 0, 0}};
  for (const Message& indices : {raw_tensor<std::int64_t>("", int64_type, {2}, {1, 3}),
                                 raw_tensor<std::int64_t>("", int64_type, {2, 2}, {0, 1, 1, 0})}) {
    const TensorData read = parsed(sparse(indices, {2, 3})).graph.initialisers.at(0);
    CHECK(read.name == "w");
    CHECK(read.numbers<float>() == expected);
  }
  const Message positions = raw_tensor<std::int64_t>("", int64_type, {2}, {1, 6});
  CHECK(contains(refused(sparse(positions, {2, 3})), "initialiser 'w': index 6 is out of range for 6 elements"));
  CHECK(
      contains(refused(sparse(raw_tensor<std::int64_t>("", int64_type, {1}, {1}), {6})),
               "indices of shape (1,) and type int64 for values of shape (2,): expected int64 indices of shape (2,)"));
  CHECK(contains(refused(sparse(positions, {std::int64_t{1} << 40})), "expand to more than 32 MiB"));
}

TEST_CASE("what is not a model is refused") {
  const auto says = [](const Message& file, const std::string& what) {
    CHECK(refused(file) == "[onnx::load] model: " + what);
  };
  const Message main = graph({"x"}, {"y"}, {node("Relu", {"x"}, {"y"})});
  says(Message(), "has no graph: expected an ONNX model");
  says(Message().message(7, main), "imports no opset: expected a model with opset_import");
  says(Message().message(7, main).message(8, opset("", 0)),
       "the model imports version 0 of opset 'ai.onnx': expected at least 1");
  says(Message().message(7, main).message(8, opset("other", 1)),
       "node 'y' (Relu, opset 0): the model imports no opset of its domain 'ai.onnx'");
  says(model(graph({"x"}, {}, {})), "its graph has no outputs");
  says(model_of({node("", {"x"}, {"y"})}), "node 'y' (, opset 17): it names no op");
  says(model_of({node("Relu", {"x"}, {"y"}, {integer("a", 1), integer("a", 2)})}),
       "node 'y' (Relu, opset 17): attribute 'a' is given twice");
  const TemporaryFolder folder;
  const auto path = folder.write("text.onnx", "This is no model.");
  const auto load = [](const std::filesystem::path& file) {
    return file_complaint([&] { onnx::detail::read_model(file, Location::current()); });
  };
  CHECK(load(path) == fmt::format("[onnx::load] {}: is damaged or no ONNX model: its protobuf message cannot be parsed",
                                  path.string()));
  CHECK(contains(load(folder / "absent.onnx"), "no such file"));
  CHECK(parsed(Message().number(1, 99).message(7, main).message(8, opset("", 17))).ir_version == 99);
}

TEST_CASE("a file cut off anywhere is refused") {
  const std::string whole = model(graph({"x"}, {"y"}, {node("Add", {"x", "w"}, {"y"}, {integer("a", 1)})},
                                        {raw_tensor<float>("w", float_type, {2}, {1, 2})}))
                                .bytes();
  const auto parse = [&](std::size_t length) {
    return file_complaint([&] {
      onnx::detail::parse_model(std::string_view(whole).substr(0, length), "model", {}, Location::current());
    });
  };
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK(contains(parse(length), "[onnx::load] model: "));
  }
  CHECK(parse(whole.size()) == "no error");
}

TEST_CASE("names must be defined once, before they are read") {
  const auto says = [](const Message& file, const std::string& what) {
    CHECK(refused(file) == "[onnx::load] model: " + what);
  };
  says(model_of({node("Add", {"x", "z"}, {"y"}, {}, "", "sum")}),
       "node 'sum' (Add, opset 17) reads 'z', which nothing defines");
  says(model_of({node("Relu", {"h"}, {"y"}), node("Relu", {"x"}, {"h"})}),
       "node 'y' (Relu, opset 17) reads 'h' before node 'h' (Relu, opset 17) computes it: nodes must be in topological "
       "order, without cycles");
  says(model_of({node("Relu", {"y"}, {"y"})}),
       "node 'y' (Relu, opset 17) reads 'y' before node 'y' (Relu, opset 17) computes it: nodes must be in topological "
       "order, without cycles");
  says(model_of({node("Relu", {"x"}, {"y"}), node("Abs", {"x"}, {"y"})}),
       "node 'y' (Abs, opset 17) computes 'y', which is already defined: names must be unique");
  says(model_of({node("Relu", {"x"}, {"x"}), node("Abs", {"x"}, {"y"})}),
       "node 'x' (Relu, opset 17) computes 'x', which is already defined: names must be unique");
  says(model_of({}), "graph 'main': nothing defines its output 'y'");
  says(model(graph({"x", "x"}, {"x"}, {})),
       "graph 'main': an input is named 'x', which is already defined: names must be unique");
  says(model(graph({}, {"y"}, {}, {tensor("", float_type, {0})})), "graph 'main': an initialiser has no name");
  parsed(model_of({node("Clip", {"x", "", ""}, {"y", ""})}));  // empty names stand for nothing
}

TEST_CASE("bodies read names of the graphs around them") {
  const auto branch = [](std::string_view reads) { return graph({}, {"b"}, {node("Relu", {reads}, {"b"})}); };
  const auto choice = [&](const Message& yes, const Message& no) {
    return model_of({node("Abs", {"x"}, {"h"}),
                     node("If", {"x"}, {"y"}, {body("then_branch", yes), body("else_branch", no)}),
                     node("Abs", {"x"}, {"later"})});
  };
  const ModelFile read = parsed(choice(branch("h"), branch("x")));
  const auto& then = std::get<std::shared_ptr<const Graph>>(read.graph.nodes.at(1).attributes.at("then_branch"));
  CHECK(then->nodes.at(0).inputs.at(0) == "h");
  CHECK(contains(refused(choice(branch("h"), branch("absent"))), "reads 'absent', which nothing defines"));
  CHECK(contains(refused(choice(branch("later"), branch("x"))), "reads 'later' before node 'later' (Abs, opset 17)"));
  Message nested = branch("x");
  for (int level = 0; level < 63; ++level)
    nested = graph({}, {"b"}, {node("If", {"x"}, {"b"}, {body("then_branch", nested)})});
  CHECK(refused(model_of({node("If", {"x"}, {"y"}, {body("then_branch", nested)})})) == "no error");
  nested = graph({}, {"b"}, {node("If", {"x"}, {"b"}, {body("then_branch", nested)})});
  CHECK(contains(refused(model_of({node("If", {"x"}, {"y"}, {body("then_branch", nested)})})),
                 "nested more than 64 deep"));
}

}  // namespace wengert::testing::onnx_file
