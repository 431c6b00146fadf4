// write_model: a file that is written and read again has the same content.
#include "onnx/write_model.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

// Names such as Node also exist in wengert.
namespace wengert::onnx::detail {
namespace {

using namespace wengert::testing;

// ---- all fields as a text, so that a difference can be read

std::string fields_of(const Port& port);
std::string fields_of(const Node& node);
std::string fields_of(const Graph& graph);

std::string fields_of(std::int64_t x) { return fmt::format("integer {}\n", x); }
std::string fields_of(double x) { return fmt::format("number {}\n", x); }
std::string fields_of(const std::string& x) { return fmt::format("text '{}'\n", x); }
std::string fields_of(const TensorData& x) {
  std::string text = fmt::format("tensor '{}' {} {}:", x.name, name_of(x.type), to_string(x.shape));
  for (const char byte : x.bytes) text += fmt::format(" {:02x}", static_cast<unsigned char>(byte));
  return text + "\n";
}
std::string fields_of(const std::shared_ptr<const Graph>& x) { return fields_of(*x); }
template <class X>
std::string fields_of(const std::vector<X>& list) {
  std::string text = fmt::format("{} of\n", list.size());
  for (const X& x : list) text += fields_of(x);
  return text;
}
std::string fields_of(const Port& port) {
  std::string text = fmt::format("port '{}' {}", port.name, name_of(port.type));
  if (!port.shape) return text + " of any shape\n";
  for (const Dimension& axis : *port.shape)
    text += fmt::format(" [{} '{}']", axis.extent ? std::to_string(*axis.extent) : "any", axis.name);
  return text + "\n";
}
std::string fields_of(const Node& node) {
  std::string text = fmt::format("node '{}' '{}' '{}' {}\n", node.op, node.domain, node.name, node.opset);
  text += fields_of(node.inputs) + fields_of(node.outputs);
  for (const auto& [name, attribute] : node.attributes) {
    text += fmt::format("attribute '{}' of kind {}: ", name, attribute.index());
    text += std::visit([](const auto& x) { return fields_of(x); }, attribute);
  }
  return text;
}
std::string fields_of(const Graph& graph) {
  return fmt::format("graph '{}'\n", graph.name) + fields_of(graph.nodes) + fields_of(graph.initialisers) +
         fields_of(graph.inputs) + fields_of(graph.outputs);
}
std::string fields_of(const ModelFile& file) {
  std::string text = fmt::format("IR {}\n", file.ir_version);
  for (const auto& [domain, version] : file.opsets) text += fmt::format("opset '{}' {}\n", domain, version);
  for (const auto& [key, value] : file.metadata) text += fmt::format("metadata '{}' '{}'\n", key, value);
  return text + fields_of(file.graph);
}

// ---- a file with every kind of field

// A tensor of `size` bytes, all different from their neighbours.
TensorData written_tensor(const std::string& name, ElementType type, Shape shape, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 37 + size);
  return {name, type, std::move(shape), bytes};
}

Node written_node(const std::string& op, const std::string& domain, std::int64_t opset, std::vector<std::string> inputs,
                  std::vector<std::string> outputs) {
  Node node;
  node.op = op;
  node.domain = domain;
  node.name = outputs.front() + "_node";
  node.opset = opset;
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  return node;
}

Graph written_body(const std::string& name, std::vector<Node> nodes) {
  Graph graph;
  graph.name = name;
  graph.initialisers = {written_tensor(name + "_offset", ElementType::float32, {2, 2}, 16)};
  graph.inputs = {{name + "_step", ElementType::int64, std::vector<Dimension>{}},
                  {name + "_state", ElementType::undefined, std::nullopt}};
  graph.nodes = std::move(nodes);
  graph.nodes.push_back(written_node("Add", "", 17, {"x", name + "_offset"}, {name + "_y"}));
  graph.outputs = {{name + "_y", ElementType::float32, std::nullopt}};
  return graph;
}

ModelFile every_kind_of_field() {
  ModelFile file;
  file.ir_version = 8;
  file.opsets = {{"", 17}, {"org.example", 3}};
  file.metadata = {{"producer_name", "a test"},
                   {"producer_version", "1.2"},
                   {"domain", "org.example"},
                   {"doc_string", "a text\nof two lines"},
                   {"epoch", "12"},
                   {"author", "Ada"}};

  Node inner = written_node("If", "", 17, {"c"}, {"inner_y"});
  inner.attributes["then_branch"] = std::make_shared<const Graph>(written_body("innermost", {}));
  Node all = written_node("Everything", "org.example", 3, {"x", "", "i64"}, {"y", "", "z"});
  all.attributes = {
      {"integer", std::int64_t{-9223372036854775807}},
      {"number", -0.15625},
      {"text", std::string("bytes \0 and \xc3\xa4", 14)},
      {"tensor", written_tensor("value", ElementType::float16, {2, 1}, 4)},
      {"body", std::make_shared<const Graph>(written_body("outer", {inner}))},
      {"integers", std::vector<std::int64_t>{1, -2, 1LL << 40}},
      {"numbers", std::vector<double>{0.5, -infinity, 0}},
      {"texts", std::vector<std::string>{"", "tanh"}},
      {"tensors", std::vector<TensorData>{written_tensor("", ElementType::boolean, {}, 1),
                                          written_tensor("b", ElementType::int32, {2}, 8)}},
      {"no_integers", std::vector<std::int64_t>{}},
      {"no_numbers", std::vector<double>{}},
      {"no_texts", std::vector<std::string>{}},
      {"no_tensors", std::vector<TensorData>{}},
  };

  Graph& graph = file.graph;
  graph.name = "network";
  graph.nodes = {all, written_node("Relu", "", 17, {"y"}, {"u"})};
  graph.initialisers = {
      written_tensor("f32", ElementType::float32, {10, 30}, 1200),
      written_tensor("f64", ElementType::float64, {}, 8),
      written_tensor("f16", ElementType::float16, {3}, 6),
      written_tensor("bf16", ElementType::bfloat16, {3, 1}, 6),
      written_tensor("i8", ElementType::int8, {3}, 3),
      written_tensor("i16", ElementType::int16, {2}, 4),
      written_tensor("i32", ElementType::int32, {1}, 4),
      written_tensor("i64", ElementType::int64, {250}, 2000),
      written_tensor("u8", ElementType::uint8, {3}, 3),
      written_tensor("u16", ElementType::uint16, {2}, 4),
      written_tensor("u32", ElementType::uint32, {1}, 4),
      written_tensor("u64", ElementType::uint64, {2, 1, 1}, 16),
      written_tensor("empty", ElementType::float32, {0, 3}, 0),
      {"truth", ElementType::boolean, {3}, {"\1\0\1", 3}},
      written_tensor("c64", ElementType::complex64, {2}, 16),
      written_tensor("c128", ElementType::complex128, {1}, 16),
  };
  using Axes = std::vector<Dimension>;
  graph.inputs = {{"x", ElementType::float32, Axes{{{}, "batch"}, {3, ""}, {{}, ""}, {0, ""}}},
                  {"c", ElementType::boolean, Axes{}},
                  {"h", ElementType::float16, std::nullopt}};
  graph.outputs = {{"u", ElementType::float64, Axes{{{}, "batch"}}}, {"z", ElementType::undefined, std::nullopt}};
  return file;
}

ModelFile read_back(const std::string& bytes) { return parse_model(bytes, "bytes", {}, Location::current()); }

TEST_CASE("A model that is serialised and read_back has the same content") {
  const ModelFile file = every_kind_of_field();
  const std::string bytes = serialise(file);
  CHECK(fields_of(read_back(bytes)) == fields_of(file));
  CHECK(serialise(read_back(bytes)) == bytes);
}

TEST_CASE("A model without a producer is wengert's, and every file has IR version 8") {
  ModelFile file = every_kind_of_field();
  file.metadata = {{"epoch", "12"}};
  file.ir_version = 3;
  const ModelFile read = read_back(serialise(file));
  CHECK(read.metadata == std::map<std::string, std::string>{{"epoch", "12"}, {"producer_name", "wengert"}});
  CHECK(read.ir_version == 8);
}

TEST_CASE("A model is written to one file, or its large initialisers beside it") {
  const TemporaryFolder folder;
  const ModelFile file = every_kind_of_field();
  const std::filesystem::path path = folder / "network.onnx";
  write_model(file, path, Location::current());
  CHECK(folder.files() == 1);
  CHECK(std::filesystem::file_size(path) == serialise(file).size());
  CHECK(fields_of(read_model(path, Location::current())) == fields_of(file));

  write_model(file, path, Location::current(), 3000);
  CHECK(folder.files() == 2);
  // 1,200 bytes of f32; 2,000 of i64, which start at a multiple of 4,096.
  CHECK(std::filesystem::file_size(folder / "network.onnx.data") == 4096 + 2000);
  CHECK(std::filesystem::file_size(path) < serialise(file).size() - 3000);
  CHECK(fields_of(read_model(path, Location::current())) == fields_of(file));
}

TEST_CASE("A model that cannot be written leaves the existing file as it is") {
  const TemporaryFolder folder;
  ModelFile file = every_kind_of_field();
  const std::filesystem::path path = folder.write("network.onnx", "old");
  folder.write("network.onnx.data", "old data");

  file.graph.initialisers.back() = {"names", ElementType::string, {2}, {}};
  CHECK_ERROR(ValueError, "[onnx::save] tensor 'names' has elements of type string: expected numbers",
              write_model(file, path, Location::current(), 3000));
  file.graph.initialisers.pop_back();
  file.graph.nodes.back().attributes["alpha"] = 1e39;
  CHECK_ERROR(ValueError, "[onnx::save] attribute 'alpha' is 1e+39: expected a number that a float can hold",
              write_model(file, path, Location::current(), 3000));
  CHECK(folder.files() == 2);
  CHECK(std::filesystem::file_size(path) == 3);
  CHECK(std::filesystem::file_size(folder / "network.onnx.data") == 8);
  CHECK_ERROR(FileError, "No such file or directory",
              write_model(every_kind_of_field(), folder / "absent" / "network.onnx", Location::current()));
}

}  // namespace
}  // namespace wengert::onnx::detail
