// Models that ask for too much memory or time, and corners of ops whose results are easily wrong.
#include "../temporary_folder.hpp"
#include "../testing.hpp"
#include "builder.hpp"
#include "model_writer.hpp"
#include "onnx/graph.hpp"
#include <wengert/onnx.hpp>
#include <wengert/program/compiled.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

// The names of model_writer.hpp are short: the tests stand in its namespace, so that other tests do not see them.
namespace wengert::testing::onnx_file {
namespace {

using onnx::ElementType;

template <class T = float>
onnx::Model<T> loaded(const std::string& bytes) {
  const TemporaryFolder folder;
  return onnx::load<T>(folder.write("model.onnx", bytes));
}

struct Asked {
  std::string op;
  std::vector<Indices> constants;  // the inputs, after x
  OnnxBuilder::Attributes attributes = {};
  std::int64_t opset = 17;
};

// The ValueError of a model of one node, whose inputs are x and constants, or constants only.
std::string refusal(const Asked& asked, const Tensor<float>* x = nullptr) {
  OnnxBuilder builder(asked.opset);
  OnnxBuilder::Names inputs;
  builder.input("x", x == nullptr ? OnnxBuilder::Names{"1"} : OnnxBuilder::Names(x->dimension(), ""));
  if (x != nullptr) inputs.emplace_back("x");
  for (const Indices& constant : asked.constants) {
    inputs.push_back("constant" + std::to_string(inputs.size()));
    builder.initialiser(inputs.back(), constant);
  }
  builder.node(asked.op, inputs, {"y"}, asked.attributes).output("y", {});
  const auto model = loaded(builder.bytes());
  Tape<float> tape;
  const auto given = tape.constant(x == nullptr ? Tensor<float>{1} : *x);
  std::string message = message_of<ValueError>([&] { model.run({given}); });
  CHECK(contains(message, "[onnx] node 'y_node' (" + asked.op));
  return message;
}
std::string refusal(const Asked& asked, const Tensor<float>& x) { return refusal(asked, &x); }

constexpr std::int64_t giga = 1'000'000'000, huge = std::int64_t{1} << 62;

}  // namespace

TEST_CASE("constants of more elements than a call may make are refused") {
  const std::string limit = "elements: expected at most 134217728";
  const std::int64_t half = std::int64_t{1} << 32, most = std::numeric_limits<std::int64_t>::max();
  CHECK(contains(refusal({"ConstantOfShape", {{half, half}}}), limit));
  CHECK(contains(refusal({"ConstantOfShape", {{huge, huge}}}), limit));
  CHECK(contains(refusal({"ConstantOfShape", {{0, huge, huge}}}), limit));
  CHECK(contains(refusal({"ConstantOfShape", {{giga}}}), "a tensor of 1e+09 " + limit));
  CHECK(contains(refusal({"HannWindow", {{giga}}}), limit));
  CHECK(contains(refusal({"Range", {{0}, {giga}, {1}}}), limit));
  CHECK(contains(refusal({"MelWeightMatrix", {{4}, {most}, {1000}, {0}, {100}}}), limit));
  CHECK(contains(refusal({"MelWeightMatrix", {{huge}, {16}, {1000}, {0}, {100}}}), limit));
  CHECK(contains(refusal({"OneHot", {{1}, {half}, {0, 1}}}), limit));
  CHECK(contains(refusal({"Tile", {{1, 2}, {half}}}), limit));
  CHECK(contains(refusal({"Expand", {{1}, {half}}}), limit));
}

TEST_CASE("results that numbers in a file make too large are refused") {
  const std::string limit = "elements: expected at most";
  const Tensor<float> x = random_tensor<float>({1, 4, 2, 2}, 1);
  const std::int64_t half = std::int64_t{1} << 32;
  CHECK(contains(refusal({"Expand", {{huge, 4, 2, 2}}}, x), limit));
  CHECK(contains(refusal({"Tile", {{half, half, 1, 1}}}, x), limit));
  CHECK(contains(refusal({"Pad", {{0, huge, 0, 0, 0, huge, 0, 0}}}, x), limit));
  CHECK(contains(refusal({"DFT", {{giga}}, {{"axis", std::int64_t{1}}}}, random_tensor<float>({1, 4, 1}, 1)), limit));
  CHECK(contains(refusal({"MaxPool",
                          {},
                          {{"kernel_shape", std::vector<std::int64_t>{1, 1}},
                           {"pads", std::vector<std::int64_t>{giga, giga, giga, giga}}}},
                         x),
                 limit));
  CHECK(contains(refusal({"DepthToSpace", {}, {{"blocksize", half}}}, x), "blocksize 4294967296: expected 1 to 32768"));
  CHECK(contains(refusal({"SpaceToDepth", {}, {{"blocksize", std::int64_t{-2}}}}, x), "blocksize -2: expected 1 to"));
  CHECK(contains(refusal({"Split", {}, {{"num_outputs", huge}}, 18}, x), "for 1 outputs: expected equal numbers"));

  const Asked crop{"Resize",
                   {{0, 0, 0, 0, 1, 1, giga * 1'000'000, 1}, {1, 1, 2, 1}},
                   {{"coordinate_transformation_mode", std::string("tf_crop_and_resize")}}};
  CHECK(contains(refusal(crop, x), "expected at most 1000000000"));
  const Asked bins{"RoiAlign", {{{0, 0, 1, 1}}, {0}}, {{"output_height", huge}, {"output_width", huge}}};
  CHECK(contains(refusal(bins, x), limit));
  const Asked samples{"RoiAlign", {{{0, 0, 1, 1}}, {0}}, {{"sampling_ratio", giga}}};
  CHECK(contains(refusal(samples, x), limit));
}

TEST_CASE("loops within loops end at a number of iterations that they share") {
  const Message inner = graph({"i", "c", "s"}, {"c", "s"}, {});
  const Message outer = graph({"i0", "c0", "s0"}, {"c0", "s1"},
                              {node("Loop", {"trips", "", "s0"}, {"s1"}, {body("body", inner)}, "", "inner")});
  const Message file = model(graph({"x"}, {"y"}, {node("Loop", {"trips", "", "x"}, {"y"}, {body("body", outer)})},
                                   {raw_tensor("trips", int64_type, {}, std::vector<std::int64_t>{2000})}));
  const auto network = loaded(file.bytes());
  Tape<float> tape;
  const auto x = tape.constant(Tensor<float>{1});
  CHECK_ERROR(ValueError, "node 'inner' (Loop, opset 17): [Loop] more than 1000000 runs of bodies in one call",
              network(x));
}

TEST_CASE("a nearest element that a scale leaves between two is that of ONNX Runtime") {
  const auto positions = [](float scale, const std::string& coordinates, const std::string& rounding) {
    OnnxBuilder builder;
    builder.input("x", {"11"})
        .output("y", {""})
        .initialiser("scales", Tensor<float>{scale})
        .node("Resize", {"x", "", "scales"}, {"y"},
              {{"coordinate_transformation_mode", coordinates}, {"nearest_mode", rounding}});
    Tape<float> tape;
    return Tensor<float>(loaded(builder.bytes())(tape.constant(xt::arange<float>(11))).value());
  };
  CHECK(positions(0.6F, "asymmetric", "floor") == Tensor<float>{0, 1, 3, 5, 6, 8});
}

TEST_CASE("attributes of functions have default values") {
  Message leaky = function("Leaky", {"a"}, {"b"}, {node("LeakyRelu", {"a"}, {"b"}, {reference("alpha", "slope", 1)})});
  leaky.message(11, number("slope", 0.5F));
  const auto slope = [&](const Message& call) {
    const Message file = model(graph({"x"}, {"y"}, {call}), {leaky});
    const auto read = onnx::detail::parse_model(file.bytes(), "model", {}, Location::current()).graph;
    return std::get<double>(read.nodes.at(0).attributes.at("alpha"));
  };
  CHECK(slope(node("Leaky", {"x"}, {"y"}, {}, "test")) == 0.5);
  CHECK(slope(node("Leaky", {"x"}, {"y"}, {number("slope", 2)}, "test")) == 2);

  Message overloaded = node("Leaky", {"x"}, {"y"}, {}, "test");
  overloaded.text(8, "half");
  CHECK(contains(message_of<FileError>([&] { slope(overloaded); }), "calls an overload of a function"));
}

TEST_CASE("integers that the scalar type may have rounded are refused") {
  OnnxBuilder builder;
  builder.input("x", {"1"}, ElementType::int64)
      .output("y", {"1"}, ElementType::int64)
      .initialiser("one", Indices{1})
      .node("Add", {"x", "one"}, {"y"});
  const auto sum = [&]<class T>(T) {
    Tape<T> tape;
    return loaded<T>(builder.bytes()).run({tape.indices(Indices{16777216})})[0].integers();
  };
  CHECK(contains(message_of<ValueError>([&] { sum(0.0F); }), "the integer 16777216 may be rounded"));
  CHECK(sum(0.0) == Indices{16777217});
}

TEST_CASE("a backward slice that starts before the first element has that element") {
  OnnxBuilder builder;
  builder.input("x", {"7"})
      .output("y", {""})
      .initialiser("start", Indices{-10})
      .initialiser("end", Indices{-20})
      .initialiser("axis", Indices{0})
      .initialiser("step", Indices{-1})
      .node("Slice", {"x", "start", "end", "axis", "step"}, {"y"});
  Tape<float> tape;
  CHECK(loaded(builder.bytes())(tape.constant(Tensor<float>{3, 4, 5, 6, 7, 8, 9})).value() == Tensor<float>{3});
}

TEST_CASE("a Program does not take over the value of a parameter that is trained") {
  OnnxBuilder builder;
  builder.input("x", {"2"})
      .output("y", {"3"})
      .initialiser("pads", Indices{0, 1})
      .initialiser("shared", Tensor<float>{5})
      .node("Pad", {"x", "pads", "shared"}, {"padded"})
      .node("Add", {"padded", "shared"}, {"y"});
  const auto model = loaded(builder.bytes());
  REQUIRE(model.weights.size() == 1);
  const Tensor<float> x{1, 2}, expected{6, 7, 10};
  Tape<float> tape;
  CHECK(model(tape.constant(x)).value() == expected);
  CHECK_ERROR(HandleError, "input 2 is the parameter 'shared'",
              compiled<float>([&](auto&, auto input) { return model(input); })(x));
  auto parameter = model.weights[0].parameter;
  parameter.set_trainable(false);
  auto frozen = compiled<float>([&](auto&, auto input) { return model(input); });
  CHECK(Tensor<float>(frozen(x).value()) == expected);

  OnnxBuilder range;
  range.input("x", {"2"})
      .output("y", {"2"})
      .initialiser("start", Tensor<float>{1})
      .initialiser("limit", Tensor<float>{3})
      .node("Range", {"start", "limit", "start"}, {"steps"})
      .node("Add", {"x", "steps"}, {"y"});
  CHECK(loaded(range.bytes()).weights.empty());
}

TEST_CASE("a Scan hands known integers on as known ones") {
  const Message expand = graph({"size"}, {"r"}, {node("Expand", {"x", "size"}, {"r"})});
  const Message scan = node("Scan", {"sizes"}, {"y"}, {body("body", expand), integer("num_scan_inputs", 1)});
  const auto network = loaded(
      model(graph({"x"}, {"y"}, {scan}, {raw_tensor("sizes", int64_type, {2, 1}, std::vector<std::int64_t>{3, 3})}))
          .bytes());
  auto recorded = compiled<float>([&](auto&, auto input) { return network(input); });
  CHECK(Tensor<float>(recorded(Tensor<float>{4}).value()) == Tensor<float>{{4, 4, 4}, {4, 4, 4}});
}

TEST_CASE("a call whose output no Var holds leaves the tape as it was") {
  OnnxBuilder builder;
  builder.input("x", {"1"})
      .output("y", {"1"}, ElementType::int64)
      .initialiser("large", Indices{(1 << 30) + 1})
      .node("Neg", {"x"}, {"unused"})
      .node("Identity", {"large"}, {"y"});
  const auto model = loaded(builder.bytes());
  Tape<float> tape;
  const auto x = tape.constant(Tensor<float>{1});
  const std::size_t size = tape.size();
  CHECK_ERROR(ValueError, "the integer 1073741825 cannot be computed with exactly", model(x));
  CHECK(tape.size() == size);
}

}  // namespace wengert::testing::onnx_file
